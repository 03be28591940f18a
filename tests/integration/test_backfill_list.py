"""Backfills as a list, and stopping one: it ends at its next step, and nothing brings it back (design 3.1)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.specs import InvoiceSpec
from shared.connector import NotFound
from shared.flows.backfill import start as backfill_start
from shared.flows.backfill.manage import cancel_backfill, list_backfills
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.work.backfill_jobs import entry
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor
from shared.ledger.jobs import JobOver
from shared.ledger.keys import partition
from tests.counted_storage import Reads
from tests.listing import NOWHERE
from tests.world import World

SPRING = date(2026, 3, 1)
STOP = Cancellation(reason="wrong year", by="Ann")


async def start(world: World, **options: Any) -> str:
    asked = {"company": "USMF", "from": SPRING, "to": date(2026, 6, 30), "by": "Bob", **options}
    return str((await start_backfill(world.connector, "main", BackfillRequest.model_validate(asked)))["job"])


async def show(world: World, job: str) -> dict[str, Any]:
    return await show_backfill(world.connector, "main", job)


def post(world: World, *days: int) -> None:
    for day in days:
        spec = InvoiceSpec(f"H-{day}", SPRING + timedelta(days=day), tax_rate=Decimal("0.0825"))
        world.posting.invoice(spec)


async def test_backfills_are_listed_newest_first_in_pages(world: World) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(await start(world))
        world.clock.advance(seconds=1)
    first = await list_backfills(world.connector, "main", JobsQuery(limit=2))
    assert [each["job"] for each in first["backfills"]] == [jobs[2], jobs[1]]
    assert first["backfills"][0]["by"] == "Bob"
    assert first["next"] == f"/api/backfills/main?limit=2&after={jobs[1]}"
    last = await list_backfills(world.connector, "main", JobsQuery(limit=2, after=jobs[1]))
    assert ([each["job"] for each in last["backfills"]], last["next"]) == ([jobs[0]], None)


async def test_a_cancelled_backfill_lists_no_further_day(world: World) -> None:
    post(world, 0, 60, 100)
    job = await start(world)
    await world.work_on_one()
    shown = await cancel_backfill(world.connector, "main", job, STOP)
    assert (shown["state"], shown["message"], shown["eta"]) == ("cancelled", "Cancelled, Ann: wrong year.", None)
    await world.settle()
    assert set(world.taxjar.orders) == {"USMF-H-0"}
    assert (await show(world, job))["state"] == "cancelled"
    assert world.history.waiting == []
    audit, intact = await world.connector.subjects.audit(partition("backfills", "main"), "backfill", job)
    assert intact
    assert (audit[-1]["decision"], audit[-1]["by"], audit[-1]["reason"]) == ("cancelled", "Ann", "wrong year")


async def test_a_step_that_was_under_way_does_not_undo_a_cancellation(world: World) -> None:
    job = await start(world)
    running = await world.connector.backfills.get("main", job)
    assert running is not None
    await cancel_backfill(world.connector, "main", job, STOP)
    actor = Actor(function="report_backfill", by="queue")
    with pytest.raises(JobOver):
        await world.connector.backfills.write(running, entry(world.connector, running, actor, "listed", ""))
    assert (await show(world, job))["state"] == "cancelled"


async def test_a_cancelled_dry_run_tries_no_further_document(world: World) -> None:
    post(world, 0)
    job = await start(world, dry_run=True)
    await world.work_on_one()
    await cancel_backfill(world.connector, "main", job, STOP)
    await world.settle()
    shown = await show(world, job)
    assert (shown["state"], shown["would_send"], shown["remaining"]) == ("cancelled", 0, 1)


async def test_what_is_over_cannot_be_cancelled(world: World) -> None:
    job = await start(world)
    await world.settle()
    with pytest.raises(Conflict, match="finished already"):
        await cancel_backfill(world.connector, "main", job, STOP)
    with pytest.raises(NotFound):
        await cancel_backfill(world.connector, "main", "none", STOP)


async def test_a_running_backfill_says_when_it_will_end_and_a_dry_run_what_it_would_send(world: World) -> None:
    post(world, 0, 60)
    job = await start(world)
    await world.work_on_one()
    await world.work_on_one()
    world.clock.advance(minutes=10)
    shown = await show(world, job)
    assert (shown["seen"], shown["remaining"]) == (2, 1)
    assert shown["eta"] == (world.clock() + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    dry = await start(world, dry_run=True, force=True)
    world.posting.invoice(InvoiceSpec("MORE", SPRING, tax_rate=Decimal("0.0825")))
    await world.settle()
    shown = await show(world, dry)
    assert shown["would_send"] >= 1
    assert shown["totals"]["TX"]["documents"] == shown["would_send"] + shown["would_change"]


async def test_the_progress_of_a_long_backfill_is_read_from_its_open_work_alone(
    counted: World, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = counted
    monkeypatch.setattr(backfill_start, "COUNTED_AT_MOST", 20)
    await world.poll()  # which completes the index, once in the life of a ledger
    post(world, *range(30))
    world.posting.invoice(InvoiceSpec("HELD", SPRING, ship_to=NOWHERE, tax_rate=Decimal("0.0825")))
    job = await start(world)
    progress, listed = [], []
    while await world.work_on_one():
        reads.reset()
        progress.append(await show(world, job))
        if progress[-1]["reported"] is None:
            listed.append(progress[-1])
            # What is open, and the mark behind it.
            assert reads.entities <= progress[-1]["remaining"] + progress[-1]["held"] + 1
    assert listed
    for shown in listed:
        assert (shown["seen"], shown["skipped"]) == (31, None)
    assert (listed[-1]["held"], listed[-1]["reasons"]) == (1, {"held": {"zip_state_mismatch": 1}})
    end = progress[-1]
    assert (end["state"], end["seen"], end["reported"], end["held"], end["remaining"]) == ("finished", 31, 30, 1, 0)

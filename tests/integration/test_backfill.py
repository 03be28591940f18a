"""Backfills: history is reported on a queue of its own, in steps that may be cut off anywhere (design 3.1, 4.1)."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina
from pydantic import BaseModel

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.faults import Fault
from shared.backfill_messages import BackfillStep, parse_backfill_message
from shared.connector import NotFound
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.finding.poll import poll_posted_invoices
from shared.flows.operations import bury
from shared.flows.operations.nightly import reconcile_and_tell, send_lost_steps
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.queues import encode
from shared.web import Problem, read_json
from tests.world import TODAY, QueueInMemory, World

SPRING = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Calls that fail are tried again at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


class Died(BaseException):
    """The process ended here."""


@dataclass
class MortalQueue(QueueInMemory):
    """A queue whose user dies at a send; the message that it had taken comes back."""

    sends_left: int | None = None
    taken: bytes | None = None

    def take(self) -> bytes | None:
        self.taken = super().take()
        return self.taken

    def redeliver(self) -> None:
        if self.taken:
            heapq.heappush(self.waiting, (self.clock(), 0, self.taken))

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        if self.sends_left == 0:
            raise Died
        self.sends_left = None if self.sends_left is None else self.sends_left - 1
        await super().send(message, delay=delay)


def invoice(number: str, day: date = SPRING, **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, day, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


def post_history(world: World, count: int, *, first: date = SPRING, over: int = 60) -> None:
    for number in range(count):
        world.posting.invoice(invoice(f"H-{number:05d}", first + timedelta(days=number % over)))


async def start(world: World, since: date = SPRING, until: date = date(2026, 6, 30), **options: Any) -> str:
    request = BackfillRequest.model_validate({"company": "USMF", "from": since, "to": until, **options})
    return str((await start_backfill(world.connector, "main", request))["job"])


async def show(world: World, job: str) -> dict[str, Any]:
    return await show_backfill(world.connector, "main", job)


def figures(answer: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(answer[name] for name in names or ("seen", "reported", "skipped", "held", "failed", "remaining"))


async def test_the_documents_of_the_range_are_reported_and_no_others(world: World) -> None:
    world.posting.invoice(invoice("BEFORE", SPRING - timedelta(days=1)))
    world.posting.invoice(invoice("FIRST", SPRING))
    world.posting.invoice(invoice("LAST", date(2026, 6, 30)))
    world.posting.invoice(invoice("AFTER", date(2026, 7, 1)))
    job = await start(world)
    assert (await show(world, job))["state"] == "running"
    await world.settle()
    answer = await show(world, job)
    assert world.taxjar.orders.keys() == {"USMF-FIRST", "USMF-LAST"}
    assert (answer["state"], figures(answer)) == ("finished", (2, 2, 0, 0, 0, 0))
    assert answer["finished_at"] >= answer["started_at"]
    assert answer["eta"] is None


async def test_figures_say_what_was_skipped_and_held_and_why(world: World) -> None:
    world.posting.invoice(invoice("GOOD"))
    world.posting.invoice(invoice("PROFORMA", is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    job = await start(world)
    await world.settle()
    answer = await show(world, job)
    assert figures(answer) == (3, 1, 1, 1, 0, 0)
    assert answer["reasons"] == {"held": {"zip_state_mismatch": 1}, "skipped": {"proforma": 1}}


async def test_what_is_older_than_the_start_is_skipped(world: World) -> None:
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    job = await start(world, since=date(2025, 12, 1))
    await world.settle()
    assert (await world.record("OLD")).reason == "before_start"
    assert figures(await show(world, job)) == (1, 0, 1, 0, 0, 0)
    assert world.calls() == 0


async def test_force_reports_what_is_older_than_the_start_also_if_it_was_skipped_before(world: World) -> None:
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    await start(world, since=date(2025, 12, 1))
    await world.settle()
    world.posting.invoice(invoice("UNSEEN", date(2025, 12, 30)))
    await start(world, since=date(2025, 12, 1), force=True)
    await world.settle()
    assert world.taxjar.orders.keys() == {"USMF-OLD", "USMF-UNSEEN"}


async def test_a_document_reported_by_force_stays_so_when_it_is_read_again(world: World) -> None:
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    await start(world, since=date(2025, 12, 1), force=True)
    await world.settle()
    await start(world, since=date(2025, 12, 1), force=True)
    await world.settle()
    assert (await world.record("OLD")).state is State.REPORTED
    assert Counter(call.method for call in world.simulation.taxjar.calls) == {"POST": 1}


@pytest.mark.company(product_tax_codes={"items": {"P-1000": "20010"}})
async def test_only_force_maps_reported_documents_anew(world: World) -> None:
    world.posting.invoice(invoice("INV-1", TODAY))
    await world.run()
    world.change_settings(product_tax_codes={"items": {"P-1000": "40030"}})
    await start(world, since=TODAY, until=TODAY)
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code == "20010"
    await start(world, since=TODAY, until=TODAY, force=True)
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code == "40030"
    assert [entry["decision"] for entry in await world.audit("INV-1")] == ["seen", "reported", "forced", "reported"]


@pytest.mark.company(product_tax_codes={"items": {"P-1000": "20010"}})
async def test_force_changes_nothing_in_a_closed_period(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await start(world)
    await world.settle()
    world.change_settings(product_tax_codes={"items": {"P-1000": "40030"}})
    job = await start(world, force=True)
    await world.settle()
    assert (await world.record("INV-1")).reason == "filed_transaction_changed"
    assert figures(await show(world, job), "held") == (1,)
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code == "20010"


async def test_a_backfill_of_what_is_settled_calls_taxjar_for_nothing(world: World) -> None:
    post_history(world, 30)
    await start(world)
    await world.settle()
    before = world.calls()
    job = await start(world)
    await world.settle()
    assert world.calls() == before == 30
    assert figures(await show(world, job)) == (30, 30, 0, 0, 0, 0)


async def test_todays_invoice_does_not_wait_for_history(world: World) -> None:
    post_history(world, 200, over=10)
    job = await start(world)
    for _ in range(3):
        await world.work_on_one()
    world.posting.invoice(invoice("TODAY", TODAY))
    await poll_posted_invoices(world.connector, by="test")
    assert await world.work_on_one()
    assert (await world.record("TODAY")).state is State.REPORTED
    answer = await show(world, job)
    assert answer["state"] == "running"
    assert answer["remaining"] > 100


async def test_progress_adds_up_at_every_moment_and_the_end_is_estimated(world: World) -> None:
    post_history(world, 60)
    job = await start(world)
    remaining = [(await show(world, job))["remaining"]]
    while await world.work_on_one():
        world.clock.advance(seconds=3)
        answer = await show(world, job)
        seen, *settled, left = figures(answer)
        remaining.append(left)
        assert sum(settled) + left == seen
        if 0 < left < 60:
            assert answer["eta"] > answer["started_at"]
        assert (left == 0) == (sum(settled) == 60)
    assert answer["state"] == "finished"
    assert remaining[-1] == 0 < remaining[0]
    assert max(remaining) == 60


async def test_a_step_that_comes_twice_reports_nothing_twice(world: World) -> None:
    post_history(world, 20)
    job = await start(world)
    for _ in range(2):
        await world.connector.backfill_queue.send(BackfillStep(connection="main", backfill=job, day=SPRING))
    await world.settle()
    assert Counter(call.method for call in world.simulation.taxjar.calls) == {"POST": 20}
    assert figures(await show(world, job)) == (20, 20, 0, 0, 0, 0)


async def test_a_step_that_was_cut_off_anywhere_is_taken_again(world: World) -> None:
    post_history(world, 30, over=20)
    mortal = MortalQueue(world.clock)
    world.connector = replace(world.connector, backfill_queue=mortal)
    job = await start(world)
    for sends in range(6):
        mortal.sends_left = sends
        with suppress(Died):
            await world.settle()
        mortal.redeliver()
    mortal.sends_left = None
    await world.settle()
    assert Counter(call.method for call in world.simulation.taxjar.calls) == {"POST": 30}
    assert (await show(world, job))["state"] == "finished"


@pytest.mark.parametrize("lost", range(5))
@pytest.mark.parametrize("dry_run", [False, True])
async def test_whatever_message_gets_lost_the_next_night_puts_it_on_the_queue_again(
    world: World, lost: int, dry_run: bool
) -> None:
    post_history(world, 30, over=20)
    job = await start(world, dry_run=dry_run)
    for _ in range(lost):
        await world.work_on_one()
    world.history.waiting.clear()
    world.clock.advance(hours=12)
    await reconcile_and_tell(world.connector, by="schedule")
    await world.poll()
    await world.settle()
    shown = await show(world, job)
    assert figures(shown, "state", "seen", "remaining") == ("finished", 30, 0)
    assert shown["would_send" if dry_run else "reported"] == 30


async def test_a_step_that_waits_for_its_documents_is_not_taken_for_lost(world: World) -> None:
    post_history(world, 3)
    await start(world)
    await world.connector.connections["main"].company("usmf").account.gate.throttle(3 * 86_400)
    await world.settle(within=timedelta(hours=30))
    await send_lost_steps(world.connector)
    waiting = [parse_backfill_message(body) for _, _, body in world.history.waiting]
    assert len([step for step in waiting if isinstance(step, BackfillStep)]) == 1


async def test_the_time_of_a_pause_does_not_count_toward_the_seven_days_of_a_backfill(world: World) -> None:
    post_history(world, 3)
    await world.connector.connections["main"].gate.throttle(8 * 86_400)
    job = await start(world)
    world.simulation.dynamics.faults.add(Fault(status=500, times=1))
    await world.settle(within=timedelta(days=9))
    shown = await show(world, job)
    assert (shown["state"], shown["reported"]) == ("finished", 3)


async def test_trouble_with_dynamics_delays_a_backfill_and_after_seven_days_it_has_failed(world: World) -> None:
    post_history(world, 20)
    world.simulation.dynamics.faults.add(Fault(status=503))
    job = await start(world)
    await world.settle(within=timedelta(days=2))
    assert (await show(world, job))["state"] == "running"
    await world.settle(within=timedelta(days=8))
    answer = await show(world, job)
    assert answer["state"] == "failed"
    assert "days" in answer["message"]
    assert world.history.waiting == []


async def test_a_pause_of_dynamics_holds_a_backfill_up_for_as_long_as_it_lasts(world: World) -> None:
    post_history(world, 20)
    world.simulation.dynamics.faults.add(Fault(status=429, retry_after=120, times=1))
    started = world.clock()
    job = await start(world)
    await world.settle()
    assert (await show(world, job))["state"] == "finished"
    assert world.simulation.dynamics.calls[-1].time >= started + timedelta(seconds=120)


async def test_a_backfill_of_a_company_that_was_removed_has_failed(world: World) -> None:
    job = await start(world)
    removed = replace(world.connector.connection("main"), companies={})
    world.connector = replace(world.connector, connections={"main": removed})
    await world.settle()
    answer = await show(world, job)
    assert (answer["state"], answer["message"]) == ("failed", "connection 'main' has no company 'usmf' any more.")


async def test_a_dry_run_of_a_company_that_was_removed_counts_its_documents_as_failed(world: World) -> None:
    post_history(world, 20, over=1)
    job = await start(world, dry_run=True)
    assert await world.work_on_one()  # the documents are on the queue now, and the next step
    configured = world.connector
    removed = replace(configured.connection("main"), companies={})
    for _ in range(len(world.history.waiting) - 1):
        world.connector = replace(configured, connections={"main": removed})
        assert await world.work_on_one()
    world.connector = configured
    await world.settle()
    answer = await show(world, job)
    assert (answer["state"], answer["seen"], answer["failed"]) == ("finished", 20, 20)


async def test_a_poisoned_step_ends_its_backfill(world: World) -> None:
    job = await start(world)
    step = BackfillStep(connection="main", backfill=job, day=SPRING)
    actor = Actor(function="bury_poisoned_backfill", by="queue")
    await bury.bury_poisoned(world.connector, encode(step).encode(), "message-1", actor)
    answer = await show(world, job)
    assert (answer["state"], answer["message"][:13]) == ("failed", "The connector")


async def test_many_documents_are_reported_with_no_more_than_a_step_on_the_queue(world: World) -> None:
    post_history(world, 300, over=100)
    job, longest = await start(world), 0
    while await world.work_on_one():
        longest = max(longest, len(world.history.waiting))
        world.simulation.dynamics.calls.clear()
    await world.settle()
    assert figures(await show(world, job)) == (300, 300, 0, 0, 0, 0)
    assert len(world.taxjar.orders) == 300
    assert longest <= 7 + 1  # a message for each of seven days, and the next step


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "company"),
        ({"company": "usmf", "from": "2026-02-30", "to": "2026-03-01"}, "from"),
        ({"company": "usmf", "from": "2026-03-02", "to": "2026-03-01"}, "must not be after"),
        ({"company": "usmf", "from": 0, "to": 86400}, "from: give a date such as 2026-09-30; to: give a date"),
        ({"company": "usmf", "from": "2026-03-01T00:00:00", "to": "2026-03-01"}, "from: give a date"),
        ({"company": "usmf", "from": "9999-12-01", "to": "9999-12-31"}, "from 1900-01-01 to 2154-12-31"),
        ({"company": "usmf", "from": "1990-01-01", "to": "2026-03-01"}, "ten years"),
        ({"company": "usmf", "from": "2026-03-01"}, "to"),
        ({"company": "usmf", "from": "2026-03-01", "to": "2026-03-02", "dryrun": True}, "dryrun"),
        ({"company": "usmf", "from": "2026-03-01", "to": "2026-03-02", "force": "perhaps"}, "force"),
        ({"company": "usmf", "from": "2026-03-01", "to": "2026-03-02", "by": " "}, "by"),
        ({"company": "usmf", "from": "2026-03-01", "to": "2026-03-02", "by": "x" * 1001}, "by"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_name(body: dict[str, Any], word: str) -> None:
    with pytest.raises(Problem, match=word) as refused:
        read_json(json.dumps(body).encode(), BackfillRequest)
    assert refused.value.status == 400


async def test_unknown_companies_and_jobs_are_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="zzzz"):
        await start(world, company="zzzz")
    with pytest.raises(NotFound, match="no-such-job"):
        await show(world, "no-such-job")

"""What was read without an entity set is listed, and read again when the set is there (design 4.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import InvoiceSpec
from shared.flows.backfill.manage import list_backfills
from shared.flows.operations.nightly import reconcile_and_tell
from shared.flows.operations.status import show_status
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.flows.work.entries import document_entry
from shared.flows.work.jobs import JobsQuery
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.web import read_query
from tests.world import COMPANY, TODAY, World, connected

JOURNALS = "CustInvoiceJourBiEntities"
TEXAS = Decimal("0.0825")


async def without(world: World, name: str = JOURNALS) -> list[str]:
    """The documents that are listed as read without the set."""
    query = read_query({"read_without": name.lower()}, DocumentFilter)
    body = (await list_documents(world.connector, CONNECTION, COMPANY, query)).body
    assert body["count"] == len(body["documents"])
    return [document["number"] for document in body["documents"]]


async def missed(world: World) -> list[dict[str, Any]]:
    """What status says of the company."""
    [connection] = (await show_status(world.connector))["connections"]
    rows = list(connection["companies"][0]["read_without"])
    assert {row["set"] for row in rows if not row["job"]} <= set(connection["sets_done_without"])
    return rows


async def jobs(world: World) -> list[dict[str, Any]]:
    return list((await list_backfills(world.connector, CONNECTION, JobsQuery()))["backfills"])


async def outcomes(world: World) -> dict[str, tuple[State, str]]:
    return {record.key.number: (record.state, record.reason) for record in await world.records()}


def take_away(world: World, how: str) -> None:
    dynamics = world.simulation.dynamics
    if how == "withhold":
        dynamics.row_faults.withhold(JOURNALS)
    else:
        getattr(dynamics, how)(JOURNALS)


def give_back(world: World) -> None:
    world.simulation.dynamics.store.show(JOURNALS)
    world.simulation.dynamics.row_faults.clear()
    world.clock.advance(minutes=6)


def post(world: World, number: str, days_back: int = 0, **changes: Any) -> None:
    spec = InvoiceSpec(number, TODAY - timedelta(days=days_back), tax_rate=TEXAS)
    world.posting.invoice(replace(spec, **changes))


@pytest.fixture(params=["hide", "forbid", "withhold"])
async def lacking(world: World, request: pytest.FixtureRequest) -> World:
    """A world in which the journal was never readable, and what was reported there."""
    take_away(world, request.param)
    post(world, "SALE", 3)
    post(world, "TO-AFFILIATE", 2, is_intercompany=True, tax_rate=Decimal(0))
    post(world, "PROFORMA", 1, is_proforma=True, tax_rate=Decimal(0))
    await world.run()
    assert set((await outcomes(world)).values()) == {(State.REPORTED, "")}
    return world


async def assert_read_again(world: World) -> None:
    found = await outcomes(world)
    assert found["SALE"] == (State.REPORTED, "")
    # What a state may have received is not taken back without a person (design 4.6).
    assert found["TO-AFFILIATE"] == found["PROFORMA"] == (State.HELD, "filed_transaction_changed")
    assert (await without(world), await missed(world)) == ([], [])
    assert {job["state"] for job in await jobs(world)} == {"finished"}


async def test_it_is_listed_until_the_set_is_there(lacking: World) -> None:
    world = lacking
    days = {"from": (TODAY - timedelta(days=3)).isoformat(), "to": (TODAY - timedelta(days=1)).isoformat()}
    assert {"set": JOURNALS, **days, "job": None} in await missed(world)
    assert await without(world) == ["SALE", "TO-AFFILIATE", "PROFORMA"]


async def test_the_log_says_what_is_done_without(world: World, caplog: pytest.LogCaptureFixture) -> None:
    take_away(world, "hide")
    post(world, "SALE")
    await world.run()
    assert f"main USMF: read without {JOURNALS}, which never could be read" in caplog.text


async def test_it_is_read_again_once_a_document_shows_that_the_set_is_there(lacking: World) -> None:
    world = lacking
    give_back(world)
    post(world, "NEW")
    before = world.calls()
    await world.run()
    await assert_read_again(world)
    assert (await world.record("NEW")).state is State.REPORTED
    sale = [call for call in world.simulation.taxjar.calls[before:] if call.path.endswith("SALE")]
    assert [call.method for call in sale] == [], "the same content calls nothing"


async def test_it_is_read_again_after_the_night_though_nothing_new_is_posted(lacking: World) -> None:
    world = lacking
    await world.sweep()
    assert (await jobs(world), len(await missed(world)) > 0) == ([], True)
    # The refusal of a moment ago is no answer for the night.
    world.simulation.dynamics.store.show(JOURNALS)
    world.simulation.dynamics.row_faults.clear()
    await world.sweep()
    await world.settle()
    await assert_read_again(world)
    await world.sweep()
    assert len(await jobs(world)) == 1


async def test_another_instance_starts_no_second_job_and_none_is_lost(lacking: World) -> None:
    world = lacking
    give_back(world)
    for messages in range(6):
        post(world, f"NEW-{messages}")
        await world.poll()
        for _ in range(messages):
            await world.work_on_one()
        world.queue.waiting.clear()
        world.history.waiting.clear()
        world.clock.advance(hours=12)
        await world.sweep()
        await reconcile_and_tell(world.connector, by="schedule")
    await world.poll()
    await world.settle()
    await assert_read_again(world)
    assert len(await jobs(world)) == 1


async def test_an_instance_that_knows_the_row_of_before_starts_no_further_job(lacking: World, azurite: str) -> None:
    world = lacking
    table = world.connector.ledger._table.table_name
    settings: dict[str, Any] = world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}})
    settings["taxjar"]["max_calls_per_minute"] = 10_000_000
    queues: dict[str, Any] = {"queue": world.queue, "history": world.history}
    connections = {CONNECTION: settings}
    async with connected(azurite, world.simulation, world.clock, connections, table=table, **queues) as other:
        give_back(world)
        post(world, "NEW")
        await other.poll()
        await other.settle()
        for number in range(3):
            post(world, f"LATER-{number}")
            await world.run()
    await assert_read_again(world)
    assert len(await jobs(world)) == 1


async def test_what_a_worker_settles_late_without_the_set_is_read_again_as_well(lacking: World) -> None:
    world = lacking
    give_back(world)
    post(world, "NEW")
    await world.poll()
    await world.work()
    assert await without(world) == []
    # A worker that had read the document before the set was there settles it only now.
    record = await world.record("SALE")
    late = replace(record, read_without=(JOURNALS,))
    entry = document_entry(late, Actor(function="report_documents", by="queue"), world.clock())
    await world.connector.ledger.settle(record, late, entry)
    await world.settle()
    await assert_read_again(world)
    assert len(await world.audit("SALE")) > len(await world.audit("NEW"))


async def test_days_that_are_noted_while_the_job_runs_are_read_again_as_well(lacking: World) -> None:
    world = lacking
    post(world, "OLDER", 6)
    await world.sweep()
    await world.work()
    record = await world.record("OLDER")
    give_back(world)
    post(world, "NEW")
    await world.poll()
    await world.work()
    late = replace(record, etag=(await world.record("OLDER")).etag, read_without=(JOURNALS,))
    entry = document_entry(late, Actor(function="report_documents", by="queue"), world.clock())
    await world.connector.ledger.settle(await world.record("OLDER"), late, entry)
    await world.connector.read_without.note(CONNECTION, COMPANY, {JOURNALS: [TODAY - timedelta(days=6)]})
    await world.settle()
    await assert_read_again(world)


async def test_what_a_person_settled_by_hand_is_left_alone(world: World) -> None:
    take_away(world, "hide")
    post(world, "BY-HAND")
    await world.run()
    record = await world.record("BY-HAND")
    settled = record.to(State.SKIPPED, reason="handled_outside")
    entry = document_entry(settled, Actor(function="decide_document", by="Pat"), world.clock())
    await world.connector.ledger.settle(record, settled, entry)
    give_back(world)
    post(world, "NEW")
    await world.run()
    assert (await outcomes(world))["BY-HAND"] == (State.SKIPPED, "handled_outside")
    assert await missed(world) == []


async def test_the_days_are_noted_once_however_many_documents_they_have(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away(world, "hide")
    table, written = world.connector.read_without, list[str]()
    write = table._write

    async def counted(connection: str, company: str, name: str, change: Any) -> None:
        written.append(name)
        await write(connection, company, name, change)

    monkeypatch.setattr(table, "_write", counted)
    for number in range(60):
        post(world, f"INV-{number}")
    await world.run()
    assert len(written) == len(set(written)) == len(await missed(world)), written

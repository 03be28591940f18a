"""No timer, poll, list or status reads more of the ledger because there is more of history (design 4.10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.events import posted_event
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import InvoiceSpec
from shared.backfill_messages import NightEnd
from shared.connector import NotFound
from shared.flows.audit.sealing import seal_days
from shared.flows.backfill.manage import list_backfills
from shared.flows.customers.exempt import CustomersQuery, list_exempt_customers
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.finding.observe import observe_holds, observe_queues_and_pauses
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.activity import ActivityQuery, list_activity
from shared.flows.operations.digest import standing_of
from shared.flows.operations.nightly import end_night
from shared.flows.operations.ping import ping_connection
from shared.flows.operations.status import StatusQuery, show_status
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.flows.reconciliation.jobs import list_reconciliations, reconcile_nightly
from shared.flows.review.documents import show_document
from shared.flows.review.filing_periods import Closing, close_filing_period
from shared.flows.work.jobs import JobsQuery
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.backfills import Backfill
from shared.ledger.jobs import JobState, job_name
from shared.ledger.keys import partition
from shared.ledger.reconciliations import Reconciliation
from shared.ledger.seals import Seals
from shared.signing import LocalKeySigner
from tests.counted_storage import Reads
from tests.listing import NOWHERE, days_ago, listed, post
from tests.reconciling import findings
from tests.version_1 import row_of_version_1
from tests.world import COMPANY, NOW, TODAY, World

DAY = days_ago(3)
MONTH: dict[str, Any] = {"from": TODAY.replace(day=1), "to": TODAY}


async def ask_for_what_there_is_not(world: World) -> None:
    with pytest.raises(NotFound):
        await show_document(world.connector, CONNECTION, COMPANY, "USMF-NONE")


async def close_the_year(world: World) -> None:
    closing = Closing.model_validate({"filed_through": TODAY - timedelta(days=1), "by": "Ann", "reason": "Filed."})
    with pytest.raises(Conflict):
        await close_filing_period(world.connector, CONNECTION, COMPANY, "NY", closing)


READERS: dict[str, Callable[[World], Awaitable[object]]] = {
    "poll": lambda world: world.poll(),
    "sweep": lambda world: world.sweep(),
    "status": lambda world: show_status(world.connector),
    "digest": lambda world: _digest(world),
    "what is held": lambda world: listed(world, state="held"),
    "what is in flight or failed": lambda world: listed(world, state="in_flight,failed", order="newest"),
    "by the reason of a hold": lambda world: listed(world, reason="zip_state_mismatch"),
    "by number": lambda world: listed(world, number="HELD-0"),
    "by a number that there is not": lambda world: listed(world, number="NONE"),
    "by an id that there is not": ask_for_what_there_is_not,
    "closing a period": close_the_year,
    "ages of holds": lambda world: observe_holds(world.connector),
    "queues and pauses": lambda world: observe_queues_and_pauses(world.connector),
    "ping": lambda world: ping_connection(world.connector, CONNECTION, "test"),
}


MORE_READERS: dict[str, Callable[[World], Awaitable[object]]] = {
    "status in detail": lambda world: show_status(world.connector, StatusQuery(detail=True)),
    "the documents of a day": lambda world: listed(world, **{"from": DAY, "to": DAY}),
    "the newest of a day": lambda world: listed(world, **{"from": DAY, "to": DAY, "order": "newest"}),
    "a day as a file": lambda world: listed(world, **{"from": DAY, "to": DAY, "format": "csv"}),
    "a month's completeness": lambda world: show_completeness(
        world.connector, CONNECTION, COMPANY, CompletenessQuery.model_validate(MONTH)
    ),
    "a month reconciled": lambda world: findings(world, **MONTH),
    "customers' sync": lambda world: sync_exempt_customers(world.connector, "test"),
    "exempt customers": lambda world: list_exempt_customers(world.connector, CONNECTION, COMPANY, CustomersQuery()),
    "nexus": lambda world: pull_nexus_regions(world.connector, "test"),
    "a night's reconciliation": lambda world: reconcile_nightly(world.connector, "test"),
    "a night's end": lambda world: end_night(
        world.connector, NightEnd(night=world.clock()), world.connector.backfill_queue
    ),
    "reconciliations": lambda world: list_reconciliations(world.connector, CONNECTION, COMPANY, JobsQuery(limit=5)),
    "backfills": lambda world: list_backfills(world.connector, CONNECTION, JobsQuery(limit=5)),
    "activity": lambda world: list_activity(world.connector, CONNECTION, ActivityQuery(limit=5)),
    "a company's activity": lambda world: list_activity(
        world.connector, CONNECTION, ActivityQuery(limit=5, company=COMPANY)
    ),
}


async def write_past(world: World, days_back: range) -> None:
    """Jobs and acts of other days; the first job is a night's, and still runs."""
    connector = world.connector
    entry = AuditEntry(at=NOW, actor=Actor(function="test", by="Pat"), subject="past", decision="started")
    for back in days_back:
        at = NOW - timedelta(days=back)
        job = {
            "connection": CONNECTION,
            "company": COMPANY,
            "since": TODAY,
            "until": TODAY,
            "by": "Pat",
            "started_at": at,
            "cursor": TODAY,
            "state": JobState.RUNNING if back == 0 else JobState.FINISHED,
        }
        name = job_name(at, connector.random)
        reconciliation = Reconciliation(**job, job=name, nightly=True, touched_at=NOW)  # type: ignore[arg-type]
        await connector.reconciliations.write(reconciliation, replace(entry, at=at))
        result = {"seen": 0, "reported": 0, "skipped": 0, "held": 0, "failed": 0, "remaining": 0, "reasons": {}}
        backfill = Backfill(**job, job=name, dry_run=False, force=False, result=result)  # type: ignore[arg-type]
        await connector.backfills.write(backfill, replace(entry, at=at))
        for where in (partition(CONNECTION, ""), partition(CONNECTION, COMPANY)):
            await connector.activity.note(where, replace(entry, at=at), kind="run", name=name)


async def _digest(world: World) -> None:
    standing_of(await show_status(world.connector))


async def test_nothing_reads_more_because_the_history_is_longer(counted: World, reads: Reads) -> None:
    world = counted
    post(world, 3, days_back=2, name="HELD", ship_to=NOWHERE)
    post(world, 5, days_back=3, name="NEW")
    post(world, 5, days_back=90, name="OLD")
    await world.sweep()
    await world.settle()
    await write_past(world, range(25))
    every = READERS | MORE_READERS

    async def costs() -> dict[str, tuple[int, int]]:
        found = {}
        for read in every.values():
            await read(world)  # what is read once an hour, and noted for the first time
        for name, read in every.items():
            reads.reset()
            await read(world)
            found[name] = (reads.queries, reads.entities)
        return found

    before = await costs()
    post(world, 60, days_back=91, name="OLDER")
    await write_past(world, range(60, 90))
    await world.sweep()
    await world.settle()
    assert len(await world.records()) == 73
    after = await costs()
    assert {name: (before[name], after[name]) for name in before if after[name] > before[name]} == {}
    assert all(before[name][1] <= 20 for name in READERS), before
    assert all(before[name][1] <= 60 for name in MORE_READERS), before


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_further_page_reads_what_it_shows(counted: World, reads: Reads, order: str) -> None:
    world = counted
    for back in range(1, 41):
        post(world, 1, days_back=back, name=f"INV-{back:02}")
    await world.sweep()
    await world.settle()
    first = await listed(world, state="reported", limit="5", order=order)
    reads.reset()
    second = await listed(world, **dict(parse_qsl(urlsplit(str(first["next"])).query)))
    assert reads.entities <= 20
    assert (first["count"], second["count"]) == (40, 40)
    shown = [document["number"] for page in (first, second) for document in page["documents"]]  # type: ignore[attr-defined]
    days = range(1, 11) if order == "newest" else range(40, 30, -1)
    assert shown == [f"INV-{back:02}-0" for back in days]


async def test_all_pages_together_show_every_document_once(counted: World) -> None:
    world = counted
    for back in (0, 1, 1, 2, 9, 9, 9, 40, 200):
        post(
            world, 1, days_back=back, name=f"INV-{back}-{len(world.simulation.dynamics.rows('SalesInvoiceHeadersV2'))}"
        )
    await world.sweep()
    await world.settle()
    for order in ("oldest", "newest"):
        seen: list[str] = []
        query = {"order": order, "limit": "2"}
        while query:
            page = await listed(world, **query)
            seen += [document["number"] for document in page["documents"]]  # type: ignore[attr-defined]
            query = dict(parse_qsl(urlsplit(str(page["next"])).query)) if page["next"] else {}
        assert len(seen) == len(set(seen)) == 9


async def test_what_version_1_left_is_listed_and_found_before_the_first_poll(counted: World, reads: Reads) -> None:
    world = counted
    table = world.connector.ledger._table
    for row in (
        row_of_version_1("HELD", "held", reason="address_incomplete", message="No ZIP code."),
        row_of_version_1("TAKEN", "held", reason="id_collision", owns_id=False, transaction_id="USMF-HELD"),
        row_of_version_1("CARD", "skipped", reason="zero_value", owns_id=False),
    ):
        await table.create_entity(row)
    assert (await listed(world, state="held"))["count"] == 2
    shown = await show_document(world.connector, CONNECTION, COMPANY, "USMF-CARD")
    assert shown["state"] == "skipped"
    reads.reset()
    await ask_for_what_there_is_not(world)
    assert reads.entities == 0


async def test_a_placeholder_is_found_by_its_id(counted: World) -> None:
    world = counted
    await world.poll()
    elsewhere = Posting(DynamicsSimulator("", lambda _: None, clock=world.clock, default_company=COMPANY), COMPANY)
    await world.deliver(posted_event(elsewhere.invoice(InvoiceSpec("INV-1", TODAY)), 1, world.clock()))
    await world.settle()
    shown = await show_document(world.connector, CONNECTION, COMPANY, "USMF-INV-1")
    assert (shown["state"], shown["reason"]) == ("held", "not_found_in_dynamics")


async def test_a_nights_sealing_reads_its_day(counted: World, reads: Reads, tmp_path: Path) -> None:
    world = counted
    seals = world.connector.seals
    signer = LocalKeySigner(tmp_path / "key.pem")
    world.connector = replace(world.connector, seals=Seals(seals.table, signer=signer, store=seals.store))

    async def day(documents: int) -> int:
        post(world, documents, days_back=1, name=f"{world.clock():%m-%d}")
        await world.sweep()
        await world.settle()
        world.clock.advance(days=1)
        reads.reset()
        await seal_days(world.connector, "test")
        return reads.entities

    before = [await day(2) for _ in range(6)]
    await day(40)
    after = [await day(2) for _ in range(6)]
    assert after[-1] == before[-1]

"""Finding posted documents: nothing is lost, nothing is listed that must not be, and little is asked (design 4.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import pytest
from pydantic import BaseModel

from local.simulation import CONNECTION
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Call, Fault
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.documents import DocumentKey
from shared.flows.finding import poll
from shared.ledger.records import State
from shared.queues import NumberToFind, parse_message
from shared.settings import load_settings
from tests.world import COMPANY, TODAY, QueueInMemory, World

HEADERS = "/data/SalesInvoiceHeadersV2"
OTHER = "usrt"


def invoice(number: str, on: date = TODAY) -> InvoiceSpec:
    return InvoiceSpec(number, on, tax_rate=Decimal("0.0825"))


def listings(world: World) -> list[Call]:
    """Calls that listed documents."""
    return [call for call in world.simulation.dynamics.calls if call.path == HEADERS]


async def numbers(world: World) -> dict[str, State]:
    """What the ledger knows."""
    return {record.key.number: record.state for record in await world.records()}


def taken(queue: QueueInMemory) -> list[str]:
    """Numbers in ``queue``, taken out of it."""
    found = []
    while (body := queue.take()) is not None:
        found += [key.number for key in parse_message(body).document_keys()]
    return found


def enqueued(world: World) -> list[str]:
    """Numbers in the queue of today, taken out of it."""
    return taken(world.queue)


async def is_complete(world: World) -> bool:
    """Whether a window was ever marked as complete."""
    return await world.connector.last_runs.complete_poll(CONNECTION) is not None


class BrokenQueue:
    """A queue that cannot be reached."""

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        if documents:
            raise ConnectionError("the queue cannot be reached")

    async def oldest_due(self) -> datetime | None:
        raise ConnectionError("the queue cannot be reached")

    async def length(self) -> int:
        raise ConnectionError("the queue cannot be reached")

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        raise ConnectionError("the queue cannot be reached")

    async def put_numbers(
        self, connection: str, company: str, numbers: Sequence[NumberToFind], *, delay: timedelta = timedelta(0)
    ) -> None:
        raise ConnectionError("the queue cannot be reached")


async def test_a_row_is_written_before_its_key_is_enqueued(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    broken = replace(world.connector, documents_queue=BrokenQueue())
    with pytest.raises(ConnectionError):
        await poll.poll_posted_invoices(broken, by="test")
    assert await numbers(world) == {"INV-1": State.SEEN}
    assert not await is_complete(world)
    await world.run()
    assert await numbers(world) == {"INV-1": State.REPORTED}


async def test_a_lost_message_heals_with_the_next_poll(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.poll()
    assert enqueued(world) == ["INV-1"]
    await world.poll()
    assert enqueued(world) == ["INV-1"]


async def test_what_another_worker_has_is_enqueued_only_when_its_lease_has_run_out(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.poll()
    enqueued(world)
    await world.connector.ledger.claim([await world.record("INV-1")])
    await world.poll()
    assert enqueued(world) == []
    world.clock.advance(seconds=121)
    await world.poll()
    assert enqueued(world) == ["INV-1"]


async def test_what_waits_for_its_next_attempt_is_not_enqueued_before(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503, retry_after=600))
    await world.poll()
    await world.work()
    world.queue.waiting.clear()
    world.clock.advance(minutes=9)
    await world.poll()
    assert enqueued(world) == []
    world.clock.advance(minutes=2)
    await world.poll()
    assert enqueued(world) == ["INV-1"]


async def test_what_is_settled_is_not_enqueued_again(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(replace(invoice("PRO-1"), is_proforma=True))
    await world.run()
    await world.poll()
    await world.sweep()
    assert enqueued(world) == []


@pytest.mark.company(report_from="2026-11-18")
async def test_nothing_older_than_report_from_is_listed(world: World) -> None:
    for number, on in (("OLD", date(2026, 11, 17)), ("FIRST", date(2026, 11, 18)), ("NEW", TODAY)):
        world.posting.invoice(invoice(number, on))
    await world.sweep()
    assert (await numbers(world)).keys() == {"FIRST", "NEW"}


async def test_the_window_has_no_upper_end(world: World) -> None:
    world.posting.invoice(invoice("TOMORROW", TODAY + timedelta(days=1)))
    world.posting.invoice(invoice("NEXT-YEAR", TODAY + timedelta(days=365)))
    await world.run()
    assert await numbers(world) == {"TOMORROW": State.REPORTED, "NEXT-YEAR": State.REPORTED}


async def test_the_sweep_finds_what_was_dated_back_beyond_the_poll(world: World) -> None:
    days = {"EDGE": 7, "BACK-DATED": 8, "SWEPT": 45, "LONG-AGO": 46}
    for number, back in days.items():
        world.posting.invoice(invoice(number, TODAY - timedelta(days=back)))
    await world.poll()
    assert (await numbers(world)).keys() == {"EDGE"}
    await world.sweep()
    assert (await numbers(world)).keys() == {"EDGE", "BACK-DATED", "SWEPT", "LONG-AGO"}


async def test_a_lost_message_of_any_age_heals_with_the_next_poll(world: World) -> None:
    days = {"LONG-AGO": 200, "BEFORE": 45, "BEYOND-THE-POLL": 8, "FIRST-DAY": 7, "TODAY": 0}
    for number, back in days.items():
        world.posting.invoice(invoice(number, TODAY - timedelta(days=back)))
    await world.sweep()
    assert sorted(enqueued(world) + taken(world.history)) == sorted(days)
    world.clock.advance(minutes=5)
    await world.poll()
    assert sorted(enqueued(world)) == ["FIRST-DAY", "TODAY"]
    assert sorted(taken(world.history)) == ["BEFORE", "BEYOND-THE-POLL", "LONG-AGO"]


async def test_a_poll_that_finds_nothing_new_asks_for_one_count(world: World) -> None:
    for number in range(30):
        world.posting.invoice(invoice(f"INV-{number}"))
    await world.run()
    before, taxjar = len(world.simulation.dynamics.calls), len(world.simulation.taxjar.calls)
    await world.poll()
    [count] = world.simulation.dynamics.calls[before:]
    assert count.path == f"{HEADERS}/$count"
    assert len(world.simulation.taxjar.calls) == taxjar


async def test_all_pages_are_read(world: World) -> None:
    world.simulation.dynamics.page_size = 4
    for number in range(11):
        world.posting.invoice(invoice(f"INV-{number}", TODAY - timedelta(days=number % 3)))
    await world.poll()
    assert len(listings(world)) == 3
    assert len(await numbers(world)) == 11
    assert sorted(enqueued(world)) == sorted(f"INV-{number}" for number in range(11))


@pytest.mark.parametrize(
    ("broken", "states"),
    [({"InvoiceNumber": ""}, {}), ({"TotalTaxAmount": None}, {"INV-1": State.HELD})],
    ids=["no number", "no tax"],
)
async def test_a_row_that_cannot_be_read_keeps_no_other_and_is_named_or_held(
    world: World, broken: dict[str, object], states: dict[str, State], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        values: dict[str, dict[str, object]] = {"SalesInvoiceHeadersV2": broken} if number == 1 else {}
        world.posting.invoice(replace(invoice(f"INV-{number}"), values=values))
    await world.run()
    assert await numbers(world) == {f"INV-{number}": State.REPORTED for number in (0, 2, 3)} | states
    assert {record.reason for record in await world.records()} == {"", *("unreadable_row" for _ in states)}
    assert "left out" in caplog.text
    assert await is_complete(world)
    await world.run()
    calls = len(world.simulation.dynamics.calls)
    await world.run()
    assert len(world.simulation.dynamics.calls) - calls == 1, "what cannot be read is not listed at each poll"


async def test_a_poll_of_an_empty_window_is_one_call_and_the_sweep_explains_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.simulation.dynamics.store.rows("CustomersV3").clear()
    await world.poll()
    world.clock.advance(minutes=30)
    await world.poll()
    assert [call.path for call in world.simulation.dynamics.calls] == [HEADERS, f"{HEADERS}/$count"]
    await world.sweep()
    assert "shows no invoice and no customer of USMF" in caplog.text


@pytest.mark.parametrize("page_size", [10, 4])
async def test_a_row_that_is_listed_twice_is_one_document(world: World, page_size: int) -> None:
    world.simulation.dynamics.page_size = page_size
    for number in range(7):
        world.posting.invoice(invoice(f"INV-{number}"))
    store = world.simulation.dynamics.store
    store.add("SalesInvoiceHeadersV2", {**store.rows("SalesInvoiceHeadersV2")[3]}, key_may_repeat=True)
    await world.run()
    assert await numbers(world) == {f"INV-{number}": State.REPORTED for number in range(7)}
    assert world.calls() == 7
    assert len(await world.audit("INV-3")) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=HEADERS, skip=1, status=500),
        Fault(path=HEADERS, skip=1, status=429, retry_after=30),
        Fault(path=HEADERS, skip=1, status=403),
        Fault(path=HEADERS, skip=1, status=200, body="html"),
    ],
    ids=lambda fault: f"{fault.name} {fault.body}",
)
async def test_a_window_that_was_read_in_part_is_not_complete_and_is_read_again_whole(
    world: World, fault: Fault
) -> None:
    world.simulation.dynamics.page_size = 4
    for number in range(10):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.dynamics.faults.add(fault)
    await world.poll()
    assert len(await numbers(world)) < 10
    assert not await is_complete(world)
    world.simulation.dynamics.faults.clear()
    world.clock.advance(minutes=6)
    await world.run()
    assert await numbers(world) == {f"INV-{number}": State.REPORTED for number in range(10)}
    assert await is_complete(world)
    assert world.calls("POST") == 10


async def test_a_throttled_environment_is_left_alone_until_its_time_is_over(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=429, retry_after=120, times=1))
    await world.poll()
    world.clock.advance(seconds=119)
    await world.poll()
    assert [call.status for call in listings(world)] == [429]
    world.clock.advance(seconds=2)
    await world.poll()
    assert [call.status for call in listings(world)] == [429, 200]
    assert enqueued(world) == ["INV-1"]


async def test_while_taxjar_is_paused_what_is_new_is_seen_and_what_is_old_waits(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.poll()
    enqueued(world)
    await world.connector.connection(CONNECTION).company(COMPANY).account.gate.throttle(600)
    world.posting.invoice(invoice("INV-2"))
    await world.poll()
    assert (await numbers(world)).keys() == {"INV-1", "INV-2"}
    assert "INV-1" not in enqueued(world)
    world.clock.advance(seconds=601)
    await world.poll()
    assert "INV-1" in enqueued(world)


async def test_an_account_that_refused_access_is_probed_by_polls_where_the_message_was_lost(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.simulation.taxjar.faults.add(Fault(path="*/orders", status=401, times=2))
    await world.poll()
    await world.work()
    world.queue.waiting.clear()
    for _ in range(2):
        world.clock.advance(minutes=5)
        assert await numbers(world) == {"INV-1": State.RETRYING}
        await world.poll()
    await world.work()
    assert await numbers(world) == {"INV-1": State.REPORTED}
    assert [call.status for call in world.simulation.taxjar.calls] == [401, 401, 406, 201]


@pytest.fixture
async def both(world: World, azurite: str) -> AsyncIterator[Connector]:
    """A connector of the world's environment with two companies, which begin on different days."""
    companies = {COMPANY: {"report_from": "2026-11-15"}, OTHER: {"report_from": "2026-11-19"}}
    settings = load_settings(
        azurewebjobsstorage=azurite, connections={CONNECTION: world.simulation.settings(companies)}
    )
    connector = await build_connector(settings, clock=world.clock, random=Random(3), table=f"ledger{uuid4().hex}")
    try:
        yield replace(connector, documents_queue=world.queue)
    finally:
        await connector.aclose()


async def test_one_query_serves_all_companies_each_from_its_own_day(world: World, both: Connector) -> None:
    other = Posting(world.simulation.dynamics, OTHER)
    stranger = Posting(world.simulation.dynamics, "deco")
    for posting in (other, stranger):
        posting.customer("C-1000", "Barton Tools")
    for posting in (world.posting, other, stranger):
        posting.invoice(replace(invoice("EARLY", date(2026, 11, 17)), created_at=datetime(2026, 11, 17, 9, tzinfo=UTC)))
        posting.invoice(invoice("LATE"))
    await poll.poll_posted_invoices(both, by="test")
    [listing] = listings(world)
    assert "cross-company=true" in listing.query
    found = {
        company: [record.key.number async for record in both.ledger.listing(CONNECTION, company)]
        for company in (COMPANY, OTHER, "deco")
    }
    assert found == {COMPANY: ["EARLY", "LATE"], OTHER: ["LATE"], "deco": []}
    messages = [parse_message(body) for _, _, body in world.queue.waiting]
    assert sorted((message.company, len(message.keys)) for message in messages) == [(COMPANY, 2), (OTHER, 1)]

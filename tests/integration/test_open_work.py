"""Open work: a poll reads its index and a few counts, whatever lies in the ledger (design 4.1 and 4.10)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.documents import DocumentKey
from shared.flows.finding import months
from shared.flows.operations.ping import ping_connection
from shared.ledger.keys import id_row
from shared.ledger.records import State
from shared.queues import parse_message
from tests.counted_storage import Reads
from tests.reconciling import remove_from_dynamics
from tests.version_1 import row_of_version_1
from tests.world import COMPANY, NOW, TODAY, World

HEADERS = "/data/SalesInvoiceHeadersV2"
TAXJAR_WRITES = "*/transactions/*"
UNREADABLE: dict[str, dict[str, object]] = {"SalesInvoiceHeadersV2": {"TotalTaxAmount": None}}


def post(world: World, *numbers: str, days_back: int = 0) -> None:
    for number in numbers:
        spec = InvoiceSpec(number, TODAY - timedelta(days=days_back), tax_rate=Decimal("0.0825"))
        world.posting.invoice(spec)


def named(world: World) -> Counter[str]:
    """How many messages on the queues name each document."""
    waiting = [*world.queue.waiting, *world.history.waiting]
    return Counter(key.number for _, _, body in waiting for key in parse_message(body).keys)


async def states(world: World) -> Counter[State]:
    return Counter(record.state for record in await world.records())


async def lose(world: World, number: str) -> None:
    """Take the document's rows away, as a restore of an older table does."""
    record = await world.record(number)
    for row in (record.row, id_row(record.filing.transaction_id)):
        await world.connector.ledger._table.delete_entity(record.partition, row)


async def listed_days(world: World, before: int) -> list[str]:
    """The listings since ``before`` calls, by what they were."""
    calls = [call for call in world.simulation.dynamics.calls[before:] if call.path.startswith(HEADERS)]
    return ["count" if call.path.endswith("$count") else "list" for call in calls]


class TestCosts:
    async def test_a_poll_with_nothing_new_reads_the_same_whatever_the_ledger_holds(
        self, counted: World, reads: Reads
    ) -> None:
        world, costs = counted, []
        for batch in range(2):
            post(world, *(f"INV-{batch}-{number}" for number in range(30)), days_back=batch)
            post(world, *(f"OLD-{batch}-{number}" for number in range(30)), days_back=20 + batch)
            await world.sweep()
            await world.settle()
            await world.poll()  # reads what is read once an hour
            reads.reset()
            before = len(world.simulation.dynamics.calls)
            await world.poll()
            costs.append((reads.queries, reads.points, reads.entities))
            assert await listed_days(world, before) == ["count"]
        assert costs[0] == costs[1]
        assert costs[0][0] == 1, "one range read per company"
        assert costs[0][2] <= 4, "counts by month and the marker"

    async def test_only_a_day_that_differs_is_listed(self, world: World) -> None:
        for back in range(6):
            post(world, f"INV-{back}", days_back=back)
        await world.run()
        post(world, "NEW", days_back=2)
        before = len(world.simulation.dynamics.calls)
        await world.poll()
        assert await listed_days(world, before) == ["count"] * 5 + ["list"]
        [listing] = [call for call in world.simulation.dynamics.calls[before:] if call.path == HEADERS]
        day = (TODAY - timedelta(days=2)).isoformat()
        assert f"InvoiceDate%20ge%20{day}" in listing.query
        assert f"InvoiceDate%20le%20{day}" in listing.query
        assert named(world) == {"NEW": 1}

    async def test_status_holds_and_ages_read_open_work_alone(self, counted: World, reads: Reads) -> None:
        world = counted
        post(world, *(f"INV-{number}" for number in range(40)))
        await world.run()
        world.posting.invoice(replace(InvoiceSpec("HELD", TODAY), values=UNREADABLE))
        await world.run()
        reads.reset()
        held = [row async for row in world.connector.ledger.open_work(CONNECTION, COMPANY, states=[State.HELD])]
        assert [row.key.number for row in held] == ["HELD"]
        assert reads.entities <= 2, "the row and the marker that there are no others"


class TestBackDated:
    async def test_a_document_dated_46_days_back_is_found_and_logged_by_the_next_night(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        post(world, "INV-1")
        await world.sweep()
        await world.settle()
        post(world, "BACK", days_back=46)
        await world.run()
        assert (await states(world))[State.REPORTED] == 1
        await world.sweep()
        await world.settle()
        assert (await states(world))[State.REPORTED] == 2
        assert "BACK" in caplog.text
        assert f"dated back to {TODAY - timedelta(days=46):%Y-%m}" in caplog.text

    async def test_a_document_that_the_ledger_lost_is_found_though_f_and_o_counts_as_before(self, world: World) -> None:
        for back in (60, 90, 120, 200):
            post(world, f"OLD-{back}", days_back=back)
        await world.sweep()
        await world.settle()
        await lose(world, "OLD-120")
        await world.sweep()
        assert (await world.record("OLD-120")).state is State.SEEN
        await world.settle()
        assert await states(world) == {State.REPORTED: 4}
        assert world.calls("POST") == 5, "the one that TaxJar has already is adopted"

    async def test_a_document_that_f_and_o_took_away_has_its_month_listed_once(self, world: World) -> None:
        for back in (60, 90, 120):
            post(world, f"OLD-{back}", days_back=back)
        await world.sweep()
        await world.settle()
        remove_from_dynamics(world, "OLD-120")
        for expected in (2, 1, 1):
            before = len(world.simulation.dynamics.calls)
            await world.sweep()
            assert (await listed_days(world, before)).count("list") == expected

    async def test_a_night_counts_no_more_of_the_ledger_than_it_may_and_the_next_goes_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(months, "_KEYS_A_NIGHT", 1)
        numbers = [f"OLD-{back}" for back in (60, 90, 120, 150, 180)]
        for number in numbers:
            post(world, number, days_back=int(number.removeprefix("OLD-")))
        await world.sweep()
        await world.settle()
        for number in numbers:
            await lose(world, number)
        found = []
        for _ in range(10):
            world.clock.advance(days=1)
            await world.sweep()
            await world.settle()
            found.append(len(await world.records()))
        assert found[-1] == 5
        assert all(after - before <= 1 for before, after in pairwise([0, *found]))

    async def test_months_that_did_not_change_are_not_listed(self, world: World) -> None:
        for back in (60, 120, 200):
            post(world, f"OLD-{back}", days_back=back)
        await world.sweep()
        await world.settle()
        before = len(world.simulation.dynamics.calls)
        await world.sweep()
        assert (await listed_days(world, before)).count("list") == 1, "the window alone"


class TestMessages:
    async def test_two_hours_of_503_multiply_no_message(self, world: World) -> None:
        """Case D8."""
        post(world, *(f"INV-{number}" for number in range(60)))
        world.simulation.taxjar.faults.add(Fault(path=TAXJAR_WRITES, status=503))
        end = world.clock() + timedelta(hours=2)
        while world.clock() < end:
            await world.poll()
            counts = named(world)
            assert sum(counts.values()) <= 1.5 * 60, counts.most_common(3)
            await world.settle(within=timedelta(minutes=5))
            world.clock.now = max(world.clock.now, min(end, world.clock.now + timedelta(minutes=5)))
            assert sum(named(world).values()) <= 1.5 * 60
        assert set(named(world)) == {f"INV-{number}" for number in range(60)}
        world.simulation.taxjar.faults.clear()
        post(world, "NEW")
        before = world.clock()
        await world.poll()
        await world.work()
        assert (await world.record("NEW")).state is State.REPORTED
        assert world.clock() - before <= timedelta(minutes=1)
        await world.settle()
        assert await states(world) == {State.REPORTED: 61}
        assert len(world.taxjar.orders) == 61

    async def test_a_refused_token_costs_a_few_dozen_executions(self, world: World) -> None:
        """Case D9."""
        post(world, *(f"INV-{number}" for number in range(200)))
        world.simulation.taxjar.faults.add(Fault(status=401))
        await world.poll()
        executions, end = 0, world.clock() + timedelta(hours=1)
        while world.clock() < end:
            executions += await world.work()
            world.clock.advance(minutes=1)
            if world.clock().minute % 5 == 0:
                await world.poll()
        assert executions <= 80
        assert sum(named(world).values()) <= 1.5 * 200
        world.simulation.taxjar.faults.clear()
        world.clock.advance(minutes=5)
        await world.poll()
        await world.work()
        assert await states(world) == {State.REPORTED: 200}, "what waits is enqueued when the pause ends"

    async def test_a_ping_that_ends_a_pause_enqueues_what_waits(self, world: World) -> None:
        post(world, "INV-1", "INV-2")
        world.simulation.taxjar.faults.add(Fault(status=401))
        await world.poll()
        await world.work()
        assert await world.work() == 0
        world.simulation.taxjar.faults.clear()
        await ping_connection(world.connector, CONNECTION, "operator")
        await world.work()
        assert await states(world) == {State.REPORTED: 2}

    async def test_a_message_that_is_lost_while_the_queue_is_busy_is_missed_after_half_an_hour(
        self, world: World
    ) -> None:
        post(world, "LOST")
        await world.poll()
        world.queue.waiting.clear()
        world.clock.advance(seconds=1)
        await world.connector.documents_queue.put(CONNECTION, [DocumentKey(COMPANY, TODAY, "OTHER", "V")])
        for _ in range(5):
            await world.poll()
            assert named(world) == {"OTHER": 1}
            world.clock.advance(minutes=5)
        world.clock.advance(minutes=5)
        await world.poll()
        assert named(world) == {"OTHER": 1, "LOST": 1}

    async def test_a_document_whose_worker_died_is_enqueued_when_its_claim_has_run_out(self, world: World) -> None:
        post(world, "INV-1", "INV-2")
        await world.poll()
        # The message is hidden, not gone: the worker died before it told the queue anything.
        [message] = world.queue.waiting
        world.queue.waiting.clear()
        await world.connector.ledger.claim([await world.record("INV-1")])
        await world.connector.documents_queue.put(CONNECTION, [DocumentKey(COMPANY, TODAY, "OTHER", "V")])
        await world.poll()
        assert named(world) == {"OTHER": 1}, "it may be at work"
        world.clock.advance(seconds=world.connector.ledger.lease.total_seconds() + 1)
        for _ in range(2):
            await world.poll()
            assert named(world) == {"OTHER": 1, "INV-1": 1}
        world.queue.waiting.append(message)
        await world.settle()
        assert len(world.taxjar.orders) == 2

    async def test_a_queue_that_is_behind_is_not_filled_once_more(self, world: World) -> None:
        post(world, *(f"INV-{number}" for number in range(45)))
        for _ in range(24):
            await world.poll()
            world.clock.advance(minutes=5)
        assert set(named(world).values()) == {1}

    async def test_while_reporting_is_off_documents_are_seen_and_nothing_is_enqueued(self, world: World) -> None:
        world.change_settings(reporting=False)
        post(world, "INV-1", "INV-2")
        for _ in range(3):
            await world.poll()
            world.clock.advance(hours=1)
        assert (await states(world), named(world)) == ({State.SEEN: 2}, {})
        world.change_settings(reporting=True)
        await world.run()
        assert await states(world) == {State.REPORTED: 2}


class TestHolds:
    async def test_what_was_held_for_a_set_goes_on_by_itself_when_the_set_is_back(self, world: World) -> None:
        """Case R1, for longer than a day."""
        post(world, "BEFORE")
        await world.run()
        world.simulation.dynamics.hide("CustInvoiceJourBiEntities")
        world.clock.advance(minutes=10)
        post(world, "INV-1")
        await world.poll()
        await world.settle(within=timedelta(hours=30))
        record = await world.record("INV-1")
        assert (record.state, record.reason) == (State.HELD, "source_incomplete"), record.message
        await world.poll()
        assert (await world.record("INV-1")).state is State.HELD, "it stays held while the set is away"
        world.simulation.dynamics.store.show("CustInvoiceJourBiEntities")
        world.clock.advance(minutes=5)
        await world.run()
        assert (await world.record("INV-1")).state is State.REPORTED

    async def test_an_unreadable_row_goes_on_after_the_night_in_which_it_can_be_read(self, world: World) -> None:
        world.posting.invoice(replace(InvoiceSpec("INV-1", TODAY), values=UNREADABLE))
        await world.run()
        assert (await world.record("INV-1")).reason == "unreadable_row"
        [row] = world.simulation.dynamics.rows("SalesInvoiceHeadersV2")
        world.simulation.dynamics.store.update("SalesInvoiceHeadersV2", row, {"TotalTaxAmount": 0})
        await world.sweep()
        await world.settle()
        assert (await world.record("INV-1")).state is State.REPORTED


async def open_work(world: World) -> dict[str, State]:
    return {row.key.number: row.state async for row in world.connector.ledger.open_work(CONNECTION, COMPANY)}


async def test_rows_of_version_1_are_indexed_at_the_first_poll_and_go_on(world: World) -> None:
    ledger = world.connector.ledger._table
    soon = (NOW + timedelta(hours=1)).isoformat()
    for row in (
        row_of_version_1("SEEN", "seen"),
        row_of_version_1("HELD", "held", reason="address_incomplete", message="No ZIP code."),
        row_of_version_1("FAILED", "failed", message="Given up."),
        row_of_version_1("LATER", "retrying", attempts=2, next_attempt_at=soon),
        row_of_version_1("DONE", "reported", payload="{}", payload_hash="abc"),
        row_of_version_1("CARD", "skipped", reason="zero_value"),
    ):
        await ledger.create_entity(row)
    await world.poll()
    expected = {"SEEN": State.SEEN, "HELD": State.HELD, "FAILED": State.FAILED, "LATER": State.RETRYING}
    assert await open_work(world) == expected
    assert named(world) == {"SEEN": 1}
    await world.settle(within=timedelta(minutes=30))
    world.clock.advance(hours=1)
    await world.poll()
    assert named(world)["LATER"] == 1


async def test_a_document_that_version_1_left_open_takes_its_index_row_away_when_it_is_settled(world: World) -> None:
    posted = world.posting.invoice(InvoiceSpec("INV-1", TODAY - timedelta(days=3), tax_rate=Decimal("0.0825")))
    row = row_of_version_1("INV-1", "seen", voucher=posted.voucher)
    row["RowKey"] = f"doc|{row['date']}|INV-1|{posted.voucher}"
    await world.connector.ledger._table.create_entity(row)
    await world.poll()
    assert await open_work(world) == {"INV-1": State.SEEN}
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert await open_work(world) == {}
    assert (await world.connector.ledger.audit(await world.record("INV-1")))[1]
    assert (await world.connector.work.of_company(CONNECTION, COMPANY, TODAY)).is_indexed

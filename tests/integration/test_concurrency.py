"""Several workers on one storage and one queue: one effect per document, whoever is slow (design 4.2)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from random import Random

import httpx
import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import InvoiceSpec
from shared.bootstrap import build_connector
from shared.connector import CALLS_AT_ONCE
from shared.ledger.records import State
from shared.settings import load_settings
from tests.in_process import InProcess
from tests.interrupted import Interrupted
from tests.world import COMPANY, TODAY, World


class Counting(httpx.AsyncBaseTransport):
    """Knows how many calls to TaxJar were under way at the same time at most."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        counts = "/transactions/" in request.url.path
        self._now += counts
        self.most = max(self.most, self._now)
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._now -= counts

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def another_worker(
    world: World, azurite: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[World]:
    """A second connector on the storage, queue and clock of ``world``."""
    settings = {"report_from": "2026-01-01"}
    connector = await build_connector(
        load_settings(
            azurewebjobsstorage=azurite, connections={CONNECTION: world.simulation.settings({COMPANY: settings})}
        ),
        clock=world.clock,
        random=Random(5),
        table=world.connector.ledger._table.table_name,
        remote_transport=transport or InProcess(world.simulation),
    )
    connector = replace(connector, documents_queue=world.queue, backfill_queue=world.queue)
    try:
        yield replace(world, connector=connector)
    finally:
        await connector.aclose()


def invoice(number: int) -> InvoiceSpec:
    return InvoiceSpec(f"INV-{number}", TODAY, tax_rate=Decimal("0.0825"))


async def test_two_workers_with_every_message_twice_report_each_document_once(world: World, azurite: str) -> None:
    for number in range(60):
        world.posting.invoice(invoice(number))
    async with another_worker(world, azurite) as other:
        await asyncio.gather(world.poll(), other.poll())
        await world.queue.put(CONNECTION, [record.key for record in await world.records()])
        await asyncio.gather(world.work(), other.work(), world.work(), other.work())
        await world.settle()
    assert Counter(record.state for record in await world.records()) == {State.REPORTED: 60}
    assert Counter(call.method for call in world.simulation.taxjar.calls) == {"POST": 60}
    assert [len(await world.audit(f"INV-{number}")) for number in range(60)] == [2] * 60


@pytest.mark.parametrize("stuck_at", ["/data/CustomersV3", "/v2/transactions"])
async def test_a_worker_whose_lease_ran_out_notices_before_it_writes(
    world: World, azurite: str, stuck_at: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Stuck while reading it must not even call TaxJar; stuck in the call itself it must leave the ledger alone."""
    world.posting.invoice(invoice(1))

    async def lease_runs_out_and_another_takes_over() -> None:
        world.clock.advance(minutes=3)
        await world.poll()
        await world.work()
        assert (await world.record("INV-1")).state is State.REPORTED

    stuck = Interrupted(stuck_at, lease_runs_out_and_another_takes_over)
    async with another_worker(world, azurite, transport=stuck) as slow:
        await slow.poll()
        await slow.work()
    await world.settle()
    assert "another worker has taken over" in caplog.text
    assert [entry["decision"] for entry in await world.audit("INV-1")] == ["seen", "reported"]
    created = [call for call in world.simulation.taxjar.calls if call.status == 201]
    assert len(created) == 1
    assert world.calls("POST") == (1 if stuck_at.startswith("/data") else 2)
    assert world.calls("PUT") == 0


async def test_a_lease_that_runs_out_between_asking_taxjar_and_telling_it_stops_the_call(
    world: World, azurite: str
) -> None:
    world.posting.invoice(invoice(1))
    await world.poll()
    await world.connector.ledger.claim([await world.record("INV-1")])
    world.clock.advance(minutes=3)  # that worker is gone, and what it did is unknown

    async def lease_runs_out_and_another_takes_over() -> None:
        world.simulation.taxjar.calls.clear()
        world.clock.advance(minutes=3)
        await world.poll()
        await world.work()

    stuck = Interrupted("/v2/transactions", lease_runs_out_and_another_takes_over, late=True)
    async with another_worker(world, azurite, transport=stuck) as slow:
        await slow.poll()
        await slow.work()
    assert [call.method for call in world.simulation.taxjar.calls] == ["GET", "POST"]
    assert [entry["decision"] for entry in await world.audit("INV-1")] == ["seen", "reported"]


async def test_messages_worked_on_together_share_the_turns_of_their_account(world: World, azurite: str) -> None:
    for number in range(120):
        world.posting.invoice(invoice(number))
    transport = Counting()
    async with another_worker(world, azurite, transport=transport) as other:
        await other.poll()
        await asyncio.gather(*(other.work_on_one() for _ in range(6)))
    assert transport.most == CALLS_AT_ONCE
    assert Counter(record.state for record in await world.records()) == {State.REPORTED: 120}


async def test_a_pause_found_by_one_worker_stops_the_other(world: World, azurite: str) -> None:
    world.posting.invoice(invoice(1))
    async with another_worker(world, azurite) as other:
        await other.poll()
        await other.connector.connection(CONNECTION).company(COMPANY).account.gate.throttle(60)
        started = world.clock()
        await world.work()
        assert world.calls() == 0
        await world.settle()
    [call] = world.simulation.taxjar.calls
    assert (call.time - started).total_seconds() >= 60

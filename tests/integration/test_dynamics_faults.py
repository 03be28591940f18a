"""F&O in trouble: throttled, refusing tokens, answering badly or not at all. Documents wait; none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import stamina

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Call, Fault
from shared.flows.reporting.message import report_documents
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.queues import parse_message
from tests.world import COMPANY, NOW, TODAY, World, connected

WORKER = Actor(function="report_documents", by="queue")


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def post(world: World, count: int) -> None:
    for number in range(count):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY, tax_rate=Decimal("0.0825")))


async def assert_all_reported_once(world: World, count: int) -> None:
    assert [record.state for record in await world.records()] == [State.REPORTED] * count
    assert len(world.taxjar.orders) == world.calls() == count


def assert_quiet_during_pauses(calls: list[Call], pause: timedelta) -> None:
    """No call is sent between a 429 and the end of the pause that it asks for."""
    ends = [call.time + pause for call in calls if call.status == 429]
    for limited, end in zip((call for call in calls if call.status == 429), ends, strict=True):
        assert not [call for call in calls if limited.time < call.time < end]


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_429_storm_delays_documents_and_loses_none(world: World, as_date: bool) -> None:
    post(world, 30)
    world.simulation.dynamics.faults.add(
        Fault(status=429, retry_after=45, retry_after_as_date=as_date, probability=0.4, times=10)
    )
    for _ in range(4):
        await world.poll()
        await world.settle(within=timedelta(minutes=10))
        world.clock.advance(minutes=1)
    await assert_all_reported_once(world, 30)
    calls = world.simulation.dynamics.calls
    assert sum(call.status == 429 for call in calls) >= 8
    assert_quiet_during_pauses(calls, timedelta(seconds=45))


async def test_a_429_without_retry_after_pauses_longer_each_time(world: World) -> None:
    post(world, 1)
    world.simulation.dynamics.faults.add(Fault(status=429, times=4))
    await world.poll()
    world.clock.advance(seconds=13)
    await world.poll()
    await world.settle()
    while sum(call.status == 429 for call in world.simulation.dynamics.calls) < 4:
        world.clock.advance(seconds=1)
        await world.poll()
    limited = [call.time for call in world.simulation.dynamics.calls if call.status == 429]
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(limited)]
    assert 10 <= waits[0] <= 14
    assert 20 <= waits[1] <= 26
    assert 40 <= waits[2] <= 51


async def test_a_pause_holds_for_every_instance(world: World, azurite: str) -> None:
    post(world, 60)
    await world.poll()
    connections = {CONNECTION: world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}})}
    table = world.connector.ledger._table.table_name
    async with connected(azurite, world.simulation, world.clock, connections, table=table, queue=world.queue) as second:
        world.simulation.dynamics.faults.add(Fault(status=429, retry_after=60, skip=4, times=1))
        deadline = NOW + timedelta(hours=1)
        while world.queue.waiting and world.clock() < deadline:
            await asyncio.gather(*_one_message_each(world, second))
            world.clock.advance(seconds=2)
        await assert_all_reported_once(world, 60)
        calls = world.simulation.dynamics.calls
        assert sum(call.status == 429 for call in calls) == 1
        assert_quiet_during_pauses(calls, timedelta(seconds=60))


def _one_message_each(*worlds: World) -> list[asyncio.Task[None]]:
    tasks = []
    for world in worlds:
        if (body := world.queue.take()) is not None:
            message = parse_message(body)
            tasks.append(asyncio.ensure_future(report_documents(world.connector, message, WORKER, queue=world.queue)))
    return tasks


async def test_a_token_that_expires_during_the_work_is_renewed_without_a_pause(world: World) -> None:
    post(world, 30)
    await world.poll()
    world.simulation.entra.revoke_all()
    await world.work()
    assert [record.state for record in await world.records()] == [State.REPORTED] * 30
    assert not await world.connector.connections[CONNECTION].gate.is_paused()


async def test_an_expired_token_costs_one_refused_call(world: World) -> None:
    post(world, 1)
    await world.run()
    world.clock.advance(minutes=61)
    await world.poll()
    assert [call.status for call in world.simulation.dynamics.calls if call.status != 200] == [401]
    assert world.simulation.dynamics.calls[-1].status == 200


async def test_a_revoked_secret_pauses_the_connection_until_it_is_replaced(world: World) -> None:
    post(world, 25)
    await world.poll()
    tenants = world.simulation.entra.tenants
    world.simulation.entra.tenants = {tenant: {} for tenant in tenants}
    world.simulation.entra.revoke_all()
    await world.settle(within=timedelta(minutes=30))
    gate = world.connector.connections[CONNECTION].gate
    pause = await gate.pause()
    assert pause is not None
    assert "AADSTS" in pause.message
    refused = [call.time for call in world.simulation.entra.calls if call.status != 200]
    assert len(refused) <= 12, "a probe every five minutes, not a call per document"
    assert all(record.attempts.count == 0 for record in await world.records()), (
        "a pause is not an attempt of a document"
    )
    world.simulation.entra.tenants = tenants
    await world.settle(within=timedelta(hours=1))
    await assert_all_reported_once(world, 25)


async def test_an_environment_that_refuses_access_is_probed_by_each_poll_with_one_call(world: World) -> None:
    async def pass_time(seconds: float) -> None:
        world.clock.advance(seconds=seconds)

    dynamics = world.simulation.dynamics
    dynamics.faults.sleep = pass_time
    dynamics.faults.add(Fault(status=401, delay=0.4))
    post(world, 1)
    await world.poll()
    dynamics.calls.clear()
    for minutes in range(5, 30, 5):
        world.clock.now = NOW + timedelta(minutes=minutes)
        await world.poll()
    assert [call.time - NOW for call in dynamics.calls] == [timedelta(minutes=minutes) for minutes in range(5, 30, 5)]
    dynamics.faults.clear()
    world.clock.now = NOW + timedelta(minutes=30)
    await world.run()
    await assert_all_reported_once(world, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, times=6),
        Fault(status=502, body="html", times=6),
        Fault(status=503, retry_after=30, times=4),
        Fault(status=200, body="html", times=4),
        Fault(status=200, body="empty", times=4),
        Fault(drop=True, times=5),
        Fault(drop=True, after=True, times=5),
        Fault(status=408, times=3),
        Fault(status=302, location="https://login.invalid/", times=2),
    ],
    ids=lambda fault: f"{fault.name} {fault.body}",
)
@pytest.mark.sockets
async def test_documents_outlast_every_trouble(world: World, fault: Fault) -> None:
    post(world, 5)
    await world.poll()
    world.simulation.dynamics.faults.add(fault)
    await world.settle(within=timedelta(hours=6))
    await assert_all_reported_once(world, 5)


async def test_a_row_that_f_and_o_cannot_compute_does_not_keep_the_others(world: World) -> None:
    post(world, 6)
    await world.poll()
    [bad] = [row for row in world.simulation.dynamics.rows("SalesInvoiceHeadersV2") if row["InvoiceNumber"] == "INV-3"]
    world.simulation.dynamics.store.update("SalesInvoiceHeadersV2", bad, {"TotalTaxAmount": None})
    await world.settle(within=timedelta(hours=2))
    states = {record.key.number: record.state for record in await world.records()}
    assert states.pop("INV-3") is State.HELD
    assert (await world.record("INV-3")).reason == "unreadable_row"
    assert set(states.values()) == {State.REPORTED}

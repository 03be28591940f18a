"""Pauses of an account: a refusal ends with a probe, a 429 with its time, and neither cuts the other short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from threading import Event

import pytest
from azure.data.tables import UpdateMode

from local.simulation import CONNECTION
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from shared.queues import NumberToFind
from shared.remote.gate import Gate
from shared.remote.pauses import Paused
from shared.taxjar.errors import Throttled, Unavailable
from tests.slow_storage import SlowStorage
from tests.world import COMPANY, NOW, TODAY, World, connected, running_world

CATEGORIES = "*/categories"


@pytest.fixture
def gate(world: World) -> Gate:
    """The gate of the TaxJar account."""
    return world.connector.connection(CONNECTION).company(COMPANY).account.gate


async def test_a_refusal_does_not_cut_the_time_of_a_429_short(world: World, gate: Gate) -> None:
    await gate.throttle(3600)
    await gate.deny("refused")
    world.clock.advance(minutes=59)
    with pytest.raises(Paused):
        await gate.open()
    assert not await gate.probe()
    assert world.simulation.taxjar.calls == []
    world.clock.advance(minutes=1)
    await gate.open()
    assert not await gate.is_paused()


async def test_a_429_after_a_refusal_keeps_the_probe_away(world: World, gate: Gate) -> None:
    await gate.deny("refused")
    await gate.throttle(3600)
    world.clock.advance(minutes=59)
    assert not await gate.opens()
    assert world.simulation.taxjar.calls == []
    world.clock.advance(minutes=1)
    assert await gate.opens()
    assert len(world.simulation.taxjar.calls) == 1


async def test_the_number_of_an_event_that_met_an_old_refusal_is_asked_for_during_a_day(
    world: World, gate: Gate
) -> None:
    await gate.deny("refused")
    world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=401))
    world.clock.advance(hours=25)
    wanted = NumberToFind(number="INV-77", dated=NOW.date(), asked_at=world.clock())
    await world.queue.put_numbers(CONNECTION, COMPANY, [wanted])
    await world.work_on_one()
    [(visible, _, _)] = world.queue.waiting
    assert world.clock() < visible <= world.clock() + timedelta(minutes=10)
    world.simulation.taxjar.faults.clear()
    world.clock.advance(minutes=10)
    await world.work()
    assert await world.records() == []


async def test_a_pause_that_was_stored_without_the_time_of_its_429_keeps_it(world: World, gate: Gate) -> None:
    await gate.throttle(3600)
    table = world.connector.ledger._table
    [row] = [row async for row in table.query_entities("PartitionKey eq 'pauses'")]
    del row["throttled_until"]
    await table.update_entity(row, mode=UpdateMode.REPLACE)
    world.clock.advance(seconds=2)
    assert (await gate.throttle(1)).until == NOW + timedelta(hours=1)


async def test_who_comes_late_for_a_probe_knows_at_once_when_the_next_is_due(world: World, gate: Gate) -> None:
    await gate.deny("refused")
    world.clock.advance(minutes=5)
    seen = await gate.pause(fresh=True)
    assert seen is not None
    table = world.connector.ledger._table
    [row] = [row async for row in table.query_entities("PartitionKey eq 'pauses'")]
    row["until"] = (NOW + timedelta(minutes=10)).isoformat()  # another instance took the probe a moment ago
    await table.update_entity(row, mode=UpdateMode.REPLACE)
    with pytest.raises(Paused) as caught:
        await gate.open()
    assert caught.value.pause.until == NOW + timedelta(minutes=10)
    assert world.simulation.taxjar.calls == []


async def test_a_429_during_a_good_probe_is_heeded(world: World, gate: Gate) -> None:
    async def goes_through_while_another_worker_is_throttled(refused: str) -> bool:
        await gate.throttle(3600)
        return True

    await gate.deny("refused")
    world.clock.advance(minutes=5)
    probe = goes_through_while_another_worker_is_throttled
    await Gate(gate._pauses, gate.target, clock=world.clock, probe=probe).open()
    pause = await gate.pause(fresh=True)
    assert pause is not None
    assert (pause.denied, pause.until) == (False, NOW + timedelta(minutes=65))


async def test_a_429_to_a_probe_is_heeded(world: World, gate: Gate) -> None:
    world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=429, retry_after=3600, times=1))
    await gate.deny("refused")
    for _ in range(13):
        world.clock.advance(minutes=5)
        await gate.opens()
    assert [call.time - NOW for call in world.simulation.taxjar.calls] == [timedelta(minutes=5), timedelta(minutes=65)]
    assert not await gate.is_paused()


@pytest.mark.parametrize("seconds", [0, 0.9])
async def test_a_429_that_asks_for_no_time_pauses_all_the_same(world: World, gate: Gate, seconds: float) -> None:
    pause = await gate.throttle(seconds)
    assert timedelta(seconds=10) <= pause.until - NOW <= timedelta(seconds=15)


async def test_429s_without_a_time_pause_longer_and_longer_while_nothing_is_answered(world: World, gate: Gate) -> None:
    waits = []
    for _ in range(7):
        pause = await gate.throttle(None)
        waits.append((pause.until - world.clock()).total_seconds())
        world.clock.advance(seconds=waits[-1] + 1)
    assert [wait // expected for wait, expected in zip(waits, [10, 20, 40, 80, 160, 300, 300], strict=True)] == [1] * 7


async def test_an_answer_after_a_pause_begins_the_doubling_anew(world: World, gate: Gate) -> None:
    client = world.connector.connection(CONNECTION).company(COMPANY).account.client
    for _ in range(5):
        pause = await gate.throttle(None)
        assert pause.until - world.clock() <= timedelta(seconds=12.5)
        world.clock.advance(seconds=13)
        await client.categories()


async def test_an_answer_of_f_and_o_after_a_pause_begins_the_doubling_anew(world: World) -> None:
    environment = world.connector.connection(CONNECTION)
    for _ in range(5):
        pause = await environment.gate.throttle(None)
        assert pause.until - world.clock() <= timedelta(seconds=12.5)
        world.clock.advance(seconds=13)
        await environment.reader.find_many(COMPANY, {"INV-1"})


async def test_an_answer_to_a_call_that_began_before_the_pause_does_not(world: World, gate: Gate) -> None:
    await gate.throttle(None)
    begun_at = world.clock()
    world.clock.advance(seconds=13)
    gate.answered(begun_at, 200)
    pause = await gate.throttle(None)
    assert pause.until - world.clock() >= timedelta(seconds=20)


async def test_a_5xx_after_a_pause_is_no_answer(world: World, gate: Gate) -> None:
    client = world.connector.connection(CONNECTION).company(COMPANY).account.client
    await gate.throttle(None)
    world.clock.advance(seconds=13)
    world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=503))
    with pytest.raises(Unavailable):
        await client.categories()
    pause = await gate.throttle(None)
    assert pause.until - world.clock() >= timedelta(seconds=20)


async def test_a_429_that_gave_its_time_makes_the_next_one_without_no_longer(world: World, gate: Gate) -> None:
    for _ in range(4):
        await gate.throttle(5)
        world.clock.advance(seconds=6)
    pause = await gate.throttle(None)
    assert timedelta(seconds=10) <= pause.until - world.clock() <= timedelta(seconds=12.5)


@asynccontextmanager
async def slow_world(azurite: str, certificates: Certificates) -> AsyncIterator[tuple[World, SlowStorage]]:
    """A world whose storage a test can keep from answering."""
    storages: list[SlowStorage] = []

    def storage() -> SlowStorage:
        storages.append(SlowStorage())
        return storages[-1]

    async with running_world(azurite, certificates, storage_transport=storage) as world:
        [tables, *_] = storages
        client = world.connector.connection(CONNECTION).company(COMPANY).account.client
        await asyncio.gather(*(client.categories() for _ in range(4)))
        await client.categories()  # leases more calls than it needs
        world.simulation.taxjar.calls.clear()
        try:
            async with asyncio.timeout(20):
                yield world, tables
        finally:
            tables.answers.set()


async def test_no_call_begins_after_a_429_while_storage_is_slow(azurite: str, certificates: Certificates) -> None:
    async with slow_world(azurite, certificates) as (world, storage):
        account, calls = world.connector.connection(CONNECTION).company(COMPANY).account, world.simulation.taxjar.calls
        storage.answers.clear()
        world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=429, retry_after=2, times=1))
        with pytest.raises(Throttled):
            await account.client.categories()
        for seconds in (0, 1, 0.9):
            world.clock.advance(seconds=seconds)
            refused = await asyncio.gather(*(account.client.categories() for _ in range(5)), return_exceptions=True)
            assert {type(error) for error in refused} == {Paused}
        assert len(calls) == 1
        storage.answers.set()
        world.clock.advance(seconds=0.1)
        await account.client.categories()
        assert len(calls) == 2


async def test_a_call_that_waits_for_storage_when_a_429_arrives_does_not_begin(
    azurite: str, certificates: Certificates
) -> None:
    async with slow_world(azurite, certificates) as (world, storage):
        client = world.connector.connection(CONNECTION).company(COMPANY).account.client
        arrived, answer = Event(), Event()

        async def hold(_: float) -> None:
            arrived.set()
            await asyncio.to_thread(answer.wait)

        world.simulation.taxjar.faults.sleep = hold
        world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=429, retry_after=2, delay=1, times=1))
        first = asyncio.create_task(client.categories())
        await asyncio.to_thread(arrived.wait)
        storage.answers.clear()
        world.clock.advance(seconds=6)  # what is known of pauses is too old to go by
        second = asyncio.create_task(client.categories())
        await asyncio.sleep(0)
        answer.set()
        with pytest.raises(Throttled):
            await first
        storage.answers.set()
        with pytest.raises(Paused):
            await second
        assert len(world.simulation.taxjar.calls) == 1


async def test_slow_storage_does_not_stop_calls_that_know_of_no_pause(azurite: str, certificates: Certificates) -> None:
    async with slow_world(azurite, certificates) as (world, storage):
        client = world.connector.connection(CONNECTION).company(COMPANY).account.client
        storage.answers.clear()
        world.clock.advance(seconds=2)
        await client.categories()
        assert len(world.simulation.taxjar.calls) == 1


async def test_a_429_is_heeded_by_the_other_instances_within_a_second(world: World, azurite: str) -> None:
    connection = {CONNECTION: world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}})}
    table = world.connector.storage._table
    client = world.connector.connection(CONNECTION).company(COMPANY).account.client
    async with connected(azurite, world.simulation, world.clock, connection, table=table) as other:
        theirs = other.connector.connection(CONNECTION).company(COMPANY).account.client
        await theirs.categories()
        world.simulation.taxjar.faults.add(Fault(path=CATEGORIES, status=429, retry_after=60, times=1))
        with pytest.raises(Throttled):
            await client.categories()
        world.clock.advance(seconds=1)
        with pytest.raises(Paused):
            await theirs.categories()


ORDERS = "*/transactions/orders"
NO_API = [
    Fault(method="POST", path=ORDERS, status=200, body_status=403),
    Fault(method="POST", path=ORDERS, status=200, body_status=401, body="json_as_text"),
    Fault(method="POST", path=ORDERS, status=404, body="html"),
    Fault(method="POST", path=ORDERS, status=404),
    Fault(method="POST", path=ORDERS, status=405),
    Fault(method="POST", path=ORDERS, status=410),
    Fault(method="POST", path=ORDERS, status=200, body="html"),
    Fault(method="POST", path=ORDERS, status=302, location="http://127.0.0.1:9/login"),
]


@pytest.mark.parametrize("fault", NO_API, ids=lambda fault: f"{fault.name} {fault.body}")
async def test_where_the_api_is_gone_the_account_is_paused_and_no_document_is_held(
    world: World, gate: Gate, fault: Fault
) -> None:
    for number in range(3):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY))
    world.simulation.taxjar.faults.add(fault)
    for _ in range(5):
        await world.poll()
        await world.settle(within=timedelta(minutes=4))
        world.clock.advance(minutes=5)
    assert {record.state for record in await world.records()} == {State.RETRYING}
    pause = await gate.pause(fresh=True)
    assert pause is not None
    assert (pause.denied, pause.refused) == (True, "POST order")
    calls = world.simulation.taxjar.calls
    probes = [call for call in calls if call.time > NOW + timedelta(seconds=1)]
    assert {call.method for call in calls} == {"POST"}
    assert 3 <= len(probes) <= 4  # one every five minutes
    world.simulation.taxjar.faults.clear()
    await world.settle()
    assert {record.state for record in await world.records()} == {State.REPORTED}
    assert len(world.taxjar.orders) == 3


async def test_what_is_refused_is_asked_for_once_in_five_minutes_however_many_documents_wait(world: World) -> None:
    for number in range(60):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY))
    world.simulation.taxjar.faults.add(Fault(path="*", status=401))
    await world.poll()
    await world.settle(within=timedelta(hours=1))
    at_first = [call for call in world.simulation.taxjar.calls if call.time < NOW + timedelta(minutes=1)]
    assert len(at_first) <= 12
    assert len(world.simulation.taxjar.calls) - len(at_first) <= 12


async def test_the_probe_asks_for_the_set_that_was_refused(world: World) -> None:
    """Otherwise the pause would end at each probe, and each poll would enqueue the same documents once more."""
    environment, dynamics = world.connector.connection(CONNECTION), world.simulation.dynamics
    dynamics.forbid("CustomersV3")
    for number in range(3):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY))
    for _ in range(12):
        await world.poll()
        await world.work()
        world.clock.advance(minutes=5)
    assert await environment.gate.is_paused()
    assert len(world.queue.waiting) == 1
    assert {len(await world.audit(f"INV-{number}")) for number in range(3)} == {2}
    dynamics.store.show("CustomersV3")
    await world.run()
    assert len(world.taxjar.orders) == 3

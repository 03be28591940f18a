"""The budget of calls of one TaxJar account, shared by instances through Table Storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from local.simulation import CONNECTION
from local.simulators.certificates import Certificates
from shared.remote.budget import CallBudget
from shared.table_keys import encode
from tests.slow_storage import SlowStorage
from tests.world import COMPANY, NOW, connected, running_world

START = datetime(2026, 11, 20, 15, tzinfo=UTC)
ACCOUNT = "taxjar|0123456789abcdef"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = START

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += timedelta(seconds=seconds)

    def budget(self, table: TableClient, limit: int) -> CallBudget:
        return CallBudget(table, ACCOUNT, limit, clock=self.clock, sleep=self.sleep)


@asynccontextmanager
async def a_table(azurite: str, storage: SlowStorage) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(azurite, transport=storage) as service:
        yield await service.create_table(f"budget{uuid4().hex}")


@pytest.fixture
def storage() -> SlowStorage:
    return SlowStorage()


@pytest.fixture
async def table(azurite: str, storage: SlowStorage) -> AsyncIterator[TableClient]:
    async with a_table(azurite, storage) as created:
        yield created


@pytest.fixture
def time() -> Time:
    return Time()


def busiest_minute(calls: list[datetime]) -> int:
    minute = timedelta(seconds=60.9)  # calls of a minute and a bit may arrive within a minute
    return max(sum(start <= call < start + minute for call in calls) for start in calls)


@pytest.mark.parametrize(("limit", "instances"), [(1, 2), (7, 1), (7, 3), (60, 1), (60, 2), (90, 3)])
async def test_no_minute_holds_more_calls_than_the_limit_however_many_instances(
    table: TableClient, time: Time, limit: int, instances: int
) -> None:
    random, calls = Random(limit * 10 + instances), []
    budgets = [time.budget(table, limit) for _ in range(instances)]
    for _ in range(limit + 20):
        # Bursts, quiet times that let leases run out, and steady work.
        time.now += timedelta(seconds=random.choice([0, 0, 0, 0, 0.1, 2.5, 30]) / max(1, limit / 60))
        for budget in random.sample(budgets, random.randint(1, instances)):
            await budget.take()
            calls.append(time.now)
    assert busiest_minute(calls) <= limit


async def test_the_full_rate_is_reached(table: TableClient, time: Time) -> None:
    budget = time.budget(table, 60)
    for _ in range(180):
        await budget.take()
    assert time.now - START < timedelta(minutes=3.4)


async def test_two_busy_instances_share_the_full_rate(table: TableClient, time: Time) -> None:
    budgets = [time.budget(table, 600) for _ in range(2)]
    for number in range(1200):
        await budgets[number % 2].take()
    assert time.now - START < timedelta(minutes=2.4)


async def test_a_small_burst_does_not_wait(table: TableClient, time: Time) -> None:
    budget = time.budget(table, 3000)
    for _ in range(100):
        await budget.take()
    assert time.now == START


async def test_a_busy_instance_asks_storage_seldom_and_a_quiet_one_takes_no_more_than_it_needs(
    table: TableClient, time: Time, storage: SlowStorage
) -> None:
    quiet, busy = time.budget(table, 3000), time.budget(table, 3000)
    await quiet.take()
    assert await tokens(table) == 149
    before = storage.requests
    for _ in range(140):
        await busy.take()
    assert storage.requests - before <= 10


async def test_those_who_come_together_share_one_lease(table: TableClient, time: Time, storage: SlowStorage) -> None:
    before = storage.requests
    budget = time.budget(table, 3000)
    await asyncio.gather(*(budget.take() for _ in range(8)))
    assert storage.requests - before == 3  # a read, a block for the first, one for the seven behind
    assert await tokens(table) == 142


async def test_leased_calls_are_made_while_storage_does_not_answer(
    table: TableClient, time: Time, storage: SlowStorage
) -> None:
    budget = time.budget(table, 3000)
    await asyncio.gather(*(budget.take() for _ in range(8)))
    await budget.take()  # of a block of fourteen
    storage.answers.clear()
    for _ in range(13):
        await budget.take()
    waiting = asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    storage.answers.set()
    await waiting


async def test_who_is_cancelled_while_storage_is_slow_keeps_nobody_from_calling(
    table: TableClient, time: Time, storage: SlowStorage
) -> None:
    budget = time.budget(table, 3000)
    storage.answers.clear()
    given_up = asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    given_up.cancel()
    storage.answers.set()
    await budget.take()
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_what_is_not_called_within_seconds_is_lost(table: TableClient, time: Time) -> None:
    budget = time.budget(table, 3000)
    await asyncio.gather(*(budget.take() for _ in range(8)))
    await budget.take()
    left = await tokens(table)
    time.now += timedelta(seconds=4)
    await budget.take()
    assert await tokens(table) == 149  # filled up meanwhile, and one leased anew
    assert left == 150 - 8 - 14


async def test_instances_that_lease_at_once_take_nothing_twice(table: TableClient, time: Time) -> None:
    budgets = [time.budget(table, 3000) for _ in range(10)]
    await asyncio.gather(*(budget.take() for budget in budgets))
    assert await tokens(table) == 140


async def test_those_who_wait_are_served_one_after_another(table: TableClient) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    budget = CallBudget(table, ACCOUNT, 1, clock=lambda: START, sleep=sleep)
    await asyncio.gather(*(budget.take() for _ in range(4)))
    assert waits == [65, 130, 195]


async def test_a_clock_that_is_behind_gives_no_calls_away_and_one_far_ahead_blocks_nobody(
    table: TableClient, time: Time
) -> None:
    behind, ahead = time.budget(table, 60), time.budget(table, 60)
    for _ in range(3):
        await ahead.take()
    time.now -= timedelta(minutes=1)
    before = time.now
    await behind.take()
    assert time.now - before >= timedelta(seconds=1)
    time.now = START + timedelta(days=1)
    await ahead.take()
    time.now = before = START + timedelta(minutes=10)
    await behind.take()
    assert time.now - before < timedelta(seconds=3)


async def test_all_instances_and_functions_of_an_account_share_its_budget(
    azurite: str, certificates: Certificates
) -> None:
    async with running_world(azurite, certificates) as world:
        connection = world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}})
        table = world.connector.storage._table
        rows = world.connector.ledger._table
        async with connected(azurite, world.simulation, world.clock, {CONNECTION: connection}, table=table) as other:
            accounts = [each.connector.connection(CONNECTION).company(COMPANY).account for each in (world, other)]
            await accounts[0].client.categories()
            await accounts[1].client.nexus_regions()
            await accounts[1].unguarded.try_token(NOW.date())
        row = await rows.get_entity("budgets", encode(accounts[0].gate.target))
        # The second instance, whose limit leaves 150 at once, leased one call, and two as it went on.
        assert row["tokens"] == 147


async def tokens(table: TableClient) -> float:
    left: float = (await table.get_entity("budgets", encode(ACCOUNT)))["tokens"]
    return left

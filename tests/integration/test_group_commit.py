"""Writes that come together share a transaction, and each still succeeds or fails on its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceExistsError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.ledger.commits import GroupCommit
from shared.ledger.entity_groups import Operation


class Counting(AioHttpTransport):
    """Counts transactions, and breaks the connection after the effect of as many as are ``broken``."""

    def __init__(self) -> None:
        super().__init__()
        self.transactions = 0
        self.broken = 0

    async def send(self, request: Any, **kwargs: Any) -> Any:
        answer = await super().send(request, **kwargs)
        if "$batch" in request.url:
            self.transactions += 1
            if self.broken:
                self.broken -= 1
                raise ServiceResponseError("the connection broke before the answer came")
        return answer


@pytest.fixture
async def transport() -> Counting:
    return Counting()


@pytest.fixture
async def table(azurite: str, transport: Counting) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(azurite, transport=transport, retry_total=0) as service:
        yield await service.create_table(f"commits{uuid4().hex}")


def created(row: str, partition: str = "usmf", **properties: object) -> Operation:
    return "create", {"PartitionKey": partition, "RowKey": row, **properties}


async def rows(table: TableClient) -> set[str]:
    return {entity["RowKey"] async for entity in table.list_entities()}


async def test_writes_that_come_while_one_is_under_way_go_together(table: TableClient, transport: Counting) -> None:
    commits = GroupCommit(table)
    answers = await asyncio.gather(*(commits.commit([created(f"{n}a"), created(f"{n}b")]) for n in range(10)))
    assert transport.transactions == 1
    assert [len(own) for own in answers] == [2] * 10
    assert len(await rows(table)) == 20


async def test_a_transaction_holds_a_hundred_operations_at_most(table: TableClient, transport: Counting) -> None:
    commits = GroupCommit(table)
    await asyncio.gather(*(commits.commit([created(f"{n}-{m}") for m in range(60)]) for n in range(3)))
    assert transport.transactions == 3
    assert len(await rows(table)) == 180


async def test_a_write_that_meets_a_conflict_fails_alone(table: TableClient) -> None:
    await table.create_entity({"PartitionKey": "usmf", "RowKey": "taken"})
    commits = GroupCommit(table)
    first, second, third = await asyncio.gather(
        commits.commit([created("one")]),
        commits.commit([created("two"), created("taken")]),
        commits.commit([created("three")]),
        return_exceptions=True,
    )
    assert isinstance(second, ResourceExistsError)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert await rows(table) == {"one", "taken", "three"}


async def test_what_cannot_be_stored_fails_alone(table: TableClient) -> None:
    commits = GroupCommit(table)
    good, bad = await asyncio.gather(
        commits.commit([created("good")]), commits.commit([created("bad", number=2**40)]), return_exceptions=True
    )
    assert isinstance(bad, TypeError)
    assert not isinstance(good, BaseException)
    assert await rows(table) == {"good"}


async def test_two_writes_of_one_row_are_two_transactions(table: TableClient) -> None:
    commits = GroupCommit(table)
    outcomes = await asyncio.gather(*(commits.commit([created("same")]) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [ResourceExistsError]
    assert await rows(table) == {"same"}


async def test_partitions_do_not_wait_for_each_other(table: TableClient, transport: Counting) -> None:
    commits = GroupCommit(table)
    await asyncio.gather(*(commits.commit([created("row", f"company{n}")]) for n in range(3)))
    assert transport.transactions == 3


async def test_a_broken_connection_is_tried_once_more_and_a_double_effect_refused(
    table: TableClient, transport: Counting
) -> None:
    transport.broken = 1
    with pytest.raises(ResourceExistsError):
        await GroupCommit(table).commit([created("one")])
    # The broken one, its repetition, and once more by the SDK for what the refusal means.
    assert transport.transactions == 3
    assert await rows(table) == {"one"}


async def test_a_storage_that_does_not_answer_fails_every_write_of_the_group(
    table: TableClient, transport: Counting
) -> None:
    transport.broken = 2
    commits = GroupCommit(table)
    outcomes = await asyncio.gather(*(commits.commit([created(f"{n}")]) for n in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ServiceResponseError}
    assert transport.transactions == 2


class Stuck:
    """A table whose first transaction is refused and whose second never ends."""

    url, table_name, api_version = "http://127.0.0.1/account", "ledger", "2019-02-02"

    def __init__(self) -> None:
        self.refused = False
        self.stuck = asyncio.Event()
        self._client = self

    async def send_request(self, request: object, *, stream: bool) -> None:
        if not self.refused:
            self.refused = True
            raise TypeError("one of them cannot be stored")
        self.stuck.set()
        await asyncio.Event().wait()


async def test_no_caller_waits_for_a_sender_that_has_ended() -> None:
    table = Stuck()
    commits = GroupCommit(table)  # type: ignore[arg-type]
    writes = [asyncio.create_task(commits.commit([created(f"{n}")])) for n in range(3)]
    await table.stuck.wait()
    [sender] = commits._senders
    sender.cancel()
    _, waiting = await asyncio.wait(writes, timeout=5)
    assert not waiting


async def test_a_write_whose_caller_gave_up_while_it_waited_is_not_sent(table: TableClient) -> None:
    commits = GroupCommit(table)
    first = asyncio.create_task(commits.commit([created("first")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # now it is on its way
    second = asyncio.create_task(commits.commit([created("second")]))
    await asyncio.sleep(0)
    second.cancel()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await rows(table) == {"first"}

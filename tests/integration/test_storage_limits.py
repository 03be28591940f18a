"""The storage of the tests refuses what Azure Storage refuses, and takes all that it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import RequestTooLargeError, TableTransactionError
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from tests.storage_limits import MESSAGE

KEYS = {"PartitionKey": "usmf", "RowKey": "row"}
FITTING = {
    "a string of 32 K characters": {"text": "ü" * 32_768},
    "binary of 64 KiB": {"bytes": b"x" * 65_536},
    "252 properties": {f"p{number:03d}": "x" for number in range(252)},
    "an entity of almost 1 MiB": {f"p{number}": "x" * 32_768 for number in range(15)} | {"p15": "x" * 32_000},
}
TOO_MUCH: dict[str, tuple[Mapping[str, Any], str]] = {
    "a string of more characters": ({"text": "x" * 32_769}, "PropertyValueTooLarge"),
    "a string of as many, some of two units": ({"text": "🧾" * 16_385}, "PropertyValueTooLarge"),
    "binary of more bytes": ({"bytes": b"x" * 65_537}, "PropertyValueTooLarge"),
    "253 properties": ({f"p{number:03d}": "x" for number in range(253)}, "TooManyProperties"),
    "an entity of 1 MiB and its names": ({f"p{number}": "x" * 32_768 for number in range(16)}, "EntityTooLarge"),
}


@pytest.fixture
async def table(azurite: str) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(azurite, retry_total=0) as service:
        yield await service.create_table(f"limits{uuid4().hex}")


@pytest.mark.parametrize("properties", FITTING.values(), ids=FITTING)
async def test_what_fits_is_stored(table: TableClient, properties: Mapping[str, Any]) -> None:
    await table.create_entity({**KEYS, **properties})
    await table.submit_transaction([("upsert", {**KEYS, **properties})])
    assert {name: value for name, value in (await table.get_entity("usmf", "row")).items() if name in properties} == (
        properties
    )


@pytest.mark.parametrize(("properties", "code"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_what_does_not_fit_is_refused(table: TableClient, properties: Mapping[str, Any], code: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await table.upsert_entity({**KEYS, **properties})
    assert (refused.value.status_code, refused.value.error_code) == (400, code)  # type: ignore[attr-defined]
    with pytest.raises(TableTransactionError) as refused_too:
        await table.submit_transaction([("create", {**KEYS, "RowKey": "first"}), ("create", {**KEYS, **properties})])
    error = refused_too.value
    assert (error.status_code, error.error_code, error.index) == (400, code, 1)  # type: ignore[attr-defined]
    assert [row async for row in table.list_entities()] == []


async def test_a_transaction_has_a_hundred_operations_and_four_mebibytes(table: TableClient) -> None:
    rows = [{**KEYS, "RowKey": f"{number}"} for number in range(101)]
    await table.submit_transaction([("create", row) for row in rows[:100]])
    with pytest.raises(TableTransactionError, match="maximum 100 changes"):
        await table.submit_transaction([("upsert", row) for row in rows])
    long = {f"p{number}": "x" * 32_000 for number in range(14)}
    await table.submit_transaction([("upsert", {**row, **long}) for row in rows[:9]])
    with pytest.raises(RequestTooLargeError) as refused:
        await table.submit_transaction([("upsert", {**row, **long}) for row in rows[:10]])
    assert refused.value.status_code == 413


async def test_a_message_has_sixty_four_kibibytes(azurite: str) -> None:
    async with QueueServiceClient.from_connection_string(azurite, retry_total=0) as service:
        queue = await service.create_queue(f"limits{uuid4().hex}")
        await queue.send_message("x" * MESSAGE)
        with pytest.raises(HttpResponseError) as refused:
            await queue.send_message("x" * (MESSAGE + 1))
    assert refused.value.status_code == 413

"""Rows that are read in one pass are those that the storage SDK reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient

from shared.ledger.entity_reads import Row, read_rows

TEXTS = {"none": "", "quoted": 'it\'s "so"', "umlaut": "Zürich 😀", "lines": "a\r\nb\x7f"}


@pytest.fixture
async def table(azurite: str) -> AsyncIterator[TableClient]:
    async with TableClient.from_connection_string(azurite, f"reads{uuid4().hex}") as client:
        await client.create_table()
        yield client
        await client.delete_table()


async def _write(table: TableClient, row: str, **properties: Any) -> None:
    await table.create_entity({"PartitionKey": "it's|usmf", "RowKey": row, **properties})


async def _both(table: TableClient, filter: str) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    own: list[Mapping[str, Any]] = list(await read_rows(table, "it's|usmf", filter))
    of_sdk = [row async for row in table.query_entities(f"PartitionKey eq 'it''s|usmf' and {filter}")]
    assert [row.metadata["etag"] for row in of_sdk] == [getattr(row, "metadata", {}).get("etag") for row in own]
    return own, list(of_sdk)


async def test_each_type_that_the_ledger_writes_is_read(table: TableClient) -> None:
    await _write(table, "a", **TEXTS, count=7, least=-(2**31), late=True, packed=b"\x00\xff")
    await _write(table, "b", message="another")
    own, of_sdk = await _both(table, "RowKey ge 'a'")
    assert own == of_sdk
    assert all(isinstance(row, Row) for row in own)


async def test_no_row_is_an_empty_answer(table: TableClient) -> None:
    assert await _both(table, "RowKey eq 'c'") == ([], [])


async def test_a_row_of_another_type_is_left_to_the_sdk(table: TableClient) -> None:
    await _write(table, "a", long=EntityProperty(5, EdmType.INT64))
    own, of_sdk = await _both(table, "RowKey ge 'a'")
    assert own == of_sdk
    assert not any(isinstance(row, Row) for row in own)


async def test_an_answer_that_goes_on_is_read_to_its_end(table: TableClient) -> None:
    """A page of storage has a thousand rows."""
    for start in range(0, 1100, 100):
        await table.submit_transaction(
            [
                ("create", {"PartitionKey": "it's|usmf", "RowKey": f"{number:04}"})
                for number in range(start, start + 100)
            ]
        )
    own, _ = await _both(table, "RowKey ge '0'")
    assert [row["RowKey"] for row in own] == [f"{number:04}" for number in range(1100)]


async def test_a_table_that_is_not_there_is_the_sdks_own_error(azurite: str) -> None:
    async with TableClient.from_connection_string(azurite, "nowhere") as client:
        with pytest.raises(ResourceNotFoundError):
            await read_rows(client, "a", "RowKey ge 'a'")

"""The journal of a company: one row for every audit entry, ordered by time, written together with it (design 4.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any

from azure.data.tables.aio import TableClient

from shared.ledger import keys
from shared.proof.journal import JournalRow


def journal_row(audit: Mapping[str, Any]) -> dict[str, Any]:
    """The row to insert in the transaction that inserts ``audit``, an entity of :meth:`Chain.append`."""
    row, number = keys.audit_place(audit["RowKey"])
    return {
        "PartitionKey": audit["PartitionKey"],
        "RowKey": keys.journal_row_key(audit["at"], audit["hash"]),
        "row": row,
        "number": number,
        "entry": audit["hash"],
        "record": audit["record"],
    }


def stored_row(entity: Mapping[str, Any]) -> JournalRow:
    """The row that a stored entity holds; what is missing in a forged one is empty."""
    number = entity.get("number")
    return JournalRow(
        key=keys.journal_key(entity["RowKey"]),
        row=str(entity.get("row", "")),
        number=number if type(number) is int else 0,
        entry=str(entity.get("entry", "")),
        record=str(entity.get("record", "")),
    )


class Journal:
    """Reads the journals of all companies."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_day(self, partition: str, day: date) -> AsyncIterator[JournalRow]:
        """The rows of ``day`` (UTC) in the order of their keys."""
        async for row in self.rows(partition, day.isoformat(), (day + timedelta(days=1)).isoformat()):
            yield row

    async def rows(self, partition: str, first: str = "", end: str = "") -> AsyncIterator[JournalRow]:
        """The rows with keys from ``first`` until ``end`` (exclusive), else all."""
        start, stop = keys.journal_rows(first, end)
        found = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @start and RowKey lt @stop",
            parameters={"partition": partition, "start": start, "stop": stop},
        )
        async for entity in found:
            yield stored_row(entity)

    async def first_day(self, partition: str) -> date | None:
        """The day of the oldest row; ``None`` where there is none."""
        start, stop = keys.journal_rows("0", ":")
        found = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @start and RowKey lt @stop",
            parameters={"partition": partition, "start": start, "stop": stop},
            results_per_page=1,
            select=["RowKey"],
        )
        async for entity in found:
            try:
                return date.fromisoformat(keys.journal_key(entity["RowKey"])[:10])
            except ValueError:
                continue
        return None

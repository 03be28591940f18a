"""When each scheduled function last came to its end, per connection: information only, nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.table_keys import encode

_ROW = "last-run"


class LastRuns:
    """One row per connection and function."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    async def note(self, connection: str, function: str) -> None:
        """``function`` has just come to its end for ``connection``, with nothing left undone."""
        await self._table.upsert_entity(
            {
                "PartitionKey": f"{encode(connection)}|",
                "RowKey": f"{_ROW}|{function}",
                "function": function,
                "complete_at": self._clock().isoformat(),
            },
            mode=UpdateMode.REPLACE,
        )

    async def of(self, connection: str) -> dict[str, datetime]:
        """Function → when it was last complete."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={"partition": f"{encode(connection)}|", "first": f"{_ROW}|", "end": f"{_ROW}|~"},
        )
        return {row["function"]: datetime.fromisoformat(row["complete_at"]) async for row in rows}

    async def complete_poll(self, connection: str) -> datetime | None:
        """When a poll, or the sweep, last saw its whole window."""
        runs = await self.of(connection)
        seen = [runs[name] for name in ("poll_posted_invoices", "sweep_posted_invoices") if name in runs]
        return max(seen, default=None)

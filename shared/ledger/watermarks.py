"""How far a company's documents are known to be in the ledger. Information only: correctness never depends on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.keys import partition


class Watermarks:
    """One mark per company: the last window of which every key is in the ledger."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    async def move(self, connection: str, company: str, *, since: date) -> None:
        """Note that every document dated ``since`` or later was in the ledger just now."""
        await self._table.upsert_entity(
            {
                "PartitionKey": partition(connection, company),
                "RowKey": "watermark",
                "complete_since": since.isoformat(),
                "complete_at": self._clock().isoformat(),
            },
            mode=UpdateMode.REPLACE,
        )

"""The entity sets of an F&O environment that were ever readable: one small row per connection, for all instances.

Such a set is required from then on: while it cannot be read, the documents that need it wait (design 4.1).
"""

from __future__ import annotations

import asyncio

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.table_keys import encode

_PARTITION = "readable-sets"
_SETS = "sets"
_SEPARATOR = "\n"


class ReadableSets:
    """What one connection's environment was seen to have: nothing is ever taken away from it.

    The row belongs to connection and environment together: another environment behind the same name begins anew.
    """

    def __init__(self, table: TableClient, connection: str, url: str) -> None:
        self._table = table
        self._row = f"{encode(connection)}|{encode(url)}"
        self._writing = asyncio.Lock()

    async def readable(self) -> frozenset[str]:
        """The names that were remembered by any instance."""
        return frozenset((await self._get())[0])

    async def remember(self, set: str) -> None:
        """Add ``set``; instances that write at the same time keep each other's names."""
        async with self._writing:
            while True:
                names, etag = await self._get()
                if set in names:
                    return
                row = {
                    "PartitionKey": _PARTITION,
                    "RowKey": self._row,
                    _SETS: _SEPARATOR.join(sorted({*names, set})),
                }
                try:
                    if etag is None:
                        await self._table.create_entity(row)
                    else:
                        await self._table.update_entity(
                            row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                        )
                except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                    continue
                return

    async def _get(self) -> tuple[list[str], str | None]:
        try:
            row = await self._table.get_entity(_PARTITION, self._row)
        except ResourceNotFoundError:
            return [], None
        names = str(row.get(_SETS, ""))
        return (names.split(_SEPARATOR) if names else []), str(row.metadata["etag"])

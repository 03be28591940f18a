"""The index of open work covers every document of a company, also those that version 1 left behind (design 4.10).

Version 1 had no index, and no row for a document that shows an id which it does not own. The first that looks for
either goes through the company's records, once in the life of a ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.commits import OPERATIONS_PER_TRANSACTION, GroupCommit
from shared.ledger.entity_groups import Operation
from shared.ledger.open_work import open_row
from shared.ledger.queries import DocumentQueries
from shared.ledger.record_rows import from_entity, to_summary
from shared.ledger.records import DocumentRecord, State

CHANGED = (ResourceModifiedError, ResourceNotFoundError, ResourceExistsError)
"""A row was not as it had to be for a write."""
_ROWS_OF_A_RECORD = 3
"""Record, index, id."""


class IndexedQueries(DocumentQueries):
    """Reads of documents that rely on the index; where it is not complete yet, it is completed first."""

    def __init__(self, table: TableClient, commits: GroupCommit) -> None:
        super().__init__(table)
        self._commits = commits

    async def open_work(
        self, connection: str, company: str, *, states: Iterable[State] = ()
    ) -> AsyncIterator[DocumentRecord]:
        """The documents that are in flight, held or failed, by invoice date, as they were last settled.

        Reads the index alone. ``state`` and lease of a document that a worker has claimed are those before the claim.
        """
        wanted = frozenset(states)
        found, is_indexed = await self._open_rows(connection, company)
        if not is_indexed:
            await self.index(connection, company)
            found, _ = await self._open_rows(connection, company)
        for record in found:
            if not wanted or record.state in wanted:
                yield record

    async def _open_rows(self, connection: str, company: str) -> tuple[list[DocumentRecord], bool]:
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey le @last",
            parameters={
                "partition": keys.partition(connection, company),
                "first": keys.OPEN_ROWS,
                "last": keys.INDEXED_ROW,
            },
        )
        found = [entity async for entity in rows]
        is_indexed = bool(found) and found[-1]["RowKey"] == keys.INDEXED_ROW
        return [from_entity(each) for each in found if each["RowKey"] != keys.INDEXED_ROW], is_indexed

    async def find(
        self, connection: str, company: str, transaction_id: str, voucher: str | None = None
    ) -> list[DocumentRecord]:
        """The documents with ``transaction_id``, in full: its owner first, then those that show it without owning it.

        ``voucher`` chooses among them.
        """
        found = await self.showing(connection, company, transaction_id)
        if not found and not await self._is_indexed(connection, company):
            await self.index(connection, company)
            found = await self.showing(connection, company, transaction_id)
        return [record for record in found if voucher in (None, record.key.voucher)]

    async def with_number(self, connection: str, company: str, number: str, ids: Iterable[str]) -> list[DocumentRecord]:
        """The documents with F&O's ``number``, in full; ``ids`` are the ids in TaxJar that it can have."""
        partition = keys.partition(connection, company)
        found: dict[DocumentKey, DocumentRecord] = {}
        for each in ids:
            # A document that met its number taken goes under another id by now.
            others = await self._mentioning(partition, each)
            found |= {record.key: record for record in (*await self.find(connection, company, each), *others)}
        return [record for key, record in sorted(found.items()) if key.number.casefold() == number.casefold()]

    async def _is_indexed(self, connection: str, company: str) -> bool:
        try:
            await self._table.get_entity(keys.partition(connection, company), keys.INDEXED_ROW)
        except ResourceNotFoundError:
            return False
        return True

    async def index(self, connection: str, company: str) -> None:
        """Give every open document its row, and every document that does not own its id the row that finds it by that.

        May be cut off anywhere and begun anew.
        """
        some: list[DocumentRecord] = []
        async for record in self.listing(connection, company):
            if not _operations(record):
                continue
            some.append(record)
            if len(some) == OPERATIONS_PER_TRANSACTION // _ROWS_OF_A_RECORD:
                await self._index(some)
                some = []
        await self._index(some)
        marker = {"PartitionKey": keys.partition(connection, company), "RowKey": keys.INDEXED_ROW}
        await self._commits.commit([("upsert", marker, {"mode": UpdateMode.REPLACE})])

    async def _index(self, records: Sequence[DocumentRecord]) -> None:
        if not records or await self._committed([each for record in records for each in _operations(record)]):
            return
        for record in records:
            current: DocumentRecord | None = record
            while current and (operations := _operations(current)) and not await self._committed(operations):
                current = await self.get(record.connection, record.key)

    async def _committed(self, operations: Sequence[Operation]) -> bool:
        """Whether all rows were as they had to be."""
        try:
            await self._commits.commit(operations)
        except CHANGED:
            return False
        return True


def mention(record: DocumentRecord) -> dict[str, str]:
    """The row that says that ``record`` shows its id without owning it."""
    return {
        "PartitionKey": record.partition,
        "RowKey": keys.mention_row(record.filing.transaction_id, record.key),
        "document_row": record.row,
    }


def _operations(record: DocumentRecord) -> list[Operation]:
    """The record says that it is indexed, so that its settlement takes the row away again."""
    found: list[Operation] = []
    if record.is_open and not record.indexed:
        marked: dict[str, Any] = {"PartitionKey": record.partition, "RowKey": record.row, "indexed": True}
        unchanged = {"etag": record.etag, "match_condition": MatchConditions.IfNotModified}
        found = [
            ("update", marked, {"mode": UpdateMode.MERGE, **unchanged}),
            ("upsert", open_row(to_summary(replace(record, indexed=True)), record.key), {"mode": UpdateMode.REPLACE}),
        ]
    if not record.filing.owns_id:
        found.append(("upsert", mention(record), {"mode": UpdateMode.REPLACE}))
    return found

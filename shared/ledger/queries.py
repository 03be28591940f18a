"""Reading the document ledger: one document, a window of them, their audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.chains import read_audit
from shared.ledger.records import SUMMARY, DocumentRecord, State, from_entity

_ROWS_PER_QUERY = 12
"""Storage takes 15 comparisons in a filter; three hold the partition and the range."""


class DocumentQueries:
    """Records of posted documents, as they are stored."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def get(self, connection: str, key: DocumentKey) -> DocumentRecord | None:
        """The record of ``key``, in full."""
        return await self._get(keys.partition(connection, key.company), keys.document_row(key))

    async def get_all(self, connection: str, wanted: Sequence[DocumentKey]) -> list[DocumentRecord]:
        """The records, in full, of those of ``wanted`` that the ledger has, in no order."""
        days: dict[tuple[str, date], list[str]] = {}
        for key in sorted(set(wanted), key=keys.document_row):
            days.setdefault((keys.partition(connection, key.company), key.date), []).append(keys.document_row(key))
        found = await asyncio.gather(
            *(
                self._get_some(partition, rows[start : start + _ROWS_PER_QUERY])
                for (partition, _), rows in days.items()
                for start in range(0, len(rows), _ROWS_PER_QUERY)
            )
        )
        return [record for records in found for record in records]

    async def _get_some(self, partition: str, rows: Sequence[str]) -> list[DocumentRecord]:
        """The records of a few sorted ``rows`` of one day: storage reads through all that lies between them."""
        if len(rows) == 1:
            record = await self._get(partition, rows[0])
            return [record] if record else []
        names = {f"row{n}": row for n, row in enumerate(rows)}
        found = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey le @last and ( "
            + " or ".join(f"RowKey eq @{name}" for name in names)
            + " )",
            parameters={"partition": partition, "first": rows[0], "last": rows[-1], **names},
        )
        return [from_entity(entity) async for entity in found]

    async def _get(self, partition: str, row: str) -> DocumentRecord | None:
        try:
            return from_entity(await self._table.get_entity(partition, row))
        except ResourceNotFoundError:
            return None

    async def owner_of(self, connection: str, company: str, transaction_id: str) -> DocumentRecord | None:
        """The document that owns ``transaction_id``."""
        partition = keys.partition(connection, company)
        try:
            pointer = await self._table.get_entity(partition, keys.id_row(transaction_id))
        except ResourceNotFoundError:
            return None
        return await self._get(partition, pointer["document_row"])

    async def find(
        self, connection: str, company: str, transaction_id: str, voucher: str | None = None
    ) -> DocumentRecord | None:
        """The document with ``transaction_id``: its owner, else a skipped or held one that shows the id.

        ``voucher`` chooses among several.
        """
        owner = await self.owner_of(connection, company, transaction_id)
        if owner and voucher in (None, owner.key.voucher):
            return owner
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end and transaction_id eq @id",
            parameters={
                "partition": keys.partition(connection, company),
                "first": keys.document_rows_from(date.min),
                "end": keys.DOCUMENT_ROWS_END,
                "id": transaction_id,
            },
        )
        async for entity in rows:
            if voucher in (None, entity["voucher"]):
                return from_entity(entity)
        return None

    async def listing(
        self,
        connection: str,
        company: str,
        *,
        since: date = date.min,
        until: date | None = None,
        after: str = "",
        states: Iterable[State] = (),
        reason: str = "",
    ) -> AsyncIterator[DocumentRecord]:
        """Records (without long texts) by invoice date, ``since`` to ``until`` inclusive, after the row ``after``."""
        first, start = keys.document_rows_from(since), "RowKey ge @first"
        if after > first:
            first, start = after, "RowKey gt @first"
        end = keys.document_rows_through(until) if until else keys.DOCUMENT_ROWS_END
        clauses = [f"PartitionKey eq @partition and {start} and RowKey lt @end"]
        values: dict[str, Any] = {"partition": keys.partition(connection, company), "first": first, "end": end}
        if wanted := list(states):
            clauses.append("( " + " or ".join(f"state eq @state{n}" for n in range(len(wanted))) + " )")
            values |= {f"state{n}": state.value for n, state in enumerate(wanted)}
        if reason:
            clauses.append("reason eq @reason")
            values["reason"] = reason
        async for entity in self._table.query_entities(" and ".join(clauses), parameters=values, select=SUMMARY):
            yield from_entity(entity)

    async def states(self, connection: str, company: str, since: date, until: date) -> AsyncIterator[tuple[State, str]]:
        """State and reason of each document dated ``since`` to ``until``, inclusive."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={
                "partition": keys.partition(connection, company),
                "first": keys.document_rows_from(since),
                "end": keys.document_rows_through(until),
            },
            select=["state", "reason"],
        )
        async for row in rows:
            yield State(row["state"]), row["reason"]

    async def audit(self, record: DocumentRecord) -> tuple[list[dict[str, Any]], bool]:
        """The document's audit entries, oldest first, and whether they and the stored record are intact."""
        chain = await read_audit(self._table, record.partition, record.row)
        return chain.entries, chain.intact

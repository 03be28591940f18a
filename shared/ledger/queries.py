"""Reading the document ledger: one document, a window of them, their audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.chains import read_audit
from shared.ledger.entity_reads import quoted, read_rows
from shared.ledger.long_texts import LongTexts
from shared.ledger.record_rows import SUMMARY, from_entity
from shared.ledger.records import DocumentRecord, State

_ROWS_PER_QUERY = 12
"""Storage takes 15 comparisons in a filter; three hold the partition and the range."""


class Counted(NamedTuple):
    """Where a document stands, for counting."""

    date: date
    state: State
    to_states: tuple[str, ...]
    late: bool


class DocumentQueries:
    """Records of posted documents, as they are stored."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._texts = LongTexts(table)

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

    async def _whole(self, entity: MutableMapping[str, Any]) -> DocumentRecord:
        """The record of a row that was read, with its long texts where all of it was read."""
        return from_entity(await self._texts.restore(entity))

    async def _get_some(self, partition: str, rows: Sequence[str]) -> list[DocumentRecord]:
        """The records of a few sorted ``rows`` of one day: storage reads through all that lies between them."""
        if len(rows) == 1:
            record = await self._get(partition, rows[0])
            return [record] if record else []
        keys_of_rows = [quoted(row) for row in rows]
        found = await read_rows(
            self._table,
            partition,
            f"RowKey ge {keys_of_rows[0]} and RowKey le {keys_of_rows[-1]} and ( "
            + " or ".join(f"RowKey eq {row}" for row in keys_of_rows)
            + " )",
        )
        return [await self._whole(entity) for entity in found]

    async def _get(self, partition: str, row: str) -> DocumentRecord | None:
        try:
            return await self._whole(await self._table.get_entity(partition, row))
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

    async def by_number(self, connection: str, company: str, number: str, dated: date) -> list[DocumentRecord]:
        """The documents with this number and date, in full."""
        first = keys.document_row(DocumentKey(company, dated, number, ""))
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={"partition": keys.partition(connection, company), "first": first, "end": f"{first}~"},
        )
        return [await self._whole(entity) async for entity in rows]

    async def showing(self, connection: str, company: str, transaction_id: str) -> list[DocumentRecord]:
        """The documents that show ``transaction_id`` now, in full: its owner first."""
        owner = await self.owner_of(connection, company, transaction_id)
        others = await self._mentioning(keys.partition(connection, company), transaction_id)
        return ([owner] if owner else []) + [
            other
            for other in others
            if other.filing.transaction_id == transaction_id and (owner is None or other.key != owner.key)
        ]

    async def _mentioning(self, partition: str, transaction_id: str) -> list[DocumentRecord]:
        """The documents that showed ``transaction_id`` once without owning it, in full."""
        first = keys.mention_rows(transaction_id)
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={"partition": partition, "first": first, "end": f"{first}~"},
        )
        found = [await self._get(partition, entity["document_row"]) async for entity in rows]
        return [record for record in found if record]

    async def listing(
        self,
        connection: str,
        company: str,
        *,
        since: date = date.min,
        until: date | None = None,
        after: str = "",
        before: str = "",
        states: Iterable[State] = (),
        reason: str = "",
        read_without: bool = False,
        whole: bool = False,
        at_once: int | None = None,
    ) -> AsyncIterator[DocumentRecord]:
        """Records by invoice date, ``since`` to ``until`` inclusive, between the rows ``after`` and ``before``.

        They are ``whole``, or in summary. Storage goes through those too that are not in ``states`` or for ``reason``;
        ``read_without`` chooses those that were read without some entity set. ``at_once`` are read at a time, for who
        will not read them all.
        """
        first, start = keys.document_rows_from(since), "RowKey ge @first"
        if after > first:
            first, start = after, "RowKey gt @first"
        end = keys.document_rows_through(until) if until else keys.DOCUMENT_ROWS_END
        end = min(end, before or end)
        clauses = [f"PartitionKey eq @partition and {start} and RowKey lt @end"]
        values: dict[str, Any] = {"partition": keys.partition(connection, company), "first": first, "end": end}
        if wanted := list(states):
            clauses.append("( " + " or ".join(f"state eq @state{n}" for n in range(len(wanted))) + " )")
            values |= {f"state{n}": state.value for n, state in enumerate(wanted)}
        if reason:
            clauses.append("reason eq @reason")
            values["reason"] = reason
        if read_without:
            clauses.append("read_without gt ''")
        select = None if whole else SUMMARY
        rows = self._table.query_entities(
            " and ".join(clauses), parameters=values, select=select, results_per_page=at_once
        )
        async for entity in rows:
            yield await self._whole(entity)

    async def first_day(self, connection: str, company: str) -> date | None:
        """The date of the oldest document; ``None`` where there is none."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={
                "partition": keys.partition(connection, company),
                "first": keys.document_rows_from(date.min),
                "end": keys.DOCUMENT_ROWS_END,
            },
            select=["RowKey"],
            results_per_page=1,
        )
        async for row in rows:
            return keys.day_of(row["RowKey"])
        return None

    async def rows(self, connection: str, company: str, day: date) -> AsyncIterator[str]:
        """The row keys of the documents dated ``day``: all that it takes to know which ones the ledger has."""
        async for row in self._of_days(connection, company, day, day, ["RowKey"]):
            yield row["RowKey"]

    async def count(self, connection: str, company: str, since: date, until: date) -> int:
        """How many documents are dated ``since`` to ``until``, inclusive."""
        return sum([1 async for _ in self._of_days(connection, company, since, until, ["RowKey"])])

    async def states(self, connection: str, company: str, since: date, until: date) -> AsyncIterator[tuple[State, str]]:
        """State and reason of each document dated ``since`` to ``until``, inclusive."""
        async for row in self._of_days(connection, company, since, until, ["state", "reason"]):
            yield State(row["state"]), row["reason"]

    async def standings(self, connection: str, company: str, since: date, until: date) -> AsyncIterator[Counted]:
        """Each document dated ``since`` to ``until``, inclusive, in four properties."""
        async for row in self._of_days(connection, company, since, until, ["date", "state", "to_state", "late"]):
            to_states = tuple((row.get("to_state") or "").split())
            yield Counted(date.fromisoformat(row["date"]), State(row["state"]), to_states, bool(row.get("late")))

    def _of_days(
        self, connection: str, company: str, since: date, until: date, select: list[str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Some properties of the rows of documents dated ``since`` to ``until``, inclusive."""
        return self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={
                "partition": keys.partition(connection, company),
                "first": keys.document_rows_from(since),
                "end": keys.document_rows_through(until),
            },
            select=select,
        )

    async def audit(self, record: DocumentRecord) -> tuple[list[dict[str, Any]], bool]:
        """The document's audit entries, oldest first, and whether they and the stored record are intact."""
        chain = await read_audit(self._table, record.partition, record.row)
        return chain.entries, chain.intact

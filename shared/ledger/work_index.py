"""All that a poll has to know of a company, in one range read: its open work, and what F&O had on each day (4.1, 4.10).

Beside the index of open work lies one small row per month with the number of documents that F&O had on each day when
that day was last listed to its end. A poll compares these numbers with F&O's: what is equal need not be listed. The row
also says when the ledger's own documents of the month were last counted, and what came of it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.commits import OPERATIONS_PER_TRANSACTION, GroupCommit
from shared.ledger.entity_groups import Operation
from shared.ledger.indexing import CHANGED, IndexedQueries
from shared.ledger.record_rows import from_entity
from shared.ledger.records import DocumentRecord

_DAYS, _CHECKED_ON, _SURPLUS = "days", "checked_on", "surplus"
"""Of the row of a month."""


@dataclass(frozen=True, slots=True)
class MonthCheck:
    """The ledger's documents of a month compared with F&O's count."""

    on: date
    """The day on which they were counted and nothing was missing."""
    surplus: int
    """How many more the ledger had once the month was listed: what F&O took away again, or never showed with a key."""


@dataclass(frozen=True, slots=True)
class CompanyWork:
    """One company as a poll finds it."""

    rows: tuple[DocumentRecord, ...] = ()
    """Open work by invoice date, as it was last settled; ``etag`` is that of the index's row."""
    counts: Mapping[date, int] | None = None
    """F&O's documents of each day when it was last listed; ``None`` where none of these months ever was."""
    checks: Mapping[date, MonthCheck] = field(default_factory=dict)
    """By the month's first day; those that were never checked are absent."""
    is_indexed: bool = False
    """Whether the index has every open document of the company."""


class WorkIndex:
    """Reads and keeps the index rows of all companies, apart from settlements, which write theirs themselves."""

    def __init__(self, table: TableClient, commits: GroupCommit) -> None:
        self._table = table
        self._queries = IndexedQueries(table, commits)
        self._commits = commits

    async def of_company(self, connection: str, company: str, since: date) -> CompanyWork:
        """Open work of any age, and the counts of the months from that of ``since`` on: one range read."""
        found: list[DocumentRecord] = []
        counts: dict[date, int] | None = None
        checks: dict[date, MonthCheck] = {}
        is_indexed = False
        async for entity in self._work_rows(connection, company, keys.count_row(since)):
            row = entity["RowKey"]
            if row == keys.INDEXED_ROW:
                is_indexed = True
            elif row.startswith(keys.OPEN_ROWS):
                found.append(from_entity(entity))
            else:
                if _DAYS in entity:
                    counts = (counts or {}) | _counts(entity)
                if _CHECKED_ON in entity:
                    on = date.fromisoformat(entity[_CHECKED_ON])
                    checks[_month_of(entity)] = MonthCheck(on, entity[_SURPLUS])
        return CompanyWork(tuple(found), counts, checks, is_indexed)

    def _work_rows(self, connection: str, company: str, first: str) -> AsyncIterator[Mapping[str, Any]]:
        return self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={
                "partition": keys.partition(connection, company),
                "first": first,
                "end": keys.WORK_ROWS_END,
            },
        )

    async def note_counts(self, connection: str, company: str, counts: Mapping[date, int]) -> None:
        """These days were listed to their end, and F&O has so many documents of each."""
        partition = keys.partition(connection, company)
        for month in sorted({day.replace(day=1) for day in counts}):
            try:
                known = _counts(await self._table.get_entity(partition, keys.count_row(month)))
            except ResourceNotFoundError:
                known = {}
            known |= {day: count for day, count in counts.items() if day.replace(day=1) == month}
            days = {f"{day:%d}": count for day, count in sorted(known.items()) if count}
            # Two polls that write at once have both listed what they write.
            await self._write_month(partition, month, {_DAYS: json.dumps(days)})

    async def note_check(self, connection: str, company: str, month: date, check: MonthCheck) -> None:
        """The ledger's documents of ``month`` were counted."""
        noted = {_CHECKED_ON: check.on.isoformat(), _SURPLUS: check.surplus}
        await self._write_month(keys.partition(connection, company), month, noted)

    async def _write_month(self, partition: str, month: date, changed: Mapping[str, Any]) -> None:
        row = {"PartitionKey": partition, "RowKey": keys.count_row(month), **changed}
        await self._commits.commit([("upsert", row, {"mode": UpdateMode.MERGE})])

    async def take(self, rows: Sequence[DocumentRecord], until: datetime) -> list[DocumentRecord]:
        """Note that the caller's messages will name ``rows``, all of one company, until then.

        Returns those that were still as they were read: another poll has taken the others, or they were settled.
        """
        taken: list[DocumentRecord] = []
        for start in range(0, len(rows), OPERATIONS_PER_TRANSACTION):
            some = rows[start : start + OPERATIONS_PER_TRANSACTION]
            try:
                await self._commits.commit([_taking(row, until) for row in some])
                taken += some
            except CHANGED:
                for row in some:
                    taken += [row] if await self._commit([_taking(row, until)]) else []
        return [replace(row, enqueued_until=until) for row in taken]

    async def note_enqueued(self, connection: str, wanted: Iterable[DocumentKey], until: datetime) -> None:
        """Messages on the queue name these documents until then; those that are not open work are passed over."""
        operations = [_noting(connection, key, until) for key in dict.fromkeys(wanted)]
        for start in range(0, len(operations), OPERATIONS_PER_TRANSACTION):
            some = operations[start : start + OPERATIONS_PER_TRANSACTION]
            if not await self._commit(some):
                for operation in some:
                    await self._commit([operation])

    async def drop(self, row: DocumentRecord) -> None:
        """Take away a row of the index whose document is settled, unless it has changed since it was read."""
        await self._commit([("delete", _address(row.connection, row.key), _unchanged(row.etag))])

    async def index(self, connection: str, company: str) -> None:
        """Complete the index; see :meth:`IndexedQueries.index`."""
        await self._queries.index(connection, company)

    async def _commit(self, operations: Sequence[Operation]) -> bool:
        """Whether all rows were as they had to be."""
        try:
            await self._commits.commit(operations)
        except CHANGED:
            return False
        return True


def _month_of(entity: Mapping[str, Any]) -> date:
    return date.fromisoformat(f"{entity['RowKey'].rpartition('|')[2]}-01")


def _counts(entity: Mapping[str, Any]) -> dict[date, int]:
    month = _month_of(entity)
    days: Mapping[str, int] = json.loads(entity.get(_DAYS) or "{}")
    return {month.replace(day=int(day)): count for day, count in days.items()}


def _address(connection: str, key: DocumentKey) -> dict[str, str]:
    return {"PartitionKey": keys.partition(connection, key.company), "RowKey": keys.open_row(key)}


def _unchanged(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _taking(row: DocumentRecord, until: datetime) -> Operation:
    noted = _address(row.connection, row.key) | {"enqueued_until": until.isoformat()}
    return "update", noted, {"mode": UpdateMode.MERGE, **_unchanged(row.etag)}


def _noting(connection: str, key: DocumentKey, until: datetime) -> Operation:
    return "update", _address(connection, key) | {"enqueued_until": until.isoformat()}, {"mode": UpdateMode.MERGE}

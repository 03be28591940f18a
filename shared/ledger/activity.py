"""What people and schedules did, newest first: one row for each act, written together with it (design 3.1).

The key of a row holds the time counted down, so that the newest come first and a page of them costs a page, however
long the history is. The audit proves; these rows only list.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.audit import AuditEntry, Redact

_ROW = "activity"
_END_OF_TIME = 9_999_999_999_999_999
"""Microseconds since 1970, in the year 2286."""
_LONGEST = 2000
"""Characters of a text."""
_LONGEST_JSON = 8000

OF_DOCUMENTS = frozenset({"retry", "approve", "dismiss", "settle", "note", "assign"})
"""What people decide about documents."""
OF_SUBJECTS: Mapping[str, str] = {
    "period": "period",
    "backfill": "backfill",
    "customer": "customer",
    "nexus": "nexus",
    "reconciliation": "reconciliation",
    "fence": "fence",
}
"""Kind of an audited row → kind of activity; the others are no acts of people or schedules."""
_STEPS = frozenset({"listed", "compared", "retrying"})
"""What is audited on the way and is not an act."""


def is_act(decision: str) -> bool:
    """Whether an entry about a subject is one that people look for."""
    return decision not in _STEPS


def activity_row(
    partition: str, entry: AuditEntry, redact: Redact, *, kind: str, company: str, name: str, transaction_id: str = ""
) -> dict[str, Any]:
    """The row to insert in the transaction of the act; ``name`` makes its key its own among those of one moment."""
    actor = entry.actor
    row = {
        "PartitionKey": partition,
        "RowKey": f"{_ROW}|{_key_of(entry.at)}|{name}",
        "at": entry.at.astimezone(UTC).isoformat(),
        "kind": kind,
        "company": company,
        "by": actor.by,
        "person": actor.object_id,
        "way": actor.way,
        "function": actor.function,
        "subject": entry.subject,
        "transaction_id": transaction_id,
        "decision": str(entry.decision),
        "reason": str(redact(str(entry.reason)))[:_LONGEST],
        "message": str(redact(entry.message))[:_LONGEST],
        "before": _json(redact(entry.before)),
        "after": _json(redact(entry.after)),
    }
    return {name: value for name, value in row.items() if value != ""}


def _key_of(at: datetime) -> str:
    return f"{_END_OF_TIME - round(at.timestamp() * 1_000_000):016d}"


def _json(content: Any) -> str:
    text = json.dumps(content, default=str, ensure_ascii=False) if content else ""
    return text if len(text) <= _LONGEST_JSON else ""


@dataclass(frozen=True, slots=True)
class Act:
    """One row. ``place`` is where the next page goes on."""

    place: str
    content: Mapping[str, Any]


class Activity:
    """Reads the acts, and notes those that change no row of their own."""

    def __init__(self, table: TableClient, *, redact: Redact) -> None:
        self._table = table
        self._redact = redact

    async def note(self, partition: str, entry: AuditEntry, *, kind: str, company: str = "", name: str) -> None:
        """Note an act."""
        row = activity_row(partition, entry, self._redact, kind=kind, company=company, name=name)
        await self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def read(
        self,
        partitions: Iterable[str],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str = "",
        page: int = 100,
    ) -> AsyncIterator[Act]:
        """The acts of all ``partitions`` merged, newest first, from ``until`` (exclusive) back to ``since``.

        Reads on as they are taken, ``page`` rows of a partition at a time.
        """
        first = max(after, f"{_key_of(until)}|~" if until else "")
        last = f"{_key_of(since)}|~" if since else "~"
        streams = [self._of_partition(partition, first, last, page) for partition in partitions]
        heads = [(stream, await anext(stream, None)) for stream in streams]
        waiting = [(head.place, number, head) for number, (_, head) in enumerate(heads) if head]
        while waiting:
            newest = min(waiting, key=lambda each: each[:2])
            waiting.remove(newest)
            _, number, act = newest
            yield act
            if following := await anext(streams[number], None):
                waiting.append((following.place, number, following))

    async def _of_partition(self, partition: str, first: str, last: str, page: int) -> AsyncIterator[Act]:
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last",
            parameters={"partition": partition, "first": f"{_ROW}|{first}", "last": f"{_ROW}|{last}"},
            results_per_page=min(page, 1000),
        )
        async for row in rows:
            yield Act(row["RowKey"].removeprefix(f"{_ROW}|"), row)

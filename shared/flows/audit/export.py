"""The audit as a file that proves itself: JSON lines for ``audit verify``, page by page (design 3.1, 4.8).

Records are read first, then entries, the journal and the seals: what was written in the meantime has its journal row in
the file. What the last minutes of the journal name is read once more behind it, so nothing lacks its other half.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector
from shared.ledger import keys
from shared.ledger.audit import entry_text
from shared.ledger.chains import stored_record
from shared.ledger.root_store import RootStore
from shared.ledger.seals import Seals
from shared.proof.journal import journal_time
from shared.proof.records import plain_record
from shared.web import Answer, Day, Problem

PAGE = 4 * 1024 * 1024
"""Bytes after which a page ends."""
_RECENT = timedelta(minutes=10)
"""Longer than a write to the journal is under way."""
_LATE = timedelta(days=3)
"""For how long after its day a row may still be sealed as late."""
_LAST = "~"

Line = tuple[str, dict[str, Any]]
"""A line's place, which a later page goes on behind, and its content."""


class ExportQuery(BaseModel):
    """The query of ``export_audit``: days of the journal (UTC), both inclusive, and where to go on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Day | None = Field(default=None, alias="from")
    until: Day | None = Field(default=None, alias="to")
    after: str = ""


async def export_audit(connector: Connector, connection: str, company: str, query: ExportQuery) -> Answer:
    """One page of the audit; pages written one behind the other make the file. ``X-Next`` is the path of the next page.

    Raises :class:`NotFound` for a connection or company that the settings do not have.
    """
    connector.connection(connection).company(company)
    if query.since and query.until and query.since > query.until:
        raise Problem(400, "bad_request", f"from ({query.since}) must not be after to ({query.until}).")
    export = AuditExport(connector.seals, connection, company, query.since, query.until, connector.clock())
    lines: list[str] = []
    size = 0
    async for place, content in export.lines(query.after):
        lines.append(json.dumps(content, separators=(",", ":")))
        size += len(lines[-1]) + 1
        if size >= PAGE and place:
            following = {**query.model_dump(mode="json", by_alias=True, exclude_none=True), "after": place}
            path = f"/api/audit/{quote(connection)}/{quote(company)}?{urlencode(following)}"
            lines.append(json.dumps({"type": "more", "after": place, "next": path}))
            return Answer(body="\n".join(lines) + "\n", content_type=_TYPE, headers={"X-Next": path})
    return Answer(body="\n".join(lines) + "\n", content_type=_TYPE)


_TYPE = "application/x-ndjson"


class AuditExport:
    """The audit of one company as lines; memory does not grow with it."""

    def __init__(
        self, seals: Seals, connection: str, company: str, since: date | None, until: date | None, now: datetime
    ) -> None:
        self._seals = seals
        self._connection = connection
        self._company = company
        self._since = since
        self._until = until
        self._now = now
        self._partition = keys.partition(connection, company)
        self._first = since.isoformat() if since else ""
        self._end = (until + timedelta(days=1)).isoformat() if until else ""

    async def lines(self, after: str = "") -> AsyncIterator[Line]:
        """All lines behind the place ``after``; each has a place, except where a page cannot end.

        Raises :class:`Problem` for a place that no page names.
        """
        stages = {"records": self._records, "entries": self._entries, "journal": self._journal, "roots": self._roots}
        stage, _, position = after.partition(":")
        if after and stage not in stages:
            raise Problem(400, "bad_request", "after must be what the page before says.")
        yield "", {"type": "page", "after": after} if after else self._header()
        names = list(stages)
        for name in names[names.index(stage) if after else 0 :]:
            async for place, content in stages[name](position):
                yield f"{name}:{place}" if place else "", content
            position = ""
        yield "", {"type": "end"}

    def _header(self) -> dict[str, Any]:
        return {
            "type": "export",
            "version": 1,
            "connection": self._connection,
            "company": self._company,
            "partition": self._partition,
            "from": self._first or None,
            "to": self._until.isoformat() if self._until else None,
            "exported_at": journal_time(self._now),
        }

    async def _records(self, after: str) -> AsyncIterator[Line]:
        async for row in self._seals.contents.records(self._partition, after, self._first):
            yield row["RowKey"], await self._record(row)

    async def _record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        line = {"type": "record", "entity": plain_record(row)}
        texts = await self._seals.contents.long_texts(row)
        return line | {"texts": texts} if texts else line

    async def _entries(self, after: str) -> AsyncIterator[Line]:
        async for row in self._seals.contents.entries(self._partition, after, self._first, self._end):
            yield row["RowKey"], _entry(row)

    async def _journal(self, after: str) -> AsyncIterator[Line]:
        recent = journal_time(self._now - _RECENT)
        # Behind a key there is no other that begins with it.
        async for row in self._seals.journal.rows(self._partition, f"{after}!" if after else self._first, self._end):
            if row.key >= recent:
                yield "", {"type": "journal", **row.content()}
                async for line in self._again(row.row, row.number, row.entry):
                    yield "", line
                yield row.key, {"type": "again"}
            else:
                yield row.key, {"type": "journal", **row.content()}

    async def _again(self, row: str, number: int, entry: str) -> AsyncIterator[dict[str, Any]]:
        found = await self._seals.contents.entry(self._partition, keys.audit_row(row, number, entry))
        if found:
            yield {**_entry(found), "again": True}
        record = await stored_record(self._seals.table, self._partition, row) if row else None
        if record:
            yield {**await self._record(record), "again": True}

    async def _roots(self, after: str) -> AsyncIterator[Line]:
        store = self._seals.store
        if store is None:
            return
        day_after, _, offset = after.partition("@")
        first = self._since - timedelta(days=1) if self._since else date.min
        last = self._until + _LATE if self._until else date.max
        async for day in store.days(self._connection, self._company):
            if first <= day <= last and day.isoformat() >= day_after:
                start = int(offset) if day.isoformat() == day_after and offset.isdigit() else 0
                async for line in self._root(store, day, start):
                    yield line

    async def _root(self, store: RootStore, day: date, offset: int) -> AsyncIterator[Line]:
        async for line in store.lines(self._connection, self._company, day, offset):
            try:
                content = json.loads(line)
            except ValueError:
                content = {"unreadable": line.decode(errors="replace")[:200]}
            kind = "root" if offset == 0 else "sealed"
            offset += len(line) + 1
            yield f"{day.isoformat()}@{offset}", {"type": kind, "day": day.isoformat(), **content}


def _entry(entity: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = entry_text(entity)
    except ValueError:
        text = ""
    line = {"type": "entry", "key": entity["RowKey"].removeprefix("audit|"), "text": text}
    names = ("version", "at", "previous", "record", "hash")
    return line | {name: entity[name] for name in names if name in entity}

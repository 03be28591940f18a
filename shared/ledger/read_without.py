"""Which entity sets documents were read without, and of which days those are: one small row per company and set.

The days are noted before the documents are settled. Once the set is there, a job reads those documents of these days
again that say that they were read without it, and takes the row away (design 4.1).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger import keys
from shared.ledger.indexing import CHANGED

_Place = tuple[str, str]
"""Connection and company."""


@dataclass(frozen=True, slots=True)
class SetMissed:
    """A set that a company's documents, dated ``since`` to ``until``, were read without."""

    set: str
    since: date
    until: date
    job: str = ""
    """The backfill that reads them again."""

    def added_to(self, other: SetMissed | None) -> SetMissed:
        """Both, under the job of ``other``."""
        if other is None:
            return self
        return replace(other, since=min(self.since, other.since), until=max(self.until, other.until))


class ReadWithout:
    """The rows of all companies. What this process knows of them saves it from writing what is noted already."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._known: dict[_Place, dict[str, SetMissed]] = {}
        self._writing: defaultdict[_Place, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of_company(self, connection: str, company: str, *, anew: bool = False) -> Mapping[str, SetMissed]:
        """By set; ``anew`` with what other instances have noted."""
        place = connection, company
        if anew or place not in self._known:
            rows = self._table.query_entities(
                "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
                parameters={
                    "partition": keys.partition(*place),
                    "first": keys.READ_WITHOUT_ROWS,
                    "end": keys.READ_WITHOUT_ROWS_END,
                },
            )
            self._known[place] = {row["set"]: _missed(row) async for row in rows}
        return self._known[place]

    async def note(self, connection: str, company: str, days: Mapping[str, Iterable[date]]) -> list[str]:
        """Documents of these days were read without these sets; return the sets of which other days were known."""
        known, noted = await self.of_company(connection, company), list[str]()
        for name, dates in days.items():
            since, until = min(dates), max(dates)
            missed = known.get(name)
            if missed is None or since < missed.since or until > missed.until:
                await self._write(connection, company, name, SetMissed(name, since, until).added_to)
                noted.append(name)
        return noted

    async def begin(self, connection: str, company: str, name: str, job: str) -> None:
        """``job`` reads the documents again."""
        await self._write(connection, company, name, lambda stored: stored and replace(stored, job=job))

    async def _write(
        self, connection: str, company: str, name: str, change: Callable[[SetMissed | None], SetMissed | None]
    ) -> None:
        """Instances that write at the same time keep what the other wrote; ``None`` is not written."""
        async with self._writing[connection, company]:
            while True:
                stored, guard = await self._get(connection, company, name)
                changed = change(stored)
                if changed is None:
                    return
                row = _row(connection, company, changed)
                try:
                    if guard:
                        await self._table.update_entity(row, mode=UpdateMode.REPLACE, **guard)
                    else:
                        await self._table.create_entity(row)
                except CHANGED:
                    continue
                self._known.setdefault((connection, company), {})[name] = changed
                return

    async def end(self, connection: str, company: str, name: str) -> None:
        """All of them were read again."""
        await self._table.delete_entity(keys.partition(connection, company), keys.read_without_row(name))
        self._known.get((connection, company), {}).pop(name, None)

    async def _get(self, connection: str, company: str, name: str) -> tuple[SetMissed | None, dict[str, Any]]:
        try:
            row = await self._table.get_entity(keys.partition(connection, company), keys.read_without_row(name))
        except ResourceNotFoundError:
            return None, {}
        return _missed(row), {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}


def _row(connection: str, company: str, missed: SetMissed) -> dict[str, Any]:
    return {
        "PartitionKey": keys.partition(connection, company),
        "RowKey": keys.read_without_row(missed.set),
        "set": missed.set,
        "since": missed.since.isoformat(),
        "until": missed.until.isoformat(),
        "job": missed.job,
    }


def _missed(row: Mapping[str, Any]) -> SetMissed:
    return SetMissed(row["set"], date.fromisoformat(row["since"]), date.fromisoformat(row["until"]), row["job"])

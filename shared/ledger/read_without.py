"""Which entity sets documents were read without, and of which days those are: one small row per company and set.

The days are noted before the documents are settled. Once the set is there, a job reads those documents of these days
again that say that they were read without it, and takes the row away (design 4.1).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger import keys

Days = tuple[date, date]
"""First and last."""
_Place = tuple[str, str]
"""Connection and company."""
_CHANGED = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)


@dataclass(frozen=True, slots=True)
class SetMissed:
    """A set that a company's documents, dated ``since`` to ``until``, were read without."""

    set: str
    since: date
    until: date
    job: str = ""
    """The backfill that reads them again."""


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
                await self._widen(connection, company, SetMissed(name, since, until))
                noted.append(name)
        return noted

    async def _widen(self, connection: str, company: str, wanted: SetMissed) -> None:
        """Instances that write at the same time keep each other's days."""
        async with self._writing[connection, company]:
            while True:
                stored, guard = await self._get(connection, company, wanted.set)
                wide = wanted
                if stored is not None:
                    days = min(stored.since, wanted.since), max(stored.until, wanted.until)
                    wide = replace(stored, since=days[0], until=days[1])
                row = _row(connection, company, wide)
                try:
                    if guard:
                        await self._table.update_entity(row, mode=UpdateMode.REPLACE, **guard)
                    else:
                        await self._table.create_entity(row)
                except _CHANGED:
                    continue
                self._known.setdefault((connection, company), {})[wide.set] = wide
                return

    async def begin(self, connection: str, company: str, name: str, job: str) -> None:
        """``job`` reads the documents again."""
        stored, _ = await self._get(connection, company, name)
        if stored is not None:
            wide = replace(stored, job=job)
            await self._table.upsert_entity(_row(connection, company, wide), mode=UpdateMode.REPLACE)
            self._known.setdefault((connection, company), {})[name] = wide

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

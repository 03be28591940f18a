"""Reconciliations that run as jobs: how far each is, and what it has found, piece by piece (design 4.7).

A piece is what one step compared. Its rows are written first, and take effect once the job names the piece as its last:
each piece names the one before it, so that a step that came twice leaves nothing that counts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger import wide
from shared.ledger.jobs import Job, JobLedger
from shared.ledger.subjects import SubjectLedger
from shared.table_keys import encode

Json = dict[str, Any]
_KIND = "reconciliation"
_ROWS_PER_PAGE = 50
_PAGES_PER_TRANSACTION = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation(Job):
    """One reconciliation of one company; its cursor is the first day that is not compared yet."""

    deep: bool = False
    heal: bool = False
    confirm: bool = False
    """Send again also where so much is missing in TaxJar that a person has to decide; ``reason`` says why."""
    reason: str = ""
    compare: bool = True
    """Off: completeness alone, for which TaxJar is not asked what it holds."""
    providers: str = ""
    """Further TaxJar providers to look for foreign transactions under, separated by commas."""
    nightly: bool = False
    last_piece: str = ""
    counts: Mapping[str, Any] | None = None
    """Documents by status, so far."""
    documents: int = 0
    """All that were compared so far."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one step found: its figures, and how many rows of each section it has."""

    name: str
    since: date
    previous: str
    figures: Json
    sections: Mapping[str, int]


class ReconciliationLedger(JobLedger[Reconciliation]):
    """Reconciliations with their results."""

    def __init__(self, table: TableClient, subjects: SubjectLedger) -> None:
        super().__init__(subjects, _KIND, Reconciliation)
        self._table = table

    async def write_piece(
        self, job: Reconciliation, name: str, figures: Json, rows: Mapping[str, Sequence[Json]]
    ) -> None:
        """Write what the step at the job's cursor found; it counts once the job names it."""
        where, since = self._results(job), job.cursor.isoformat()
        pages: list[Json] = []
        for section, found in rows.items():
            for number, start in enumerate(range(0, len(found), _ROWS_PER_PAGE)):
                text = json.dumps(found[start : start + _ROWS_PER_PAGE])
                key = f"{_section(section, since, name)}{number:06d}"
                pages.append({"PartitionKey": where, "RowKey": key, **wide.pack("rows", text)})
        for start in range(0, len(pages), _PAGES_PER_TRANSACTION):
            some = pages[start : start + _PAGES_PER_TRANSACTION]
            await self._table.submit_transaction([("upsert", page, {"mode": UpdateMode.REPLACE}) for page in some])
        piece = {
            "PartitionKey": where,
            "RowKey": f"piece|{since}|{name}",
            "since": since,
            "name": name,
            "previous": job.last_piece,
            "sections": json.dumps({section: len(found) for section, found in rows.items()}),
            **wide.pack("figures", json.dumps(figures)),
        }
        await self._table.upsert_entity(piece, mode=UpdateMode.REPLACE)

    async def pieces(self, job: Reconciliation) -> list[Piece]:
        """What the steps so far have found, in the order of days."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey gt 'piece|' and RowKey lt 'piece|~'",
            parameters={"partition": self._results(job)},
        )
        written = {row["name"]: row async for row in rows}
        found: list[Piece] = []
        name = job.last_piece
        while name:
            row = written[name]
            figures, sections = json.loads(wide.unpack("figures", row)), json.loads(row["sections"])
            found.append(Piece(name, date.fromisoformat(row["since"]), row["previous"], figures, sections))
            name = row["previous"]
        return found[::-1]

    async def rows(
        self, job: Reconciliation, pieces: Sequence[Piece], section: str, skip: int = 0
    ) -> AsyncIterator[Json]:
        """The rows of ``section`` in the order of days, without the first ``skip``: as much is read as is taken."""
        for piece in pieces:
            count = piece.sections.get(section, 0)
            if skip >= count:
                skip -= count
                continue
            prefix = _section(section, piece.since.isoformat(), piece.name)
            pages = self._table.query_entities(
                "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
                parameters={
                    "partition": self._results(job),
                    "first": f"{prefix}{skip // _ROWS_PER_PAGE:06d}",
                    "end": f"{prefix}~",
                },
            )
            skip %= _ROWS_PER_PAGE
            async for page in pages:
                found = json.loads(wide.unpack("rows", page))
                for row in found[skip:]:
                    yield row
                skip = 0

    async def write_end(self, job: Reconciliation, result: Json) -> None:
        """Store what can only be said at the end."""
        row = {"PartitionKey": self._results(job), "RowKey": "result", **wide.pack("result", json.dumps(result))}
        await self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def end(self, job: Reconciliation) -> Json:
        """What :meth:`write_end` stored; empty where the job has not come to its end."""
        try:
            row = await self._table.get_entity(self._results(job), "result")
        except ResourceNotFoundError:
            return {}
        found: Json = json.loads(wide.unpack("result", row))
        return found

    def _results(self, job: Reconciliation) -> str:
        return f"{self.partition(job.connection)}|{encode(job.job)}"


def _section(section: str, since: str, piece: str) -> str:
    return f"row|{section}|{since}|{piece}|"

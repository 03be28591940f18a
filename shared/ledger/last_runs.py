"""When each scheduled function last came to its end: information only, nothing depends on it (design 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.activity import activity_row
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.commits import GroupCommit
from shared.ledger.entity_groups import Operation
from shared.ledger.keys import partition
from shared.table_keys import encode

_ROW = "last-run"
_FREQUENT = frozenset({"poll_posted_invoices"})


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last complete run of a function for a connection, or for one ``company`` of it."""

    function: str
    complete_at: datetime
    company: str = ""
    by: str = ""
    """The schedule or person behind it; empty where an earlier version noted it."""


class LastRuns:
    """One row per connection and function, and company where the function goes by companies."""

    def __init__(self, table: TableClient, commits: GroupCommit, *, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._commits = commits
        self._clock = clock

    async def note(self, connection: str, function: str, *, company: str = "", by: str = "") -> None:
        """``function`` has just come to its end for ``connection``, with nothing left undone.

        It is listed among the acts, except for a poll, of which there is one every few minutes.
        """
        now, where = self._clock(), partition(connection, "")
        row = {
            "PartitionKey": where,
            "RowKey": f"{_ROW}|{function}" + (f"|{encode(company)}" if company else ""),
            "function": function,
            "company": company,
            "by": by,
            "complete_at": now.isoformat(),
        }
        written: list[Operation] = [("upsert", row, {"mode": UpdateMode.REPLACE})]
        if function not in _FREQUENT:
            entry = AuditEntry(at=now, actor=Actor(function=function, by=by), subject=function, decision="complete")
            name = f"{function}|{encode(company)}"
            act = activity_row(where, entry, lambda value: value, kind="run", company=company, name=name)
            written.append(("upsert", act, {"mode": UpdateMode.REPLACE}))
        await self._commits.commit(written)

    async def all_of(self, connection: str) -> list[LastRun]:
        """Every row of ``connection``."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
            parameters={"partition": f"{encode(connection)}|", "first": f"{_ROW}|", "end": f"{_ROW}|~"},
        )
        return [
            LastRun(
                row["function"],
                datetime.fromisoformat(row["complete_at"]),
                row.get("company") or "",
                row.get("by") or "",
            )
            async for row in rows
        ]

    async def of(self, connection: str) -> dict[str, datetime]:
        """Function → when it was last complete for the whole connection."""
        return {run.function: run.complete_at for run in await self.all_of(connection) if not run.company}

    async def complete_poll(self, connection: str) -> datetime | None:
        """When a poll, or the sweep, last saw its whole window."""
        runs = await self.of(connection)
        seen = [runs[name] for name in ("poll_posted_invoices", "sweep_posted_invoices") if name in runs]
        return max(seen, default=None)

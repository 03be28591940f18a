"""What the audit's days are sealed with and kept in, and how far that is for each company."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.audit import Chain
from shared.ledger.chains import Audited, read_audit
from shared.ledger.contents import Contents
from shared.ledger.journal import Journal
from shared.ledger.keys import partition
from shared.ledger.root_store import RootStore
from shared.proof.journal import BASELINE, JournalRow
from shared.proof.records import record_hash
from shared.proof.seals import Seal, Signer

_ROW = "seals"
_OF_THE_SEAL = ("root", "sealed_at", "key")
_SHOWN = 100
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class SealState:
    """How far a company's audit is sealed, and what is wrong with it."""

    sealed_through: date | None = None
    root: str = ""
    """Of that day, as hex."""
    sealed_at: str = ""
    """When it was signed (ISO 8601)."""
    key: str = ""
    """Fingerprint of the key that signed it."""
    checked_at: datetime | None = None
    """When sealing ran last."""
    trouble: str = ""
    """Why it did not get to its end the last time."""
    broken: tuple[str, ...] = ()
    """Rows and days that are not as they were written, at most 100."""
    broken_count: int = 0


class Seals:
    """The seals of all companies; ``signer`` and ``store`` are missing where the settings name none."""

    def __init__(self, table: TableClient, *, signer: Signer | None, store: RootStore | None) -> None:
        self.table = table
        self.signer = signer
        self.store = store
        self.journal = Journal(table)
        self.contents = Contents(table)

    async def state(self, connection: str, company: str) -> SealState:
        """How far it is; empty where sealing never ran."""
        try:
            row: Any = await self.table.get_entity(partition(connection, company), _ROW)
        except ResourceNotFoundError:
            return SealState()
        try:
            return self._state(row)
        except (ValueError, TypeError, KeyError):
            return SealState(trouble="What was noted of the last sealing cannot be read.")

    def _state(self, row: Any) -> SealState:
        return SealState(
            sealed_through=date.fromisoformat(row["sealed_through"]) if row.get("sealed_through") else None,
            **{name: row.get(name) or "" for name in _OF_THE_SEAL},
            checked_at=datetime.fromisoformat(row["checked_at"]),
            trouble=row.get("trouble") or "",
            broken=tuple(json.loads(row.get("broken") or "[]")),
            broken_count=row.get("broken_count") or 0,
        )

    async def note(
        self,
        connection: str,
        company: str,
        *,
        at: datetime,
        last: Seal | None,
        trouble: str = "",
        broken: Sequence[str] = (),
    ) -> None:
        """Note how a sealing went; without ``last``, what was noted of the last seal stays.

        Information only: what is sealed says the store.
        """
        of_seal = {}
        if last:
            statement = last.statement
            of_seal = {"sealed_through": statement.day, **{name: getattr(statement, name) for name in _OF_THE_SEAL}}
        await self.table.upsert_entity(
            {
                "PartitionKey": partition(connection, company),
                "RowKey": _ROW,
                **of_seal,
                "checked_at": at.isoformat(),
                "trouble": trouble[:_LONGEST],
                "broken": json.dumps(list(broken[:_SHOWN])),
                "broken_count": len(broken),
            },
            mode=UpdateMode.MERGE,
        )

    async def baseline(self, connection: str, company: str) -> AsyncIterator[JournalRow]:
        """The ends of all chains that are older than the journal, as rows for the first seal."""
        async for record in self.contents.records(partition(connection, company)):
            chain = Chain.of(record)
            if chain.count and "audit_version" not in record:
                row = record["RowKey"]
                yield JournalRow(f"{BASELINE}{row}", row, chain.count, chain.head, record_hash(record))

    async def audit_of(self, connection: str, company: str, row: str) -> Audited:
        """The audit of a row of the ledger."""
        return await read_audit(self.table, partition(connection, company), row)


async def read_seal(store: RootStore, connection: str, company: str, day: date) -> Seal | None:
    """The seal of a day; ``None`` where it has none. Raises ``ValueError`` for one that cannot be read."""
    async for line in store.lines(connection, company, day):
        return Seal.of(_json(line))
    return None


async def sealed_rows(store: RootStore, connection: str, company: str, day: date) -> AsyncIterator[JournalRow]:
    """The journal rows in the seal of a day, in their order. Raises ``ValueError`` for what cannot be read."""
    is_first = True
    async for line in store.lines(connection, company, day):
        if not is_first:
            yield JournalRow.of(_json(line))
        is_first = False


def _json(line: bytes) -> dict[str, Any]:
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("a line of a seal is not an object")
    return content

"""Backfills: what was asked for, how far it has come, and of a dry run what would become of each document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.audit import AuditEntry
from shared.ledger.subjects import SubjectChanged, SubjectLedger
from shared.table_keys import encode

_ROWS_PER_TRANSACTION = 100
_KIND = "backfill"


class BackfillState(StrEnum):
    """Where a backfill is."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BackfillOver(Exception):
    """The backfill has come to its end, or was cancelled: nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One backfill of one company. ``since`` and ``until`` are invoice dates, inclusive."""

    connection: str
    job: str
    company: str
    since: date
    until: date
    dry_run: bool
    force: bool
    by: str
    started_at: datetime
    state: BackfillState = BackfillState.RUNNING
    message: str = ""
    cursor: date
    """The first day that is not listed yet."""
    listed_at: datetime | None = None
    """When the last day was."""
    total: int | None = None
    """How many documents F&O had in the range when the backfill began."""
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    """The figures at the end."""


class DryRunOutcome(StrEnum):
    """What a dry run found of a document; the values are the names of the figures in answers."""

    SEEN = "remaining"
    """Not tried out yet."""
    UNCHANGED = "reported"
    WOULD_SEND = "would_send"
    WOULD_CHANGE = "would_change"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"


class Share(NamedTuple):
    """One of a document's transactions. Money is signed as TaxJar keeps it."""

    to_state: str
    amount: Decimal
    sales_tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """What would become of one document."""

    key: DocumentKey
    outcome: DryRunOutcome
    transaction_id: str = ""
    reason: str = ""
    shares: tuple[Share, ...] = ()
    """Of a document that would be sent or changed: the transactions that it would have."""


class BackfillLedger:
    """Backfills in Table Storage, audited like everything else."""

    def __init__(self, table: TableClient, subjects: SubjectLedger) -> None:
        self._table = table
        self._subjects = subjects

    async def get(self, connection: str, job: str) -> Backfill | None:
        """The backfill, or ``None`` when there is none of this name."""
        row = await self._subjects.get(_partition(connection), _KIND, job)
        return _backfill(row) if row else None

    async def write(self, backfill: Backfill, entry: AuditEntry) -> None:
        """Store ``backfill`` as it is now, together with its audit entry.

        Raises :class:`BackfillOver` where it is stored as no longer running: a step under way must not undo that.
        """
        properties = {field.name: _plain(getattr(backfill, field.name)) for field in fields(backfill)}
        where = _partition(backfill.connection)
        try:
            await self._subjects.write(where, _KIND, backfill.job, entry, only_if=_is_running, **properties)
        except SubjectChanged:
            raise BackfillOver(backfill.job) from None

    async def listing(self, connection: str) -> list[Backfill]:
        """All backfills of a connection, newest first."""
        names = [field.name for field in fields(Backfill)]
        found = [_backfill(row) async for row in self._subjects.listing(_partition(connection), _KIND, select=names)]
        return sorted(found, key=lambda backfill: backfill.job, reverse=True)

    async def note(self, backfill: Backfill, results: Sequence[DryRunResult]) -> None:
        """Store results of a dry run, one row per document: a message that comes twice counts once."""
        for start in range(0, len(results), _ROWS_PER_TRANSACTION):
            rows = [_row(backfill, result) for result in results[start : start + _ROWS_PER_TRANSACTION]]
            await self._table.submit_transaction([("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows])

    async def results(self, backfill: Backfill) -> AsyncIterator[DryRunResult]:
        """Results of a dry run, by invoice date: in the order in which a backfill would see the documents."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": _results_partition(backfill)}
        )
        async for row in rows:
            yield _result(row)


def _is_running(stored: Mapping[str, Any]) -> bool:
    return bool(stored.get("state", BackfillState.RUNNING.value) == BackfillState.RUNNING.value)


def _partition(connection: str) -> str:
    return keys.partition("backfills", connection)


def _results_partition(backfill: Backfill) -> str:
    return f"{_partition(backfill.connection)}|{encode(backfill.job)}"


def _plain(value: Any) -> Any:
    """A table property; ``None`` is stored as an empty text, so that it replaces what was there."""
    if value is None:
        return ""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, Mapping) else value


def _backfill(row: Mapping[str, Any]) -> Backfill:
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(Backfill) if row.get(field.name) != ""}
    for name in ("since", "until", "cursor"):
        values[name] = date.fromisoformat(values[name])
    for name in ("started_at", "listed_at", "finished_at"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    if "result" in values:
        values["result"] = json.loads(values["result"])
    return Backfill(**{**values, "state": BackfillState(values["state"])})


def _row(backfill: Backfill, result: DryRunResult) -> dict[str, Any]:
    return {
        "PartitionKey": _results_partition(backfill),
        "RowKey": keys.document_row(result.key),
        "company": result.key.company,
        "date": result.key.date.isoformat(),
        "number": result.key.number,
        "voucher": result.key.voucher,
        "outcome": result.outcome.value,
        "transaction_id": result.transaction_id,
        "reason": result.reason,
        "shares": json.dumps([[share.to_state, str(share.amount), str(share.sales_tax)] for share in result.shares]),
    }


def _result(row: Mapping[str, Any]) -> DryRunResult:
    return DryRunResult(
        key=DocumentKey(row["company"], date.fromisoformat(row["date"]), row["number"], row["voucher"]),
        outcome=DryRunOutcome(row["outcome"]),
        transaction_id=row["transaction_id"],
        reason=row["reason"],
        shares=tuple(Share(state, Decimal(amount), Decimal(tax)) for state, amount, tax in _shares(row)),
    )


def _shares(row: Mapping[str, Any]) -> list[list[str]]:
    if "shares" in row:
        return list(json.loads(row["shares"]))
    # Version 1: a document was one transaction.
    return [[row["to_state"], row["amount"], row["sales_tax"]]] if row["amount"] and row["sales_tax"] else []

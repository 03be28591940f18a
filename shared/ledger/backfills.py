"""Backfills: what was asked for, how far it has come, and of a dry run what would become of each document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.jobs import Job, JobLedger
from shared.ledger.subjects import SubjectLedger
from shared.table_keys import encode

_ROWS_PER_TRANSACTION = 100
_KIND = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill(Job):
    """One backfill of one company; its cursor is the first day that is not listed yet."""

    dry_run: bool = False
    force: bool = False
    read_without: str = ""
    """The entity sets, with blanks between them, without which documents were read that are to be read again."""
    listed_at: datetime | None = None
    """When the last day was."""
    listed: int | None = None
    """How many documents F&O had on the days before the cursor; ``None`` in rows of earlier versions."""
    total: int | None = None
    """How many documents F&O had in the range when the backfill began."""
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


class BackfillLedger(JobLedger[Backfill]):
    """Backfills, and the results of dry runs."""

    def __init__(self, table: TableClient, subjects: SubjectLedger) -> None:
        super().__init__(subjects, _KIND, Backfill)
        self._table = table

    async def note(self, backfill: Backfill, results: Sequence[DryRunResult]) -> None:
        """Store results of a dry run, one row per document: a message that comes twice counts once."""
        for start in range(0, len(results), _ROWS_PER_TRANSACTION):
            where = self._results_partition(backfill)
            rows = [_row(where, result) for result in results[start : start + _ROWS_PER_TRANSACTION]]
            await self._table.submit_transaction([("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows])

    async def results(self, backfill: Backfill) -> AsyncIterator[DryRunResult]:
        """Results of a dry run, by invoice date: in the order in which a backfill would see the documents."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": self._results_partition(backfill)}
        )
        async for row in rows:
            yield _result(row)

    def _results_partition(self, backfill: Backfill) -> str:
        return f"{self.partition(backfill.connection)}|{encode(backfill.job)}"


def _row(partition: str, result: DryRunResult) -> dict[str, Any]:
    return {
        "PartitionKey": partition,
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

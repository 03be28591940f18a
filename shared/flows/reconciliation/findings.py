"""What F&O says of a document, what TaxJar holds for it, and what follows when the two are compared (design 4.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.documents import ZERO
from shared.ledger.records import DocumentRecord
from shared.money import plain

UNKNOWN_STATE = "unknown"
"""Stands for the ship-to state of documents that were not read in full yet."""


class Status(StrEnum):
    """How the two sides of a document compare."""

    RECONCILED = "reconciled"
    MISSING_IN_TAXJAR = "missing_in_taxjar"
    MISSING_IN_DYNAMICS = "missing_in_dynamics"
    AMOUNT_MISMATCH = "amount_mismatch"
    TAX_MISMATCH = "tax_mismatch"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Net amount and sales tax in US dollars, negative on refunds."""

    amount: Decimal = ZERO
    sales_tax: Decimal = ZERO

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.amount + other.amount, self.sales_tax + other.sales_tax)

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(self.amount - other.amount, self.sales_tax - other.sales_tax)

    def shown(self) -> dict[str, str | None]:
        """As answers show them."""
        return {"amount": plain(self.amount), "sales_tax": plain(self.sales_tax)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One document, seen from both sides; ``None`` is a side that does not have it."""

    transaction_id: str
    number: str
    date: date
    dynamics: Amounts | None
    taxjar: Amounts | None
    record: DocumentRecord | None
    """Without long texts; ``None`` when the ledger does not know the document."""

    @property
    def status(self) -> Status:
        """The first that applies."""
        if self.dynamics is None:
            return Status.MISSING_IN_DYNAMICS
        if self.taxjar is None:
            return Status.MISSING_IN_TAXJAR
        if self.dynamics.amount != self.taxjar.amount:
            return Status.AMOUNT_MISMATCH
        return Status.RECONCILED if self.dynamics == self.taxjar else Status.TAX_MISMATCH

    @property
    def to_state(self) -> str:
        """Where it was shipped."""
        return (self.record.to_state if self.record else "") or UNKNOWN_STATE

    @property
    def difference(self) -> Amounts:
        """F&O less TaxJar; a side that does not have the document counts as nothing."""
        return (self.dynamics or Amounts()) - (self.taxjar or Amounts())

    def shown(self) -> dict[str, Any]:
        """As answers show it."""
        return {
            "transaction_id": self.transaction_id,
            "status": self.status.value,
            "number": self.number,
            "date": self.date.isoformat(),
            "state": self.record.state.value if self.record else None,
            "reason": (self.record.reason if self.record else "") or None,
            "to_state": self.to_state,
            "dynamics": self.dynamics.shown() if self.dynamics else None,
            "taxjar": self.taxjar.shown() if self.taxjar else None,
            "difference": self.difference.shown(),
        }


@dataclass(slots=True)
class _StateTotals:
    """The sums of one ship-to state."""

    counts: Counter[Status] = field(default_factory=Counter)
    dynamics: Amounts = Amounts()
    taxjar: Amounts = Amounts()

    def shown(self) -> dict[str, Any]:
        return {
            "documents": self.counts.total(),
            "counts": {status.value: self.counts[status] for status in Status},
            "dynamics": self.dynamics.shown(),
            "taxjar": self.taxjar.shown(),
            "difference": (self.dynamics - self.taxjar).shown(),
        }


@dataclass(slots=True)
class Findings:
    """What a reconciliation comes to. Only what differs is kept; what agrees is counted."""

    since: date
    until: date
    deep: bool
    started_at: datetime
    different: list[Compared] = field(default_factory=list)
    foreign: list[dict[str, str]] = field(default_factory=list)
    untaxed: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    totals: dict[str, _StateTotals] = field(default_factory=dict)
    enqueued: int = 0
    held: int = 0

    def add(self, compared: Compared) -> None:
        """Count the document, and keep it unless it agrees."""
        status, totals = compared.status, self.totals.setdefault(compared.to_state, _StateTotals())
        totals.counts[status] += 1
        totals.dynamics += compared.dynamics or Amounts()
        totals.taxjar += compared.taxjar or Amounts()
        if status is not Status.RECONCILED:
            self.different.append(compared)

    def counts(self) -> dict[str, int]:
        """Documents by status."""
        found: Counter[Status] = sum((totals.counts for totals in self.totals.values()), Counter())
        return {status.value: found[status] for status in Status}

    def shown(self) -> dict[str, Any]:
        """As the answer shows them."""
        return {
            "from": self.since.isoformat(),
            "to": self.until.isoformat(),
            "deep": self.deep,
            "counts": self.counts(),
            "skipped": self.skipped,
            "totals": {state: totals.shown() for state, totals in sorted(self.totals.items())},
            "documents": [compared.shown() for compared in self.different],
            "untaxed_without_reason": self.untaxed,
            "foreign": self.foreign,
            "enqueued": self.enqueued,
            "held": self.held,
        }

    def rows(self) -> Iterator[dict[str, str]]:
        """One row of the CSV per finding."""
        for compared in self.different:
            shown = compared.shown()
            row = {name: str(shown[name] or "") for name in COLUMNS if name in shown}
            for side in ("dynamics", "taxjar", "difference"):
                for name, amount in (shown[side] or {}).items():
                    row[f"{side}_{name}"] = amount or ""
            yield row
        for finding in self.untaxed:
            amounts = {"taxjar_amount": finding["amount"], "taxjar_sales_tax": "0.00"}
            found = {name: str(finding[name] or "") for name in COLUMNS if name in finding}
            yield {"status": "untaxed_without_reason", **found, **amounts}
        for other in self.foreign:
            yield {"status": "foreign", **{name: other[name] for name in COLUMNS if name in other}}


COLUMNS = (
    "transaction_id",
    "status",
    "number",
    "date",
    "state",
    "reason",
    "to_state",
    "dynamics_amount",
    "dynamics_sales_tax",
    "taxjar_amount",
    "taxjar_sales_tax",
    "difference_amount",
    "difference_sales_tax",
    "provider",
)
"""Of the CSV."""

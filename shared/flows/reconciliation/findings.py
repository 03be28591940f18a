"""What F&O says of a document, what TaxJar holds for it, and what follows when the two are compared (design 4.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.documents import ZERO, DocumentKey
from shared.ledger.records import DocumentRecord
from shared.money import plain

UNKNOWN_STATE = "unknown"
"""Stands for the ship-to state of documents that were not mapped yet."""


class Status(StrEnum):
    """How the sides of a document compare; of several, the first."""

    RECONCILED = "reconciled"
    MISSING_IN_TAXJAR = "missing_in_taxjar"
    MISSING_IN_DYNAMICS = "missing_in_dynamics"
    AMOUNT_MISMATCH = "amount_mismatch"
    TAX_MISMATCH = "tax_mismatch"
    STATE_MISMATCH = "state_mismatch"
    DATE_MISMATCH = "date_mismatch"
    EXEMPTION_MISMATCH = "exemption_mismatch"
    LINES_MISMATCH = "lines_mismatch"


LISTS = (
    "untaxed_without_reason",
    "tax_without_nexus",
    "tax_from_exempt_customer",
    "late",
    "left_out",
    "foreign",
    "unreadable",
)
"""What is listed under a name of its own, beside the documents that differ."""


@dataclass(frozen=True, slots=True)
class Money:
    """Net amount and sales tax in US dollars, negative on refunds."""

    amount: Decimal = ZERO
    sales_tax: Decimal = ZERO

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.sales_tax + other.sales_tax)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - other.amount, self.sales_tax - other.sales_tax)

    def shown(self) -> dict[str, str | None]:
        """As answers show it."""
        return {"amount": plain(self.amount), "sales_tax": plain(self.sales_tax)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One document, seen from all sides; ``None`` is a side that does not have it."""

    transaction_id: str
    number: str
    date: date
    dynamics: Money | None
    """F&O's net and tax, less what is left out."""
    taxjar: Money | None
    """What TaxJar holds of it; ``None`` also where it holds only a part."""
    by_state: Mapping[str, Money] = field(default_factory=dict)
    """What TaxJar holds, by state of destination."""
    deep: tuple[Status, ...] = ()
    """How transactions in TaxJar differ from what was sent, where they agree with F&O in sum."""
    record: DocumentRecord | None
    """``None`` when the ledger does not know the document."""

    @property
    def status(self) -> Status:
        """The first that applies."""
        if self.dynamics is None:
            return Status.MISSING_IN_DYNAMICS
        if self.taxjar is None:
            return Status.MISSING_IN_TAXJAR
        if self.dynamics.amount != self.taxjar.amount:
            return Status.AMOUNT_MISMATCH
        if self.dynamics != self.taxjar:
            return Status.TAX_MISMATCH
        return self.deep[0] if self.deep else Status.RECONCILED

    @property
    def to_states(self) -> tuple[str, ...]:
        """Where it was shipped, as far as is known."""
        return (self.record.filing.to_states if self.record else ()) or (UNKNOWN_STATE,)

    @property
    def difference(self) -> Money:
        """F&O less TaxJar; a side that does not have the document counts as nothing."""
        return (self.dynamics or Money()) - (self.taxjar or Money())

    def shares(self) -> Mapping[str, Money]:
        """F&O's side by state: as filed where that adds up to the document, else all of it at its first state."""
        total = self.dynamics or Money()
        filed = _filed_by_state(self.record) if self.record else {}
        if sum(filed.values(), Money()) == total and filed:
            return filed
        return {self.to_states[0]: total}

    def shown(self) -> dict[str, Any]:
        """As answers show it."""
        return {
            "transaction_id": self.transaction_id,
            "status": self.status.value,
            "number": self.number,
            "date": self.date.isoformat(),
            "state": self.record.state.value if self.record else None,
            "reason": (self.record.reason if self.record else "") or None,
            "to_state": " ".join(self.to_states),
            "dynamics": self.dynamics.shown() if self.dynamics else None,
            "taxjar": self.taxjar.shown() if self.taxjar else None,
            "difference": self.difference.shown(),
        }


def _filed_by_state(record: DocumentRecord) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for each in record.filing.current:
        sums = each.sums
        found[each.to_state] = found.get(each.to_state, Money()) + Money(sums.amount, sums.sales_tax)
    return found


@dataclass(slots=True)
class StateTotals:
    """The sums of one ship-to state."""

    counts: Counter[Status] = field(default_factory=Counter)
    dynamics: Money = Money()
    taxjar: Money = Money()

    def shown(self) -> dict[str, Any]:
        return {
            "documents": self.counts.total(),
            "counts": {status.value: self.counts[status] for status in Status},
            "dynamics": self.dynamics.shown(),
            "taxjar": self.taxjar.shown(),
            "difference": (self.dynamics - self.taxjar).shown(),
        }


Row = dict[str, Any]
"""One line of a list that answers show: id, number, date, state of destination, dollars."""


@dataclass(slots=True)
class Findings:
    """What a reconciliation comes to. Only what differs is kept; what agrees is counted."""

    since: date
    until: date
    deep: bool
    started_at: datetime
    different: list[Compared] = field(default_factory=list)
    untaxed: list[Row] = field(default_factory=list)
    tax_without_nexus: list[Row] = field(default_factory=list)
    tax_from_exempt: list[Row] = field(default_factory=list)
    late: list[Row] = field(default_factory=list)
    left_out: list[Row] = field(default_factory=list)
    foreign: list[Row] = field(default_factory=list)
    unreadable: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    """Documents that are held, failed or in flight."""
    skips: list[Row] = field(default_factory=list)
    """Skipped documents that the ledger knows."""
    skipped: dict[str, tuple[int, Money]] = field(default_factory=dict)
    """Reason → how many documents, and their dollars."""
    totals: dict[str, StateTotals] = field(default_factory=dict)
    documents: int = 0
    enqueued: int = 0
    held: int = 0
    not_sent_again: int = 0
    """Missing in TaxJar, and so many that a person has to decide first."""

    def add(self, compared: Compared) -> None:
        """Count the document, and keep it unless it agrees."""
        status = compared.status
        self.documents += 1
        for position, (state, money) in enumerate(compared.shares().items()):
            totals = self.totals.setdefault(state, StateTotals())
            totals.dynamics += money
            totals.counts[status] += position == 0
        for state, money in compared.by_state.items():
            self.totals.setdefault(state, StateTotals()).taxjar += money
        if status is not Status.RECONCILED:
            self.different.append(compared)

    def add_unreadable(self, key: DocumentKey | None, day: date, words: str, record: DocumentRecord | None) -> None:
        """List a row of F&O that cannot be read, with what the ledger knows of its document."""
        self.unreadable.append(
            {
                "transaction_id": record.filing.transaction_id if record else "",
                "number": key.number if key else None,
                "date": (key.date if key else day).isoformat(),
                "to_state": " ".join(record.filing.to_states) or None if record else None,
                "message": words,
            }
        )

    def skip(self, reason: str, money: Money) -> None:
        """Count a document that is not to be in TaxJar."""
        count, dollars = self.skipped.get(reason, (0, Money()))
        self.skipped[reason] = count + 1, dollars + money

    def counts(self) -> dict[str, int]:
        """Documents by status."""
        found: Counter[Status] = sum((totals.counts for totals in self.totals.values()), Counter())
        return {status.value: found[status] for status in Status}

    @property
    def lists(self) -> dict[str, list[Row]]:
        """Everything that is listed under a name of its own."""
        found = (
            *(self.untaxed, self.tax_without_nexus, self.tax_from_exempt),
            *(self.late, self.left_out, self.foreign, self.unreadable),
        )
        return dict(zip(LISTS, found, strict=True))

    @property
    def settled(self) -> dict[str, list[Row]]:
        """What stands in no answer of its own, and in the result of a job: what waits, and what was skipped."""
        return {"held": self.waiting, "skipped": self.skips}

    def shown(self) -> dict[str, Any]:
        """As the answer shows them."""
        return {
            "from": self.since.isoformat(),
            "to": self.until.isoformat(),
            "deep": self.deep,
            "counts": self.counts(),
            "skipped": sum(count for count, _ in self.skipped.values()),
            "skipped_by_reason": {
                reason: {"documents": count, **money.shown()} for reason, (count, money) in sorted(self.skipped.items())
            },
            "totals": {state: totals.shown() for state, totals in sorted(self.totals.items())},
            "documents": [compared.shown() for compared in self.different],
            **self.lists,
            "enqueued": self.enqueued,
            "held": self.held,
            "not_sent_again": self.not_sent_again,
        }

    def rows(self) -> Iterator[dict[str, str]]:
        """One row of the CSV per finding."""
        for compared in self.different:
            yield flat(compared.shown())
        for name, found in self.lists.items():
            yield from (as_difference(name, finding) for finding in found)


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


def flat(shown: Row) -> dict[str, str]:
    """A document that differs, as a row of the CSV."""
    row = {name: str(shown[name] or "") for name in COLUMNS if name in shown}
    for side in ("dynamics", "taxjar", "difference"):
        for name, amount in (shown[side] or {}).items():
            row[f"{side}_{name}"] = amount or ""
    return row


def as_difference(name: str, finding: Row) -> dict[str, str]:
    """A row of the list ``name``, as a row of the CSV."""
    row = {column: str(finding[column] or "") for column in COLUMNS if column in finding}
    money = {f"taxjar_{part}": str(finding.get(part) or "") for part in ("amount", "sales_tax")}
    return {**row, "status": name, **money}

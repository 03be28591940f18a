"""The figures of completeness: each document once, by state of destination, state and reason, in dollars (design 4.7).

What counts as in TaxJar is what is filed, transaction by transaction, also where a change is still pending. What is
left of a document beyond that stands beside it, under the same reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from shared.documents import DocumentKey, ListedDocument
from shared.filing import held_in_taxjar
from shared.flows.reconciliation.findings import UNKNOWN_STATE, Money
from shared.ledger.records import IN_FLIGHT, DocumentRecord, State
from shared.mapping import SkipReason, net_and_tax

IN_FLIGHT_NAME = "in_flight"
HANDLED_OUTSIDE = SkipReason.HANDLED_OUTSIDE.value


@dataclass(slots=True)
class Line:
    """Documents and dollars."""

    documents: int = 0
    money: Money = field(default_factory=Money)
    oldest: date | None = None

    def add(self, money: Money, *, documents: int = 1, day: date | None = None) -> None:
        """Count ``documents`` of ``money``, dated ``day``."""
        self.documents += documents
        self.money += money
        if day and (self.oldest is None or day < self.oldest):
            self.oldest = day


class Place(NamedTuple):
    """Where a document, or a part of it, is counted."""

    to_state: str
    state: str
    """The document's state; ``in_flight`` for all that is on its way, ``handled_outside`` for what a person settled."""
    reason: str
    in_taxjar: bool


@dataclass(slots=True)
class Proof:
    """Everything that F&O lists from ``report_from`` on, and where it is."""

    report_from: date
    lines: dict[Place, Line] = field(default_factory=dict)
    states: Counter[State] = field(default_factory=Counter)
    by_reason: dict[tuple[str, str], Line] = field(default_factory=dict)
    """(State, reason) → documents, each once, with F&O's dollars."""
    reason_in_taxjar: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: dict[date, Counter[str]] = field(default_factory=dict)
    months: dict[str, Counter[State]] = field(default_factory=dict)
    reported_of_month: dict[str, Money] = field(default_factory=dict)
    left_out: dict[str, Line] = field(default_factory=dict)
    listed: Line = field(default_factory=Line)
    unseen: Line = field(default_factory=Line)
    before_start: Line = field(default_factory=Line)
    gone: Line = field(default_factory=Line)
    unreadable: int = 0
    """Rows of F&O that cannot be read."""

    def add_day(self, day: date, there: Mapping[DocumentKey, ListedDocument], known: Sequence[DocumentRecord]) -> None:
        """Count the documents of one day on both sides."""
        recorded = {record.key for record in known}
        for key, document in there.items():
            money = Money(*net_and_tax(document.total_amount, document.total_tax))
            self.listed.add(money)
            if key not in recorded:
                early = key.date < self.report_from
                (self.before_start if early else self.unseen).add(money)
                if not early:
                    self.days.setdefault(day, Counter())["not_seen_yet"] += 1
        for record in known:
            self._add(record, there.get(record.key))

    def _add(self, record: DocumentRecord, document: ListedDocument | None) -> None:
        month, day = f"{record.key.date:%Y-%m}", record.key.date
        state, reason = _bucket(record)
        self.states[record.state] += 1
        self.months.setdefault(month, Counter())[record.state] += 1
        counts = self.days.setdefault(day, Counter())
        counts["seen"] += 1
        counts[IN_FLIGHT_NAME if record.in_flight else record.state.value] += 1
        if document is None and not record.placeholder:
            self.gone.add(filed_money(record))
        total = Money(*net_and_tax(document.total_amount, document.total_tax)) if document else Money()
        if record.reason:
            self.by_reason.setdefault((record.state.value, record.reason), Line()).add(total, day=day)
            self.reason_in_taxjar[record.state.value, record.reason] += record.filing.count > 0
        for part in record.filing.left_out if record.state is not State.SKIPPED else ():
            money = Money(Decimal(part["amount"]), Decimal(part["sales_tax"]))
            self.left_out.setdefault(part["reason"], Line()).add(money)
            total -= money
        self._add_lines(record, total if document else filed_money(record), state, reason, month)

    def _add_lines(self, record: DocumentRecord, total: Money, state: str, reason: str, month: str) -> None:
        rest, counted = total, False
        for each in held_in_taxjar(record.filing.transactions):
            money = Money(each.sums.amount, each.sums.sales_tax)
            self._line(Place(each.to_state or UNKNOWN_STATE, state, reason, True)).add(
                money, documents=int(not counted)
            )
            rest, counted = rest - money, True
            if state == State.REPORTED:
                self.reported_of_month[month] = self.reported_of_month.get(month, Money()) + money
        if not counted or rest != Money():
            where = (record.filing.to_states or (UNKNOWN_STATE,))[0]
            self._line(Place(where, state, reason, False)).add(rest, documents=int(not counted))

    def _line(self, place: Place) -> Line:
        return self.lines.setdefault(place, Line())

    def sum_of(self, **wanted: object) -> Line:
        """Documents and dollars of the lines whose place has these values."""
        found = Line()
        for place, line in self.lines.items():
            if all(getattr(place, name) == value for name, value in wanted.items()):
                found.add(line.money, documents=line.documents)
        return found

    @property
    def accounted(self) -> Money:
        """What all lines, and what stands beside them, come to: F&O's totals to the cent."""
        beside = (*self.left_out.values(), self.unseen, self.before_start)
        whole = sum((line.money for line in (*self.lines.values(), *beside)), Money())
        return whole - self.gone.money


def _bucket(record: DocumentRecord) -> tuple[str, str]:
    """Under which heading a document counts, and its reason."""
    if record.state in IN_FLIGHT:
        return IN_FLIGHT_NAME, ""
    if record.state is State.SKIPPED and record.reason == HANDLED_OUTSIDE:
        return HANDLED_OUTSIDE, ""
    return record.state.value, record.reason


def filed_money(record: DocumentRecord) -> Money:
    """What TaxJar holds of a document."""
    sums = [each.sums for each in held_in_taxjar(record.filing.transactions)]
    return sum((Money(each.amount, each.sales_tax) for each in sums), Money())

"""The figures of completeness: each document once, by state of destination, state and reason, in dollars (design 4.7).

What counts as reported is what is filed, transaction by transaction. The remainder of a document that is filed and held
for a change is listed under its reason as held but in TaxJar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from shared.documents import DocumentKey, ListedDocument
from shared.filing import held_in_taxjar
from shared.flows.reconciliation.findings import UNKNOWN_STATE, Money
from shared.ledger.records import IN_FLIGHT, DocumentRecord, State
from shared.mapping import HoldReason, SkipReason, net_and_tax
from shared.money import plain

_SETTLED = (State.REPORTED, State.SKIPPED, State.HELD, State.FAILED)
_UNREADABLE = (HoldReason.UNREADABLE_ROW, HoldReason.SOURCE_INCOMPLETE)


@dataclass(slots=True)
class _Line:
    """Documents and dollars of one line of the table."""

    documents: int = 0
    money: Money = field(default_factory=Money)

    def add(self, money: Money, *, documents: int = 1) -> None:
        self.documents += documents
        self.money += money

    def shown(self) -> dict[str, Any]:
        return {"documents": self.documents, **self.money.shown()}


_Key = tuple[str, str, str, bool]
"""State of destination, state, reason, whether TaxJar holds it."""


@dataclass(slots=True)
class Proof:
    """Everything that F&O lists from ``report_from`` on, and where it is."""

    report_from: date
    lines: dict[_Key, _Line] = field(default_factory=dict)
    states: Counter[State] = field(default_factory=Counter)
    months: dict[str, Counter[State]] = field(default_factory=dict)
    reported_of_month: dict[str, Money] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: dict[str, _Line] = field(default_factory=dict)
    listed: _Line = field(default_factory=_Line)
    """What F&O lists, before and after the start."""
    unseen: _Line = field(default_factory=_Line)
    before_start: _Line = field(default_factory=_Line)
    gone: _Line = field(default_factory=_Line)

    def add_day(self, there: Mapping[DocumentKey, ListedDocument], known: Sequence[DocumentRecord]) -> None:
        """Count the documents of one day on both sides."""
        recorded = {record.key for record in known}
        for key, document in there.items():
            money = Money(*net_and_tax(document.total_amount, document.total_tax))
            self.listed.add(money)
            if key not in recorded:
                (self.before_start if key.date < self.report_from else self.unseen).add(money)
        for record in known:
            self._add(record, there.get(record.key))

    def _add(self, record: DocumentRecord, document: ListedDocument | None) -> None:
        month = f"{record.key.date:%Y-%m}"
        self.states[record.state] += 1
        self.months.setdefault(month, Counter())[record.state] += 1
        if record.reason:
            self.reasons.setdefault(record.state.value, Counter())[record.reason] += 1
        if document is None and not record.placeholder:
            self.gone.add(_filed(record))
        total = Money(*net_and_tax(document.total_amount, document.total_tax)) if document else Money()
        for part in record.filing.left_out if record.state is not State.SKIPPED else ():
            money = Money(Decimal(part["amount"]), Decimal(part["sales_tax"]))
            self.left_out.setdefault(part["reason"], _Line()).add(money)
            total -= money
        self._add_lines(record, total if document else _filed(record), month)

    def _add_lines(self, record: DocumentRecord, total: Money, month: str) -> None:
        name, reason = _bucket(record)
        rest, counted = total, False
        for each in held_in_taxjar(record.filing.transactions):
            money = Money(each.sums.amount, each.sums.sales_tax)
            key = (each.to_state or UNKNOWN_STATE, name, reason, True)
            self.lines.setdefault(key, _Line()).add(money, documents=int(not counted))
            rest, counted = rest - money, True
            if name == State.REPORTED:
                self.reported_of_month[month] = self.reported_of_month.get(month, Money()) + money
        if not counted or rest != Money():
            where = (record.filing.to_states or (UNKNOWN_STATE,))[0]
            self.lines.setdefault((where, name, reason, False), _Line()).add(rest, documents=int(not counted))

    def table(self) -> Iterator[dict[str, Any]]:
        """One row per state of destination, state and reason."""
        for (where, state, reason, in_taxjar), line in sorted(self.lines.items()):
            yield {
                "to_state": where,
                "state": state,
                "reason": reason,
                "in_taxjar": in_taxjar,
                **line.shown(),
            }

    def shown(self, *, stale: str) -> dict[str, Any]:
        """As the answer shows it. ``stale`` says why the latest documents may not be known."""
        counts = _counts(self.states)
        reasons = {state: dict(sorted(found.items())) for state, found in sorted(self.reasons.items())}
        complete = bool(self.listed.documents) and not self.unseen.documents and not counts["in_flight"] and not stale
        return {
            **counts,
            "complete": complete,
            "dynamics": {
                "listed": self.listed.documents,
                "not_seen_yet": self.unseen.documents,
                "seen_but_gone": self.gone.documents,
                "before_start": self.before_start.documents,
                **self.listed.money.shown(),
            },
            "accounted": self._accounted(),
            "reasons": reasons,
            "left_out": {reason: line.shown() for reason, line in sorted(self.left_out.items())},
            "months": {month: self._month(month) for month in sorted(self.months)},
            "states": {state: self._state(state, stale) for state in self._states()},
            "table": list(self.table()),
        }

    def _states(self) -> list[str]:
        return sorted({where for where, _, _, _ in self.lines})

    def _month(self, month: str) -> dict[str, Any]:
        reported = self.reported_of_month.get(month, Money())
        return {**_counts(self.months[month]), "reported_totals": reported.shown()}

    def _accounted(self) -> dict[str, Any]:
        """That the lines of the table, and what stands beside it, make F&O's totals to the cent."""
        lines = sum((line.money for line in self.lines.values()), Money())
        beside = sum((line.money for line in (*self.left_out.values(), self.unseen, self.before_start)), Money())
        gone = self.gone.money
        rest = self.listed.money - (lines + beside - gone)
        return {**(lines + beside - gone).shown(), "difference": rest.shown(), "ties": rest == Money()}

    def _state(self, where: str, stale: str) -> dict[str, Any]:
        own = {key: line for key, line in self.lines.items() if key[0] == where}
        filed = [line for key, line in own.items() if key[3]]
        why_not = self._why_not(where, own, stale)
        return {
            "reported": sum((line.money for line in filed), Money()).shown(),
            "documents": sum(line.documents for line in own.values()),
            "lines": [
                {"state": state, "reason": reason or None, "in_taxjar": held, **line.shown()}
                for (_, state, reason, held), line in sorted(own.items())
            ],
            "ready_to_file": not why_not,
            "why_not": why_not,
        }

    def _why_not(self, where: str, own: Mapping[_Key, _Line], stale: str) -> list[str]:
        """Why the state cannot be filed yet, in sentences; what is not known to be elsewhere counts for every state."""
        doubtful = {key: line for key, line in self.lines.items() if key[0] == UNKNOWN_STATE and where != UNKNOWN_STATE}
        found = []
        for (to_state, state, reason, in_taxjar), line in sorted({**own, **doubtful}.items()):
            if state in (State.REPORTED, State.SKIPPED, SkipReason.HANDLED_OUTSIDE) or not line.documents:
                continue
            what = "cannot be read" if reason in _UNREADABLE else state.replace("_", " ")
            place = " with a destination that is not known yet" if to_state == UNKNOWN_STATE else ""
            held = ", in TaxJar" if in_taxjar else ""
            found.append(
                f"{line.documents} {what}{place}{f' ({reason}{held})' if reason else held},"
                f" {plain(line.money.amount)} net"
            )
        if self.unseen.documents:
            found.append(f"{self.unseen.documents} in F&O that the connector has not seen yet")
        if self.gone.documents:
            found.append(f"{self.gone.documents} that F&O no longer lists")
        if not self.listed.documents:
            found.append("F&O lists no documents in this range")
        return [*found, *([stale] if stale else [])]


def _bucket(record: DocumentRecord) -> tuple[str, str]:
    """Under which heading a document counts, and its reason."""
    if record.state in IN_FLIGHT:
        return "in_flight", ""
    if record.state is State.SKIPPED and record.reason == SkipReason.HANDLED_OUTSIDE:
        return SkipReason.HANDLED_OUTSIDE.value, ""
    return record.state.value, record.reason


def _filed(record: DocumentRecord) -> Money:
    sums = [each.sums for each in held_in_taxjar(record.filing.transactions)]
    return sum((Money(each.amount, each.sales_tax) for each in sums), Money())


def _counts(states: Counter[State]) -> dict[str, int]:
    return {
        "seen": states.total(),
        **{state.value: states[state] for state in _SETTLED},
        "in_flight": sum(states[state] for state in IN_FLIGHT),
    }

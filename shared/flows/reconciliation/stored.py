"""The figures of findings and of a proof as JSON content, so that those of several steps add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from shared.flows.reconciliation.findings import Findings, Money, StateTotals, Status
from shared.flows.reconciliation.proof import Line, Place, Proof
from shared.ledger.records import State

Json = dict[str, Any]


def stored_findings(findings: Findings) -> Json:
    """The sums and counts of ``findings``, without their rows."""
    return {
        "totals": {
            state: {
                "counts": {status.value: count for status, count in totals.counts.items()},
                "dynamics": _money(totals.dynamics),
                "taxjar": _money(totals.taxjar),
            }
            for state, totals in findings.totals.items()
        },
        "skipped": {reason: [count, *_money(money)] for reason, (count, money) in findings.skipped.items()},
        "documents": findings.documents,
        "enqueued": findings.enqueued,
        "held": findings.held,
        "lists": {name: _list(rows) for name, rows in {**findings.lists, **findings.settled}.items()},
        "different": _places((each.status.value, " ".join(each.to_states)) for each in findings.different),
    }


def add_findings(findings: Findings, stored: Mapping[str, Any]) -> None:
    """Add what :func:`stored_findings` said of further days."""
    for state, totals in stored["totals"].items():
        known = findings.totals.setdefault(state, StateTotals())
        known.counts.update({Status(status): count for status, count in totals["counts"].items()})
        known.dynamics += _read(totals["dynamics"])
        known.taxjar += _read(totals["taxjar"])
    for reason, (count, *money) in stored["skipped"].items():
        before, sum_before = findings.skipped.get(reason, (0, Money()))
        findings.skipped[reason] = before + count, sum_before + _read(money)
    findings.documents += stored["documents"]
    findings.enqueued += stored["enqueued"]
    findings.held += stored["held"]


def stored_proof(proof: Proof) -> Json:
    """All of ``proof``."""
    return {
        "lines": [[*place, _line(line)] for place, line in proof.lines.items()],
        "states": {state.value: count for state, count in proof.states.items()},
        "by_reason": [[*key, _line(line), proof.reason_in_taxjar[key]] for key, line in proof.by_reason.items()],
        "days": {day.isoformat(): dict(counts) for day, counts in proof.days.items()},
        "months": {month: {state.value: n for state, n in counts.items()} for month, counts in proof.months.items()},
        "reported_of_month": {month: _money(money) for month, money in proof.reported_of_month.items()},
        "left_out": {reason: _line(line) for reason, line in proof.left_out.items()},
        "unreadable": proof.unreadable,
        **{name: _line(getattr(proof, name)) for name in _LINES},
    }


def add_proof(proof: Proof, stored: Mapping[str, Any]) -> None:
    """Add what :func:`stored_proof` said of further days."""
    for to_state, state, reason, in_taxjar, line in stored["lines"]:
        _add(proof.lines.setdefault(Place(to_state, state, reason, in_taxjar), Line()), line)
    proof.states.update({State(state): count for state, count in stored["states"].items()})
    for state, reason, line, in_taxjar in stored["by_reason"]:
        _add(proof.by_reason.setdefault((state, reason), Line()), line)
        proof.reason_in_taxjar[state, reason] += in_taxjar
    for day, counts in stored["days"].items():
        proof.days.setdefault(date.fromisoformat(day), Counter()).update(counts)
    for month, counts in stored["months"].items():
        proof.months.setdefault(month, Counter()).update({State(state): n for state, n in counts.items()})
    for month, money in stored["reported_of_month"].items():
        proof.reported_of_month[month] = proof.reported_of_month.get(month, Money()) + _read(money)
    for reason, line in stored["left_out"].items():
        _add(proof.left_out.setdefault(reason, Line()), line)
    proof.unreadable += stored["unreadable"]
    for name in _LINES:
        _add(getattr(proof, name), stored[name])


_LINES = ("listed", "unseen", "before_start", "gone")


def _money(money: Money) -> list[str]:
    return [str(money.amount), str(money.sales_tax)]


def _read(stored: Sequence[str]) -> Money:
    return Money(*map(Decimal, stored))


def _line(line: Line) -> list[Any]:
    return [line.documents, *_money(line.money), line.oldest.isoformat() if line.oldest else None]


def _add(line: Line, stored: Sequence[Any]) -> None:
    count, amount, sales_tax, oldest = stored
    day = date.fromisoformat(oldest) if oldest else None
    line.add(_read([amount, sales_tax]), documents=count, day=day)


def _list(rows: Sequence[Mapping[str, Any]]) -> Json:
    """How many rows a list has, their dollars, and how many go where."""
    sums = Money()
    for row in rows:
        sums += Money(*(Decimal(str(row.get(name) or 0)) for name in ("amount", "sales_tax")))
    return {
        "count": len(rows),
        "money": _money(sums),
        "places": dict(Counter(str(row.get("to_state") or "") for row in rows)),
    }


def _places(found: Any) -> dict[str, dict[str, int]]:
    """Status → states of destination as a row shows them → how many."""
    places: dict[str, dict[str, int]] = {}
    for status, to_states in found:
        by_place = places.setdefault(status, {})
        by_place[to_states] = by_place.get(to_states, 0) + 1
    return places

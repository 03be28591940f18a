"""Whether a range is complete, and whether each state can be filed: the proof's figures as answers show them (4.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.filing import FilingPeriods
from shared.flows.reconciliation.findings import UNKNOWN_STATE, Money, Row
from shared.flows.reconciliation.proof import HANDLED_OUTSIDE, IN_FLIGHT_NAME, Line, Place, Proof
from shared.ledger.records import IN_FLIGHT, State
from shared.mapping import HoldReason
from shared.money import plain

_SETTLED = (State.REPORTED, State.SKIPPED, State.HELD, State.FAILED)
_DONE = (State.REPORTED.value, State.SKIPPED.value, HANDLED_OUTSIDE)
_UNREADABLE = (HoldReason.UNREADABLE_ROW, HoldReason.SOURCE_INCOMPLETE)
_LONGEST_LIST = 500


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a proof says about filing."""

    proof: Proof
    until: date
    """The last day of the range."""
    stale: str
    """Why the latest documents may not be known; empty where they are."""
    periods: FilingPeriods
    nexus: frozenset[str] | None
    """States in which the account has nexus; ``None`` where that is not known."""

    def shown(self) -> dict[str, Any]:
        """As the answer shows it."""
        proof, why = self.proof, self._why(None)
        counts = _counts(proof)
        known = bool(proof.listed.documents) and not self.stale
        listed, accounted = proof.listed.money, proof.accounted
        return {
            **counts,
            "complete": known and not proof.unseen.documents and not counts[IN_FLIGHT_NAME],
            "ready_to_file": not why,
            "why": why,
            "dynamics": {
                "listed": proof.listed.documents,
                "not_seen_yet": proof.unseen.documents,
                "seen_but_gone": proof.gone.documents,
                "before_start": proof.before_start.documents,
                "unreadable": proof.unreadable,
                **listed.shown(),
            },
            "accounted": {
                **accounted.shown(),
                "difference": (listed - accounted).shown(),
                "ties": listed == accounted,
            },
            "amounts": self._amounts(),
            "reasons": self._reasons(),
            "by_reason": [_of_reason(key, line, proof) for key, line in sorted(proof.by_reason.items())],
            "days": [_of_day(day, found) for day, found in sorted(proof.days.items())],
            "months": {month: self._month(month) for month in sorted(proof.months)},
            "states": [self._state(state) for state in self._states()],
            "table": list(self.table()),
        }

    def table(self) -> Iterator[dict[str, Any]]:
        """One row per state of destination, state and reason, those in TaxJar apart from those that are not."""
        for place, line in sorted(self.proof.lines.items()):
            yield {**place._asdict(), "documents": line.documents, **line.money.shown()}

    def _states(self) -> list[str]:
        return sorted({place.to_state for place in self.proof.lines} | (self.nexus or frozenset()))

    def _amounts(self) -> dict[str, Any]:
        proof = self.proof
        names = (*(state.value for state in _SETTLED), IN_FLIGHT_NAME, HANDLED_OUTSIDE)
        left_out = sum((line.money for line in proof.left_out.values()), Money())
        return {
            "seen": proof.listed.money.shown(),
            **{name: proof.sum_of(state=name).money.shown() for name in names},
            "held_in_taxjar": proof.sum_of(state=State.HELD.value, in_taxjar=True).money.shown(),
            "held_not_in_taxjar": proof.sum_of(state=State.HELD.value, in_taxjar=False).money.shown(),
            "left_out": left_out.shown(),
        }

    def _reasons(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for (state, reason), line in sorted(self.proof.by_reason.items()):
            found.setdefault(state, {})[reason] = line.documents
        return found

    def _month(self, month: str) -> dict[str, Any]:
        states = self.proof.months[month]
        reported = self.proof.reported_of_month.get(month, Money())
        counts = {
            "seen": states.total(),
            **{state.value: states[state] for state in _SETTLED},
            IN_FLIGHT_NAME: sum(states[state] for state in IN_FLIGHT),
        }
        return {**counts, "reported_totals": reported.shown()}

    def _state(self, state: str) -> dict[str, Any]:
        proof, why = self.proof, self._why(state)
        whole, filed = proof.sum_of(to_state=state), proof.sum_of(to_state=state, in_taxjar=True)
        filed_through = self.periods.filed_through.get(state)
        return {
            "state": state,
            "nexus": None if self.nexus is None else state in self.nexus,
            "documents": whole.documents,
            "dynamics": whole.money.shown(),
            "taxjar": filed.money.shown(),
            "difference": (whole.money - filed.money).shown(),
            **{
                name: proof.sum_of(to_state=state, state=name).documents
                for name in (State.HELD.value, State.FAILED.value, IN_FLIGHT_NAME)
            },
            "missing": proof.unseen.documents,
            "filed_through": filed_through.isoformat() if filed_through else None,
            "closes_on": self.periods.locked_from(self.until, state).isoformat(),
            "lines": [
                {"state": place.state, "reason": place.reason or None, "in_taxjar": place.in_taxjar}
                | {"documents": line.documents, **line.money.shown()}
                for place, line in sorted(proof.lines.items())
                if place.to_state == state
            ],
            "ready_to_file": not why,
            "why": why,
        }

    def _why(self, state: str | None) -> list[str]:
        """Why ``state``, or the whole range, cannot be filed yet, in sentences.

        What is not known to be elsewhere counts for every state.
        """
        proof = self.proof
        found = [
            _sentence(place, line, says_where=state is None)
            for place, line in sorted(proof.lines.items())
            if state in (None, place.to_state) or place.to_state == UNKNOWN_STATE
            if place.state not in _DONE and (line.documents or line.money != Money())
        ]
        if proof.unseen.documents:
            found.append(f"{_documents(proof.unseen.documents)} of F&O not seen by the connector yet.")
        if proof.gone.documents:
            found.append(f"{_documents(proof.gone.documents)} no longer listed by F&O.")
        if proof.unreadable:
            rows = "1 row" if proof.unreadable == 1 else f"{proof.unreadable} rows"
            found.append(f"{rows} of F&O cannot be read.")
        if not proof.listed.documents:
            found.append("F&O lists no documents in this range.")
        if proof.listed.money != proof.accounted:
            found.append(f"{plain((proof.listed.money - proof.accounted).amount)} of F&O's net is not accounted for.")
        return [*found, *([self.stale] if self.stale else [])]


def listed(rows: list[Row]) -> dict[str, Any]:
    """A named list as answers show it: how many, their dollars, and the first 500."""
    sums = Money()
    for row in rows:
        sums += Money(*(_number(row.get(name)) for name in ("amount", "sales_tax")))
    return {"count": len(rows), **sums.shown(), "documents": rows[:_LONGEST_LIST]}


def _number(value: object) -> Any:
    return type(Money().amount)(str(value or 0))


def _sentence(place: Place, line: Line, *, says_where: bool) -> str:
    what = "cannot be read" if place.reason in _UNREADABLE else place.state.replace("_", " ")
    told = [f"because of {place.reason}"] if place.reason and place.reason not in _UNREADABLE else []
    told += ["with a destination that is not known yet"] if place.to_state == UNKNOWN_STATE else []
    told += ["in TaxJar as filed"] if place.in_taxjar else []
    where = [f"to {place.to_state}"] if says_where and place.to_state != UNKNOWN_STATE else []
    return f"{_documents(line.documents)} {' '.join([*where, what, *told])}: {plain(line.money.amount)} net."


def _documents(count: int) -> str:
    return "1 document" if count == 1 else f"{count} documents"


def _counts(proof: Proof) -> dict[str, int]:
    return {
        "seen": proof.states.total(),
        **{state.value: proof.states[state] for state in _SETTLED},
        IN_FLIGHT_NAME: sum(proof.states[state] for state in IN_FLIGHT),
    }


def _of_reason(key: tuple[str, str], line: Line, proof: Proof) -> dict[str, Any]:
    state, reason = key
    return {
        "state": state,
        "reason": reason,
        "count": line.documents,
        **line.money.shown(),
        "oldest": line.oldest.isoformat() if line.oldest else None,
        "in_taxjar": proof.reason_in_taxjar[key],
    }


def _of_day(day: date, found: Mapping[str, int]) -> dict[str, Any]:
    names = ("seen", *(state.value for state in _SETTLED), IN_FLIGHT_NAME, "not_seen_yet")
    return {"date": day.isoformat(), **{name: found.get(name, 0) for name in names}}

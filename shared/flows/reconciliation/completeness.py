"""Proof of completeness: every document of F&O is accounted for, in figures (design 4.2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.connector import Connector
from shared.documents import ZERO
from shared.flows.work.problems import told_as_problem
from shared.flows.work.run import Run
from shared.flows.work.streams import MergedByDay, days, one_by_one
from shared.ledger.audit import Actor
from shared.ledger.records import IN_FLIGHT, DocumentRecord, State
from shared.money import plain
from shared.web import Days, instant

_SETTLED = (State.REPORTED, State.SKIPPED, State.HELD, State.FAILED)


class CompletenessQuery(Days):
    """The query of ``show_completeness``: invoice dates, by default from ``REPORT_FROM`` on."""


@dataclass(slots=True)
class _Sums:
    """Documents of one month, by state, and what was reported of them."""

    states: Counter[State] = field(default_factory=Counter)
    amount: Decimal = ZERO
    sales_tax: Decimal = ZERO

    def add(self, record: DocumentRecord) -> None:
        self.states[record.state] += 1
        if record.state is State.REPORTED:
            self.amount += record.amount or ZERO
            self.sales_tax += record.sales_tax or ZERO

    def counts(self) -> dict[str, int]:
        return {
            "seen": self.states.total(),
            **{state.value: self.states[state] for state in _SETTLED},
            "in_flight": sum(self.states[state] for state in IN_FLIGHT),
        }

    def shown(self) -> dict[str, Any]:
        reported = {"amount": plain(self.amount), "sales_tax": plain(self.sales_tax)}
        return {**self.counts(), "reported_totals": reported}


async def show_completeness(
    connector: Connector, connection: str, company: str, query: CompletenessQuery
) -> dict[str, Any]:
    """Count the range on both sides. Raises :class:`NotFound`, and :class:`Problem` while F&O does not answer.

    ``complete`` is true when the ledger has every document that F&O lists from ``REPORT_FROM`` on, and none is still in
    flight. What is held or failed is accounted for, and waits for a person.
    """
    found = connector.connection(connection)
    actor = Actor(function="show_completeness", by="function key")
    run = Run(connector, found, found.company(company), actor, connector.backfill_queue)
    start, now = run.company.settings.report_from, connector.clock()
    since = query.since or min(start, query.until or start)
    until = query.until or max(now.date(), since)
    months: dict[str, _Sums] = {}
    reasons: dict[str, Counter[str]] = {}
    listed = unseen = gone = 0
    async with told_as_problem(run):
        await run.connection.gate.open()
        documents = MergedByDay(one_by_one(run.connection.reader.list_posted({run.company.id: since}, until=until)))
        records = MergedByDay(connector.ledger.listing(run.connection.name, run.company.id, since=since, until=until))
        for day in days(since, until):
            there = {document.key for document in await documents.through(day)}
            known = {record.key: record for record in await records.through(day)}
            listed += len(there)
            gone += sum(1 for key in known.keys() - there if not known[key].stand_in)
            unseen += sum(1 for key in there - known.keys() if key.date >= start)
            for record in known.values():
                months.setdefault(f"{record.key.date:%Y-%m}", _Sums()).add(record)
                if record.reason:
                    reasons.setdefault(record.state.value, Counter())[record.reason] += 1
    counts = _total(months.values())
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        **counts,
        "complete": not unseen and not counts["in_flight"],
        "dynamics": {"listed": listed, "not_seen_yet": unseen, "seen_but_gone": gone},
        "reasons": {state: dict(sorted(found.items())) for state, found in sorted(reasons.items())},
        "months": {month: sums.shown() for month, sums in sorted(months.items())},
        "checked_at": instant(now),
    }


def _total(sums: Any) -> dict[str, int]:
    whole = _Sums()
    for each in sums:
        whole.states += each.states
    return whole.counts()

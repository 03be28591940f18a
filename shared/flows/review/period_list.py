"""Filing periods as a grid: each state's periods, whether they are filed, closed, open or running, and what is in them.

A period is *filed* where a person closed it, *closed* from its lock day on, *open* once it is over, else *running*
(design 4.6).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shared.connector import Connector
from shared.filing import FilingPeriods
from shared.flows.work.problems import BadInput
from shared.flows.work.run import today_of
from shared.ledger.keys import partition
from shared.ledger.periods import PERIOD
from shared.ledger.queries import Counted
from shared.ledger.records import DocumentRecord, State
from shared.states import STATES
from shared.web import Days, instant

MONTHS = 12
"""How many months are shown unless others are asked for."""
LONGEST = timedelta(days=3 * 366)
COUNTED_AT_MOST = 10_000
"""Documents that are counted, those of the newest months; of older periods only what is open is said."""


class PeriodsQuery(Days):
    """The query of ``list_filing_periods``: by default the last twelve months."""


_OPEN = (State.HELD.value, State.FAILED.value, "in_flight")


@dataclass(slots=True)
class _Inside:
    """What is open, and the documents of the newest months, by state of destination and invoice date.

    Under the state ``""`` is what is not known to be elsewhere.
    """

    counts: dict[str, dict[date, Counter[str]]] = field(default_factory=dict)
    counted_from: date = date.max
    """The first day of those whose documents were counted, all of them."""

    def add_open(self, record: DocumentRecord) -> None:
        name = "in_flight" if record.in_flight else record.state.value
        for state in record.filing.to_states or ("",):
            self._of_day(state, record.key.date)[name] += 1

    def add_month(self, first: date, documents: Iterable[Counted]) -> None:
        """All documents of a month, from ``first`` on."""
        for document in documents:
            for state in document.to_states or ("",):
                counts = self._of_day(state, document.date)
                counts["documents"] += 1
                counts["late"] += document.late
        self.counted_from = first

    def _of_day(self, state: str, day: date) -> Counter[str]:
        return self.counts.setdefault(state, {}).setdefault(day, Counter())

    def of(self, state: str, first: date, last: date) -> dict[str, int | None]:
        """The counts of a period. What waits and has no known destination may belong to any state: it counts in all."""
        found = self._sum(state, first, last)
        waiting = self._sum("", first, last)
        is_counted = first >= self.counted_from
        return {
            **{name: found[name] + waiting[name] for name in _OPEN},
            **{name: found[name] if is_counted else None for name in ("documents", "late")},
        }

    def _sum(self, state: str, first: date, last: date) -> Counter[str]:
        found: Counter[str] = Counter()
        for day, counts in self.counts.get(state, {}).items():
            if first <= day <= last:
                found += counts
        return found


async def list_filing_periods(
    connector: Connector, connection: str, company: str, query: PeriodsQuery | None = None
) -> dict[str, Any]:
    """The periods of every state that has nexus, documents in the range, a frequency of its own or a closed period.

    Raises :class:`NotFound`, and :class:`BadInput` for a range of more than three years.
    """
    settings = connector.connection(connection).company(company).settings
    today = today_of(connector, settings)
    since, until = _range(query or PeriodsQuery(), today)
    periods = await connector.periods.of_company(connection, company, settings)
    pulled = await connector.nexus.of_company(connection, company)
    nexus = {region["region_code"] for region in pulled.regions} if pulled else set()
    frequencies = {"", *settings.filing_frequencies}
    inside = await _inside(
        connector,
        connection,
        company,
        min(periods.period_start(since, state) for state in frequencies),
        max(periods.period_end(until, state) for state in frequencies),
    )
    known = nexus | set(inside.counts) | {*periods.filed_through, *settings.filing_frequencies}
    states = sorted(state for state in known if state in STATES)
    found = await asyncio.gather(*(_closing(connector, connection, company, state) for state in states))
    closings = dict(zip(states, found, strict=True))
    return {
        "filing_lock_day": settings.filing_lock_day,
        "closed_through": periods.closed_through("", today).isoformat(),
        "from": since.isoformat(),
        "to": until.isoformat(),
        "states": [
            {
                "state": state,
                "frequency": settings.filing_frequencies.get(state, "monthly"),
                "nexus": state in nexus if pulled else None,
                "closed_through": periods.closed_through(state, today).isoformat(),
                **closings[state],
                "periods": [
                    {**_shown(periods, state, first, last, today), **inside.of(state, first, last)}
                    for first, last in _periods(periods, state, since, until)
                ],
            }
            for state in states
        ],
    }


def _range(query: PeriodsQuery, today: date) -> tuple[date, date]:
    until = query.until or max(today, query.since or today)
    since = query.since or months_before(until, MONTHS - 1)
    if until - since > LONGEST:
        raise BadInput(f"from, to: {since} to {until} is longer than three years; ask in parts.")
    return since, until


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies ``months`` before that of ``day``."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


async def _inside(connector: Connector, connection: str, company: str, since: date, until: date) -> _Inside:
    """What is open, by the index; and the documents of the range, counted month by month from the newest on."""
    inside, counted = _Inside(), 0
    async for record in connector.ledger.open_work(connection, company):
        inside.add_open(record)
    for first, last in reversed(list(_months(since, until))):
        documents: list[Counted] = []
        async for document in connector.ledger.standings(connection, company, first, last):
            if counted == COUNTED_AT_MOST:
                return inside
            counted += 1
            documents.append(document)
        inside.add_month(first, documents)
    return inside


def _months(since: date, until: date) -> Iterator[tuple[date, date]]:
    first = since
    while first <= until:
        following = months_before(first, -1)
        yield first, min(following - timedelta(days=1), until)
        first = following


async def _closing(connector: Connector, connection: str, company: str, state: str) -> Mapping[str, Any]:
    """Through which day a person closed the state, who, when and why."""
    where = partition(connection, company)
    row = await connector.subjects.get(where, PERIOD, state)
    if not row:
        return {"filed_through": None, "by": None, "at": None, "reason": None}
    last = await connector.subjects.last_entry(where, PERIOD, state, row)
    at = datetime.fromisoformat(last["at"]) if last.get("at") else None
    told = {"by": last.get("by") or None, "at": instant(at), "reason": last.get("reason") or None}
    return {"filed_through": row["filed_through"], **told}


def _periods(periods: FilingPeriods, state: str, since: date, until: date) -> Iterator[tuple[date, date]]:
    """The whole periods of ``state`` that touch the range, oldest first."""
    day = since
    while day <= until:
        first, last = periods.period_start(day, state), periods.period_end(day, state)
        yield first, last
        day = last + timedelta(days=1)


def _shown(periods: FilingPeriods, state: str, first: date, last: date, today: date) -> dict[str, str]:
    filed, closes_on = periods.filed_through.get(state), periods.locked_from(last, state)
    if filed and filed >= last:
        status = "filed"
    elif today >= closes_on:
        status = "closed"
    else:
        status = "open" if today > last else "running"
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "status": status,
        "closes_on": closes_on.isoformat(),
    }

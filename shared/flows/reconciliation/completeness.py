"""Proof of completeness: every document of F&O is accounted for, in figures, to the cent (design 4.2, 4.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Literal

from shared.connector import Connector
from shared.csv_text import to_csv
from shared.documents import ListedDocument
from shared.flows.reconciliation.findings import Findings
from shared.flows.reconciliation.notices import Notices
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.readiness import Readiness, listed
from shared.flows.work.problems import trouble_as_problem
from shared.flows.work.run import Run
from shared.flows.work.streams import MergedByDay, days, one_by_one
from shared.ledger.audit import Actor
from shared.web import Answer, Days, instant

FRESH = timedelta(hours=2)
"""A poll that is older says nothing about today."""


class CompletenessQuery(Days):
    """The query of ``show_completeness``: invoice dates, by default from ``REPORT_FROM`` on."""

    format: Literal["json", "csv"] = "json"


async def show_completeness(connector: Connector, connection: str, company: str, query: CompletenessQuery) -> Answer:
    """Count the range on both sides. Raises :class:`NotFound`, and :class:`Problem` while F&O does not answer."""
    found = connector.connection(connection)
    actor = Actor(function="show_completeness", by="function key")
    run = Run(connector, found, found.company(company), actor, connector.backfill_queue)
    start = run.company.settings.report_from
    since = query.since or min(start, query.until or start)
    until = query.until or max(run.today, since)
    async with trouble_as_problem(run):
        await run.connection.gate.open()
        await run.company.account.gate.open()
        readiness, findings = await prove(run, since, until)
    if query.format == "csv":
        return Answer(body=to_csv(COLUMNS, _rows(readiness)), content_type="text/csv")
    lists = {name: listed(rows) for name, rows in findings.lists.items()}
    last_poll = await connector.last_runs.complete_poll(connection)
    return Answer(
        body={
            "from": since.isoformat(),
            "to": until.isoformat(),
            **readiness.shown(),
            **lists,
            "last_poll_at": instant(last_poll),
            "checked_at": instant(connector.clock()),
        }
    )


async def prove(run: Run, since: date, until: date) -> tuple[Readiness, Findings]:
    """F&O's documents of the range against the ledger's, with no more than a day of them in memory."""
    connector, company = run.connector, run.company.id
    proof = Proof(run.company.settings.report_from)
    findings, notices = Findings(since, until, False, connector.clock()), Notices(run)
    documents: MergedByDay[ListedDocument] = MergedByDay(
        one_by_one(run.connection.reader.list_posted({company: since}, until=until))
    )
    records = MergedByDay(connector.ledger.listing(run.connection.name, company, since=since, until=until, whole=True))
    for day in days(since, until):
        there = {each.key: each for each in await documents.through(day)}
        known = await records.through(day)
        proof.add_day(day, there, known)
        await notices.note(known, findings)
    periods = await connector.periods.of_company(run.connection.name, company, run.company.settings)
    stale = _staleness(run, await connector.last_runs.complete_poll(run.connection.name))
    return Readiness(proof, until, stale, periods, notices.nexus), findings


def _staleness(run: Run, last_poll: Any) -> str:
    """Why the ledger may not know the latest documents; empty where it does."""
    if last_poll is None:
        return "No poll has been complete yet."
    if run.connector.clock() - last_poll > FRESH:
        return f"The last complete poll was at {instant(last_poll)}."
    return ""


COLUMNS = ("to_state", "state", "reason", "in_taxjar", "documents", "amount", "sales_tax")
"""Of the CSV: one row per state of destination, state and reason."""


def _rows(readiness: Readiness) -> Iterator[dict[str, str]]:
    for row in readiness.table():
        yield {name: str(row[name]) for name in COLUMNS}


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of the month of ``day``."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def months(since: date, until: date) -> Sequence[tuple[date, date]]:
    """The range in pieces of a month."""
    pieces, first = [], since
    while first <= until:
        _, last = month_of(first)
        pieces.append((first, min(last, until)))
        first = last + timedelta(days=1)
    return pieces

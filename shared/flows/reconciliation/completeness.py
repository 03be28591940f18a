"""Proof of completeness: every document of F&O is accounted for, in figures, to the cent (design 4.2, 4.7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

from shared.connector import Connector
from shared.csv_text import to_csv
from shared.flows.reconciliation.findings import Findings
from shared.flows.reconciliation.long_ranges import check_length
from shared.flows.reconciliation.month_workbook import month_workbook
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.readiness import Readiness, listed
from shared.flows.reconciliation.walk import Walk
from shared.flows.reconciliation.workbook import CONTENT_TYPE
from shared.flows.work.problems import trouble_as_problem
from shared.flows.work.run import Run
from shared.ledger.audit import Actor
from shared.web import Answer, Days, attachment, instant

FRESH = timedelta(hours=2)
"""A poll that is older says nothing about today."""


class CompletenessQuery(Days):
    """The query of ``show_completeness``: invoice dates, by default from ``REPORT_FROM`` on."""

    format: Literal["json", "csv", "xlsx"] = "json"
    """``xlsx`` also compares both sides of each document, and names those that differ, wait or were skipped."""


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
        compare = query.format == "xlsx"
        await check_length(run, since, until, compare=compare)
        readiness, findings = await prove(run, since, until, compare=compare)
    if query.format == "csv":
        rows = ({name: str(row[name]) for name in COLUMNS} for row in readiness.table())
        return attachment(to_csv(COLUMNS, rows), f"completeness-{company}-{since}-{until}.csv")
    answer = await shown(run, since, readiness, findings)
    if query.format == "xlsx":
        file = await month_workbook(run, findings, answer)
        return attachment(file, f"completeness-{company}-{since}-{until}.xlsx", CONTENT_TYPE)
    return Answer(body=answer)


async def shown(run: Run, since: date, readiness: Readiness, findings: Findings) -> dict[str, Any]:
    """Readiness, and what else is to be looked at, as answers show it."""
    return {
        "from": since.isoformat(),
        "to": readiness.until.isoformat(),
        **readiness.shown(),
        **{name: listed(rows) for name, rows in findings.lists.items()},
        "last_poll_at": instant(await run.connector.last_runs.complete_poll(run.connection.name)),
        "checked_at": instant(run.connector.clock()),
    }


async def prove(run: Run, since: date, until: date, *, compare: bool = False) -> tuple[Readiness, Findings]:
    """F&O's documents of the range against the ledger's, with no more than a day of them in memory.

    With ``compare`` TaxJar's side is compared as well.
    """
    proof = Proof(run.company.settings.report_from)
    findings = Findings(since, until, False, run.connector.clock())
    walk = Walk(run, findings, proof, compare=compare)
    async for _ in walk.days(since, until):
        pass
    await walk.look_at_own_provider(since, until)
    await walk.look_at_other_providers(since, until)
    return await readiness_of(run, proof, until, walk.notices.nexus), findings


async def readiness_of(run: Run, proof: Proof, until: date, nexus: frozenset[str] | None) -> Readiness:
    """What ``proof`` says about filing."""
    connector, name = run.connector, run.connection.name
    periods = await connector.periods.of_company(name, run.company.id, run.company.settings)
    stale = _staleness(run, await connector.last_runs.complete_poll(name))
    return Readiness(proof, until, stale, periods, nexus)


def _staleness(run: Run, last_poll: Any) -> str:
    """Why the ledger may not know the latest documents; empty where it does."""
    if last_poll is None:
        return "No poll has been complete yet."
    if run.connector.clock() - last_poll > FRESH:
        return f"The last complete poll was at {instant(last_poll)}."
    return ""


COLUMNS = ("to_state", "state", "reason", "in_taxjar", "documents", "amount", "sales_tax")
"""Of the CSV: one row per state of destination, state and reason."""

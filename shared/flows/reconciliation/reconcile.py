"""Reconciliation while somebody waits: F&O, the ledger and TaxJar compared day by day (design 4.7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from shared.connector import Connector
from shared.csv_text import to_csv
from shared.flows.reconciliation.findings import COLUMNS, Findings
from shared.flows.reconciliation.long_ranges import check_length
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.repair import NOT_CONFIRMED, Confirmation, Repair
from shared.flows.reconciliation.walk import Walk
from shared.flows.work.fence import check_fence
from shared.flows.work.problems import trouble_as_problem
from shared.flows.work.run import Run
from shared.ledger.audit import Actor
from shared.web import Answer, Days, Problem, attachment

LONGEST = timedelta(days=366)


class ReconcileQuery(Days):
    """The query of ``reconcile``: invoice dates, by default the last ``SWEEP_DAYS``."""

    deep: bool = False
    """Fetch the amounts of every transaction, not only of those in doubt."""
    confirm: bool = False
    """POST: send again also what is so much that a person has to decide; the body says who and why."""
    format: Literal["json", "csv"] = "json"
    provider: str = ""
    """Further TaxJar providers to look for foreign transactions under, separated by commas."""


async def reconcile(
    connector: Connector,
    connection: str,
    company: str,
    query: ReconcileQuery,
    *,
    heal: bool,
    confirmed: Confirmation = NOT_CONFIRMED,
) -> Answer:
    """Compare, and with ``heal`` also enqueue what is missing and hold what a person has to look at.

    ``confirmed``: also what is so much that a person has to decide.

    Raises :class:`NotFound`, and :class:`Problem` while F&O or TaxJar does not answer.
    """
    run = run_of(connector, connection, company, Actor(function="reconcile", by="function key"))
    since, until = _range(run, query)
    async with trouble_as_problem(run):
        await run.connection.gate.open()
        await run.company.account.gate.open()
        run.fence = await check_fence(connector, run.connection, run.company, run.actor)
        await check_length(run, since, until)
        findings = Findings(since, until, query.deep, connector.clock())
        repair = Repair(run, findings) if heal else None
        walk = Walk(run, findings, Proof(run.company.settings.report_from), repair=repair)
        async for _ in walk.days(since, until):
            pass
        if repair:
            await repair.finish(findings.documents, confirmed=confirmed)
        await walk.look_at_other_providers(since, until, query.provider)
    if query.format == "csv":
        name = f"reconciliation-{company}-{since}-{until}.csv"
        return attachment(to_csv(COLUMNS, findings.rows()), name)
    return Answer(body=findings.shown())


def run_of(connector: Connector, connection: str, company: str, actor: Actor) -> Run:
    """Work on a company whose messages go to the backfill queue. Raises :class:`NotFound`."""
    found = connector.connection(connection)
    return Run(connector, found, found.company(company), actor, connector.backfill_queue)


def default_start(run: Run) -> date:
    """The first of the last ``SWEEP_DAYS``."""
    first: date = run.today - timedelta(days=run.connection.settings.dynamics.sweep_days)
    return min(max(first, run.company.settings.report_from), run.today)


def _range(run: Run, query: ReconcileQuery) -> tuple[date, date]:
    """The days that are asked for. Raises :class:`Problem` 400 for more than a year of them."""
    until = query.until or max(query.since or run.today, run.today)
    since = query.since or min(default_start(run), until)
    if until - since > LONGEST:
        message = f"{since} to {until} is longer than a year: reconcile it in parts, or as a job (reconciliation-jobs)."
        raise Problem(400, "bad_request", message)
    return since, until

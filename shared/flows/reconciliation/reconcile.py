"""Reconciliation: F&O, the ledger and TaxJar compared day by day, and what is missing healed (design 4.7)."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import partial
from typing import Literal

from shared import telemetry
from shared.connector import Connector
from shared.csv_text import to_csv
from shared.flows.reconciliation.day import SidesOfADay, foreign, is_of_another_company
from shared.flows.reconciliation.findings import COLUMNS, Findings
from shared.flows.reconciliation.notices import Notices
from shared.flows.reconciliation.repair import NIGHTLY, NOT_CONFIRMED, Confirmation, Repair
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.fence import Fenced, check_fence
from shared.flows.work.problems import trouble_as_problem
from shared.flows.work.retries import TRANSIENT, judge
from shared.flows.work.run import Run
from shared.flows.work.streams import MergedByDay, days, one_by_one
from shared.flows.work.timers import run_each
from shared.ledger.audit import Actor
from shared.web import Answer, Days, Problem

logger = logging.getLogger(__name__)

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
    run = _run(connector, connection, company, Actor(function="reconcile", by="function key"))
    since, until = _range(run, query)
    async with trouble_as_problem(run):
        await run.connection.gate.open()
        await run.company.account.gate.open()
        run.fence = await check_fence(connector, run.connection, run.company, run.actor)
        findings = Findings(since, until, query.deep, connector.clock())
        await _compare(run, findings, query.provider, heal=heal, confirmed=confirmed)
    if query.format == "csv":
        return Answer(body=to_csv(COLUMNS, findings.rows()), content_type="text/csv")
    return Answer(body=findings.shown())


async def reconcile_nightly(connector: Connector, by: str) -> None:
    """The last ``SWEEP_DAYS`` of every company, healed. Trouble ends one company; the next night sees it again."""
    actor = Actor(function=NIGHTLY, by=by)
    runs = {
        f"{connection.name} {company.upper()}": partial(_heal, _run(connector, connection.name, company, actor))
        for connection in connector.connections.values()
        for company in connection.companies
    }
    await run_each(actor.function, runs)


async def _heal(run: Run) -> None:
    """The last ``SWEEP_DAYS`` of one company."""
    name = f"{run.connection.name} {run.company.id.upper()}"
    complete = False
    try:
        await run.connection.gate.open()
        await run.company.account.gate.open()
        run.fence = await check_fence(run.connector, run.connection, run.company, run.actor)
        findings = Findings(_default_start(run), _today(run), deep=False, started_at=run.connector.clock())
        await _compare(run, findings, "", heal=True)
        complete = True
    except Fenced as fenced:
        logger.error("%s: not reconciled: %s", name, fenced)
    except TRANSIENT as trouble:
        await judge(run, trouble, 1)
        logger.warning("%s: reconciliation ended early: %s", name, trouble)
    else:
        figures = ", ".join(f"{status} {count}" for status, count in findings.counts().items())
        logger.info("%s reconciled: %s; enqueued %d, held %d", name, figures, findings.enqueued, findings.held)
        await run.connector.last_runs.note(
            run.connection.name, run.actor.function, company=run.company.id, by=run.actor.by
        )
    finally:
        telemetry.ran(run.connection.name, run.actor.function, complete=complete)


def _run(connector: Connector, connection: str, company: str, actor: Actor) -> Run:
    found = connector.connection(connection)
    return Run(connector, found, found.company(company), actor, connector.backfill_queue)


def _today(run: Run) -> date:
    return run.today


def _range(run: Run, query: ReconcileQuery) -> tuple[date, date]:
    """The days that are asked for. Raises :class:`Problem` 400 for more than a year of them."""
    until = query.until or max(query.since or _today(run), _today(run))
    since = query.since or min(_default_start(run), until)
    if until - since > LONGEST:
        raise Problem(400, "bad_request", f"{since} to {until} is longer than a year: reconcile it in parts.")
    return since, until


def _default_start(run: Run) -> date:
    first = _today(run) - timedelta(days=run.connection.settings.dynamics.sweep_days)
    return min(max(first, run.company.settings.report_from), _today(run))


async def _compare(
    run: Run, findings: Findings, providers: str, *, heal: bool, confirmed: Confirmation = NOT_CONFIRMED
) -> Findings:
    """Go through the days, with no more than one of them in memory."""
    taxjar, notices = TaxJarSide(run.company.account.client, run.connector.clock), Notices(run)
    since, until, company = findings.since, findings.until, run.company.id
    listed = MergedByDay(one_by_one(run.connection.reader.list_posted({company: since}, until=until)))
    ledger = run.connector.ledger
    known = MergedByDay(ledger.listing(run.connection.name, company, since=since, until=until, whole=True))
    repair = Repair(run, findings, confirmed=confirmed) if heal else None
    for day in days(since, until):
        ids = await taxjar.ids(day)
        documents = await listed.through(day)
        records = await known.through(day)
        compared = await SidesOfADay(run, taxjar, ids, day, findings).compare(documents, records)
        for document in compared:
            findings.add(document)
        await notices.note(records, findings)
        if repair:
            await repair.repair(day, documents, compared)
    if repair:
        await repair.finish()
    named = [name.strip() for name in providers.split(",")]
    for other in await taxjar.of_other_providers(since, until, named):
        if not is_of_another_company(run, other.transaction_id):
            findings.foreign.append(foreign(other.transaction_id, other.kind, other.provider, other.date))
    return findings

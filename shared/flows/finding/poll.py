"""Find posted documents: compare counts, list what differs, note what is new, enqueue what is not settled (4.1)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from shared import telemetry
from shared.connector import Connection, Connector
from shared.dynamics.errors import AccessDenied, DynamicsError, Throttled, Unavailable
from shared.flows.finding.differences import Differences
from shared.flows.finding.incoming import Incoming
from shared.flows.finding.missing import ask_for_missing, is_missing
from shared.flows.finding.months import Months
from shared.flows.finding.observe import observe_holds, observe_queues_and_pauses
from shared.flows.finding.overdue import Overdue, read_work
from shared.flows.finding.waiting import resume_waiting
from shared.flows.work.fence import Fenced, check_host
from shared.flows.work.run import today_of
from shared.flows.work.sets_missed import look_for_sets
from shared.flows.work.timers import run_each
from shared.ledger.audit import Actor
from shared.ledger.work_index import CompanyWork
from shared.remote.gate import POLL_EARLY
from shared.remote.pauses import Paused

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a poll looks."""

    function: str
    by: str
    days: int
    is_sweep: bool = False
    """Whether it lists all of the window, and looks for what was dated back beyond it."""

    def since(self, connector: Connector, connection: Connection) -> dict[str, date]:
        """First invoice date to look at, by company: never older than the company's ``REPORT_FROM``."""
        return {
            company.id: max(
                today_of(connector, company.settings) - timedelta(days=self.days), company.settings.report_from
            )
            for company in connection.companies.values()
        }


async def poll_posted_invoices(connector: Connector, by: str) -> None:
    """The short window of every connection."""

    async def poll(connection: Connection) -> None:
        days = connection.settings.dynamics.lookback_days
        await poll_connection(connector, connection, Window("poll_posted_invoices", by, days))

    connections = connector.connections.items()
    try:
        await run_each("poll_posted_invoices", {name: partial(poll, each) for name, each in connections})
    finally:
        await observe_queues_and_pauses(connector)


async def sweep_posted_invoices(connector: Connector, by: str) -> None:
    """The long window of every connection, whole, and the counts of all months before: what was dated back is found.

    It is the one reading that trusts no count: equal counts do not say that the documents are the same, and F&O may
    count a row for days that it does not show. What it costs depends on the window, not on the history.
    """

    async def sweep(connection: Connection) -> None:
        days = connection.settings.dynamics.sweep_days
        await poll_connection(connector, connection, Window("sweep_posted_invoices", by, days, is_sweep=True))

    connections = connector.connections.items()
    try:
        await run_each("sweep_posted_invoices", {name: partial(sweep, each) for name, each in connections})
    finally:
        await observe_holds(connector)


async def poll_connection(connector: Connector, connection: Connection, window: Window) -> None:
    """One window of one environment. Trouble with F&O ends it early; the next poll goes on where days differ still."""
    complete = False
    try:
        await check_host(connector, connection)
        pause = await connection.gate.pause()
        await connection.gate.open(early=POLL_EARLY)
        with telemetry.span(window.function):
            for problem in await connection.checks.check_profile():
                logger.error("%s: entity profile: %s", connection.name, problem)
            await _find(connector, connection, window, was_refused=pause is not None and pause.denied)
        complete = True
    except Fenced as fenced:
        logger.error("%s: not polled: %s", connection.name, fenced)
    except Paused as paused:
        logger.warning("%s: not polled: %s", connection.name, paused)
    except Throttled as error:
        logger.warning("%s: poll ended, paused: %s", connection.name, error)
    except AccessDenied as error:
        await connection.gate.deny(str(error), error.refused)
        logger.error("%s: poll ended, paused: %s", connection.name, error)
    except DynamicsError as error:
        logger.error("%s: poll ended, the window is not complete: %s", connection.name, error)
    else:
        await connector.last_runs.note(connection.name, window.function, by=window.by)
    finally:
        telemetry.polled(connection.name, window.function, complete=complete)


async def _find(connector: Connector, connection: Connection, window: Window, *, was_refused: bool) -> None:
    """List what differs (a sweep: everything), let held documents go on that can, enqueue what is overdue."""
    actor = Actor(function=window.function, by=window.by)
    since = window.since(connector, connection)
    work = {
        company: await read_work(connector, connection, company, _counts_from(connection, company, first, window))
        for company, first in since.items()
    }
    overdue = await Overdue(connector, connection, work).find()
    trouble = await _list(connector, connection, window, actor, since, work)
    for company in connection.companies.values():
        await resume_waiting(connector, connection, company, work[company.id], actor, is_sweep=window.is_sweep)
    await overdue.enqueue(resumed=since.keys() if was_refused else ())
    if window.is_sweep:
        missing = [row for each in work.values() for row in each.rows if is_missing(row)]
        await ask_for_missing(connector, connection, missing)
        for company in connection.companies.values():
            await look_for_sets(connector, connection, company)
    if trouble:
        raise trouble


def _counts_from(connection: Connection, company: str, first: date, window: Window) -> date:
    report_from = connection.company(company).settings.report_from
    return min(first, report_from) if window.is_sweep else first


async def _list(
    connector: Connector,
    connection: Connection,
    window: Window,
    actor: Actor,
    since: Mapping[str, date],
    work: Mapping[str, CompanyWork],
) -> Unavailable | None:
    """Take in what F&O lists. Returns the first trouble of a moment: it keeps nothing else of the poll."""
    today = max(today_of(connector, company.settings) for company in connection.companies.values())
    noted = {company: dict(each.counts or {}) for company, each in work.items()}
    incoming = Incoming(connector, connection, actor, work, connector.documents_queue)
    differences = Differences(connector, connection, incoming, noted)
    unlisted = {company: first for company, first in since.items() if window.is_sweep or work[company].counts is None}
    others = {company: first for company, first in since.items() if company not in unlisted}
    steps: list[Callable[[], Awaitable[None]]] = [
        partial(differences.list_whole, unlisted, today),
        partial(differences.list_differing, others, today),
    ]
    if window.is_sweep:
        history = Incoming(connector, connection, actor, work, connector.backfill_queue)
        for company, first in since.items():
            checks = work[company].checks
            months = Months(connector, connection, company, history, differences, noted[company], checks)
            steps.append(partial(months.compare, first))
        steps.append(lambda: _explain_silence(connection, [each for each in since if not any(noted[each].values())]))
    return await _each(steps)


async def _each(steps: Iterable[Callable[[], Awaitable[None]]]) -> Unavailable | None:
    """Take every step; a read that is not answered keeps no other."""
    trouble: Unavailable | None = None
    for step in steps:
        try:
            await step()
        except Unavailable as unavailable:
            trouble = trouble or unavailable
    return trouble


async def _explain_silence(connection: Connection, companies: Iterable[str]) -> None:
    """Tell a company without invoices from one that the app's user cannot see."""
    for company in sorted(companies):
        if problem := await connection.checks.company_problem(company):
            logger.warning("%s: company %s: %s", connection.name, company, problem)

"""Find posted documents: list the window, note what is new in the ledger, enqueue what is not settled (design 4.1)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from shared import telemetry
from shared.connector import Connection, Connector
from shared.documents import DocumentKey, ListedDocument
from shared.dynamics.errors import AccessDenied, DynamicsError, Throttled, UnreadableRow
from shared.dynamics.filters import chunks
from shared.flows.finding.missing import ask_for_missing, is_missing, shown_again
from shared.flows.finding.observe import observe_holds, observe_queues_and_pauses
from shared.flows.finding.overdue import enqueue_overdue
from shared.flows.work.fence import Fenced, check_host
from shared.flows.work.sightings import sighting
from shared.flows.work.streams import MergedByDay
from shared.flows.work.timers import each_in_turn
from shared.ledger.audit import Actor
from shared.ledger.records import DocumentRecord
from shared.queues import KEYS_PER_MESSAGE, DocumentQueue
from shared.remote.gate import POLL_EARLY
from shared.remote.pauses import Paused
from shared.transactions import Kind

logger = logging.getLogger(__name__)

_SEEN_AT_ONCE = 5 * KEYS_PER_MESSAGE
"""New documents noted in the ledger before they are enqueued: reporting begins while a long day is still read."""


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a poll looks."""

    function: str
    by: str
    days: int
    is_sweep: bool = False
    """Whether it also asks F&O for what it did not show: documents of events, and companies without any."""

    def since(self, connection: Connection, today: date) -> dict[str, date]:
        """First invoice date to list, by company: never older than the company's ``REPORT_FROM``."""
        first = today - timedelta(days=self.days)
        return {company.id: max(first, company.settings.report_from) for company in connection.companies.values()}


async def poll_posted_invoices(connector: Connector, by: str) -> None:
    """The short window of every connection."""

    async def poll(connection: Connection) -> None:
        days = connection.settings.dynamics.lookback_days
        await poll_connection(connector, connection, Window("poll_posted_invoices", by, days))

    connections = connector.connections.items()
    try:
        await each_in_turn("poll_posted_invoices", {name: partial(poll, each) for name, each in connections})
    finally:
        await observe_queues_and_pauses(connector)


async def sweep_posted_invoices(connector: Connector, by: str) -> None:
    """The long window of every connection: catches back-dated postings and lost messages, of any age."""

    async def sweep(connection: Connection) -> None:
        window = Window("sweep_posted_invoices", by, connection.settings.dynamics.sweep_days, True)
        await poll_connection(connector, connection, window)
        for company, since in window.since(connection, connector.clock().date()).items():
            await enqueue_overdue(connector, connection, connection.company(company), since)

    connections = connector.connections.items()
    try:
        await each_in_turn("sweep_posted_invoices", {name: partial(sweep, each) for name, each in connections})
    finally:
        await observe_holds(connector)


async def poll_connection(connector: Connector, connection: Connection, window: Window) -> None:
    """One window of one environment. Trouble with F&O ends it early; the next poll reads the window again, whole."""
    since = window.since(connection, connector.clock().date())
    complete = False
    try:
        await check_host(connector, connection)
        await connection.gate.open(early=POLL_EARLY)
        with telemetry.span(window.function):
            for problem in await connection.checks.check_profile():
                logger.error("%s: entity profile: %s", connection.name, problem)
            await _enqueue_unsettled(connector, connection, since, window)
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
        await connector.last_runs.note(connection.name, window.function)
    finally:
        telemetry.polled(connection.name, window.function, complete=complete)


async def _enqueue_unsettled(
    connector: Connector, connection: Connection, since: Mapping[str, date], window: Window
) -> set[str]:
    """Enqueue what is new and what is due again; return the companies with new documents."""
    actor = Actor(function=window.function, by=window.by)
    known = {company: _Known(connector, connection, company, since[company]) for company in since}
    outgoing = _Outgoing(connector.documents_queue, connection.name)
    listed_companies: set[str] = set()
    with_news: set[str] = set()
    missing: list[DocumentRecord] = []
    left_out: list[UnreadableRow] = []
    async for company, day, listed in _by_day(connection, since, left_out):
        listed_companies.add(company)
        records = await known[company].through(day)
        recorded = {record.key for record in records}
        new = [sighting(document) for document in listed if document.key not in recorded]
        for some in chunks(new, _SEEN_AT_ONCE):
            if seen := await connector.ledger.see(connection.name, some, actor):
                with_news.add(company)
            await outgoing.add(seen)
        absent = [record for record in records if is_missing(record)]
        again = await shown_again(connector, connection, absent, listed, actor)
        missing += absent
        await outgoing.add([*again, *await known[company].due(records)])
    for company in since:
        async for record in known[company].rest():
            missing += [record] if is_missing(record) else []
            await outgoing.add(await known[company].due([record]))
    await outgoing.flush()
    if window.is_sweep:
        await _explain_silence(connection, since.keys() - listed_companies)
        await ask_for_missing(connector, connection, missing)
    for unreadable in left_out:
        logger.error("%s: left out: %s", connection.name, unreadable)
    if left_out:
        raise left_out[0]
    return with_news


async def _explain_silence(connection: Connection, companies: Iterable[str]) -> None:
    """Tell a company without invoices from one that the app's user cannot see."""
    for company in sorted(companies):
        if problem := await connection.checks.company_problem(company):
            logger.warning("%s: company %s: %s", connection.name, company, problem)


async def _by_day(
    connection: Connection, since: Mapping[str, date], left_out: list[UnreadableRow]
) -> AsyncIterator[tuple[str, date, list[ListedDocument]]]:
    """What F&O lists, in its order, in runs of one company and day: all that has to be in memory at once.

    Rows that cannot be read go to ``left_out``: one of them must not keep the others.
    """
    run: list[ListedDocument] = []
    async for page in connection.reader.list_posted(since, left_out=left_out.append):
        for document in page:
            if run and (document.key.company, document.key.date) != (run[0].key.company, run[0].key.date):
                yield run[0].key.company, run[0].key.date, run
                run = []
            run.append(document)
    if run:
        yield run[0].key.company, run[0].key.date, run


class _Known(MergedByDay[DocumentRecord]):
    """One company's ledger rows of the window, in step with what F&O lists."""

    def __init__(self, connector: Connector, connection: Connection, company: str, since: date) -> None:
        super().__init__(connector.ledger.listing(connection.name, company, since=since))
        self._now = connector.clock()
        self._gate = connection.company(company).account.gate

    async def due(self, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
        """Those of ``records`` that are to be worked on now; none while their TaxJar account is paused."""
        due = [record for record in records if record.is_due(self._now)]
        return due if due and await self._gate.opens() else []


class _Outgoing:
    """Keys on their way to the queue, in messages as full as can be.

    Credit notes go apart: finding their originals takes calls of its own, which their message shares.
    """

    def __init__(self, queue: DocumentQueue, connection: str) -> None:
        self._queue = queue
        self._connection = connection
        self._keys: dict[tuple[str, Kind], list[DocumentKey]] = {}

    async def add(self, records: Iterable[DocumentRecord]) -> None:
        """Enqueue every full message; the rest waits for more."""
        for record in records:
            keys = self._keys.setdefault((record.key.company, record.filing.kind), [])
            keys.append(record.key)
            if len(keys) == KEYS_PER_MESSAGE:
                await self._queue.put(self._connection, keys)
                keys.clear()

    async def flush(self) -> None:
        """Enqueue what is left."""
        await self._queue.put(self._connection, [key for keys in self._keys.values() for key in keys])
        self._keys.clear()

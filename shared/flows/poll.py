"""Find posted documents: list the window, note what is new in the ledger, enqueue what is not settled (design 4.1)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from shared import telemetry
from shared.connector import Connection, Connector
from shared.documents import DocumentKey, ListedDocument
from shared.dynamics.errors import AccessDenied, DynamicsError, Throttled
from shared.flows.observe import observe_holds, observe_queues_and_pauses
from shared.flows.overdue import enqueue_overdue
from shared.ledger.audit import Actor
from shared.ledger.documents import Sighting
from shared.ledger.pauses import Paused
from shared.ledger.records import DocumentRecord
from shared.mapping import kind_of, transaction_id
from shared.queues import KEYS_PER_MESSAGE

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a poll looks."""

    function: str
    by: str
    days: int

    def since(self, connection: Connection, today: date) -> dict[str, date]:
        """First invoice date to list, by company: never older than the company's ``REPORT_FROM``."""
        first = today - timedelta(days=self.days)
        return {company.id: max(first, company.settings.report_from) for company in connection.companies.values()}


async def poll_posted_invoices(connector: Connector, by: str) -> None:
    """The short window of every connection."""
    for connection in connector.connections.values():
        days = connection.settings.dynamics.lookback_days
        await poll_connection(connector, connection, Window("poll_posted_invoices", by, days))
    await observe_queues_and_pauses(connector)


async def sweep_posted_invoices(connector: Connector, by: str) -> None:
    """The long window of every connection: catches back-dated postings and lost messages, of any age."""
    for connection in connector.connections.values():
        window = Window("sweep_posted_invoices", by, connection.settings.dynamics.sweep_days)
        await poll_connection(connector, connection, window)
        for company, since in window.since(connection, connector.clock().date()).items():
            await enqueue_overdue(connector, connection, connection.company(company), since)
    await observe_holds(connector)


async def poll_connection(connector: Connector, connection: Connection, window: Window) -> None:
    """One window of one environment. Trouble with F&O ends it early; the next poll reads the window again, whole."""
    since = window.since(connection, connector.clock().date())
    complete = False
    try:
        await connection.gate.open()
        with telemetry.span(window.function):
            actor = Actor(function=window.function, by=window.by)
            found = await _enqueue_unsettled(connector, connection, since, actor)
        complete = True
    except Paused as paused:
        logger.warning("%s: not polled: %s", connection.name, paused)
    except Throttled as error:
        pause = await connection.gate.throttle(error.retry_after)
        logger.warning("%s: poll ended, paused until %s: %s", connection.name, pause.until, error)
    except AccessDenied as error:
        await connection.gate.deny(str(error))
        logger.error("%s: poll ended, paused: %s", connection.name, error)
    except DynamicsError as error:
        logger.error("%s: poll ended, the window is not complete: %s", connection.name, error)
    else:
        for company in found:
            await connector.watermarks.move(connection.name, company, since=since[company])
    finally:
        telemetry.polled(connection.name, window.function, complete=complete)


async def _enqueue_unsettled(
    connector: Connector, connection: Connection, since: Mapping[str, date], actor: Actor
) -> set[str]:
    """Enqueue what is new and what is due again; return the companies with new documents."""
    known = {company: _Known(connector, connection, company, since[company]) for company in since}
    outgoing: dict[str, list[DocumentKey]] = {company: [] for company in since}
    with_news: set[str] = set()
    async for company, day, listed in _by_day(connection, since):
        recorded, due = await known[company].through(day)
        new = [_sighting(document) for document in listed if document.key not in recorded]
        seen = await connector.ledger.see(connection.name, new, actor)
        if seen:
            with_news.add(company)
        outgoing[company] += [record.key for record in seen] + due
        outgoing[company] = await _put_full_messages(connector, connection, outgoing[company])
    for company, keys in outgoing.items():
        _, due = await known[company].through(date.max)
        await connector.documents_queue.put(connection.name, keys + due)
    return with_news


async def _by_day(
    connection: Connection, since: Mapping[str, date]
) -> AsyncIterator[tuple[str, date, list[ListedDocument]]]:
    """What F&O lists, in its order, in runs of one company and day: all that has to be in memory at once."""
    run: list[ListedDocument] = []
    async for page in connection.reader.list_posted(since):
        for document in page:
            if run and (document.key.company, document.key.date) != (run[0].key.company, run[0].key.date):
                yield run[0].key.company, run[0].key.date, run
                run = []
            run.append(document)
    if run:
        yield run[0].key.company, run[0].key.date, run


class _Known:
    """One company's ledger rows of the window, read forward once, in step with what F&O lists."""

    def __init__(self, connector: Connector, connection: Connection, company: str, since: date) -> None:
        self._now = connector.clock()
        self._gate = connection.company(company).account.gate
        self._rows = connector.ledger.listing(connection.name, company, since=since)
        self._ahead: DocumentRecord | None = None
        self._done = False

    async def through(self, day: date) -> tuple[set[DocumentKey], list[DocumentKey]]:
        """Keys recorded up to ``day`` and not returned before, and those of them that are due to be worked on."""
        recorded: set[DocumentKey] = set()
        due: list[DocumentKey] = []
        while (record := await self._next()) and record.key.date <= day:
            self._ahead = None
            recorded.add(record.key)
            if record.is_due(self._now):
                due.append(record.key)
        if due and await self._gate.is_paused():
            due = []
        return recorded, due

    async def _next(self) -> DocumentRecord | None:
        if self._ahead is None and not self._done:
            self._ahead = await anext(self._rows, None)
            self._done = self._ahead is None
        return self._ahead


def _sighting(listed: ListedDocument) -> Sighting:
    kind = kind_of(listed.total_amount, listed.total_tax)
    return Sighting(listed, kind, transaction_id(kind, listed.key.company, listed.key.number))


async def _put_full_messages(
    connector: Connector, connection: Connection, keys: list[DocumentKey]
) -> list[DocumentKey]:
    full = len(keys) - len(keys) % KEYS_PER_MESSAGE
    await connector.documents_queue.put(connection.name, keys[:full])
    return keys[full:]

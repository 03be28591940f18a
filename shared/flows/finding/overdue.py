"""Documents that nobody works on although they are due: their message was lost, or they waited for a pause to end.

What is on the queue already is passed over (design 4.1): a backlog does not multiply messages. Only the index of open
work is read, and of the documents found there their records: a claim is not shown by the index. The message of a worker
that died stays hidden long after its claims ran out; these documents are enqueued again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Self

from shared.connector import Company, Connection, Connector
from shared.documents import DocumentKey
from shared.flows.finding.outgoing import Outgoing
from shared.flows.work.enqueue import ON_QUEUE, enqueued_until
from shared.flows.work.run import today_of
from shared.ledger.records import DocumentRecord, State
from shared.ledger.work_index import CompanyWork
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, DocumentQueue

_CLAIMS_LOOKED_AT = 200
"""Documents of a company, those first that were enqueued first, whose claims a poll looks at."""
_RESUMED_AT_ONCE = 500
"""Documents of a company that are enqueued when a pause ends; the messages of the others come back by themselves."""


class Queues:
    """What the queues show, asked at most once."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._is_empty: bool | None = None
        self._oldest: dict[str, datetime | None] = {}

    async def names(self, row: DocumentRecord, now: datetime, *, is_history: bool) -> bool:
        """Whether a message names the document of ``row`` still.

        None does where the queues are empty. Later than expected one does where the queue is not worked off that far;
        history may be on either.
        """
        if row.enqueued_until is None:
            return False
        if row.enqueued_until > now:
            return not await self._are_empty()
        due = row.enqueued_until - ON_QUEUE
        if await self._reaches_back(DOCUMENTS_QUEUE, self._connector.documents_queue, due):
            return True
        return is_history and await self._reaches_back(BACKFILL_QUEUE, self._connector.backfill_queue, due)

    async def _are_empty(self) -> bool:
        if self._is_empty is None:
            queues = (self._connector.documents_queue, self._connector.backfill_queue)
            self._is_empty = not sum([await queue.length() for queue in queues])
        return self._is_empty

    async def _reaches_back(self, name: str, queue: DocumentQueue, due: datetime) -> bool:
        """Whether messages that were due by then wait in ``queue``."""
        if name not in self._oldest:
            self._oldest[name] = await queue.oldest_due()
        oldest = self._oldest[name]
        return oldest is not None and oldest <= due


class Overdue:
    """What is overdue in one environment. ``work`` is what each company waits for."""

    def __init__(self, connector: Connector, connection: Connection, work: Mapping[str, CompanyWork]) -> None:
        self._connector = connector
        self._connection = connection
        self._work = work
        self._now = connector.clock()
        self._queues = Queues(connector)
        self._due: dict[str, list[DocumentRecord]] = {}
        self._lost: dict[str, list[DocumentRecord]] = {}

    async def find(self) -> Self:
        """Find out what is due and named by no message, before the caller puts any on the queues."""
        for id, work in self._work.items():
            company = self._connection.company(id)
            due = [row for row in work.rows if row.is_due(self._now)] if company.settings.reporting else []
            if due:
                recent = self._recent(company)
                self._due[id] = due
                named = {row.key: await self._is_named(row, recent) for row in due}
                left = await self._left_by_workers([row for row in due if named[row.key]])
                self._lost[id] = [row for row in due if not named[row.key] or row.key in left]
        return self

    async def _left_by_workers(self, rows: Sequence[DocumentRecord]) -> set[DocumentKey]:
        """Those of ``rows`` whose worker died: its claim ran out, and its message stays hidden for minutes more."""
        began = self._now + ON_QUEUE - self._connector.ledger.lease
        waiting = [(row.enqueued_until, row.key) for row in rows if row.enqueued_until and row.enqueued_until <= began]
        keys = [key for _, key in sorted(waiting, key=lambda each: each[0])[:_CLAIMS_LOOKED_AT]]
        records = await self._connector.ledger.get_all(self._connection.name, keys)
        return {record.key for record in records if record.state is State.REPORTING and record.is_due(self._now)}

    async def enqueue(self, *, resumed: Collection[str] = ()) -> None:
        """Enqueue what was found; of the companies ``resumed``, all that is due.

        A TaxJar account that refused access is probed when it is time: its companies are resumed where it is back.
        """
        refused = [id for id in self._due if await self._is_refused(self._connection.company(id))]
        for id, due in self._due.items():
            company = self._connection.company(id)
            if await company.account.gate.opens():
                is_resumed = id in resumed or id in refused
                await self._enqueue(company, due[-_RESUMED_AT_ONCE:] if is_resumed else self._lost[id])

    async def _is_refused(self, company: Company) -> bool:
        pause = await company.account.gate.pause()
        return pause is not None and pause.denied

    def _recent(self, company: Company) -> date:
        """The first day that polls look at; what is older is history."""
        days = self._connection.settings.dynamics.lookback_days
        return today_of(self._connector, company.settings) - timedelta(days=days)

    async def _enqueue(self, company: Company, found: Sequence[DocumentRecord]) -> None:
        recent = self._recent(company)
        for is_history in (False, True):
            queue = self._connector.backfill_queue if is_history else self._connector.documents_queue
            outgoing = Outgoing(self._connector, self._connection, queue)
            # Newest first: today does not wait for history.
            rows = [row for row in reversed(found) if (row.key.date < recent) is is_history]
            await outgoing.add(await self._take(rows))
            await outgoing.flush()

    async def _is_named(self, row: DocumentRecord, recent: date) -> bool:
        return await self._queues.names(row, self._now, is_history=row.key.date < recent)

    async def _take(self, rows: Sequence[DocumentRecord]) -> list[DocumentRecord]:
        """Those of ``rows`` that no worker has claimed, noted as enqueued."""
        keys = [row.key for row in rows]
        records = {record.key: record for record in await self._connector.ledger.get_all(self._connection.name, keys)}
        free = []
        for row in rows:
            record = records.get(row.key)
            if record and record.is_due(self._now):
                free.append(row)
            elif record is None or not record.is_open:
                await self._connector.work.drop(row)
        return await self._connector.work.take(free, enqueued_until(self._now))


async def read_work(connector: Connector, connection: Connection, company: str, since: date) -> CompanyWork:
    """What ``company`` waits for, and its counts from the month of ``since`` on.

    Documents of version 1 are indexed first: once in the life of a ledger.
    """
    work = await connector.work.of_company(connection.name, company, since)
    if not work.is_indexed:
        await connector.work.index(connection.name, company)
        work = await connector.work.of_company(connection.name, company, since)
    return work


async def resume(connector: Connector, connection: Connection, companies: Collection[str]) -> None:
    """A pause has ended: what waits in these companies is enqueued at once."""
    today = connector.clock().date()
    work = {company: await read_work(connector, connection, company, today) for company in companies}
    overdue = await Overdue(connector, connection, work).find()
    await overdue.enqueue(resumed=companies)

"""Keys on their way to the queue, in messages as full as can be (design 4.1)."""

from __future__ import annotations

from collections.abc import Iterable

from shared.connector import Connection, Connector
from shared.flows.work.enqueue import enqueue
from shared.ledger.records import DocumentRecord
from shared.queues import KEYS_PER_MESSAGE, DocumentQueue
from shared.transactions import Kind


class Outgoing:
    """Gathers what is to be worked on. Companies whose reporting is switched off put nothing on the queue.

    Credit notes go apart: finding their originals takes calls of its own, which their message shares.
    """

    def __init__(self, connector: Connector, connection: Connection, queue: DocumentQueue) -> None:
        self._connector = connector
        self._connection = connection
        self._queue = queue
        self._waiting: dict[tuple[str, Kind], list[DocumentRecord]] = {}

    async def add(self, records: Iterable[DocumentRecord]) -> None:
        """Enqueue every full message; the rest waits for more."""
        for record in records:
            if not self._connection.company(record.key.company).settings.reporting:
                continue
            some = self._waiting.setdefault((record.key.company, record.filing.kind), [])
            some.append(record)
            if len(some) == KEYS_PER_MESSAGE:
                await self._put(some)
                some.clear()

    async def flush(self) -> None:
        """Enqueue what is left; both kinds of a company share a message where they fit in one."""
        by_company: dict[str, list[DocumentRecord]] = {}
        for (company, _), records in self._waiting.items():
            by_company.setdefault(company, []).extend(records)
        for records in by_company.values():
            await self._put(records)
        self._waiting.clear()

    async def _put(self, records: list[DocumentRecord]) -> None:
        if records:
            await enqueue(self._connector, self._queue, self._connection.name, records)

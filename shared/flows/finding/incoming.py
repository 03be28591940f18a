"""What F&O lists, page by page: what is new is noted in the ledger and enqueued while the rest is still read.

A page is compared with the keys that the ledger has of its days; nothing else of the ledger is read.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from shared.connector import Connection, Connector
from shared.documents import DocumentKey, ListedDocument
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.filters import chunks
from shared.flows.finding.missing import is_missing, shown_again
from shared.flows.finding.outgoing import Outgoing
from shared.flows.work.enqueue import enqueued_until
from shared.flows.work.sightings import known_by_key, sighting
from shared.ledger.audit import Actor
from shared.ledger.keys import document_row
from shared.ledger.records import DocumentRecord
from shared.ledger.work_index import CompanyWork
from shared.queues import KEYS_PER_MESSAGE, DocumentQueue

logger = logging.getLogger(__name__)

_SEEN_AT_ONCE = 5 * KEYS_PER_MESSAGE
"""New documents noted in the ledger before they are enqueued: reporting begins while a long day is still read."""


@dataclass(slots=True)
class Listed:
    """What one listing showed."""

    counts: defaultdict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    """Rows by company and day, also those that cannot be read but for their key."""
    new: list[DocumentKey] = field(default_factory=list)
    """Documents that the ledger did not know."""

    def total(self, company: str) -> int:
        """Rows of ``company``."""
        return self.counts[company].total()


class Incoming:
    """Takes in what F&O lists of one connection, on behalf of ``actor``; ``work`` is what each company waits for."""

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        actor: Actor,
        work: Mapping[str, CompanyWork],
        queue: DocumentQueue,
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._actor = actor
        self._missing = {company: [row for row in each.rows if is_missing(row)] for company, each in work.items()}
        self._known: dict[str, tuple[date, set[str]]] = {}
        self._outgoing = Outgoing(connector, connection, queue)

    async def take_in(self, windows: Mapping[str, date], until: date | None = None) -> Listed:
        """List the documents dated from each company's day on. Raises what F&O's trouble is.

        What was listed before that is taken in all the same.
        """
        listed, left_out = Listed(), list[UnreadableRow]()
        try:
            async for page in self._connection.reader.list_posted(windows, until, left_out=left_out.append):
                await self._take(page, listed)
                await self._take(self._readable_keys(left_out), listed)
        finally:
            await self._take(self._readable_keys(left_out), listed)
            await self._outgoing.flush()
        return listed

    def _readable_keys(self, left_out: list[UnreadableRow]) -> list[ListedDocument]:
        for unreadable in left_out:
            logger.error("%s: left out: %s", self._connection.name, unreadable)
        return known_by_key(left_out, self._connection.companies)

    async def _take(self, page: Sequence[ListedDocument], listed: Listed) -> None:
        for (company, day), found in groupby(page, lambda document: (document.key.company, document.key.date)):
            documents = list(found)
            listed.counts[company][day] += len(documents)
            known = await self._rows_of(company, day)
            await self._reopen(company, documents)
            new = {row: each for each in documents if (row := document_row(each.key)) not in known}
            for some in chunks(list(new.values()), _SEEN_AT_ONCE):
                seen = await self._see(company, some)
                listed.new += [record.key for record in seen]
                await self._outgoing.add(seen)
            known |= new.keys()

    async def _rows_of(self, company: str, day: date) -> set[str]:
        """The row keys of the documents that the ledger has of that day."""
        if company not in self._known or self._known[company][0] != day:
            rows = self._connector.ledger.rows(self._connection.name, company, day)
            self._known[company] = day, {row async for row in rows}
        return self._known[company][1]

    async def _see(self, company: str, documents: Sequence[ListedDocument]) -> list[DocumentRecord]:
        is_on = self._connection.company(company).settings.reporting
        return await self._connector.ledger.see(
            self._connection.name,
            [sighting(document) for document in documents],
            self._actor,
            enqueued_until=enqueued_until(self._connector.clock()) if is_on else None,
        )

    async def _reopen(self, company: str, documents: Sequence[ListedDocument]) -> None:
        """Documents that were held because F&O did not show them go on."""
        if missing := self._missing.get(company):
            again = await shown_again(self._connector, self._connection, missing, documents, self._actor)
            await self._outgoing.add(again)

"""The days of a range, one after the other, from all sides: what reconciliations and completeness are made of.

No more than a day of documents is in memory, besides what was found. A row of F&O that cannot be read counts with what
the ledger noted of its document, and is listed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import date

from shared.documents import ZERO, DocumentKey, ListedDocument
from shared.dynamics.errors import UnreadableRow
from shared.flows.reconciliation.day import SidesOfADay
from shared.flows.reconciliation.findings import Findings
from shared.flows.reconciliation.notices import Notices
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.repair import Repair
from shared.flows.reconciliation.strangers import Strangers, known_ids
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.run import Run
from shared.flows.work.streams import MergedByDay, days, one_by_one
from shared.ledger.records import DocumentRecord


class Walk:
    """Goes through the days and adds what it finds to ``findings`` and ``proof``."""

    def __init__(
        self, run: Run, findings: Findings, proof: Proof, *, compare: bool = True, repair: Repair | None = None
    ) -> None:
        self._run = run
        self._findings = findings
        self._proof = proof
        self._repair = repair
        self._compare = compare
        self._taxjar = TaxJarSide(run.company.account.client, run.company.account.listing)
        self._strangers = Strangers(run, self._taxjar, findings)
        self._ours: set[str] = set()
        self._unreadable: list[UnreadableRow] = []
        self.notices = Notices(run)

    async def days(self, since: date, until: date) -> AsyncGenerator[date]:
        """Each day once it was looked at. Raises what the calls raise."""
        run, company = self._run, self._run.company.id
        pages = run.connection.reader.list_posted({company: since}, until=until, left_out=self._unreadable.append)
        listed = MergedByDay(one_by_one(pages))
        ledger = run.connector.ledger
        known = MergedByDay(ledger.listing(run.connection.name, company, since=since, until=until, whole=True))
        for day in days(since, until):
            ids = await self._taxjar.ids(day) if self._compare else {}
            documents = await listed.through(day)
            records = await known.through(day)
            documents += self._unread({document.key for document in documents}, records, day)
            if self._compare:
                sides = SidesOfADay(run, self._taxjar, self._strangers, ids, day, self._findings)
                compared = await sides.compare(documents, records)
                for document in compared:
                    self._findings.add(document)
                if self._repair:
                    await self._repair.repair(day, documents, compared)
            else:
                self._ours.update(*map(known_ids, records))
            self._proof.add_day(day, {document.key: document for document in documents}, records)
            await self.notices.note(records, self._findings)
            yield day

    async def look_at_own_provider(self, since: date, until: date) -> None:
        """List what lies in TaxJar in these days and is not ours, where that was not compared day by day."""
        if not self._compare:
            await self._strangers.note(await self._taxjar.ids_between(since, until), self._ours, since)

    async def look_at_other_providers(self, since: date, until: date, named: str = "") -> None:
        """List what lies under other providers in these days; it is asked for by month, where there is any."""
        await self._strangers.note_other_providers(since, until, named)

    def _unread(self, listed: set[DocumentKey], records: Sequence[DocumentRecord], day: date) -> list[ListedDocument]:
        """The documents of the day of which F&O cannot render the row, as the ledger noted them."""
        rows, self._unreadable[:] = list(self._unreadable), []
        noted = {record.key: record for record in records}
        found: list[ListedDocument] = []
        for row in rows:
            if row.key and row.key.date > day:
                self._unreadable.append(row)  # of a day that comes later
                continue
            record = noted.get(row.key) if row.key else None
            self._findings.add_unreadable(row.key, day, str(row), record)
            self._proof.unreadable += 1
            if row.key and row.key not in listed and row.key.company == self._run.company.id:
                totals = (record.total_amount or ZERO, record.total_tax or ZERO) if record else (ZERO, ZERO)
                found.append(ListedDocument(row.key, *totals))
        return found

"""Three sides of a day: F&O's keys and totals, the ledger's records, TaxJar's ids (design 4.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date

from shared.documents import ZERO, ListedDocument
from shared.flows.reconciliation.findings import Amounts, Compared, Findings
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason, correction_ids, current_id, net_and_tax
from shared.transactions import Kind


class SidesOfADay:
    """The documents dated one day, as F&O, the ledger and TaxJar have them."""

    def __init__(
        self, run: Run, taxjar: TaxJarSide, ids: Mapping[Kind, frozenset[str]], day: date, findings: Findings
    ) -> None:
        self._run = run
        self._taxjar = taxjar
        self._ids = ids
        self._day = day
        self._findings = findings

    async def compare(self, documents: Sequence[ListedDocument], records: Sequence[DocumentRecord]) -> list[Compared]:
        """The day's documents from both sides; what is not to be in TaxJar is only counted."""
        by_key = {record.key: record for record in records}
        wanted = [self._listed(document, by_key.get(document.key)) for document in documents]
        there = {document.key for document in documents}
        wanted += [self._vanished(record) for record in records if record.key not in there]
        compared = [each for each in await asyncio.gather(*wanted) if each]
        await self._note_foreign({each.transaction_id for each in compared})
        return compared

    async def _listed(self, document: ListedDocument, record: DocumentRecord | None) -> Compared | None:
        start = self._run.company.settings.report_from
        if (record.state is State.SKIPPED) if record else (document.key.date < start):
            self._findings.skipped += 1
            return None
        amounts = Amounts(*net_and_tax(document.total_amount, document.total_tax))
        transaction_id = record.transaction_id if record else sighting(document).transaction_id
        return Compared(
            transaction_id=transaction_id,
            number=document.key.number,
            date=document.key.date,
            dynamics=amounts,
            taxjar=await (self._of_record(record, amounts) if record else self._of_unseen(document)),
            record=record,
        )

    async def _vanished(self, record: DocumentRecord) -> Compared | None:
        """A document of the ledger that F&O does not list; it matters once TaxJar was told of it.

        One that was seen after the listing began may just be missing from it.
        """
        if record.state is State.SKIPPED or not _was_reported(record) or record.seen_at > self._findings.started_at:
            return None
        return Compared(
            transaction_id=record.transaction_id,
            number=record.key.number,
            date=record.key.date,
            dynamics=None,
            taxjar=await self._fetch(record),
            record=record,
        )

    async def _of_record(self, record: DocumentRecord, dynamics: Amounts) -> Amounts | None:
        """TaxJar's amounts: as reported, or fetched where that is in doubt."""
        is_listed = record.owns_id and record.transaction_id in self._ids[record.kind]
        if not _was_reported(record):
            adopted = record.reason == HoldReason.FILED_TRANSACTION_CHANGED
            return await self._fetch(record) if is_listed or adopted or record.outcome_unknown else None
        as_reported = Amounts(record.amount or ZERO, record.sales_tax or ZERO)
        in_doubt = self._findings.deep or not is_listed or record.corrections or as_reported != dynamics
        return await self._fetch(record) if in_doubt else as_reported

    async def _of_unseen(self, document: ListedDocument) -> Amounts | None:
        seen = sighting(document)
        if seen.transaction_id not in self._ids[seen.kind] or await self._owner(seen.transaction_id):
            return None
        return await self._taxjar.amounts(seen.kind, seen.transaction_id)

    async def _fetch(self, record: DocumentRecord) -> Amounts | None:
        if not record.corrections:
            return await self._taxjar.amounts(record.kind, record.transaction_id)
        held = await self._taxjar.amounts_by_id(await self._own_ids(record))
        net = sum(held.values(), Amounts())
        # Reversed, and the replacement is not there: in sum TaxJar has nothing of the document.
        return net if net != Amounts() or current_id(record.transaction_id, record.corrections) in held else None

    async def _own_ids(self, record: DocumentRecord) -> list[str]:
        """The ids of a corrected document: numbers whose ids are another document's were passed over."""
        pairs = [correction_ids(record.transaction_id, number) for number in range(1, record.corrections + 1)]
        names = [name for pair in pairs for name in (pair.reversal, pair.replacement)]
        owners = await asyncio.gather(*(self._owner(name) for name in names))
        return [
            record.transaction_id,
            *(name for name, owner in zip(names, owners, strict=True) if owner and owner.key == record.key),
        ]

    async def _note_foreign(self, ours: set[str]) -> None:
        """Ids of the day that belong to no document, of this day or of another."""
        for kind, ids in self._ids.items():
            for transaction_id in sorted(ids - ours):
                if is_of_another_company(self._run, transaction_id) or await self._owner(transaction_id):
                    continue
                self._findings.foreign.append(foreign(transaction_id, kind, "api", self._day))

    async def _owner(self, transaction_id: str) -> DocumentRecord | None:
        if not transaction_id.startswith(f"{self._run.company.id.upper()}-"):
            return None
        return await self._run.connector.ledger.owner_of(
            self._run.connection.name, self._run.company.id, transaction_id
        )


def foreign(transaction_id: str, kind: Kind, provider: str, day: date) -> dict[str, str]:
    """A transaction in TaxJar that the connector did not send, as answers show it."""
    return {"transaction_id": transaction_id, "kind": kind.value, "provider": provider, "date": day.isoformat()}


def is_of_another_company(run: Run, transaction_id: str) -> bool:
    """Whether the id is that of another company which reports to the same TaxJar account."""
    account = run.company.account.client.account_id
    prefix = transaction_id.partition("-")[0].lower()
    return prefix != run.company.id and any(
        company.id == prefix and company.account.client.account_id == account
        for connection in run.connector.connections.values()
        for company in connection.companies.values()
    )


def _was_reported(record: DocumentRecord) -> bool:
    """Whether TaxJar was told of the document."""
    return bool(record.payload_hash or record.corrections)

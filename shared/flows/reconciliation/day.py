"""Three sides of a day: F&O's keys and totals, the ledger's records, TaxJar's ids (design 4.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from shared.documents import ListedDocument
from shared.filing import FiledTransaction, held_in_taxjar
from shared.filing.filed import as_payload
from shared.flows.reconciliation.findings import Compared, Findings, Money, Status
from shared.flows.reconciliation.strangers import Strangers, known_ids
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting
from shared.ledger.records import DocumentRecord, State
from shared.mapping import net_and_tax
from shared.taxjar.answers import Json
from shared.taxjar.compare import Aspect, aspects, differences
from shared.transactions import Kind

_OF_ASPECT = {
    Aspect.AMOUNT: Status.AMOUNT_MISMATCH,
    Aspect.TAX: Status.TAX_MISMATCH,
    Aspect.SHIPPING: Status.LINES_MISMATCH,
    Aspect.STATE: Status.STATE_MISMATCH,
    Aspect.DATE: Status.DATE_MISMATCH,
    Aspect.EXEMPTION: Status.EXEMPTION_MISMATCH,
    Aspect.LINES: Status.LINES_MISMATCH,
}


class SidesOfADay:
    """The documents dated one day, as F&O, the ledger and TaxJar have them."""

    def __init__(
        self,
        run: Run,
        taxjar: TaxJarSide,
        strangers: Strangers,
        ids: Mapping[Kind, frozenset[str]],
        day: date,
        findings: Findings,
    ) -> None:
        self._run = run
        self._strangers = strangers
        self._taxjar = taxjar
        self._ids = ids
        self._day = day
        self._findings = findings

    async def compare(self, documents: Sequence[ListedDocument], records: Sequence[DocumentRecord]) -> list[Compared]:
        """The day's documents from all sides; what is not to be in TaxJar is only counted."""
        by_key = {record.key: record for record in records}
        wanted = [self._listed(document, by_key.get(document.key)) for document in documents]
        there = {document.key for document in documents}
        wanted += [self._vanished(record) for record in records if record.key not in there]
        compared = [each for each in await asyncio.gather(*wanted) if each]
        ours = {each.transaction_id for each in compared}.union(*map(known_ids, records))
        await self._strangers.note(self._ids, ours, self._day)
        return compared

    async def _listed(self, document: ListedDocument, record: DocumentRecord | None) -> Compared | None:
        start = self._run.company.settings.report_from
        dynamics = Money(*net_and_tax(document.total_amount, document.total_tax))
        if (record.state is State.SKIPPED) if record else (document.key.date < start):
            self._findings.skip(record.reason if record else "before_start", dynamics)
            return None
        dynamics -= _left_out(record) if record else Money()
        parts = await (self._of_record(record, dynamics) if record else self._of_unseen(document))
        transaction_id = record.filing.transaction_id if record else sighting(document).transaction_id
        return _compared(transaction_id, document.key.number, document.key.date, dynamics, parts, record)

    async def _vanished(self, record: DocumentRecord) -> Compared | None:
        """A document of the ledger that F&O does not list; it matters once TaxJar received it.

        One that was seen after the listing began may just be missing from it.
        """
        seen_later = record.seen_at > self._findings.started_at
        if record.state is State.SKIPPED or not record.filing.was_sent or seen_later:
            return None
        parts = await self._fetch(record)
        return _compared(record.filing.transaction_id, record.key.number, record.key.date, None, parts, record)

    async def _of_record(self, record: DocumentRecord, dynamics: Money) -> _Parts:
        """TaxJar's side: as filed, or fetched where that is in doubt."""
        held = held_in_taxjar(record.filing.transactions)
        if not held:
            is_listed = record.filing.owns_id and record.filing.transaction_id in self._ids[record.filing.kind]
            return await self._find(record) if is_listed or record.attempts.outcome_unknown else []
        listed = all(each.date == self._day and each.transaction_id in self._ids[each.kind] for each in held)
        as_filed = sum((Money(each.sums.amount, each.sums.sales_tax) for each in held), Money())
        if self._findings.deep or not listed or as_filed != dynamics:
            return await self._fetch(record)
        return [(each, each.payload) for each in held]

    async def _of_unseen(self, document: ListedDocument) -> _Parts:
        seen = sighting(document)
        if seen.transaction_id not in self._ids[seen.kind] or await self._owner(seen.transaction_id):
            return []
        return await self._stored(seen.kind, seen.transaction_id)

    async def _find(self, record: DocumentRecord) -> _Parts:
        """What TaxJar holds under the first id of a document of which the ledger knows nothing to be filed."""
        return await self._stored(record.filing.kind, record.filing.transaction_id)

    async def _stored(self, kind: Kind, transaction_id: str) -> _Parts:
        stored = await self._taxjar.find(kind, transaction_id)
        if stored is None:
            return []
        found = FiledTransaction(transaction_id=transaction_id, kind=kind, payload=as_payload(stored))
        return [(found, stored)]

    async def _fetch(self, record: DocumentRecord) -> _Parts:
        held = held_in_taxjar(record.filing.transactions)
        stored = await asyncio.gather(*(self._taxjar.find(each.kind, each.transaction_id) for each in held))
        return list(zip(held, stored, strict=True))

    async def _owner(self, transaction_id: str) -> DocumentRecord | None:
        return await self._run.connector.ledger.owner_of(
            self._run.connection.name, self._run.company.id, transaction_id
        )


_Parts = list[tuple[FiledTransaction, Json | None]]
"""Each transaction of a document with what TaxJar holds of it."""


def _compared(
    transaction_id: str,
    number: str,
    day: date,
    dynamics: Money | None,
    parts: _Parts,
    record: DocumentRecord | None,
) -> Compared:
    by_state: dict[str, Money] = {}
    deep: set[Status] = set()
    for filed, stored in parts:
        if stored is None:
            continue
        state, money = str(stored.get("to_state") or filed.to_state), _money(filed.kind, stored)
        by_state[state] = by_state.get(state, Money()) + money
        if stored is not filed.payload:
            deep |= {_OF_ASPECT[each] for each in aspects(differences(filed.payload, stored)) if each in _OF_ASPECT}
    there = bool(parts) and all(stored is not None for _, stored in parts)
    return Compared(
        transaction_id=transaction_id,
        number=number,
        date=day,
        dynamics=dynamics,
        taxjar=sum(by_state.values(), Money()) if there else None,
        by_state=by_state,
        deep=tuple(status for status in Status if status in deep),
        record=record,
    )


def _money(kind: Kind, stored: Mapping[str, object]) -> Money:
    """The amounts with the sign of their kind, whatever sign they came with."""
    sign = -1 if kind is Kind.REFUND else 1
    return Money(*(sign * abs(Decimal(str(stored.get(name) or 0))) for name in ("amount", "sales_tax")))


def _left_out(record: DocumentRecord) -> Money:
    parts = record.filing.left_out
    return sum((Money(Decimal(part["amount"]), Decimal(part["sales_tax"])) for part in parts), Money())

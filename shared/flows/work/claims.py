"""A document that one worker has claimed: the claim owns the record, as it was last written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from shared.filing import FiledTransaction
from shared.flows.work.entries import NOTHING_EXCHANGED, Exchange, document_entry
from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord, State

_CALL_AT_MOST = timedelta(seconds=60)
"""Longest call to TaxJar: a claim has to outlast it."""


class Claim:
    """One claimed document. Every method raises ``ClaimLost`` once another worker has taken over."""

    def __init__(self, run: Run, record: DocumentRecord) -> None:
        self.run = run
        self._found = record
        self._record = record

    @property
    def record(self) -> DocumentRecord:
        """The record as it was last written, with what has been noted since."""
        return self._record

    @property
    def _before(self) -> DocumentRecord:
        """The record as the claim found it, at the version that was last written."""
        return replace(self._found, etag=self._record.etag, indexed=self._record.indexed)

    async def settle(
        self,
        after: DocumentRecord,
        *,
        exchange: Exchange = NOTHING_EXCHANGED,
        notes: Sequence[str] = (),
        decision: str = "",
    ) -> None:
        """Write ``after`` with its audit entry; the claim is over unless ``after`` keeps it."""
        run = self.run
        entry = document_entry(
            after, run.actor, run.connector.clock(), decision=decision, exchange=exchange, notes=notes
        )
        self._record = await run.connector.ledger.settle(self._before, after, entry)

    async def checkpoint(self, after: DocumentRecord, *, exchange: Exchange, message: str) -> None:
        """Write how far the work has come, and go on under the same claim."""
        until = self.run.connector.clock() + self.run.connector.ledger.lease
        kept = replace(after.to(State.REPORTING, message=message), lease_until=until, decisions=after.decisions)
        await self.settle(kept, exchange=exchange)

    def note_filed(self, filed: Sequence[FiledTransaction], *, account: str = "") -> None:
        """Keep in mind what is filed now; the next settlement or checkpoint writes it."""
        self._record = self._record.filed(filed, account)

    def note_read_without(self, sets: Sequence[str]) -> None:
        """Keep in mind which entity sets the document was read without."""
        self._record = replace(self._record, read_without=tuple(sets))

    def note_number_taken(self) -> None:
        """Keep in mind that another document has one of the plain ids: this one's carry a suffix."""
        owns_id = self._record.filing.owns_id and self._record.filing.was_sent
        self._record = replace(self._record, filing=replace(self._record.filing, number_taken=True, owns_id=owns_id))

    async def reserve(self, ids: Sequence[str], message: str) -> None:
        """Own further ids in TaxJar. Raises ``IdTaken`` when another document owns one of them."""
        run, filing = self.run, self._record.filing
        after = replace(self._record, filing=replace(filing, reserved=(*filing.reserved, *ids)))
        entry = document_entry(after, run.actor, run.connector.clock(), decision="ids_reserved", message=message)
        self._record = await run.connector.ledger.settle(self._record, after, entry, reserve=ids)

    async def own(self, transaction_id: str) -> None:
        """Own ``transaction_id`` as the document's first id. Raises ``IdTaken`` when another document does."""
        run, message = self.run, f"The id {transaction_id} is free for this document."
        entry = document_entry(self._record, run.actor, run.connector.clock(), decision="id_taken", message=message)
        self._record = await run.connector.ledger.acquire_id(self._record, transaction_id, entry)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A slot to call TaxJar in; the claim is renewed before if it could run out during the call."""
        ledger = self.run.connector.ledger
        async with self.run.company.account.slots:
            if ledger.lease_left(self._record) < min(_CALL_AT_MOST, ledger.lease / 2):
                self._record = await ledger.renew(self._record)
            yield

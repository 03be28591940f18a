"""One document to TaxJar: map it, decide, call, settle (design 4.2 to 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.documents import PostedDocument
from shared.fingerprint import fingerprint
from shared.flows.customers.put import put_customer_first
from shared.flows.finding.missing import settle_not_shown
from shared.flows.reporting.dismissals import content_of
from shared.flows.reporting.filing_guard import as_it_stands, find_filed, why_not_changed
from shared.flows.reporting.proposals import keep_as_filed, propose
from shared.flows.work.retries import NotYet
from shared.flows.work.run import Run, mapping_settings
from shared.ledger.audit import AuditEntry
from shared.ledger.records import DocumentRecord, State
from shared.mapping import Held, HoldReason, Mapped, Skipped, kind_of, map_document, transaction_id
from shared.taxjar import upsert
from shared.taxjar.answers import Answer
from shared.taxjar.compare import same
from shared.taxjar.errors import Rejected
from shared.taxjar.wire import from_wire, payload_hash, to_wire
from shared.transactions import Transaction

Json = Mapping[str, Any]

_HELD_ALREADY = "TaxJar already held exactly this."


class DocumentReport:
    """The report of one claimed document. ``claim`` is the record as last written."""

    def __init__(self, run: Run, claim: DocumentRecord) -> None:
        self._run = run
        self.claim = claim

    async def settle(self, document: PostedDocument | None) -> None:
        """Report, skip or hold the document. Raises what postpones it, ``ClaimLost``, or a defect."""
        if document is None:
            self.claim = await settle_not_shown(self._run, self.claim)
            return
        self.claim = replace(
            self.claim, stand_in=False, total_amount=document.total_amount, total_tax=document.total_tax
        )
        doubtful = self.claim.remap or self.claim.outcome_unknown
        if self.claim.payload and self.claim.fingerprint == fingerprint(document) and not doubtful:
            await self._run.settle(self.claim, State.REPORTED, message="Unchanged since it was reported.")
            return
        outcome = self._map(document)
        if not isinstance(outcome, Skipped) and not await self._own_the_id(document):
            outcome = self._map(document)
        try:
            match outcome:
                case Skipped() if self.claim.payload:
                    await self._withdraw(outcome, fingerprint(document), self.claim.payload)
                case Skipped() | Held():
                    await self._set_aside(outcome)
                case Mapped():
                    await self._send_after_customer(outcome, document)
        except Rejected as refusal:
            await self._refused(outcome, refusal)

    def _map(self, document: PostedDocument) -> Mapped | Skipped | Held:
        return map_document(
            document,
            mapping_settings(self._run.company.settings, forced=bool(self.claim.forced)),
            owns_id=self.claim.owns_id,
            tax_categories=self._run.tax_categories,
            kept_tax_codes=None if self.claim.remap else self.claim.tax_codes,
        )

    async def _own_the_id(self, document: PostedDocument) -> bool:
        """Own the document's id, or wait for its owner to be settled. False when that changed what the claim owns."""
        expected = transaction_id(
            kind_of(document.total_amount, document.total_tax), document.key.company, document.key.number
        )
        if self.claim.owns_id and (self.claim.transaction_id == expected or self._was_reported):
            return True
        ledger, owned_before = self._run.connector.ledger, self.claim.owns_id
        entry = AuditEntry(
            at=self._run.connector.clock(),
            actor=self._run.actor,
            subject=str(self.claim.key),
            decision="id_taken",
            message=f"The id {expected} is free for this document.",
        )
        self.claim = await ledger.acquire_id(self.claim, expected, entry)
        if not self.claim.owns_id:
            owner = await ledger.owner_of(self.claim.connection, self.claim.key.company, expected)
            if owner is None or not owner.owns_id:
                raise NotYet(f"The id {expected} has just become free.")
            if owner.in_flight:
                raise NotYet(f"The id {expected} belongs to {owner.key}, which is not settled yet.")
        return self.claim.owns_id == owned_before

    async def _set_aside(self, outcome: Skipped | Held) -> None:
        """Send nothing; what TaxJar was told before is there still, or again."""
        if (known := self.claim.payload) and self.claim.outcome_unknown:
            await find_filed(self._run, self, from_wire(self.claim.kind, known), restore=True)
            self.claim = replace(self.claim, outcome_unknown=False)
        figures: dict[str, Any] = {
            "kind": outcome.kind,
            "amount": outcome.amount,
            "sales_tax": outcome.sales_tax,
            "to_state": outcome.ship_to.state if outcome.ship_to else "",
        }
        kept = " TaxJar keeps what was reported before." if self.claim.payload else ""
        self.claim = await self._run.settle(
            self.claim,
            State.SKIPPED if isinstance(outcome, Skipped) else State.HELD,
            {"notes": [note.sentence for note in outcome.notes]},
            reason=outcome.reason,
            message=outcome.message + kept,
            proposal=None,
            **({} if self.claim.payload else figures),
        )

    async def _send_after_customer(self, outcome: Mapped, document: PostedDocument) -> None:
        """Send the transaction; an exempt customer comes first, or TaxJar would take the sale for taxable."""
        try:
            await put_customer_first(self._run, document.customer)
        except Rejected as refusal:
            await self._hold(
                outcome,
                to_wire(outcome.transaction),
                HoldReason.REJECTED_BY_TAXJAR,
                f"TaxJar refuses the exempt customer ({refusal.status}): {refusal.detail} Correct the customer in F&O,"
                " then retry the document.",
                response={"detail": refusal.detail},
                status=refusal.status,
            )
        else:
            await self._send(outcome, fingerprint(document))

    async def _send(self, outcome: Mapped, document_fingerprint: str) -> None:
        """Send the transaction; what TaxJar already holds under its id is adopted if equal, else amended."""
        transaction = as_it_stands(self.claim, outcome.transaction)
        payload = to_wire(transaction)
        client = self._run.company.account.client
        known, asked = self.claim.payload, self.claim.outcome_unknown
        if known and payload_hash(payload) != self.claim.payload_hash:
            await self._change(outcome, transaction, document_fingerprint, known)
            return
        if known and not asked:
            await self._reported(outcome, document_fingerprint, payload, message="Unchanged in TaxJar.")
            return
        found: upsert.Found | upsert.Created | upsert.Updated | None = None
        if asked:
            async with self._run.turn(self.claim) as self.claim:
                found = await upsert.find(client, transaction)
        if found is None:
            async with self._run.turn(self.claim) as self.claim:
                found = await upsert.create(client, transaction)
        match found:
            case upsert.Found() if found.same:
                await self._reported(outcome, document_fingerprint, payload, found.answer, message=_HELD_ALREADY)
            case upsert.Found():
                await self._amend(outcome, transaction, document_fingerprint, found.stored)
            case _:
                await self._reported(outcome, document_fingerprint, payload, found.answer)

    async def _change(self, outcome: Mapped, new: Transaction, document_fingerprint: str, known: Json) -> None:
        """Settle that ``new`` would be sent in place of ``known``, in view of what TaxJar really holds."""
        filed, payload, asked = from_wire(self.claim.kind, known), to_wire(new), self.claim.outcome_unknown
        guarded = bool(why_not_changed(self._run, filed, new))
        dismissed = guarded and content_of(payload) in self.claim.dismissed
        before = known
        if asked or (guarded and not dismissed):
            found = await find_filed(self._run, self, filed, restore=guarded)
            if found and filed.kind is new.kind and same(payload, found.stored):
                await self._reported(outcome, document_fingerprint, payload, found.answer, message=_HELD_ALREADY)
                return
            before = found.stored if found and not found.same else known
        if dismissed:
            self.claim = await keep_as_filed(self._run, self.claim, document_fingerprint)
        else:
            await self._amend(outcome, new, document_fingerprint, before)

    async def _amend(self, outcome: Mapped, transaction: Transaction, document_fingerprint: str, before: Json) -> None:
        """Change what TaxJar holds; never where a state may have received it."""
        filed = from_wire(self.claim.kind if self.claim.payload else transaction.kind, before)
        if because := why_not_changed(self._run, filed, transaction):
            self.claim = await propose(
                self._run,
                self.claim,
                outcome,
                filed=filed,
                new=transaction,
                because=because,
                fingerprint=document_fingerprint,
            )
            return
        async with self._run.turn(self.claim) as self.claim:
            changed = await upsert.update(self._run.company.account.client, transaction)
        message = "Changed in TaxJar, the filing period is open."
        await self._reported(
            outcome, document_fingerprint, to_wire(transaction), changed.answer, before=before, message=message
        )

    async def _withdraw(self, outcome: Skipped, document_fingerprint: str, known: Json) -> None:
        """A reported document is out of scope now. Nothing is deleted in TaxJar: a person decides."""
        filed, dismissed = from_wire(self.claim.kind, known), content_of(None, outcome) in self.claim.dismissed
        if self.claim.outcome_unknown or not dismissed:
            found = await find_filed(self._run, self, filed, restore=True)
            if found and not found.same:
                filed = from_wire(filed.kind, found.stored)
        if dismissed:
            self.claim = await keep_as_filed(self._run, self.claim, document_fingerprint)
            return
        self.claim = await propose(
            self._run,
            self.claim,
            outcome,
            filed=filed,
            new=None,
            because=f"The document would now be skipped ({outcome.reason}): {outcome.message}",
            fingerprint=document_fingerprint,
        )

    @property
    def _was_reported(self) -> bool:
        return bool(self.claim.payload or self.claim.corrections)

    async def _reported(
        self,
        outcome: Mapped,
        document_fingerprint: str,
        payload: Json,
        answer: Answer | None = None,
        *,
        before: Json | None = None,
        message: str = "",
    ) -> None:
        transaction = as_it_stands(self.claim, outcome.transaction)
        late = self._run.periods.is_closed(
            transaction.transaction_date, transaction.ship_to.state, today=self._run.connector.clock().date()
        )
        entry = {
            "request": payload,
            "response": answer.body if answer else None,
            "status": answer.status if answer else None,
            "before": before,
            "after": payload if before else None,
            "notes": [note.sentence for note in outcome.notes],
        }
        self.claim = await self._run.settle(
            self.claim,
            State.REPORTED,
            entry,
            message=message,
            fingerprint=document_fingerprint,
            payload=payload,
            payload_hash=payload_hash(payload),
            tax_codes=outcome.tax_codes,
            late=self.claim.late or (late and not self._was_reported),
            outcome_unknown=False,
            proposal=None,
            dismissed=self.claim.dismissed if payload_hash(payload) == self.claim.payload_hash else (),
            shipping=transaction.shipping,
            **_figures(outcome),
        )

    async def _refused(self, outcome: Mapped | Skipped | Held, refusal: Rejected) -> None:
        await self._hold(
            outcome,
            to_wire(as_it_stands(self.claim, outcome.transaction))
            if isinstance(outcome, Mapped)
            else self.claim.payload or {},
            HoldReason.REJECTED_BY_TAXJAR,
            f"TaxJar refuses the document ({refusal.status}): {refusal.detail}",
            response={"detail": refusal.detail},
            status=refusal.status,
        )

    async def _hold(
        self,
        outcome: Mapped | Skipped | Held,
        payload: Json,
        reason: HoldReason,
        message: str,
        **audit: Any,
    ) -> None:
        entry = {"request": payload, "notes": [note.sentence for note in outcome.notes], **audit}
        figures = _figures(outcome) if isinstance(outcome, Mapped) and not self.claim.payload else {}
        self.claim = await self._run.settle(
            self.claim,
            State.HELD,
            entry,
            reason=reason,
            message=message,
            proposal=None,
            outcome_unknown=False,
            **figures,
        )


def _figures(outcome: Mapped) -> dict[str, Any]:
    """What the record shows of the transaction."""
    return {
        "kind": outcome.kind,
        "amount": outcome.amount,
        "sales_tax": outcome.sales_tax,
        "to_state": outcome.transaction.ship_to.state,
    }

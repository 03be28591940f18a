"""One document to TaxJar: map it, decide, call, settle (design 4.2 to 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.documents import PostedDocument
from shared.fingerprint import fingerprint
from shared.flows.postpone import NotYet
from shared.flows.run import Run
from shared.ledger.audit import AuditEntry
from shared.ledger.records import DocumentRecord, State
from shared.mapping import Held, HoldReason, Mapped, Skipped, kind_of, map_document, transaction_id
from shared.taxjar import upsert
from shared.taxjar.answers import Answer
from shared.taxjar.compare import differences
from shared.taxjar.errors import Rejected
from shared.taxjar.wire import payload_hash, to_wire

Json = Mapping[str, Any]


class DocumentReport:
    """The report of one claimed document. ``claim`` is the record as last written."""

    def __init__(self, run: Run, claim: DocumentRecord) -> None:
        self._run = run
        self.claim = claim

    async def settle(self, document: PostedDocument | None) -> None:
        """Report, skip or hold the document. Raises what postpones it, ``ClaimLost``, or a defect."""
        if document is None:
            raise NotYet("F&O does not show this document; it may not be visible yet.")
        if self.claim.payload and self.claim.fingerprint == fingerprint(document):
            await self._run.settle(self.claim, State.REPORTED, message="Unchanged since it was reported.")
            return
        outcome = self._map(document)
        if not isinstance(outcome, Skipped) and not await self._own_the_id(document):
            outcome = self._map(document)
        match outcome:
            case Skipped() | Held():
                await self._set_aside(outcome)
            case Mapped():
                await self._send(outcome, fingerprint(document))

    def _map(self, document: PostedDocument) -> Mapped | Skipped | Held:
        return map_document(
            document,
            self._run.company.settings,
            owns_id=self.claim.owns_id,
            tax_categories=self._run.tax_categories,
            kept_tax_codes=self.claim.tax_codes,
        )

    async def _own_the_id(self, document: PostedDocument) -> bool:
        """Own the document's id, or wait for its owner to be settled. False when that changed what the claim owns."""
        expected = transaction_id(
            kind_of(document.total_amount, document.total_tax), document.key.company, document.key.number
        )
        if self.claim.owns_id and self.claim.transaction_id == expected:
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
            if owner and owner.in_flight:
                raise NotYet(f"The id {expected} belongs to {owner.key}, which is not settled yet.")
        return self.claim.owns_id == owned_before

    async def _set_aside(self, outcome: Skipped | Held) -> None:
        self.claim = await self._run.settle(
            self.claim,
            State.SKIPPED if isinstance(outcome, Skipped) else State.HELD,
            {"notes": [note.sentence for note in outcome.notes]},
            reason=outcome.reason,
            message=outcome.message,
            kind=outcome.kind,
            amount=outcome.amount,
            sales_tax=outcome.sales_tax,
            to_state=outcome.ship_to.state if outcome.ship_to else "",
        )

    async def _send(self, outcome: Mapped, document_fingerprint: str) -> None:
        """Send the transaction; what TaxJar already holds under its id is adopted if equal, else amended."""
        transaction = outcome.transaction
        payload = to_wire(transaction)
        self.claim = await self._run.outlast_a_call(self.claim)
        known = self.claim.payload
        try:
            if known and payload_hash(payload) == self.claim.payload_hash and not self.claim.outcome_unknown:
                await self._reported(outcome, document_fingerprint, payload, message="Unchanged in TaxJar.")
                return
            found: upsert.Found | upsert.Created | upsert.Updated | None = None
            if self.claim.outcome_unknown:
                found = await upsert.find(self._run.company.account.client, transaction)
            if found is None and not known:
                found = await upsert.create(self._run.company.account.client, transaction)
            match found:
                case upsert.Found() if found.same:
                    message = "TaxJar already held exactly this."
                    await self._reported(outcome, document_fingerprint, payload, found.answer, message=message)
                case upsert.Found():
                    await self._amend(outcome, document_fingerprint, payload, before=found.stored)
                case None:
                    await self._amend(outcome, document_fingerprint, payload, before=known or {})
                case _:
                    await self._reported(outcome, document_fingerprint, payload, found.answer)
        except Rejected as refusal:
            await self._hold(
                outcome,
                payload,
                HoldReason.REJECTED_BY_TAXJAR,
                f"TaxJar refuses the document ({refusal.status}): {refusal.detail}",
                response={"detail": refusal.detail},
                status=refusal.status,
            )

    async def _amend(self, outcome: Mapped, document_fingerprint: str, payload: Json, *, before: Json) -> None:
        """Change what TaxJar holds; never where a state may have received it."""
        if self._is_closed(outcome, before):
            changes = {field: list(values) for field, values in differences(dict(payload), dict(before)).items()}
            words = "; ".join(f"{field} {theirs} → {ours}" for field, (ours, theirs) in changes.items())
            message = f"The filing period is closed, and the document would now be sent differently: {words}."
            reason = HoldReason.FILED_TRANSACTION_CHANGED
            await self._hold(outcome, payload, reason, message, before=before, proposal={"difference": changes})
            return
        changed = await upsert.update(self._run.company.account.client, outcome.transaction)
        message = "Changed in TaxJar, the filing period is open."
        await self._reported(outcome, document_fingerprint, payload, changed.answer, before=before, message=message)

    def _is_closed(self, outcome: Mapped, before: Json) -> bool:
        """Whether the transaction, as it is in TaxJar or as it would be sent, lies in a closed period."""
        today = self._run.connector.clock().date()
        transaction = outcome.transaction
        sides = [(transaction.transaction_date, transaction.ship_to.state)]
        if before.get("transaction_date"):
            day = date.fromisoformat(str(before["transaction_date"])[:10].replace("/", "-"))
            sides.append((day, str(before.get("to_state") or "")))
        return any(self._run.periods.is_closed(day, state, today=today) for day, state in sides)

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
        transaction = outcome.transaction
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
            late=self.claim.late or (late and not self.claim.payload),
            outcome_unknown=False,
            proposal=None,
            shipping=transaction.shipping,
            **_figures(outcome),
        )

    async def _hold(
        self,
        outcome: Mapped,
        payload: Json,
        reason: HoldReason,
        message: str,
        *,
        proposal: Json | None = None,
        **audit: Any,
    ) -> None:
        entry = {"request": payload, "notes": [note.sentence for note in outcome.notes], **audit}
        figures = {} if self.claim.payload else _figures(outcome)
        self.claim = await self._run.settle(
            self.claim,
            State.HELD,
            entry,
            reason=reason,
            message=message,
            proposal=proposal,
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

"""An approved correction to TaxJar: the reversal, then the replacement, each exactly once (design 4.6).

Both transactions were fixed when a person approved them, so that a second attempt after a crash sends the same again,
is refused with 422, and finds in TaxJar what it would have sent.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from shared.documents import PostedDocument
from shared.flows.reporting.filing_guard import find_filed
from shared.flows.reporting.proposals import Part, Proposal, Step
from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason
from shared.taxjar import upsert
from shared.taxjar.answers import Answer
from shared.taxjar.errors import Rejected
from shared.taxjar.wire import from_wire, payload_hash
from shared.transactions import Kind, Transaction


class Correction:
    """The approved correction of one claimed document. ``claim`` is the record as last written."""

    def __init__(self, run: Run, claim: DocumentRecord, proposal: Proposal) -> None:
        self._run = run
        self._proposal = proposal
        self.claim = claim

    async def settle(self, document: PostedDocument | None) -> None:
        """Send what is missing of the pair; what F&O shows by now does not matter: this is what was approved.

        Raises what postpones it, ``ClaimLost``, or a defect.
        """
        del document
        proposal, part = self._proposal, Part.REVERSAL
        try:
            if proposal.step is Step.APPROVED:
                proposal = await self._reversed(proposal, await self._send(proposal, part))
            if (part := Part.REPLACEMENT) in proposal.payloads:
                await self._replaced(proposal, await self._send(proposal, part))
            else:
                await self._withdrawn(proposal)
        except Rejected as refusal:
            await self._refused(proposal, part, refusal)
        except _NotAsFiled as other:
            await self._hold_unsent(other)

    async def _send(self, proposal: Proposal, part: Part) -> Answer:
        """Create the transaction, or find that an earlier attempt has. Raises ``Rejected``, also for a taken id."""
        client = self._run.company.account.client
        transaction = from_wire(proposal.kinds[part], proposal.payloads[part])
        sent: upsert.Found | upsert.Created | upsert.Updated | None = None
        if self.claim.outcome_unknown:
            async with self._run.turn(self.claim) as self.claim:
                sent = await upsert.find(client, transaction)
        if sent is None:
            if part is Part.REVERSAL:
                await self._check_as_filed(proposal)
            async with self._run.turn(self.claim) as self.claim:
                sent = await upsert.create(client, transaction)
        if isinstance(sent, upsert.Found) and not sent.same:
            fields = ", ".join(sent.differences)
            raise Rejected(422, f"TaxJar holds another {transaction.kind} under this id, which differs in {fields}")
        return sent.answer

    async def _check_as_filed(self, proposal: Proposal) -> None:
        """Raise ``_NotAsFiled`` unless TaxJar still holds what is to be reversed: the sum would not be nothing."""
        kind = Kind.REFUND if proposal.kinds[Part.REVERSAL] is Kind.ORDER else Kind.ORDER
        filed = from_wire(kind, proposal.filed)
        found = await find_filed(self._run, self, filed, restore=False)
        if found is None:
            raise _NotAsFiled(f"TaxJar no longer holds {kind} {filed.transaction_id}, which was to be reversed")
        if _money(from_wire(kind, found.stored)) != _money(filed):
            raise _NotAsFiled(f"TaxJar holds other amounts in {kind} {filed.transaction_id} than were to be reversed")

    async def _reversed(self, proposal: Proposal, answer: Answer) -> Proposal:
        """Note that TaxJar nets to nothing for this document, and go on under the same claim."""
        connector = self._run.connector
        proposal = proposal.model_copy(update={"step": Step.REVERSED})
        payload, kind = proposal.payloads[Part.REVERSAL], proposal.kinds[Part.REVERSAL]
        self.claim = await self._run.settle(
            self.claim,
            State.REPORTING,
            _exchange(payload, answer, before=proposal.filed),
            message=f"What was filed is reversed by {kind} {payload['transaction_id']}.",
            lease_until=connector.clock() + connector.ledger.lease,
            proposal=proposal.stored(),
            payload=None,
            payload_hash="",
            dismissed=(),
            corrections=proposal.number,
            corrected_on=date.fromisoformat(payload["transaction_date"]),
            outcome_unknown=False,
        )
        return proposal

    async def _replaced(self, proposal: Proposal, answer: Answer) -> None:
        payload = proposal.payloads[Part.REPLACEMENT]
        transaction = from_wire(proposal.kinds[Part.REPLACEMENT], payload)
        self.claim = await self._run.settle(
            self.claim,
            State.REPORTED,
            _exchange(payload, answer, before=proposal.filed, after=payload),
            message=f"Corrected: {transaction.kind} {transaction.transaction_id} replaces what was filed.",
            kind=transaction.kind,
            amount=transaction.amount,
            sales_tax=transaction.sales_tax,
            shipping=transaction.shipping,
            to_state=transaction.ship_to.state,
            payload=payload,
            payload_hash=payload_hash(payload),
            fingerprint=proposal.fingerprint,
            tax_codes=proposal.tax_codes,
            **_ENDED,
        )

    async def _withdrawn(self, proposal: Proposal) -> None:
        reason, message = proposal.skip or ("", "")
        self.claim = await self._run.settle(
            self.claim, State.SKIPPED, reason=reason, message=f"{message} What was filed is reversed.", **_ENDED
        )

    async def _refused(self, proposal: Proposal, part: Part, refusal: Rejected) -> None:
        """Hold the document; a retry maps it anew and proposes or sends what is missing then."""
        what = f"{proposal.kinds[part]} {proposal.ids[part]}"
        left = (
            "Nothing was changed, what was filed stands. Correct the cause, then retry the document for a new proposal."
            if part is Part.REVERSAL
            else f"What was filed is reversed by {proposal.ids[Part.REVERSAL]}, so that TaxJar holds nothing for this"
            " document. Correct the cause, then retry the document."
        )
        self.claim = await self._run.settle(
            self.claim,
            State.HELD,
            {"request": proposal.payloads[part], "response": {"detail": refusal.detail}, "status": refusal.status},
            reason=HoldReason.REJECTED_BY_TAXJAR,
            message=f"TaxJar refuses {what} ({refusal.status}): {refusal.detail}. {left}",
            **_ENDED,
        )

    async def _hold_unsent(self, other: _NotAsFiled) -> None:
        """Hold the document; with ``outcome_unknown`` a retry asks TaxJar whatever the mapping comes to."""
        what_to_do = "Retry the document: what is missing is restored as it was filed, and the change is proposed anew."
        self.claim = await self._run.settle(
            self.claim,
            State.HELD,
            reason=HoldReason.FILED_TRANSACTION_CHANGED,
            message=f"{other}. Nothing was sent. {what_to_do}",
            **{**_ENDED, "outcome_unknown": True},
        )


class _NotAsFiled(Exception):
    """TaxJar does not hold what a person approved to be reversed."""


def _money(transaction: Transaction) -> tuple[Decimal, ...]:
    return transaction.amount, transaction.shipping, transaction.sales_tax


_ENDED: dict[str, Any] = {"proposal": None, "outcome_unknown": False}
"""What is over when a correction is."""


def _exchange(payload: dict[str, Any], answer: Answer, **sides: Any) -> dict[str, Any]:
    return {"request": payload, "response": answer.body, "status": answer.status, **sides}

"""Documents that are held for what TaxJar, or a move to another account, makes of them (design 4.2)."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from shared.documents import PostedDocument
from shared.flows.reporting.act import NotStoredAsSent
from shared.flows.work.claims import Claim
from shared.flows.work.entries import Exchange
from shared.ledger.records import DocumentRecord, State
from shared.mapping import Held, HoldReason, Mapped, Skipped
from shared.remote.errors import RemoteError
from shared.remote.pauses import Paused
from shared.taxjar.errors import AccessDenied, Rejected


def with_facts(
    record: DocumentRecord, outcome: Mapped | Skipped | Held, document: PostedDocument | None
) -> DocumentRecord:
    """The record with what lists show of ``outcome``; the figures of what is filed are not touched."""
    filing = replace(
        record.filing,
        left_out=tuple(
            {
                "reason": each.reason.value,
                "amount": str(each.amount),
                "sales_tax": str(each.sales_tax),
                "sentence": each.sentence,
            }
            for each in outcome.left_out
        ),
        customer=(document.order_account or document.invoice_account) if document else record.filing.customer,
    )
    if not filing.was_sent:
        filing = replace(
            filing,
            kind=outcome.kind,
            amount=outcome.amount,
            sales_tax=outcome.sales_tax,
            to_states=outcome.to_states,
            transaction_id=filing.transaction_id if filing.owns_id else outcome.transaction_id,
        )
    if document is None:
        return replace(record, filing=filing)
    return replace(
        record,
        filing=filing,
        placeholder=False,
        total_amount=document.total_amount,
        total_tax=document.total_tax,
    )


async def hold_refused(claim: Claim, outcome: Mapped | Skipped | Held, refusal: Rejected, what: str) -> None:
    """TaxJar refuses the data; the message has its own words."""
    message = f"{what} ({refusal.status}): {refusal.detail} {_what_is_left(claim.record)}"
    after = claim.record.to(State.HELD, reason=HoldReason.REJECTED_BY_TAXJAR, message=message)
    # What was refused may have been to restore something: a retry asks what TaxJar holds.
    after = replace(after, attempts=replace(after.attempts, outcome_unknown=after.filing.was_sent))
    exchange = Exchange(request=refusal.request, response={"detail": refusal.detail}, status=refusal.status)
    await claim.settle(with_facts(after.proposing(None), outcome, None), exchange=exchange, notes=outcome.notes)


def _what_is_left(record: DocumentRecord) -> str:
    correction = record.correction
    sent = {each.transaction_id for each in record.filing.transactions}
    done = [each.transaction_id for each in correction.sent if each.transaction_id in sent] if correction else []
    if done:
        return f"{' and '.join(done)} was sent before. Correct the cause, then retry the document: it sends the rest."
    if correction:
        return "Nothing was changed, what was filed stands. Correct the cause, then retry the document."
    return "Correct the cause in F&O, then retry the document."


async def hold_not_stored(claim: Claim, outcome: Mapped | Skipped | Held, other: NotStoredAsSent) -> None:
    """TaxJar took the transaction and holds something else than was sent."""
    message = (
        f"TaxJar did not store {other.transaction_id} as it was sent: {other.words}."
        " Correct it in TaxJar, or correct the cause, then retry the document."
    )
    record = claim.record.filed(other.filed)
    after = record.to(State.HELD, reason=HoldReason.NOT_STORED_AS_SENT, message=message).certain().proposing(None)
    after = replace(after, filing=replace(after.filing, fingerprint="", tax_codes=getattr(outcome, "tax_codes", None)))
    await claim.settle(with_facts(after, outcome, None), exchange=other.exchange, notes=outcome.notes)


async def is_refused_again(claim: Claim, trouble: Exception) -> bool:
    """Whether TaxJar refuses a document for the second time, and takes a call of that kind otherwise.

    Then it is the document that is refused, not the account. A 401 is never about a document.
    """
    if not isinstance(trouble, AccessDenied) or trouble.status in (None, HTTPStatus.UNAUTHORIZED):
        return False
    if not trouble.refused or claim.record.attempts.refused != trouble.refused:
        return False
    try:
        async with claim.slot():
            await claim.run.company.account.client.probe(trouble.refused)
    except (RemoteError, Paused):
        return False
    return True


async def hold_refused_again(claim: Claim, refusal: AccessDenied) -> None:
    """The account goes on without the document."""
    message = f"TaxJar refuses this document ({refusal.status}) and takes others: {refusal.detail} " + _what_is_left(
        claim.record
    )
    after = claim.record.to(State.HELD, reason=HoldReason.REJECTED_BY_TAXJAR, message=message)
    if not after.correction:
        after = after.proposing(None)
    attempts = replace(after.attempts, refused="", outcome_unknown=after.filing.was_sent)
    exchange = Exchange(request=refusal.request, response={"detail": refusal.detail}, status=refusal.status)
    await claim.settle(replace(after, attempts=attempts), exchange=exchange)


def is_elsewhere(claim: Claim) -> bool:
    """Whether what is filed of the document lies in a TaxJar account that was reported to before a move."""
    fence, filing = claim.run.fence, claim.record.filing
    return fence is not None and filing.was_sent and fence.is_elsewhere(filing.account)


async def hold_elsewhere(claim: Claim) -> None:
    """Nothing of it is sent to the present account, which would have it twice in all."""
    record, fence = claim.record, claim.run.fence
    ids = " and ".join(each.transaction_id for each in record.filing.current) or record.filing.transaction_id
    message = (
        f"{ids} was reported to TaxJar account {record.filing.account or 'that was used before the move'}, and the"
        f" present one is {(fence and fence.account) or 'another'}: nothing of it is sent. Correct it in the former"
        " account and settle the document, or dismiss to keep what was reported there."
    )
    after = record.to(State.HELD, reason=HoldReason.REPORTED_TO_ANOTHER_ACCOUNT, message=message)
    await claim.settle(after.certain().proposing(None))

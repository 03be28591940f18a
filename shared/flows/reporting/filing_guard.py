"""What a state may have received is not changed without a person (design 4.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord, State
from shared.mapping import current_id
from shared.taxjar import upsert
from shared.taxjar.wire import to_wire
from shared.transactions import Transaction


def as_it_stands(record: DocumentRecord, transaction: Transaction) -> Transaction:
    """The transaction under the id and date of the document's last correction, if there was one."""
    if not record.corrections:
        return transaction
    return replace(
        transaction,
        transaction_id=current_id(record.transaction_id, record.corrections),
        transaction_date=record.corrected_on or transaction.transaction_date,
    )


def why_not_changed(run: Run, filed: Transaction, new: Transaction) -> str:
    """Why ``filed`` must not become ``new`` without a person, in a sentence; empty when it may."""
    if filed.kind is not new.kind:
        return f"TaxJar holds {filed.kind} {filed.transaction_id}, and the document is a {new.kind} now."
    today = run.connector.clock().date()
    closed = dict.fromkeys(
        f"{side.transaction_date:%Y-%m} of {side.ship_to.state}"
        for side in (filed, new)
        if run.periods.is_closed(side.transaction_date, side.ship_to.state, today=today)
    )
    return f"The filing period {' and '.join(closed)} is closed." if closed else ""


class Claimed(Protocol):
    """Who works on a claimed document: ``claim`` is the record as last written, also when a call fails."""

    claim: DocumentRecord


async def find_filed(run: Run, work: Claimed, filed: Transaction, *, restore: bool) -> upsert.Found | None:
    """What TaxJar holds of ``filed``. With ``restore``, what it has lost is created again as it was.

    Otherwise a decision about a change would be about nothing, and a reversal would take back what is not there.
    """
    client = run.company.account.client
    async with run.turn(work.claim) as work.claim:
        found = await upsert.find(client, filed)
    if found is None and restore:
        async with run.turn(work.claim) as work.claim:
            sent = await upsert.create(client, filed)
        work.claim = await run.settle(
            work.claim,
            State.REPORTING,
            {"request": to_wire(filed), "response": sent.answer.body, "status": sent.answer.status},
            message=f"TaxJar no longer held {filed.kind} {filed.transaction_id}: created again as it was filed.",
            lease_until=run.connector.clock() + run.connector.ledger.lease,
            outcome_unknown=False,
        )
    return found

"""The ids that a document's transactions have in TaxJar belong to it alone (design 4.3)."""

from __future__ import annotations

from shared.documents import DocumentKey
from shared.flows.work.claims import Claim
from shared.flows.work.retries import NotYet
from shared.flows.work.run import Run
from shared.ledger.documents import IdTaken
from shared.ledger.records import DocumentRecord
from shared.mapping import Mapped


async def own_ids(claim: Claim, outcome: Mapped) -> bool:
    """Own every id of ``outcome``. True where another document has one of them: map again, with ids of its own.

    Raises ``NotYet`` while the other document is not settled: if it is skipped, the id becomes free.
    """
    wanted = [each.transaction.transaction_id for each in outcome.transactions]
    missing = [transaction_id for transaction_id in wanted if transaction_id not in _owned(claim.record)]
    if not missing:
        return False
    try:
        if claim.record.filing.was_sent or wanted[0] in _owned(claim.record):
            await claim.reserve(missing, f"The ids {', '.join(missing)} are this document's.")
        else:
            await claim.own(wanted[0])
            # The first id may be another than the one that the totals promised, which is given up then.
            if more := [transaction_id for transaction_id in wanted if transaction_id not in _owned(claim.record)]:
                await claim.reserve(more, f"The ids {', '.join(more)} are this document's.")
    except IdTaken:
        await _make_way(claim, missing)
        return True
    return False


async def _make_way(claim: Claim, wanted: list[str]) -> None:
    """Note that the number is taken, unless its owner may still give the id up."""
    ledger, record = claim.run.connector.ledger, claim.record
    for transaction_id in wanted:
        owner = await ledger.owner_of(record.connection, record.key.company, transaction_id)
        if owner is None or owner.key == record.key:
            continue
        if owner.in_flight:
            raise NotYet(f"The id {transaction_id} belongs to {owner.key}, which is not settled yet.")
    if record.filing.number_taken:
        raise NotYet(f"The ids {', '.join(wanted)} have just become another document's.")
    claim.note_number_taken()


async def is_taken(run: Run, key: DocumentKey, outcome: Mapped) -> bool:
    """Whether another document owns one of the ids of ``outcome``."""
    for each in outcome.transactions:
        owner = await run.connector.ledger.owner_of(
            run.connection.name, run.company.id, each.transaction.transaction_id
        )
        if owner and owner.key != key:
            return True
    return False


def _owned(record: DocumentRecord) -> set[str]:
    own = {record.filing.transaction_id} if record.filing.owns_id else set()
    return own | {each.transaction_id for each in record.filing.transactions} | set(record.filing.reserved)

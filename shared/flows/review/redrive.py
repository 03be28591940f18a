"""Many documents retried at once, by state or reason (design 3.1, ``retry_documents``)."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector
from shared.documents import DocumentKey
from shared.flows.review.decide import Desk, Why
from shared.flows.review.listing import DocumentFilter, Reasons, States, candidates
from shared.flows.work.enqueue import enqueue
from shared.flows.work.problems import BadInput
from shared.flows.work.streams import batches
from shared.ledger.audit import Actor
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason, SkipReason
from shared.web import Words

_REDRIVEN = frozenset({State.HELD, State.FAILED, State.SKIPPED})
_REASONS = {reason.value for reason in (*HoldReason, *SkipReason)}


class Redrive(BaseModel):
    """The body of ``retry_documents``; the filter may stand here or in the query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words
    by: Words
    state: States = ()
    reason_code: Reasons = ()


async def retry_documents(
    connector: Connector,
    connection: str,
    company: str,
    where: DocumentFilter,
    redrive: Redrive,
    actor: Actor | None = None,
) -> int:
    """Retry all documents of a state or reason; return how many there were.

    Raises :class:`NotFound`, and :class:`BadInput` without a filter or for a state that cannot be re-driven.
    """
    connector.connection(connection).company(company)
    # Who gives a reason code as the reason means these documents only.
    codes = redrive.reason_code or ((redrive.reason,) if redrive.reason in _REASONS else ())
    query = where.model_copy(update={"state": redrive.state or where.state, "reason": codes or where.reason})
    if not (query.state or query.reason):
        raise BadInput("Say which documents: give a state or a reason code.")
    if unfit := sorted(query.states - _REDRIVEN):
        hint = (
            "Use a backfill with force for reported ones." if State.REPORTED in unfit else "They are being worked on."
        )
        raise BadInput(f"Documents in state {', '.join(unfit)} cannot be re-driven all at once. {hint}")
    desk = Desk(connector, actor or Actor(function="retry_documents", by=redrive.by))
    why, retried = Why(reason=redrive.reason, by=redrive.by), 0
    found = (each async for each in candidates(connector, connection, company, query) if query.fits(each))
    async for keys in batches(found):
        tried = await asyncio.gather(*(_retry_if_still(connector, connection, key, desk, why) for key in keys))
        done = [record for record in tried if record]
        # History must not delay today.
        await enqueue(connector, connector.backfill_queue, connection, done)
        retried += len(done)
    return retried


async def _retry_if_still(
    connector: Connector, connection: str, key: DocumentKey, desk: Desk, why: Why
) -> DocumentRecord | None:
    record = await connector.ledger.get(connection, key)
    if record is None or record.state not in _REDRIVEN:
        return None
    try:
        return await desk.retry(record, why)
    except ClaimLost:
        return None

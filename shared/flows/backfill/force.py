"""Documents asked for by force: mapped anew whatever they are settled as, and reported whatever their date.

What follows from a different mapping is decided as always (design 4.6): nothing that a state may have received changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.flows.work.enqueue import enqueued_until
from shared.flows.work.entries import document_entry
from shared.flows.work.retries import NotYet
from shared.flows.work.run import Run
from shared.ledger.backfills import Backfill
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State

_AT_ONCE = 8


async def ask_by_force(run: Run, backfill: Backfill, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Ask for the documents, each once per backfill, and return those to enqueue.

    Raises :class:`NotYet` when another worker has one just now: asked again, it finds the others done.
    """
    now, slots = run.connector.clock(), asyncio.Semaphore(_AT_ONCE)

    async def one(record: DocumentRecord) -> DocumentRecord | None:
        async with slots:
            return await _ask(run, backfill, record, now)

    asked = await asyncio.gather(*(one(record) for record in records if record.decisions.forced != backfill.job))
    before = [record for record in records if record.decisions.forced == backfill.job]
    return [record for record in [*before, *(done for done in asked if done)] if record.is_due(now)]


async def _ask(run: Run, backfill: Backfill, record: DocumentRecord, now: datetime) -> DocumentRecord | None:
    ledger = run.connector.ledger
    whole = await ledger.get(run.connection.name, record.key)
    if whole is None or whole.placeholder or whole.correction:
        # What a person approved comes to its end as it is; what F&O does not show cannot be mapped.
        return whole
    if whole.state is State.REPORTING and not whole.is_due(now):
        raise NotYet(f"{whole.key} is being reported just now.")
    message = f"Asked for by force, backfill {backfill.job}."
    asked = whole if whole.in_flight else whole.afresh().to(State.RETRYING, message=message).proposing(None)
    asked = replace(asked, decisions=replace(asked.decisions, remap=True, forced=backfill.job))
    asked = replace(asked, enqueued_until=enqueued_until(now))
    entry = document_entry(asked, run.actor, now, decision="forced", message=message)
    try:
        return await ledger.settle(whole, asked, entry)
    except ClaimLost:
        raise NotYet(f"{whole.key} has just been changed by another worker.") from None

"""Documents asked for by force: mapped anew whatever they are settled as, and reported whatever their date.

What follows from a different mapping is decided as always (design 4.6): nothing that a state may have received changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.documents import DocumentKey
from shared.flows.reporting.proposals import correction_under_way
from shared.flows.work.retries import NotYet
from shared.flows.work.run import Run
from shared.ledger.audit import AuditEntry
from shared.ledger.backfills import Backfill
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State

_AT_ONCE = 8


async def ask_by_force(run: Run, backfill: Backfill, records: Sequence[DocumentRecord]) -> list[DocumentKey]:
    """Ask for the documents, each once per backfill, and return those to enqueue.

    Raises :class:`NotYet` when another worker has one just now: asked again, it finds the others done.
    """
    now, slots = run.connector.clock(), asyncio.Semaphore(_AT_ONCE)

    async def one(record: DocumentRecord) -> DocumentRecord | None:
        async with slots:
            return await _ask(run, backfill, record, now)

    asked = await asyncio.gather(*(one(record) for record in records if record.forced != backfill.job))
    before = [record for record in records if record.forced == backfill.job]
    return [record.key for record in [*before, *(done for done in asked if done)] if record.is_due(now)]


async def _ask(run: Run, backfill: Backfill, record: DocumentRecord, now: datetime) -> DocumentRecord | None:
    ledger = run.connector.ledger
    whole = await ledger.get(run.connection.name, record.key)
    if whole is None or whole.stand_in or correction_under_way(whole):
        # What a person approved comes to its end as it is; what F&O does not show cannot be mapped.
        return whole
    if whole.state is State.REPORTING and not whole.is_due(now):
        raise NotYet(f"{whole.key} is being reported just now.")
    message = f"Asked for by force, backfill {backfill.job}."
    entry = AuditEntry(at=now, actor=run.actor, subject=str(whole.key), decision="forced", message=message)
    changes: dict[str, Any] = {"remap": True, "forced": backfill.job, "message": message}
    if whole.in_flight:
        kept = {"next_attempt_at": whole.next_attempt_at, "lease_until": whole.lease_until}
        changes = {**changes, **kept, "message": whole.message}
    else:
        changes |= {"state": State.RETRYING, "reason": "", "attempts": 0, "first_attempt_at": None, "proposal": None}
    try:
        return await ledger.settle(whole, entry, **changes)
    except ClaimLost:
        raise NotYet(f"{whole.key} has just been changed by another worker.") from None

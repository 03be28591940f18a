"""The night's reconciliation, the jobs that got lost, and the word to people that follows (design 3.2, 4.7)."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TypeVar

from shared.backfill_messages import JobMessage, NightEnd
from shared.connector import Connector
from shared.flows.backfill.dry_run import enqueue_remaining
from shared.flows.operations.digest import Occasion, standing_of
from shared.flows.operations.notify import send_digest
from shared.flows.operations.status import show_status
from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.flows.reconciliation.jobs import step_of as reconciliation_step_of
from shared.flows.work.backfill_jobs import step_of
from shared.flows.work.jobs import lost_jobs
from shared.ledger.jobs import Job, JobLedger, JobState
from shared.queues import DocumentQueue

logger = logging.getLogger(__name__)

_Job = TypeVar("_Job", bound=Job)

_MOST, _LOOK_BACK = 1000, timedelta(days=8)
"""Jobs of a connection that are looked at; none goes on for longer."""
_LONGEST_NIGHT = timedelta(hours=4)
"""After that the digest is sent, whatever still runs."""
_LOOK_AGAIN = timedelta(minutes=5)


async def reconcile_and_tell(connector: Connector, by: str) -> None:
    """Start the reconciliation of every company; the digest is sent once all are done."""
    try:
        await send_lost_steps(connector)
        await reconcile_nightly(connector, by)
    finally:
        if connector.webhook is not None:
            await connector.backfill_queue.send(NightEnd(night=connector.clock()))


async def send_lost_steps(connector: Connector) -> None:
    """Jobs of all kinds whose next step got lost go on."""
    queue = connector.backfill_queue
    for name in connector.connections:
        for backfill in await lost_jobs(connector, connector.backfills, name, queue):
            if backfill.dry_run:
                await enqueue_remaining(connector, backfill, queue)
            await _send(connector.backfills, backfill, step_of(backfill), queue, connector.clock())
        for job in await lost_jobs(connector, connector.reconciliations, name, queue):
            await _send(connector.reconciliations, job, reconciliation_step_of(job), queue, connector.clock())


async def _send(ledger: JobLedger[_Job], job: _Job, step: JobMessage, queue: DocumentQueue, now: datetime) -> None:
    logger.warning("%s did no step for hours: its next one is put on the queue again", step.name)
    await queue.send(step)
    await ledger.touch(job, now)


async def end_night(connector: Connector, message: NightEnd, queue: DocumentQueue) -> None:
    """Tell people, or look again later while a reconciliation of the night still runs."""
    now = connector.clock()
    if now - message.night < _LONGEST_NIGHT and await _still_runs(connector):
        await queue.send(message, delay=_LOOK_AGAIN)
        return
    await tell(connector)


async def _still_runs(connector: Connector) -> bool:
    ledger, now = connector.reconciliations, connector.clock()
    for connection in connector.connections.values():
        recent = await ledger.listing(connection.name, now, limit=_MOST, since=now - _LOOK_BACK)
        if any(job.nightly and job.state is JobState.RUNNING for job in recent):
            return True
    return False


async def tell(connector: Connector) -> Occasion | None:
    """Send the digest that is due; return why, and ``None`` where nothing was sent. No trouble goes beyond the log."""
    if connector.webhook is None:
        return None
    try:
        standing = standing_of(await show_status(connector))
        return await send_digest(connector.webhook, standing, subjects=connector.subjects, clock=connector.clock)
    except Exception as trouble:
        # Without its words: they may repeat the web hook's URL, which is a secret.
        logger.error("The digest was not sent: %s", type(trouble).__name__)
        return None

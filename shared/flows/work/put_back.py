"""Messages of a job that met transient trouble go back to the queue, as documents do."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.backfill_messages import JobMessage
from shared.flows.work.retries import GIVE_UP_AFTER, judge
from shared.flows.work.run import Run

logger = logging.getLogger(__name__)


async def put_back(run: Run, message: JobMessage, trouble: Exception) -> timedelta | None:
    """Put ``message`` back and return for how long; ``None`` when it was tried for seven days: then it is given up."""
    wait = await judge(run, trouble, message.attempts + 1)
    now: datetime = run.connector.clock()
    since = message.trying_since or now
    if wait.counts and now - since >= GIVE_UP_AFTER:
        return None
    logger.warning("%s waits: %s", message.name, trouble)
    delay = wait.delay(run)
    # The time of a pause does not count.
    tried = {"attempts": message.attempts + wait.counts, "trying_since": since if wait.counts else since + delay}
    await run.queue.send(message.model_copy(update=tried), delay=delay)
    return delay

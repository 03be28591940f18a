"""Transient trouble is never a failure of a document: it goes back and is tried again (design 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.dynamics import errors as dynamics
from shared.flows.run import Run
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.queues import DocumentQueue, DocumentsMessage
from shared.remote import errors as remote
from shared.remote.gate import Gate
from shared.remote.pauses import Pause, Paused
from shared.taxjar import errors as taxjar

GIVE_UP_AFTER = timedelta(days=7)
FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=4), timedelta(hours=4)
_LOOK_AGAIN = timedelta(seconds=30)
"""How soon a document asks again whether a connection that refused access works."""
CLOCK_SKEW = timedelta(seconds=1)
"""Between the clocks of two instances."""
ALONE_FROM = 3
"""After so many attempts in company, each document is read alone: one bad row must not keep the others."""


class NotYet(Exception):
    """The document has to wait for something that will come."""


@dataclass(frozen=True, slots=True)
class Postponement:
    """Why a document has to wait and until when; ``until`` ``None`` means until its connection works again."""

    message: str
    until: datetime | None
    outcome_unknown: bool = False
    counts: bool = True
    """Whether this was an attempt of the document itself, rather than a pause of the whole connection."""
    audit: Mapping[str, Any] = field(default_factory=dict)
    """What was sent and answered, as in an audit entry."""

    def delay(self, run: Run) -> timedelta:
        """How long to wait from now."""
        return self.until - run.connector.clock() if self.until else _LOOK_AGAIN


TRANSIENT = (dynamics.DynamicsError, taxjar.TaxJarError, Paused, NotYet)
"""What postpones a document; anything else is a defect."""


async def postpone(run: Run, claims: Sequence[DocumentRecord], trouble: Exception) -> None:
    """Record the attempt, and put the documents back with a delay; after seven days of trying they have failed."""
    wait = await judge(run, trouble, max(claim.attempts for claim in claims))
    waiting = [claim for claim in claims if await _settle(run, claim, wait)]
    alone = any(claim.attempts >= ALONE_FROM for claim in waiting)
    for group in [[claim] for claim in waiting] if alone else [waiting]:
        await run.queue.put(run.connection.name, [claim.key for claim in group], delay=wait.delay(run))


async def release(run: Run, claim: DocumentRecord, defect: Exception) -> None:
    """Give up the claim because of a defect of ours; the message is delivered again, and in the end buried."""
    message = f"Unexpected {type(defect).__name__} while reporting; the log of this time has the details."
    with suppress(ClaimLost):
        await run.settle(claim, State.RETRYING, message=message)


async def _settle(run: Run, claim: DocumentRecord, wait: Postponement) -> bool:
    """Whether the document is to be tried again."""
    unknown = claim.outcome_unknown or wait.outcome_unknown
    now: datetime = run.connector.clock()
    tried, attempts = claim.tried_for(now), claim.attempts if wait.counts else claim.attempts - 1
    give_up = wait.counts and tried >= GIVE_UP_AFTER
    message = f"Given up after {GIVE_UP_AFTER.days} days of trying. {wait.message}" if give_up else wait.message
    try:
        await run.settle(
            claim,
            State.FAILED if give_up else State.RETRYING,
            dict(wait.audit),
            message=message,
            next_attempt_at=None if give_up else wait.until,
            outcome_unknown=unknown,
            attempts=attempts,
            first_attempt_at=now - tried if attempts else None,
            paused_at=None if wait.counts else now,
        )
    except ClaimLost:
        return False
    return not give_up


async def put_back_until_open(run: Run, message: DocumentsMessage, pause: Pause) -> None:
    """Put a message back that was not worked on because its connection is paused."""
    left = max(pause.until - run.connector.clock(), timedelta(0))
    delay = min(left, _LOOK_AGAIN) if pause.denied else left
    numbers = tuple(wanted.after_a_pause(delay) for wanted in message.numbers)
    await put_message_back(run.queue, message.model_copy(update={"numbers": numbers}), delay)


async def put_back_until_due(queue: DocumentQueue, record: DocumentRecord, now: datetime) -> None:
    """Put a document back that another worker has, or that waits for its next attempt."""
    wait = max((record.due_at() or now) - now, timedelta(0)) + CLOCK_SKEW
    await queue.put(record.connection, [record.key], delay=wait)


async def put_message_back(queue: DocumentQueue, message: DocumentsMessage, delay: timedelta) -> None:
    """Put all that ``message`` names back on the queue."""
    await queue.put(message.connection, message.document_keys(), delay=delay)
    await queue.put_numbers(message.connection, message.company, message.numbers, delay=delay)


async def judge(run: Run, trouble: Exception, attempts: int) -> Postponement:
    """What ``trouble`` means after so many attempts; a refusal pauses the side that it came from, as a 429 has done."""
    audit = _exchange(trouble)
    match trouble:
        case Paused():
            return _until_open(trouble.pause, audit)
        case remote.Throttled():
            if pause := await _gate_of(run, trouble).pause():
                return _until_open(pause, audit)
            return Postponement(str(trouble), run.connector.clock(), counts=False, audit=audit)
        case remote.AccessDenied():
            return _until_open(await _gate_of(run, trouble).deny(str(trouble), trouble.refused), audit)
        case remote.Unavailable():
            next_attempt = _next_attempt(run, attempts, trouble.retry_after)
            return Postponement(str(trouble), next_attempt, trouble.outcome_unknown, audit=audit)
        case _:
            return Postponement(str(trouble), _next_attempt(run, attempts, None), audit=audit)


def _gate_of(run: Run, trouble: Exception) -> Gate:
    """The gate of the side that ``trouble`` came from."""
    return run.connection.gate if isinstance(trouble, dynamics.DynamicsError) else run.company.account.gate


def _exchange(trouble: Exception) -> dict[str, Any]:
    """What went to and fro: F&O's words are in the message already, and a read of it sends nothing."""
    match trouble:
        case taxjar.TaxJarError():
            return {
                "status": trouble.status,
                "request": trouble.request,
                "response": {"detail": trouble.detail} if trouble.status else None,
            }
        case dynamics.DynamicsError():
            return {"status": trouble.status}
        case _:
            return {}


def _until_open(pause: Pause, audit: Mapping[str, Any]) -> Postponement:
    message = f"Waiting, {pause.target.split('|')[0]} is paused: {pause.message}"
    return Postponement(message, None if pause.denied else pause.until, counts=False, audit=audit)


def _next_attempt(run: Run, attempts: int, retry_after: float | None) -> datetime:
    """Exponential back-off with full jitter, from seconds to hours, and never before ``Retry-After``."""
    ceiling: timedelta = min(FIRST_DELAY * 2 ** min(attempts, 20), _LONGEST_DELAY)
    wait = ceiling * run.connector.random.random()
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=retry_after))
    return run.connector.clock() + wait

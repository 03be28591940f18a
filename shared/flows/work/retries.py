"""Transient trouble is never a failure of a document: it goes back and is tried again (design 4.2)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.connector import Connector
from shared.dynamics import errors as dynamics
from shared.flows.work.claims import Claim
from shared.flows.work.enqueue import enqueue, enqueue_keys, enqueued_until
from shared.flows.work.entries import NOTHING_EXCHANGED, Exchange
from shared.flows.work.fence import Fenced
from shared.flows.work.run import Run
from shared.ledger.documents import ClaimLost
from shared.ledger.records import Attempts, DocumentRecord, State
from shared.queues import DocumentQueue, DocumentsMessage
from shared.remote import errors as remote
from shared.remote.gate import Gate
from shared.remote.pauses import Pause, Paused
from shared.taxjar import errors as taxjar

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=7)
FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=4), timedelta(hours=4)
LOOK_AGAIN = timedelta(minutes=10)
"""How soon a message asks again whether a connection that refused access works; its end enqueues what waits at once."""
_SECOND_FROM = timedelta(minutes=1)
"""A message that comes so much before its document is due is not the one that was put back for it."""
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
    exchange: Exchange = NOTHING_EXCHANGED
    refused: str = ""
    """The kind of call to TaxJar that was refused."""

    def delay(self, run: Run) -> timedelta:
        """How long to wait from now."""
        return self.until - run.connector.clock() if self.until else LOOK_AGAIN


TRANSIENT = (dynamics.DynamicsError, taxjar.TaxJarError, Paused, NotYet, Fenced)
"""What postpones a document; anything else is a defect."""


class Postponed:
    """The documents of one message that have to wait: what they wait for is judged once, and they go back together."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[tuple[DocumentRecord, Postponement]] = []

    async def add(self, claims: Sequence[Claim], trouble: Exception, *, reading: bool = False) -> None:
        """Record the attempt of each of ``claims``; after seven days of trying they have failed.

        With ``reading`` the documents met trouble in being read, after some attempts each is then read alone.
        """
        wait = await judge(self._run, trouble, max(claim.record.attempts.count for claim in claims))
        for claim in claims:
            with suppress(ClaimLost):
                await self._settle(claim, wait, reading=reading)

    async def give_up(self, claim: Claim, defect: Exception, *, in_company: bool) -> None:
        """Give up a claim because of a defect of ours.

        A document that was worked on in company goes back alone, so that the defect takes no other with it. One that
        was alone already raises ``defect`` again: its message is delivered again, and in the end buried.
        """
        logger.error("%s: cannot be reported because of a defect", claim.record.key, exc_info=defect)
        message = f"Unexpected {type(defect).__name__} while reporting; the log of this time has the details."
        after = claim.record.to(State.RETRYING, message=message)
        with suppress(ClaimLost):
            until = enqueued_until(self._run.connector.clock())
            await claim.settle(replace(after, attempts=replace(after.attempts, alone=True), enqueued_until=until))
            if in_company:
                self._waiting.append((claim.record, Postponement(message, self._run.connector.clock())))
        if not in_company:
            raise defect

    async def put_back(self) -> None:
        """Put the documents back on the queue, together but for those that are read alone."""
        together: list[DocumentRecord] = []
        for record, wait in self._waiting:
            if record.attempts.alone:
                await self._enqueue([record], wait.delay(self._run))
            else:
                together.append(record)
        if together:
            delay = max(wait.delay(self._run) for record, wait in self._waiting if not record.attempts.alone)
            await self._enqueue(together, delay)
        self._waiting.clear()

    async def _enqueue(self, records: Sequence[DocumentRecord], delay: timedelta) -> None:
        run = self._run
        await enqueue(run.connector, run.queue, run.connection.name, records, delay=delay)

    async def _settle(self, claim: Claim, wait: Postponement, *, reading: bool) -> None:
        record, now = claim.record, self._run.connector.clock()
        tried = record.tried_for(now)
        count = record.attempts.count if wait.counts else record.attempts.count - 1
        give_up = wait.counts and tried >= GIVE_UP_AFTER
        after = record.to(
            State.FAILED if give_up else State.RETRYING,
            message=f"Given up after {GIVE_UP_AFTER.days} days of trying. {wait.message}" if give_up else wait.message,
        )
        attempts = Attempts(
            count=count,
            first_at=now - tried if count else None,
            next_at=None if give_up else wait.until,
            paused_at=None if wait.counts else now,
            outcome_unknown=record.attempts.outcome_unknown or wait.outcome_unknown,
            alone=reading and wait.counts and count >= ALONE_FROM,
            refused=wait.refused or record.attempts.refused,
        )
        until = None if give_up else enqueued_until(now, wait.delay(self._run))
        after = replace(after, attempts=attempts, enqueued_until=until)
        await claim.settle(after, exchange=wait.exchange)
        if not give_up:
            self._waiting.append((claim.record, wait))


async def put_back_until_open(run: Run, message: DocumentsMessage, pause: Pause) -> None:
    """Put a message back that was not worked on because its connection is paused."""
    left = max(pause.until - run.connector.clock(), timedelta(0))
    delay = max(left, LOOK_AGAIN) if pause.denied else left
    numbers = tuple(wanted.after_a_pause(delay) for wanted in message.numbers)
    await put_back_all(run, message.model_copy(update={"numbers": numbers}), delay)


async def put_back_all(run: Run, message: DocumentsMessage, delay: timedelta) -> None:
    """Put all that ``message`` names back on the queue, and note that it is there."""
    await enqueue_keys(run.connector, run.queue, message.connection, message.document_keys(), delay=delay)
    await run.queue.put_numbers(message.connection, message.company, message.numbers, delay=delay)


async def put_back_until_due(connector: Connector, queue: DocumentQueue, record: DocumentRecord) -> None:
    """Put a document back that another worker has, or that waits for its next attempt."""
    await enqueue(connector, queue, record.connection, [record], delay=_wait(record, connector) + CLOCK_SKEW)


def has_another_message(connector: Connector, record: DocumentRecord) -> bool:
    """Whether a message that came for ``record`` is a second one: the one that was put back for it comes later."""
    is_noted = record.state is State.RETRYING and record.is_enqueued(connector.clock())
    return is_noted and _SECOND_FROM < _wait(record, connector) < _LONGEST_DELAY


def _wait(record: DocumentRecord, connector: Connector) -> timedelta:
    now = connector.clock()
    return max((record.due_at() or now) - now, timedelta(0))


async def put_message_back(queue: DocumentQueue, message: DocumentsMessage, delay: timedelta) -> None:
    """The same while the ledger cannot be written to."""
    await queue.put(message.connection, message.document_keys(), delay=delay)
    await queue.put_numbers(message.connection, message.company, message.numbers, delay=delay)


async def judge(run: Run, trouble: Exception, attempts: int) -> Postponement:
    """What ``trouble`` means after so many attempts; a refusal pauses the side that it came from, as a 429 has done."""
    exchange = _exchange(trouble)
    match trouble:
        case Paused():
            return _until_open(trouble.pause, exchange)
        case Fenced():
            return Postponement(str(trouble), run.connector.clock() + LOOK_AGAIN, counts=False)
        case remote.Throttled():
            if pause := await _gate_of(run, trouble).pause():
                return _until_open(pause, exchange)
            return Postponement(str(trouble), run.connector.clock(), counts=False, exchange=exchange)
        case remote.AccessDenied():
            pause = await _gate_of(run, trouble).deny(str(trouble), trouble.refused)
            refused = trouble.refused if isinstance(trouble, taxjar.TaxJarError) else ""
            return replace(_until_open(pause, exchange), refused=refused)
        case remote.Unavailable():
            next_attempt = _next_attempt(run, attempts, trouble.retry_after)
            return Postponement(str(trouble), next_attempt, trouble.outcome_unknown, exchange=exchange)
        case _:
            return Postponement(str(trouble), _next_attempt(run, attempts, None), exchange=exchange)


def _gate_of(run: Run, trouble: Exception) -> Gate:
    """The gate of the side that ``trouble`` came from."""
    return run.connection.gate if isinstance(trouble, dynamics.DynamicsError) else run.company.account.gate


def _exchange(trouble: Exception) -> Exchange:
    """What went to and fro: F&O's words are in the message already, and a read of it sends nothing."""
    match trouble:
        case taxjar.TaxJarError():
            response = {"detail": trouble.detail} if trouble.status else None
            return Exchange(status=trouble.status, request=trouble.request, response=response)
        case dynamics.DynamicsError():
            return Exchange(status=trouble.status)
        case _:
            return NOTHING_EXCHANGED


def _until_open(pause: Pause, exchange: Exchange) -> Postponement:
    message = f"Waiting, {pause.target.split('|')[0]} is paused: {pause.message}"
    return Postponement(message, None if pause.denied else pause.until, counts=False, exchange=exchange)


def _next_attempt(run: Run, attempts: int, retry_after: float | None) -> datetime:
    """Exponential back-off with full jitter, from seconds to hours, and never before ``Retry-After``."""
    ceiling: timedelta = min(FIRST_DELAY * 2 ** min(attempts, 20), _LONGEST_DELAY)
    wait = ceiling * run.connector.random.random()
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=retry_after))
    return run.connector.clock() + wait

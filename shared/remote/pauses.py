"""Pauses of a whole F&O environment or TaxJar account, shared by all instances (design 4.2).

A 429 pauses until its time is over: in this process at once, before storage is asked, and through Table Storage for all
others. Refused access (401, 403, a redirect, no API) lasts until a probe, one call every five minutes by one instance,
goes through; a 429 that comes as well keeps the probe away until its time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.table_keys import encode

PROBE_EVERY = timedelta(minutes=5)
_FRESH = timedelta(seconds=1)
"""How old a read may be. One that storage is slow to renew may be as old as ``_STALE``."""
_STALE = timedelta(seconds=5)
_PATIENCE = 0.2
"""Seconds that a call waits for storage to renew a read which is not stale yet."""
_NO_TIME_GIVEN = 1.0
"""Seconds; a ``Retry-After`` below that would be no pause at all."""
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(minutes=5)
_LONGEST_JITTER = 1.25
_FORGET_STRIKES_AFTER = timedelta(minutes=10)
_PARTITION = "pauses"


class Paused(Exception):
    """No call may be made to ``target`` before ``until``."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(f"{pause.target} is paused until {pause.until.isoformat()}: {pause.message}")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause: of what, until when, why. ``denied`` pauses need a probe to end; ``until`` is when the next is due."""

    target: str
    until: datetime
    message: str
    denied: bool
    throttled_until: datetime | None = None
    """End of the time that a 429 asked for: until then there is not even a probe."""
    refused: str = ""
    """What access was refused to, a kind of call or an entity set: the probe has to ask for that. Empty: anything."""
    strikes: int = 0
    """429s without a time, one pause after another with nothing answered between them."""
    etag: str = ""

    def is_throttled(self, now: datetime) -> bool:
        """Whether the time of a 429 is not over yet."""
        return self.throttled_until is not None and self.throttled_until > now

    def throttled(self, until: datetime, strikes: int = 0) -> Pause:
        """The same with a 429 until then on top; never shorter than it was."""
        until = max(until, self.throttled_until or until)
        if self.denied:
            return replace(self, until=max(self.until, until), throttled_until=until)
        return Pause(self.target, until, "too many requests (429)", False, throttled_until=until, strikes=strikes)


@dataclass(frozen=True, slots=True)
class Throttle:
    """One 429: of whom, when, for how many seconds if it says so."""

    target: str
    at: datetime
    retry_after: float | None
    answered_at: datetime | None
    jitter: float

    def upon(self, before: Pause | None) -> Pause:
        """The pause that follows where ``before`` is the pause so far."""
        strikes = self._strikes(before)
        if self.retry_after is None or self.retry_after < _NO_TIME_GIVEN:
            if before and before.is_throttled(self.at) and strikes:
                return before
            strikes += 1
            wait = min(_SHORTEST * 2 ** min(strikes - 1, 10), _LONGEST) * self.jitter
        else:
            wait = timedelta(seconds=self.retry_after)
        until = self.at + wait
        if before and before.throttled_until and before.throttled_until >= until:
            return before
        return (before or _nothing(self.target)).throttled(until, strikes)

    def _strikes(self, before: Pause | None) -> int:
        """The strikes before this 429 that still count."""
        if before is None or before.until <= self.at - _FORGET_STRIKES_AFTER:
            return 0
        return 0 if self.answered_at and self.answered_at > before.until else before.strikes


class Pauses:
    """The pauses that this process has seen begin, and those in Table Storage, read again after a second."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime], random: Random) -> None:
        self._table = table
        self._clock = clock
        self._random = random
        self._known: dict[str, tuple[datetime, Pause | None]] = {}
        self._seen_here: dict[str, datetime] = {}
        """Until when a 429 that this process saw pauses a target, whether or not that is stored yet."""
        self._reading: dict[str, asyncio.Task[Pause | None]] = {}
        self._writes: dict[str, int] = {}

    def begun_here(self, target: str) -> Pause | None:
        """The pause because of a 429 that this process saw. Asks nobody."""
        until = self._seen_here.get(target)
        if until is None or until <= self._clock():
            return None
        known = self._known.get(target, (None, None))[1]
        return (known or _nothing(target)).throttled(until, known.strikes if known else 0)

    async def current(self, target: str, *, fresh: bool = False) -> Pause | None:
        """The pause of ``target``, also one whose time is over; ``fresh`` as storage has it now."""
        if fresh:
            await self._read(target)
        else:
            await self._renew(target)
        return self.begun_here(target) or self._known[target][1]

    def throttle_here(self, target: str, retry_after: float | None, *, answered_at: datetime | None = None) -> Throttle:
        """Pause ``target`` in this process because of a 429, at once. :meth:`store` tells the others.

        It lasts for ``retry_after`` seconds, else 10 s, with jitter. The latter doubles to 5 min while nothing is
        answered between the pauses; ``answered_at`` is when the last call that was answered had begun.
        """
        jitter = self._random.uniform(1, _LONGEST_JITTER)
        throttle = Throttle(target, self._clock(), retry_after, answered_at, jitter)
        self._see(throttle.upon(self.begun_here(target) or self._known.get(target, (None, None))[1]))
        return throttle

    async def store(self, throttle: Throttle) -> Pause:
        """Write the pause for all instances, in view of what they have written."""
        await self._read(throttle.target)
        before = self._known[throttle.target][1]
        pause = throttle.upon(before)
        self._see(pause)
        return pause if pause == before else await self._write(pause)

    async def throttle(self, target: str, retry_after: float | None, *, answered_at: datetime | None = None) -> Pause:
        """Both: the pause that follows from a 429 of now."""
        return await self.store(self.throttle_here(target, retry_after, answered_at=answered_at))

    async def deny(self, target: str, message: str, refused: str = "") -> Pause:
        """Pause because access is refused, until a probe goes through; the time of a 429 runs on."""
        now, before = self._clock(), await self.current(target, fresh=True)
        throttled_until = before.throttled_until if before and before.is_throttled(now) else None
        until = max(now + PROBE_EVERY, throttled_until or now)
        pause = Pause(target, until, message, denied=True, throttled_until=throttled_until, refused=refused)
        return await self._write(pause)

    async def take_probe(self, pause: Pause) -> bool:
        """Take the turn to probe a denied target; one instance gets it every five minutes."""
        moved = replace(pause, until=self._clock() + PROBE_EVERY)
        try:
            await self._table.update_entity(
                _to_entity(moved),
                mode=UpdateMode.REPLACE,
                etag=pause.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            # Storage knows better: what was read is not to be gone by once more.
            self._known[pause.target] = (self._clock() - _STALE, pause)
            return False
        self._remember(pause.target, moved)
        return True

    async def resume(self, target: str) -> None:
        """End the refusal of ``target``, and with it the pause unless a 429 asked for longer."""
        pause = await self.current(target, fresh=True)
        if pause and pause.throttled_until and pause.is_throttled(self._clock()):
            await self._write(replace(pause, until=pause.throttled_until, denied=False))
        elif pause:
            await self._table.delete_entity(_PARTITION, encode(target))
            self._remember(target, None)

    async def _renew(self, target: str) -> None:
        """Know the pause of ``target`` well enough; while storage is slow, what was known may do for some seconds."""
        known = self._known.get(target)
        age = self._clock() - known[0] if known else _STALE
        if age < _FRESH:
            return
        reading = self._reading.get(target)
        if reading is None:
            reading = self._reading[target] = asyncio.create_task(self._read(target))
            reading.add_done_callback(lambda task: self._read_ended(target, task))
        if age < _STALE:
            # Who is cancelled must not end the read for the others; ``wait`` leaves it alone.
            await asyncio.wait({reading}, timeout=_PATIENCE)
            if not reading.done():
                return
        await asyncio.shield(reading)

    def _read_ended(self, target: str, task: asyncio.Task[Pause | None]) -> None:
        del self._reading[target]
        if not task.cancelled():
            task.exception()  # raised to those who wait; there may be none

    async def _read(self, target: str) -> Pause | None:
        writes = self._writes.get(target, 0)
        try:
            pause = _from_entity(await self._table.get_entity(_PARTITION, encode(target)))
        except ResourceNotFoundError:
            pause = None
        if self._writes.get(target, 0) == writes:  # what was written meanwhile is newer
            self._known[target] = (self._clock(), pause)
        return self._known[target][1]

    async def _write(self, pause: Pause) -> Pause:
        self._remember(pause.target, pause)
        await self._table.upsert_entity(_to_entity(pause), mode=UpdateMode.REPLACE)
        self._remember(pause.target, pause)
        return pause

    def _see(self, pause: Pause) -> None:
        until = pause.throttled_until or pause.until
        self._seen_here[pause.target] = max(until, self._seen_here.get(pause.target, until))

    def _remember(self, target: str, pause: Pause | None) -> None:
        self._writes[target] = self._writes.get(target, 0) + 1
        self._known[target] = (self._clock(), pause)


def _nothing(target: str) -> Pause:
    """A pause that is over."""
    return Pause(target, datetime.min, "", denied=False)


def _to_entity(pause: Pause) -> dict[str, Any]:
    return {
        "PartitionKey": _PARTITION,
        "RowKey": encode(pause.target),
        "target": pause.target,
        "until": pause.until.isoformat(),
        "message": pause.message,
        "denied": pause.denied,
        "refused": pause.refused,
        "throttled_until": pause.throttled_until.isoformat() if pause.throttled_until else "",
        "strikes": pause.strikes,
    }


def _from_entity(entity: Any) -> Pause:
    until = datetime.fromisoformat(entity["until"])
    # Rows of earlier versions have no end of a 429's time; where nothing was refused, it is that of the pause.
    throttled_until = datetime.fromisoformat(given) if (given := entity.get("throttled_until")) else None
    return Pause(
        target=entity["target"],
        until=until,
        message=entity["message"],
        denied=entity["denied"],
        throttled_until=throttled_until or (None if entity["denied"] else until),
        refused=entity.get("refused", ""),
        strikes=entity["strikes"],
        etag=entity.metadata["etag"],
    )

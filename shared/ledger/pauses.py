"""Pauses of a whole F&O environment or TaxJar account, shared by all instances (design 4.2).

A 429 ends by itself when its time is over. Refused access (401, 403, a redirect) lasts until a probe, one call every
five minutes by one instance, goes through; a 429 that comes as well keeps the probe away until its time is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.keys import encode

PROBE_EVERY = timedelta(minutes=5)
POLL_EARLY = timedelta(seconds=30)
"""How much before its time a poll may probe: polls come as often, and would miss every other probe by a moment."""
_FRESH = timedelta(seconds=1)
_NO_TIME_GIVEN = 1.0
"""Seconds; a ``Retry-After`` below that would be no pause at all."""
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(minutes=5)
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
    """What access was refused to, if it is a part of the target: the probe has to ask for that."""
    strikes: int = 0
    """429s without a time, one pause after another with nothing answered between them."""
    etag: str = ""

    def is_throttled(self, now: datetime) -> bool:
        """Whether the time of a 429 is not over yet."""
        return self.throttled_until is not None and self.throttled_until > now


class Pauses:
    """The pauses in Table Storage, read again after a second at most."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime], random: Random) -> None:
        self._table = table
        self._clock = clock
        self._random = random
        self._known: dict[str, tuple[datetime, Pause | None]] = {}

    async def current(self, target: str, *, fresh: bool = False) -> Pause | None:
        """The pause of ``target``, also one whose time is over."""
        known = self._known.get(target)
        if known and not fresh and self._clock() - known[0] < _FRESH:
            return known[1]
        try:
            pause = _from_entity(await self._table.get_entity(_PARTITION, encode(target)))
        except ResourceNotFoundError:
            pause = None
        return self._remember(target, pause)

    async def throttle(self, target: str, retry_after: float | None, *, answered_at: datetime | None = None) -> Pause:
        """Pause after a 429: for ``retry_after`` seconds, else 10 s, with jitter.

        The latter doubles to 5 min while nothing is answered between the pauses; ``answered_at`` is when the last call
        that was answered had begun.
        """
        now, before = self._clock(), await self.current(target, fresh=True)
        running = before is not None and before.until > now
        strikes = _strikes(before, now, answered_at)
        if retry_after is None or retry_after < _NO_TIME_GIVEN:
            strikes = strikes if running and strikes else strikes + 1
            wait = min(_SHORTEST * 2 ** min(strikes - 1, 10), _LONGEST) * self._random.uniform(1, 1.25)
        else:
            wait = timedelta(seconds=retry_after)
        until = now + wait
        if before and before.throttled_until and before.throttled_until >= until:
            return before
        if before and before.denied:
            return await self._write(replace(before, until=max(before.until, until), throttled_until=until))
        message = "too many requests (429)"
        return await self._write(Pause(target, until, message, denied=False, throttled_until=until, strikes=strikes))

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

    async def _write(self, pause: Pause) -> Pause:
        await self._table.upsert_entity(_to_entity(pause), mode=UpdateMode.REPLACE)
        self._remember(pause.target, pause)
        return pause

    def _remember(self, target: str, pause: Pause | None) -> Pause | None:
        self._known[target] = (self._clock(), pause)
        return pause


class Gate:
    """The way to one remote side: closed while it is paused, and opened again by a probe."""

    def __init__(
        self, pauses: Pauses, target: str, *, clock: Callable[[], datetime], probe: Callable[[str], Awaitable[bool]]
    ) -> None:
        """``probe`` makes one call for what was refused, ``""`` being all of it, and tells whether it is answered."""
        self.target = target
        self._pauses = pauses
        self._clock = clock
        self._probe = probe
        self._answered_at: datetime | None = None

    def answered(self, begun_at: datetime, status: int) -> None:
        """The remote side answered a call that this instance began then; a 429 or 5xx is no answer."""
        if status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._answered_at = max(begun_at, self._answered_at or begun_at)

    async def pause(self, *, fresh: bool = False) -> Pause | None:
        """The pause because of which no call may be made now."""
        pause = await self._pauses.current(self.target, fresh=fresh)
        return pause if pause and (pause.denied or pause.until > self._clock()) else None

    async def is_paused(self) -> bool:
        """Whether no call may be made now."""
        return await self.pause() is not None

    async def check(self) -> None:
        """Before every call. Raises :class:`Paused`."""
        if pause := await self.pause():
            raise Paused(pause)

    async def open(self, *, early: timedelta = timedelta(0)) -> None:
        """Before a piece of work: probe a denied target when it is time, or ``early`` before that.

        Raises :class:`Paused`.
        """
        pause, now = await self._pauses.current(self.target), self._clock()
        if pause is None or (not pause.denied and pause.until <= now):
            return
        is_due = pause.denied and pause.until - early <= now and not pause.is_throttled(now)
        if not is_due or not await self._pauses.take_probe(pause) or not await self.probe():
            raise Paused(await self._pauses.current(self.target) or pause)

    async def opens(self) -> bool:
        """For polls: whether there is work to be begun, after a probe if it is about time for one."""
        try:
            await self.open(early=POLL_EARLY)
        except Paused:
            return False
        return True

    async def probe(self) -> bool:
        """Make the probe's one call now, unless a 429 forbids it; when it goes through, end the pause."""
        pause = await self._pauses.current(self.target, fresh=True)
        if pause and pause.is_throttled(self._clock()):
            return False
        answers = await self._probe(pause.refused if pause else "")
        if answers:
            await self._pauses.resume(self.target)
        return answers

    async def throttle(self, retry_after: float | None) -> Pause:
        """The remote side answered 429."""
        return await self._pauses.throttle(self.target, retry_after, answered_at=self._answered_at)

    async def deny(self, message: str, refused: str = "") -> Pause:
        """The remote side refused access, if ``refused`` is given to that part of it."""
        return await self._pauses.deny(self.target, message, refused)


def _strikes(before: Pause | None, now: datetime, answered_at: datetime | None) -> int:
    """The strikes before this 429 that still count."""
    if before is None or before.until <= now - _FORGET_STRIKES_AFTER:
        return 0
    return 0 if answered_at and answered_at > before.until else before.strikes


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

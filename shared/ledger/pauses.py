"""Pauses of a whole F&O environment or TaxJar account, shared by all instances (design 4.2).

A 429 ends by itself when its time is over. Refused access (401, 403, a redirect) lasts until a probe, one call every
five minutes by one instance, goes through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.keys import encode

PROBE_EVERY = timedelta(minutes=5)
_FRESH = timedelta(seconds=1)
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
    """One pause: of what, until when, why. ``denied`` pauses need a probe to end."""

    target: str
    until: datetime
    message: str
    denied: bool
    strikes: int = 1
    etag: str = ""


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

    async def throttle(self, target: str, retry_after: float | None) -> Pause:
        """Pause after a 429: for ``retry_after`` seconds, else 10 s doubling to 5 min, with jitter."""
        now, before = self._clock(), await self.current(target, fresh=True)
        running = before is not None and before.until > now
        strikes = 1
        if before and before.until > now - _FORGET_STRIKES_AFTER:
            strikes = before.strikes if running else before.strikes + 1
        if retry_after is None:
            wait = min(_SHORTEST * 2 ** min(strikes - 1, 10), _LONGEST) * self._random.uniform(1, 1.25)
        else:
            wait = timedelta(seconds=max(retry_after, 0))
        if before and running and (before.denied or before.until >= now + wait):
            return before
        return await self._write(Pause(target, now + wait, "too many requests (429)", denied=False, strikes=strikes))

    async def deny(self, target: str, message: str) -> Pause:
        """Pause because access is refused, until a probe goes through."""
        return await self._write(Pause(target, self._clock() + PROBE_EVERY, message, denied=True))

    async def take_probe(self, pause: Pause) -> bool:
        """Take the turn to probe a denied target; one instance gets it every five minutes."""
        moved = Pause(pause.target, self._clock() + PROBE_EVERY, pause.message, denied=True)
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
        """End the pause of ``target``."""
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
        self, pauses: Pauses, target: str, *, clock: Callable[[], datetime], probe: Callable[[], Awaitable[bool]]
    ) -> None:
        self.target = target
        self._pauses = pauses
        self._clock = clock
        self._probe = probe

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

    async def open(self) -> None:
        """Before a piece of work: probe a denied target when it is time. Raises :class:`Paused`."""
        pause = await self._pauses.current(self.target)
        if pause is None or (not pause.denied and pause.until <= self._clock()):
            return
        if pause.until > self._clock() or not await self._pauses.take_probe(pause) or not await self.probe():
            raise Paused(pause)

    async def probe(self) -> bool:
        """Make the probe's one call now; when it goes through, end the pause."""
        answers = await self._probe()
        if answers and await self._pauses.current(self.target, fresh=True):
            await self._pauses.resume(self.target)
        return answers

    async def throttle(self, retry_after: float | None) -> Pause:
        """The remote side answered 429."""
        return await self._pauses.throttle(self.target, retry_after)

    async def deny(self, message: str) -> Pause:
        """The remote side refused access."""
        return await self._pauses.deny(self.target, message)


def _to_entity(pause: Pause) -> dict[str, Any]:
    return {
        "PartitionKey": _PARTITION,
        "RowKey": encode(pause.target),
        "target": pause.target,
        "until": pause.until.isoformat(),
        "message": pause.message,
        "denied": pause.denied,
        "strikes": pause.strikes,
    }


def _from_entity(entity: Any) -> Pause:
    return Pause(
        target=entity["target"],
        until=datetime.fromisoformat(entity["until"]),
        message=entity["message"],
        denied=entity["denied"],
        strikes=entity["strikes"],
        etag=entity.metadata["etag"],
    )

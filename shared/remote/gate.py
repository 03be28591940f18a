"""The way to one remote side: closed while it is paused, and opened again by a probe (design 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from shared.remote.pauses import Pause, Paused, Pauses

logger = logging.getLogger(__name__)

POLL_EARLY = timedelta(seconds=30)
"""How much before its time a poll may probe: polls come as often, and would miss every other probe by a moment."""
_PATIENCE = 0.3
"""Seconds that the call which met a 429 waits until its pause is stored; storing goes on without it."""


class Gate:
    """The gate of ``target``."""

    def __init__(
        self, pauses: Pauses, target: str, *, clock: Callable[[], datetime], probe: Callable[[str], Awaitable[bool]]
    ) -> None:
        """``probe`` makes one call of the kind that was refused, ``""`` being any, and tells whether it is taken."""
        self.target = target
        self._pauses = pauses
        self._clock = clock
        self._probe = probe
        self._answered_at: datetime | None = None
        self._storing: set[asyncio.Task[Pause]] = set()

    def answered(self, begun_at: datetime, status: int) -> None:
        """The remote side answered a call that this instance began then; a 429 or 5xx is not an answer."""
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
        """Before every call. Raises :class:`Paused`: without asking storage where this process saw the 429."""
        self.check_here()
        if pause := await self.pause():
            raise Paused(pause)
        self.check_here()

    def check_here(self) -> None:
        """Raises :class:`Paused` where this process saw a 429 whose time is not over."""
        if pause := self._pauses.begun_here(self.target):
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

    async def throttled(self, retry_after: float | None) -> None:
        """A 429 has just arrived: no call begins from here on, and the other instances are notified.

        While storage is slow that happens later; that it fails is logged, and each instance meets a 429 of its own.
        """
        throttle = self._pauses.throttle_here(self.target, retry_after, answered_at=self._answered_at)
        storing = asyncio.create_task(self._pauses.store(throttle))
        self._storing.add(storing)
        storing.add_done_callback(self._stored)
        await asyncio.wait({storing}, timeout=_PATIENCE)

    def _stored(self, storing: asyncio.Task[Pause]) -> None:
        self._storing.discard(storing)
        if not storing.cancelled() and (error := storing.exception()):
            logger.error("%s is paused in this instance alone: storage fails (%s)", self.target, type(error).__name__)

    async def throttle(self, retry_after: float | None) -> Pause:
        """Pause as after a 429, and wait until that is stored."""
        return await self._pauses.throttle(self.target, retry_after, answered_at=self._answered_at)

    async def deny(self, message: str, refused: str = "") -> Pause:
        """The remote side refused access, if ``refused`` is given to that part or kind of call."""
        return await self._pauses.deny(self.target, message, refused)

"""Keeps the calls of one client below TaxJar's limit per minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shared import telemetry

_MINUTE = 61.0
"""Seconds; a little more than TaxJar's, since calls may arrive closer together than they were sent."""


class CallLimiter:
    """A token bucket: a tenth of the calls may come at once, the rest flows in evenly.

    No sixty seconds ever hold more than ``calls_per_minute`` calls. Those who wait are served in order of arrival.
    """

    def __init__(
        self,
        calls_per_minute: int,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._capacity = max(1, calls_per_minute // 10)
        self._per_second = (calls_per_minute + 1 - self._capacity) / _MINUTE
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(self._capacity)
        self._filled_at = clock()

    async def wait_turn(self) -> None:
        """Return when the next call may be made."""
        now = max(self._clock(), self._filled_at)
        elapsed = (now - self._filled_at).total_seconds()
        self._tokens = min(self._capacity, self._tokens + elapsed * self._per_second) - 1
        self._filled_at = now
        if self._tokens < 0:  # the token is owed: wait until it has flowed in
            wait = -self._tokens / self._per_second
            telemetry.waited("taxjar", wait)
            await self._sleep(wait)

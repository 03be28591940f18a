"""The one way to a remote side: an httpx transport with its gate, its budget of calls, its deadline and its telemetry.

Clients know nothing of these. A 429 pauses the whole side before its answer is passed on. Probes and pings have an
unguarded transport, whose calls are made while the side is paused; it heeds a 429 all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus

import httpx
from azure.core.exceptions import AzureError

from shared import telemetry
from shared.remote.budget import CallBudget
from shared.remote.gate import Gate
from shared.retry_after import retry_after_seconds

RESOURCE = "resource"
"""The request extension that names the kind of thing asked for, for telemetry: never an id."""
_PATIENCE = 1.0
"""Seconds that a probe or ping waits for the budget; it goes ahead without."""


def _status(response: httpx.Response) -> int:
    return response.status_code


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests through ``inner`` when gate and budget let them pass, and reads their answers to the end.

    Raises :class:`~shared.remote.pauses.Paused`, what storage raises, ``TimeoutError`` when the whole answer is not
    there after ``deadline`` seconds, and what ``inner`` raises. ``status_of`` tells the status that counts.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        side: telemetry.Side,
        *,
        clock: Callable[[], datetime],
        deadline: float,
        gate: Gate,
        guarded: bool = True,
        budget: CallBudget | None = None,
        status_of: Callable[[httpx.Response], int] = _status,
    ) -> None:
        self._inner = inner
        self._side = side
        self._clock = clock
        self._deadline = deadline
        self._gate = gate
        self._guarded = guarded
        self._budget = budget
        self._status_of = status_of

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._wait_turn()
        begun_at = self._clock()
        resource = request.extensions.get(RESOURCE) or request.url.path.rpartition("/")[2]
        with telemetry.remote_call(self._side, request.method, resource) as call:
            async with asyncio.timeout(self._deadline):
                response = await self._inner.handle_async_request(request)
                await response.aread()
            call.status = status = self._status_of(response)
        self._gate.answered(begun_at, status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            await self._gate.throttled(retry_after_seconds(response, self._clock))
        return response

    async def _wait_turn(self) -> None:
        if self._guarded:
            await self._gate.check()
            if self._budget:
                await self._budget.take()
                await self._gate.check()
        elif self._budget:
            with suppress(TimeoutError, AzureError):
                async with asyncio.timeout(_PATIENCE):
                    await self._budget.take()

    async def aclose(self) -> None:
        await self._inner.aclose()

"""What runs in the background and is waited for when the host ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

log = logging.getLogger("host")


class Work:
    """Background tasks and the signal to take no more."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs the coroutine as a task that :meth:`drain` waits for."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def pause(self, duration: timedelta) -> None:
        """Waits, but no longer than until the host stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(duration.total_seconds(), 0)):
                await self.stopping.wait()

    async def drain(self, limit: timedelta) -> None:
        """Takes no more, lets what runs finish within the limit, then cancels it."""
        self.stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit.total_seconds()):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the host stumbled", exc_info=error)

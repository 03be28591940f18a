"""A process that dies at a chosen step: before or after the effect of any call to the outside.

Everything that the connector touches goes through three seams: the transport of F&O and TaxJar, the transport of the
storage services, and the queue. Calls pass them one at a time, so that step ``k`` is the same step in every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
from azure.core.pipeline.transport import AioHttpTransport
from pydantic import BaseModel

from shared.documents import DocumentKey
from shared.queues import DocumentQueue, NumberToFind

_Answer = TypeVar("_Answer")


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing passes a seam any more."""


@dataclass
class Life:
    """The steps of one process; ``dies_at`` is the number of the step that it does not survive."""

    dies_at: int | None = None
    steps: list[str] = field(default_factory=list)
    dead: bool = False
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def call(self, name: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Make a call to the outside: one step before its effect, one after."""
        async with self._one_at_a_time:
            self._step(f"before {name}")
            answer = await call()
            self._step(f"after {name}")
            return answer

    def ways_to_end(self) -> list[int]:
        """One step for each condition in which a death leaves what is outside: the first, and one after each effect.

        To die before or after a call that only reads, or before the next call, leaves the same.
        """
        return [0, *(step for step, name in enumerate(self.steps) if _is_effect(name))]

    def _step(self, name: str) -> None:
        if self.dead:
            raise Died(name)
        self.steps.append(name)
        if len(self.steps) - 1 == self.dies_at:
            self.dead = True
            raise Died(name)


def _is_effect(step: str) -> bool:
    return step.startswith("after ") and not step.startswith("after GET ")


class MortalHttp(httpx.AsyncBaseTransport):
    """The way to F&O and TaxJar, by ``inner``."""

    def __init__(self, life: Life, inner: httpx.AsyncBaseTransport) -> None:
        self._life = life
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async def whole() -> httpx.Response:
            answer = await self._inner.handle_async_request(request)
            body = b"".join([part async for part in answer.aiter_raw()])
            await answer.aclose()
            return httpx.Response(answer.status_code, headers=answer.headers, content=body)

        return await self._life.call(f"{request.method} {request.url.path}", whole)

    async def aclose(self) -> None:
        await self._inner.aclose()


class MortalStorage(AioHttpTransport):
    """The way to a storage service."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life

    async def send(self, request: Any, **kwargs: Any) -> Any:
        name = f"{request.method} {request.url.partition('?')[0].rpartition('/')[2]}"
        send = super().send
        return await self._life.call(name, lambda: send(request, **kwargs))


@dataclass
class MortalQueue:
    """A queue that outlives the process which puts messages on it."""

    life: Life
    queue: DocumentQueue

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        if documents:
            await self.life.call("put message", lambda: self.queue.put(connection, documents, delay=delay))

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        await self.life.call("put message", lambda: self.queue.send(message, delay=delay))

    async def put_numbers(
        self, connection: str, company: str, numbers: Sequence[NumberToFind], *, delay: timedelta = timedelta(0)
    ) -> None:
        if numbers:
            await self.life.call(
                "put message", lambda: self.queue.put_numbers(connection, company, numbers, delay=delay)
            )

    async def oldest_due(self) -> datetime | None:
        return await self.queue.oldest_due()

    async def length(self) -> int:
        return await self.queue.length()


async def end_of_life(work: Awaitable[None]) -> bool:
    """Do ``work``; whether the process died of it. What it still had running dies with it."""
    others = asyncio.all_tasks()
    try:
        await work
    except Died:
        left = asyncio.all_tasks() - others
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return True
    return False

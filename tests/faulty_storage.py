"""Table Storage that fails as the real service does: errors and broken connections, before or after the effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from types import TracebackType
from typing import Any, Self

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport


class FaultyStorage(AsyncHttpTransport[Any, Any]):
    """Fails with ``probability``. The SDK's waits between its attempts go to ``sleep``."""

    def __init__(self, random: Random, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.probability = 0.0
        self.failed = 0
        self._random = random
        self._sleep = sleep
        self._inner = AioHttpTransport()

    async def send(self, request: Any, **kwargs: Any) -> Any:
        if self._random.random() >= self.probability:
            return await self._inner.send(request, **kwargs)
        self.failed += 1
        if self._random.random() < 0.5:
            raise ServiceRequestError("the connection was refused")
        await self._inner.send(request, **kwargs)
        raise ServiceResponseError("the connection broke before the answer came")

    async def sleep(self, duration: float) -> None:
        await self._sleep(duration)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)

"""Table Storage that fails as the real service does: errors and broken connections, before or after the effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport


class FaultyStorage(AioHttpTransport):
    """Fails with ``probability``. The SDK's waits between its attempts go to ``sleep``."""

    def __init__(self, random: Random, sleep: Callable[[float], Awaitable[None]]) -> None:
        super().__init__()
        self.probability = 0.0
        self.failed = 0
        self._random = random
        self._sleep = sleep

    async def send(self, request: Any, **kwargs: Any) -> Any:
        if self._random.random() >= self.probability:
            return await super().send(request, **kwargs)
        self.failed += 1
        if self._random.random() < 0.5:
            raise ServiceRequestError("the connection was refused")
        await super().send(request, **kwargs)
        raise ServiceResponseError("the connection broke before the answer came")

    async def sleep(self, duration: float) -> None:
        await self._sleep(duration)

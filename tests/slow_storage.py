"""Table Storage that a test can keep from answering."""

from __future__ import annotations

import asyncio
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport


class SlowStorage(AioHttpTransport):
    """Answers while ``answers`` is set; requests that arrive meanwhile wait for it. ``requests`` counts all."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()
        self.requests = 0

    async def send(self, request: Any, **kwargs: Any) -> Any:
        self.requests += 1
        await self.answers.wait()
        return await super().send(request, **kwargs)

"""Table Storage whose answers are counted: what a read costs, in requests and in entities that come back."""

from __future__ import annotations

import json
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport


class CountingStorage(AioHttpTransport):
    """Counts the reads that go through it."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.entities = 0

    def start(self) -> None:
        """Count from here on."""
        self.requests = self.entities = 0

    async def send(self, request: Any, **kwargs: Any) -> Any:
        response = await super().send(request, **kwargs)
        if request.method == "GET":
            await response.load_body()
            self.requests += 1
            try:
                found = json.loads(response.body())
            except ValueError:
                return response
            self.entities += len(found["value"]) if "value" in found else 1
        return response

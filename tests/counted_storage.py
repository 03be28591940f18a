"""Table Storage that counts: requests by table, and the entities that they answered with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport


@dataclass
class Reads:
    """What was read of tables so far."""

    queries: int = 0
    """Pages of range reads."""
    points: int = 0
    """Single rows that were asked for."""
    entities: int = 0
    """Rows that pages of range reads held."""

    def reset(self) -> None:
        self.queries = self.points = self.entities = 0


class CountedStorage(AioHttpTransport):
    """Adds up what is read in ``reads``."""

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self._reads = reads

    async def send(self, request: Any, **kwargs: Any) -> Any:
        response = await super().send(request, **kwargs)
        if request.method == "GET" and "ledger" in request.url:
            await response.load_body()
            body = response.body()
            rows = json.loads(body).get("value") if body else None
            if rows is None:
                self._reads.points += 1
            else:
                self._reads.queries += 1
                self._reads.entities += len(rows)
        return response

"""Table Storage that counts what is read: pages of ranges, single rows, and the rows that storage goes through."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from azure.core.pipeline.transport import AioHttpTransport

_OF_KEYS = re.compile(r"PartitionKey eq '(?:[^']|'')*'(?: and RowKey (?:ge|gt|le|lt|eq) '(?:[^']|'')*')*")


@dataclass
class Reads:
    """What was read of tables so far."""

    queries: int = 0
    """Pages of range reads."""
    points: int = 0
    """Single rows that were asked for."""
    entities: int = 0
    """Rows in the ranges that were read, also those that a filter on other properties than the keys left out."""

    def reset(self) -> None:
        self.queries = self.points = self.entities = 0


class CountedStorage(AioHttpTransport):
    """Adds up what is read in ``reads``."""

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self._reads = reads

    async def send(self, request: Any, **kwargs: Any) -> Any:
        response = await super().send(request, **kwargs)
        is_of_table = "json" in request.headers.get("Accept", "") and "ledger" in request.url
        if request.method == "GET" and is_of_table:
            rows = await _rows(response)
            if rows is None:
                self._reads.points += 1
            else:
                self._reads.queries += 1
                self._reads.entities += max(len(rows), await self._gone_through(request, response, **kwargs))
        return response

    async def _gone_through(self, request: Any, response: Any, **kwargs: Any) -> int:
        """The rows of the range up to the end of the page, where a filter leaves some of them out."""
        [asked] = parse_qs(urlsplit(request.url).query).get("$filter", [""])
        of_keys = _OF_KEYS.match(asked)
        if of_keys is None or of_keys[0] == asked:
            return 0
        whole = copy.copy(request)
        whole.url = f"{request.url.partition('?')[0]}?$filter={quote(of_keys[0])}&$select=RowKey"
        rows = await _rows(await super().send(whole, **kwargs)) or []
        following = response.headers.get("x-ms-continuation-NextRowKey")
        return sum(1 for row in rows if following is None or row["RowKey"] < following)


async def _rows(response: Any) -> list[Any] | None:
    await response.load_body()
    body = response.body()
    return json.loads(body).get("value") if body else None

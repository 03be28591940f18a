"""The product tax codes that TaxJar accepts, asked for once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.taxjar.client import TaxJarClient

_AGE_LIMIT = timedelta(days=1)


class TaxCategories:
    """Caches ``/categories`` of one account."""

    def __init__(self, client: TaxJarClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._codes: frozenset[str] = frozenset()
        self._read_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def codes(self) -> frozenset[str]:
        """All product tax codes. Raises what the call raises."""
        async with self._lock:
            if self._read_at is None or self._clock() - self._read_at >= _AGE_LIMIT:
                categories = await self._client.categories()
                self._codes = frozenset(category.product_tax_code for category in categories)
                self._read_at = self._clock()
            return self._codes

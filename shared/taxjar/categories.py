"""The product tax codes that TaxJar accepts, asked for once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import Unavailable

_AGE_LIMIT = timedelta(days=1)


class TaxCategories:
    """Caches ``/categories`` of one account."""

    def __init__(self, client: TaxJarClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._codes: frozenset[str] = frozenset()
        self._read_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None

    async def codes(self) -> frozenset[str]:
        """All product tax codes. Raises what the call raises; whoever comes meanwhile shares the call and its end.

        Codes of more than a day ago are not given out: what TaxJar has withdrawn since would be refused document by
        document.
        """
        if self._read_at is None or self._clock() - self._read_at >= _AGE_LIMIT:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            # One who is cancelled must not end the call for the others.
            await asyncio.shield(self._reading)
        return self._codes

    async def _read(self) -> None:
        try:
            codes = frozenset(category.product_tax_code for category in await self._client.categories())
            if not codes:
                # TaxJar always has some; believing this would hold every document that names one, for a day.
                raise Unavailable(outcome_unknown=False, detail="the answer is unreadable: it holds no category")
            self._codes, self._read_at = codes, self._clock()
        finally:
            self._reading = None

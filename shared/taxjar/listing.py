"""Which transactions TaxJar holds: ids by day, of the connector's own provider and of every other in use (design 4.7).

TaxJar lists the ids of one provider at a time, unpaged, and times out on wide ranges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta

from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import Unavailable
from shared.transactions import Kind

_MARKETPLACES = ("amazon", "ebay", "etsy", "facebook", "walmart")
_SHOPS = ("bigcommerce", "ecwid", "magento", "paypal", "shopify", "square", "squarespace", "stripe", "woo")
PROVIDERS = (*_MARKETPLACES, *_SHOPS)
"""Under these TaxJar's own integrations report; it shows their transactions only to who asks for them by name."""
_KINDS = (Kind.ORDER, Kind.REFUND)
_AT_ONCE = 8
_REMEMBERED = timedelta(days=1)
_DAY = timedelta(days=1)

Ids = Mapping[Kind, frozenset[str]]


class Listing:
    """The listings of one account. Every method raises what the client raises."""

    def __init__(self, client: TaxJarClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._in_use: dict[tuple[date, str], tuple[datetime, bool]] = {}

    async def ids(self, day: date, provider: str | None = None) -> Ids:
        """Ids of the transactions of ``day``; without ``provider`` those that the connector reports, under ``api``."""
        return await self.between(day, day, provider)

    async def providers_in_use(self, month: date, *, also: Collection[str] = ()) -> tuple[str, ...]:
        """The other providers, of those known and those of ``also``, with anything in the month of ``month``.

        Costs two calls per provider and month; the answer is remembered for a day.
        """
        first = month.replace(day=1)
        names = [name for name in dict.fromkeys((*PROVIDERS, *also)) if name not in ("", "api")]
        used = await asyncio.gather(*(self._is_in_use(name, first) for name in names))
        return tuple(name for name, is_used in zip(names, used, strict=True) if is_used)

    async def _is_in_use(self, provider: str, first: date) -> bool:
        asked_at, in_use = self._in_use.get((first, provider), (None, False))
        if asked_at is None or self._clock() - asked_at >= _REMEMBERED:
            asked_at = self._clock()
            last = (first + timedelta(days=31)).replace(day=1) - _DAY
            in_use = any((await self.between(first, last, provider)).values())
            self._in_use[first, provider] = (asked_at, in_use)
        return in_use

    async def between(self, first: date, last: date, provider: str | None = None) -> Ids:
        """The same for a range of days, halved where TaxJar runs into its time limit."""
        found = await asyncio.gather(*(self._of_kind(kind, first, last, provider) for kind in _KINDS))
        return dict(zip(_KINDS, found, strict=True))

    async def _of_kind(self, kind: Kind, first: date, last: date, provider: str | None) -> frozenset[str]:
        """One call; where it runs into TaxJar's time limit, the range is halved, down to a day."""
        try:
            async with self._slots:
                return frozenset(await self._client.list_ids(kind, first, last, provider))
        except Unavailable as trouble:
            if first == last or not trouble.status or trouble.status < 500:
                raise
        middle = first + (last - first) // 2
        return await self._of_kind(kind, first, middle, provider) | await self._of_kind(
            kind, middle + _DAY, last, provider
        )

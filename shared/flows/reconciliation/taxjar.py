"""TaxJar's side of a reconciliation: ids by day, amounts where they are in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import stamina

from shared.taxjar.answers import Json
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import Unavailable
from shared.taxjar.listing import Listing
from shared.transactions import Kind

_KINDS = (Kind.ORDER, Kind.REFUND)
_AT_ONCE = 8
_ATTEMPTS = 3
_Answer = TypeVar("_Answer")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A transaction under another provider."""

    transaction_id: str
    kind: Kind
    provider: str
    date: date
    """The first day of the week in which it lies."""


class TaxJarSide:
    """What one TaxJar account holds. Every method raises what the client raises."""

    def __init__(self, client: TaxJarClient, listing: Listing) -> None:
        self._client = client
        self._listing = listing
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def ids(self, day: date) -> Mapping[Kind, frozenset[str]]:
        """Ids of the transactions of ``day``, of the provider ``api``, which the connector reports under."""
        listed = await asyncio.gather(*(self._ask(self._client.list_ids, kind, day, day) for kind in _KINDS))
        return {kind: frozenset(ids) for kind, ids in zip(_KINDS, listed, strict=True)}

    async def ids_between(self, first: date, last: date) -> Mapping[Kind, frozenset[str]]:
        """The same for a range of days, in one look."""
        return await self._ask(self._listing.between, first, last)

    async def of_other_providers(self, first: date, last: date, named: Sequence[str]) -> list[Foreign]:
        """What lies under other providers, and under those ``named``: asked for week by week where a month has any."""

        async def of(provider: str, kind: Kind, start: date, end: date) -> list[Foreign]:
            ids = await self._ask(self._client.list_ids, kind, start, end, provider)
            return [Foreign(found, kind, provider, start) for found in ids]

        asked = [
            of(provider, kind, start, end)
            for since, until in _months(first, last)
            for provider in await self._listing.providers_in_use(since, also=named)
            for kind in _KINDS
            for start, end in _weeks(since, until)
        ]
        return [found for some in await asyncio.gather(*asked) for found in some]

    async def find(self, kind: Kind, transaction_id: str, provider: str | None = None) -> Json | None:
        """What TaxJar holds under the id; ``None`` when it holds nothing."""
        return await self._ask(self._client.find, kind, transaction_id, provider)

    async def _ask(self, call: Callable[..., Awaitable[_Answer]], *given: object) -> _Answer:
        """The answer to one of many questions: a hiccup of TaxJar must not end the whole reconciliation."""
        async with self._slots:
            async for attempt in stamina.retry_context(on=Unavailable, attempts=_ATTEMPTS, timeout=None):
                with attempt:
                    return await call(*given)
        raise AssertionError("stamina always returns or raises")


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        yield first, min(following - timedelta(days=1), last)
        first = following


def _weeks(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        yield first, min(first + _WEEK - timedelta(days=1), last)
        first += _WEEK

"""Sorted streams read forward together, day by day: no more than a day of any is in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Generic, Protocol, TypeVar

from shared.documents import DocumentKey, ListedDocument
from shared.ledger.records import DocumentRecord
from shared.queues import KEYS_PER_MESSAGE


class Keyed(Protocol):
    """Something about one posted document."""

    @property
    def key(self) -> DocumentKey:
        """The document's key."""


_Keyed = TypeVar("_Keyed", bound=Keyed)


class MergedByDay(Generic[_Keyed]):
    """Items of one company in order of invoice date, given out up to a day at a time."""

    def __init__(self, items: AsyncIterator[_Keyed]) -> None:
        self._items = items
        self._ahead: _Keyed | None = None
        self._done = False

    async def through(self, day: date) -> list[_Keyed]:
        """The items dated up to ``day`` that were not given out before."""
        found: list[_Keyed] = []
        while (item := await self._next()) and item.key.date <= day:
            self._ahead = None
            found.append(item)
        return found

    async def rest(self) -> AsyncIterator[_Keyed]:
        """The items that were not given out before."""
        while item := await self._next():
            self._ahead = None
            yield item

    async def _next(self) -> _Keyed | None:
        if self._ahead is None and not self._done:
            self._ahead = await anext(self._items, None)
            self._done = self._ahead is None
        return self._ahead


async def one_by_one(pages: AsyncIterator[list[ListedDocument]]) -> AsyncIterator[ListedDocument]:
    """The documents on ``pages``."""
    async for page in pages:
        for document in page:
            yield document


def days(first: date, last: date) -> Iterator[date]:
    """Each day from ``first`` to ``last``, inclusive."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


async def batches(records: AsyncIterator[DocumentRecord]) -> AsyncIterator[list[DocumentKey]]:
    """The keys of ``records``, up to one message's worth at a time."""
    keys: list[DocumentKey] = []
    async for record in records:
        keys.append(record.key)
        if len(keys) == KEYS_PER_MESSAGE:
            yield keys
            keys = []
    if keys:
        yield keys

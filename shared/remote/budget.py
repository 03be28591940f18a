"""The calls that a TaxJar account takes per minute, shared by all instances and functions (design 4.2).

A bucket in Table Storage fills at an even rate. Instances lease blocks of calls from it, by conditional writes, and
spend them without asking again. A call that is not made within a few seconds of its lease is lost. So no sixty seconds
hold more calls than the limit, however many instances there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared import telemetry
from shared.table_keys import encode

_PARTITION = "budgets"
_MINUTE = 61.0
"""Seconds; a little more than TaxJar's, since calls may arrive closer together than they were sent."""
_LIFE = timedelta(seconds=4)
"""How long a leased call may be made."""
_BLOCK_SECONDS = 2.0
"""The largest block is what flows in meanwhile: less than what one busy instance spends within ``_LIFE``."""
_BURST = 20
"""The part of the limit that may come at once, one in so many."""
_LONGEST_SKEW = timedelta(minutes=5)
"""A bucket that was filled later than this from now was filled by a clock that is wrong."""


@dataclass(slots=True)
class _Block:
    """Leased calls that may be made from ``usable_from`` to ``expires``."""

    usable_from: datetime
    left: int
    size: int

    @property
    def expires(self) -> datetime:
        return self.usable_from + _LIFE


class CallBudget:
    """The part of the budget of ``account`` that this instance has leased."""

    def __init__(
        self,
        table: TableClient,
        account: str,
        calls_per_minute: int,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._table = table
        self._account = account
        self._clock = clock
        self._sleep = sleep
        self._capacity = max(1, calls_per_minute // _BURST)
        self._per_second = (calls_per_minute + 1 - self._capacity) / (_MINUTE + _LIFE.total_seconds())
        self._largest = max(1, int(self._per_second * _BLOCK_SECONDS))
        self._block: _Block | None = None
        self._row: Any = None
        """The bucket as last read or written, with its etag."""
        self._waiting = 0
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Return when the next call may be made. Those who wait are served in order of arrival.

        Asks storage only when the leased calls are spent or lost. Raises what storage raises.
        """
        self._waiting += 1
        try:
            async with self._lock:
                block = self._block
                if block is None or not block.left or self._clock() >= block.expires:
                    block = self._block = await self._lease(self._wanted(block))
                block.left -= 1
        finally:
            self._waiting -= 1
        wait = (block.usable_from - self._clock()).total_seconds()
        if wait > 0:
            telemetry.waited("taxjar", wait)
            await self._sleep(wait)

    def _wanted(self, spent: _Block | None) -> int:
        """More for an instance that is busy: what is leased and not spent is lost for all."""
        busy = spent.size * 2 if spent and not spent.left and self._clock() < spent.expires else 1
        return min(max(busy, self._waiting), self._largest)

    async def _lease(self, size: int) -> _Block:
        while True:
            row = self._row if self._row is not None else await self._read()
            now = self._clock()
            tokens, filled_at = self._filled(row, now)
            left = tokens - size
            # Owed calls may be made when they have flowed in.
            owed = timedelta(seconds=max(-left, 0.0) / self._per_second)
            if await self._write(row, left, filled_at):
                return _Block(now + owed, size, size)

    def _filled(self, row: Any, now: datetime) -> tuple[float, datetime]:
        if not row:
            return float(self._capacity), now
        filled_at = datetime.fromisoformat(row["filled_at"])
        if filled_at > now + _LONGEST_SKEW:
            filled_at = now
        elapsed = max((now - filled_at).total_seconds(), 0.0)
        return min(self._capacity, row["tokens"] + elapsed * self._per_second), max(now, filled_at)

    async def _read(self) -> Any:
        """The bucket's row, ``{}`` where there is none yet."""
        try:
            return await self._table.get_entity(_PARTITION, encode(self._account))
        except ResourceNotFoundError:
            return {}

    async def _write(self, row: Any, tokens: float, filled_at: datetime) -> bool:
        """Whether the bucket was still as ``row`` says, and now is as given."""
        entity = {
            "PartitionKey": _PARTITION,
            "RowKey": encode(self._account),
            "tokens": tokens,
            "filled_at": filled_at.isoformat(),
        }
        self._row = None
        try:
            if not row:
                written = await self._table.create_entity(entity)
            else:
                written = await self._table.update_entity(
                    entity,
                    mode=UpdateMode.REPLACE,
                    etag=_etag(row),
                    match_condition=MatchConditions.IfNotModified,
                )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            return False
        self._row = entity | {"etag": written["etag"]}
        return True


def _etag(row: Any) -> str:
    etag: str = row["etag"] if "etag" in row else row.metadata["etag"]
    return etag

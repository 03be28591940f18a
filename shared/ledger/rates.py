"""Sales tax rates as TaxJar answered last, by place: a cache that all instances share, in Table Storage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger import wide
from shared.table_keys import encode


@dataclass(frozen=True, slots=True)
class KnownRate:
    """A rate in TaxJar's form, and when TaxJar answered it."""

    rate: Mapping[str, Any]
    read_at: datetime


class RateCache:
    """One row per TaxJar account and place; a rate that is read anew replaces the one before."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    async def get(self, account: str, place: Mapping[str, str]) -> KnownRate | None:
        """The rate of ``place``, however old."""
        try:
            row = await self._table.get_entity(_partition(account), _row(place))
        except ResourceNotFoundError:
            return None
        return KnownRate(json.loads(wide.unpack("rate", row)), datetime.fromisoformat(row["read_at"]))

    async def put(self, account: str, place: Mapping[str, str], rate: Mapping[str, Any]) -> KnownRate:
        """Keep ``rate``, read just now."""
        known = KnownRate(rate, self._clock())
        await self._table.upsert_entity(
            {
                "PartitionKey": _partition(account),
                "RowKey": _row(place),
                "read_at": known.read_at.isoformat(),
                **wide.pack("rate", json.dumps(rate, ensure_ascii=False)),
            },
            mode=UpdateMode.REPLACE,
        )
        return known


def _partition(account: str) -> str:
    return f"rates|{encode(account)}"


def _row(place: Mapping[str, str]) -> str:
    """A place's texts may be long: their hash is the key."""
    return hashlib.sha256(json.dumps(place, sort_keys=True).casefold().encode()).hexdigest()

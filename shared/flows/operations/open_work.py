"""Open work in figures: by state and reason, with dollars and since when (design 3.1, 4.10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.connector import Connector
from shared.documents import ZERO
from shared.ledger.records import DocumentRecord
from shared.mapping import net_and_tax
from shared.money import plain
from shared.web import instant


@dataclass(slots=True)
class OpenWork:
    """Documents of one state and reason that are not done; dollars are signed as TaxJar keeps them."""

    state: str
    reason: str
    count: int = 0
    amount: Decimal = ZERO
    sales_tax: Decimal = ZERO
    oldest: datetime | None = None
    """Since when the oldest is in this state."""

    def add(self, record: DocumentRecord) -> None:
        """Count one more; what is not mapped yet counts with the totals that F&O lists."""
        amount, sales_tax = record.filing.amount, record.filing.sales_tax
        if amount is None and not record.placeholder:
            amount, sales_tax = net_and_tax(record.total_amount, record.total_tax)
        since = record.since or record.updated_at
        self.count += 1
        self.amount += amount or ZERO
        self.sales_tax += sales_tax or ZERO
        self.oldest = min(self.oldest or since, since)

    def shown(self) -> dict[str, Any]:
        """As answers show it."""
        return {
            "state": self.state,
            "reason": self.reason or None,
            "count": self.count,
            "amount": plain(self.amount),
            "sales_tax": plain(self.sales_tax),
            "oldest": instant(self.oldest),
        }


@dataclass(frozen=True, slots=True)
class CompanyWork:
    """The open work of one company."""

    groups: tuple[OpenWork, ...]
    broken: tuple[str, ...] = ()
    """Ids in TaxJar of documents whose audit chain was found broken."""


async def open_work_of(connector: Connector, connection: str, company: str) -> CompanyWork:
    """Reads the index of open work alone: its cost does not grow with the history."""
    groups: dict[tuple[str, str], OpenWork] = {}
    broken: list[str] = []
    async for record in connector.ledger.open_work(connection, company):
        key = (record.state.value, record.reason)
        groups.setdefault(key, OpenWork(*key)).add(record)
        if record.chain_broken:
            broken.append(record.filing.transaction_id)
    return CompanyWork(tuple(_most_urgent_first(groups.values())), tuple(broken))


_URGENT = ("held", "failed", "retrying", "reporting", "seen")


def _most_urgent_first(groups: Iterable[OpenWork]) -> list[OpenWork]:
    return sorted(groups, key=lambda each: (_URGENT.index(each.state), -each.count, each.reason))

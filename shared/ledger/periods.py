"""Filing periods: what a state may have received is not changed without a person (design 4.6)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from azure.data.tables.aio import TableClient

from shared.ledger.keys import partition

PERIOD = "period"
"""Names the audited rows of filing periods, one per state."""


@dataclass(frozen=True, slots=True)
class FilingPeriods:
    """Which days are closed, by state: through ``filed_through``, and by the lock day of the following month.

    In a month that has no such day, its last one counts.
    """

    lock_day: int
    filed_through: Mapping[str, date]

    def is_closed(self, day: date, state: str, *, today: date) -> bool:
        """Whether a transaction dated ``day`` and shipped to ``state`` may be in a filed return as of ``today``."""
        filed = self.filed_through.get(state)
        return (filed is not None and day <= filed) or today >= self._locked_from(day)

    def locked_through(self, today: date) -> date:
        """The last day that the lock day alone closes, for all states."""
        first = today.replace(day=1)
        if today < self._lock_day_of(today):
            first = (first - timedelta(days=1)).replace(day=1)
        return first - timedelta(days=1)

    def _locked_from(self, day: date) -> date:
        return self._lock_day_of(day.replace(day=1) + timedelta(days=31))

    def _lock_day_of(self, month: date) -> date:
        return month.replace(day=min(self.lock_day, monthrange(month.year, month.month)[1]))


class PeriodLedger:
    """The filing periods that people closed, per company and state."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_company(self, connection: str, company: str, lock_day: int) -> FilingPeriods:
        """The periods of one company, all states."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey gt @first and RowKey lt @end",
            parameters={
                "partition": partition(connection, company),
                "first": f"{PERIOD}|",
                "end": f"{PERIOD}|~",
            },
        )
        filed = {row["state"]: date.fromisoformat(row["filed_through"]) async for row in rows}
        return FilingPeriods(lock_day, filed)

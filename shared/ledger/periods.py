"""The filing periods that people closed, in Table Storage."""

from __future__ import annotations

from datetime import date

from azure.data.tables.aio import TableClient

from shared.filing import FilingPeriods
from shared.ledger.entity_reads import read_rows
from shared.ledger.keys import partition
from shared.settings import CompanySettings

PERIOD = "period"
"""Names the audited rows of filing periods, one per state."""


class PeriodLedger:
    """The filing periods that people closed, per company and state."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_company(self, connection: str, company: str, settings: CompanySettings) -> FilingPeriods:
        """The periods of one company, all states."""
        own = partition(connection, company)
        rows = await read_rows(self._table, own, f"RowKey gt '{PERIOD}|' and RowKey lt '{PERIOD}|~'")
        filed = {row["state"]: date.fromisoformat(row["filed_through"]) for row in rows}
        return FilingPeriods(settings.filing_lock_day, filed, settings.filing_frequencies)

"""The unit of work: one company's documents, on behalf of one actor, with all that its steps have in common."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from shared.connector import Company, Connection, Connector
from shared.documents import PostedDocument
from shared.filing import FilingPeriods
from shared.ledger.audit import Actor
from shared.ledger.fences import Fence
from shared.mapping import needs_tax_categories
from shared.queues import DocumentQueue
from shared.settings import CompanySettings


@dataclass(slots=True)
class Run:
    """One queue message being worked on, for one company."""

    connector: Connector
    connection: Connection
    company: Company
    actor: Actor
    queue: DocumentQueue
    fence: Fence | None = None
    """Which account the ledger belongs to, once that was checked."""
    periods: FilingPeriods = field(default_factory=lambda: FilingPeriods(4, {}))
    tax_categories: frozenset[str] | None = None
    customers_in_taxjar: set[str] = field(default_factory=set)
    """Fingerprints of exempt customers that TaxJar is known to hold."""
    customer_troubles: dict[str, Exception] = field(default_factory=dict)
    """What kept an exempt customer out of TaxJar, by fingerprint: the message's other documents need not ask again."""

    async def prepare(self, documents: Collection[PostedDocument]) -> None:
        """Read what all ``documents`` of the message need. Raises what the calls raise."""
        self.periods = await self.connector.periods.of_company(
            self.connection.name, self.company.id, self.company.settings
        )
        if needs_tax_categories(documents, self.company.settings):
            self.tax_categories = await self.company.account.categories.codes()

    @property
    def name(self) -> str:
        """Connection and company, for logs."""
        return f"{self.connection.name} {self.company.id.upper()}"

    @property
    def today(self) -> date:
        """The company's day (``TIME_ZONE``)."""
        return today_of(self.connector, self.company.settings)


def today_of(connector: Connector, settings: CompanySettings) -> date:
    """The day that it is for a company now."""
    return connector.clock().astimezone(ZoneInfo(settings.time_zone)).date()


def mapping_settings(settings: CompanySettings, *, forced: bool) -> CompanySettings:
    """The settings that documents are mapped with; those asked for by force have no ``REPORT_FROM``."""
    return settings.model_copy(update={"report_from": date.min}) if forced else settings

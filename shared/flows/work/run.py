"""What the steps of reporting one queue message have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.connector import Company, Connection, Connector
from shared.documents import PostedDocument
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.periods import FilingPeriods
from shared.ledger.records import IN_FLIGHT, DocumentRecord, State
from shared.mapping import needs_tax_categories
from shared.queues import DocumentQueue
from shared.settings import CompanySettings

_CALL_AT_MOST = timedelta(seconds=60)
"""Longest call to TaxJar: a claim has to outlast it."""


@dataclass(slots=True)
class Run:
    """One queue message being worked on, for one company."""

    connector: Connector
    connection: Connection
    company: Company
    actor: Actor
    queue: DocumentQueue
    periods: FilingPeriods = field(default_factory=lambda: FilingPeriods(1, {}))
    tax_categories: frozenset[str] | None = None
    customers_in_taxjar: set[str] = field(default_factory=set)
    """Fingerprints of exempt customers that TaxJar is known to hold."""
    customer_troubles: dict[str, Exception] = field(default_factory=dict)
    """What kept an exempt customer out of TaxJar, by fingerprint: the message's other documents need not ask again."""

    async def prepare(self, documents: Collection[PostedDocument]) -> None:
        """Read what all ``documents`` of the message need. Raises what the calls raise."""
        self.periods = await self.connector.periods.of_company(
            self.connection.name, self.company.id, self.company.settings.filing_lock_day
        )
        if needs_tax_categories(documents, self.company.settings):
            self.tax_categories = await self.company.account.categories.codes()

    async def settle(
        self, record: DocumentRecord, state: State, entry: dict[str, Any] | None = None, **changes: Any
    ) -> DocumentRecord:
        """Write the record's new state with its audit entry; ``reason`` and ``message`` go to both."""
        reason, message = changes.setdefault("reason", ""), changes.setdefault("message", "")
        if state not in IN_FLIGHT:
            changes.setdefault("remap", False)
        audit = AuditEntry(
            at=self.connector.clock(),
            actor=self.actor,
            subject=str(record.key),
            decision=state,
            reason=reason,
            message=message,
            attempt=record.attempts,
            **(entry or {}),
        )
        return await self.connector.ledger.settle(record, audit, state=state, **changes)

    @asynccontextmanager
    async def turn(self, claim: DocumentRecord) -> AsyncIterator[DocumentRecord]:
        """A turn to call TaxJar, and the claim, renewed if it could run out during the call.

        Raises ``ClaimLost`` when it already has and another worker took over.
        """
        ledger = self.connector.ledger
        async with self.company.account.turns:
            if ledger.lease_left(claim) < min(_CALL_AT_MOST, ledger.lease / 2):
                claim = await ledger.renew(claim)
            yield claim


def mapping_settings(settings: CompanySettings, *, forced: bool) -> CompanySettings:
    """The settings that documents are mapped with; those asked for by force have no ``REPORT_FROM``."""
    return settings.model_copy(update={"report_from": date.min}) if forced else settings

"""The object graph that the flows work with: connections, their companies, and the stores that all share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from shared.dynamics.checks import EnvironmentChecks
from shared.dynamics.reader import DynamicsReader
from shared.ledger.activity import Activity
from shared.ledger.backfills import BackfillLedger
from shared.ledger.customers import CustomerLedger
from shared.ledger.documents import DocumentLedger
from shared.ledger.fences import Fence, FenceLedger
from shared.ledger.last_runs import LastRuns
from shared.ledger.nexus import NexusLedger
from shared.ledger.periods import PeriodLedger
from shared.ledger.rates import RateCache
from shared.ledger.read_without import ReadWithout
from shared.ledger.reconciliations import ReconciliationLedger
from shared.ledger.seals import Seals
from shared.ledger.subjects import SubjectLedger
from shared.ledger.work_index import WorkIndex
from shared.queues import DocumentQueue
from shared.remote.gate import Gate
from shared.remote.webhook import Webhook
from shared.settings import CompanySettings, ConnectionSettings
from shared.storage import Storage
from shared.taxjar.categories import TaxCategories
from shared.taxjar.client import TaxJarClient
from shared.taxjar.listing import Listing

CALLS_AT_ONCE = 12
"""Transactions that one instance has with a TaxJar account at the same time.

Enough for ``MAX_CALLS_PER_MINUTE`` at its default as long as a call takes less than a quarter of a second; more of them
make each slower (see docs/performance.md).
"""


class NotFound(LookupError):
    """There is no such connection, company or document; ``hint`` is a sentence on what there is instead."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class TaxJarAccount:
    """One TaxJar account; several companies may report to it."""

    client: TaxJarClient
    unguarded: TaxJarClient
    """The same account whatever its gate says: for probes and pings."""
    gate: Gate
    """Closed while the account is paused."""
    categories: TaxCategories
    listing: Listing
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))
    """Whose holder may send a transaction."""


@dataclass(frozen=True, slots=True)
class Company:
    """One F&O legal entity and the TaxJar account that it reports to."""

    id: str
    settings: CompanySettings
    account: TaxJarAccount


@dataclass(frozen=True, slots=True)
class Connection:
    """One F&O environment."""

    name: str
    settings: ConnectionSettings
    reader: DynamicsReader
    checks: EnvironmentChecks
    """They call whatever the gate says; open it first."""
    gate: Gate
    """Closed while the environment is paused."""
    companies: Mapping[str, Company]
    account: TaxJarAccount | None
    """The account of the connection's own token, if it has one."""

    def company(self, company: str) -> Company:
        """The company with this id. Raises :class:`NotFound`."""
        try:
            return self.companies[company]
        except KeyError:
            hint = f"It has {', '.join(self.companies)}."
            raise NotFound(f"connection {self.name!r} has no company {company!r}", hint) from None


@dataclass(frozen=True, slots=True)
class Connector:
    """Everything a flow needs."""

    connections: Mapping[str, Connection]
    ledger: DocumentLedger
    work: WorkIndex
    periods: PeriodLedger
    last_runs: LastRuns
    fences: FenceLedger
    subjects: SubjectLedger
    seals: Seals
    activity: Activity
    backfills: BackfillLedger
    reconciliations: ReconciliationLedger
    customers: CustomerLedger
    nexus: NexusLedger
    rates: RateCache
    read_without: ReadWithout
    documents_queue: DocumentQueue
    backfill_queue: DocumentQueue
    storage: Storage
    clock: Callable[[], datetime]
    random: Random
    fences_passed: dict[tuple[str, ...], tuple[datetime, Fence]]
    """Connection, company, host and token that this process has found to belong to the ledger, and when."""
    accounts_known: set[tuple[str, ...]]
    """Connection, company and account that this process has found to hold what is reported."""
    webhook: Webhook | None
    """Where the daily digest goes."""
    resources: AsyncExitStack
    """Open connections to storage and to the remote sides."""
    fence_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whose holder may look at a fence and write it."""

    async def aclose(self) -> None:
        """Close every connection; the graph cannot be used afterwards."""
        await self.resources.aclose()

    def connection(self, name: str) -> Connection:
        """The connection of this name. Raises :class:`NotFound`."""
        try:
            return self.connections[name]
        except KeyError:
            hint = f"Configured: {', '.join(self.connections)}."
            raise NotFound(f"there is no connection {name!r}", hint) from None

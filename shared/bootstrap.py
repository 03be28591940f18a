"""The one composition root: settings in, the whole object graph out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Any

import httpx
from azure.core.pipeline.transport import AsyncHttpTransport
from pydantic import SecretStr

from shared.connector import Company, Connection, Connector, TaxJarAccount
from shared.dynamics import errors as dynamics
from shared.dynamics.auth import TokenSource
from shared.dynamics.checks import EnvironmentChecks
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.odata import ODataClient
from shared.dynamics.reader import DynamicsReader
from shared.ledger.backfills import BackfillLedger
from shared.ledger.customers import CustomerLedger
from shared.ledger.documents import DocumentLedger
from shared.ledger.keys import LEDGER_TABLE
from shared.ledger.nexus import NexusLedger
from shared.ledger.pauses import Gate, Pauses
from shared.ledger.periods import PeriodLedger
from shared.ledger.rates import RateCache
from shared.ledger.subjects import SubjectLedger
from shared.ledger.watermarks import Watermarks
from shared.mapping import is_complete
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, StorageDocumentQueue
from shared.redaction import RedactingFilter, Redactor
from shared.settings import ConnectionSettings, Settings, TaxJarSettings
from shared.storage import Storage, default_transport, storage_clients
from shared.taxjar import errors as taxjar
from shared.taxjar.categories import TaxCategories
from shared.taxjar.client import TaxJarClient, account_id

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


async def build_connector(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    random: Random | None = None,
    table: str = LEDGER_TABLE,
    remote_transport: httpx.AsyncBaseTransport | None = None,
    storage_transport: Callable[[], AsyncHttpTransport[Any, Any]] = default_transport,
    even_without_storage: bool = False,
) -> Connector:
    """Build everything, and create the table and queues that are missing. Contacts nothing but the storage account.

    ``even_without_storage`` leaves that to :meth:`Storage.prepare` and contacts nothing at all. The transports are
    the seams through which everything goes to F&O and TaxJar, and to each storage service.
    """
    random = random or SystemRandom()
    redactor = Redactor(_secrets(settings))
    keep_secrets_out_of_logs(redactor)
    tables, queues = storage_clients(settings.storage, storage_transport)
    storage = Storage(tables, queues, table)
    resources = AsyncExitStack()
    for client in (tables, queues):
        resources.push_async_callback(client.__aexit__, None, None, None)

    def http() -> httpx.AsyncClient:
        opened = httpx.AsyncClient(transport=remote_transport)
        resources.push_async_callback(opened.aclose)
        return opened

    if not even_without_storage:
        try:
            await storage.prepare()
        except BaseException:
            await resources.aclose()
            raise
    rows = tables.get_table_client(table)
    pauses = Pauses(rows, clock=clock, random=random)
    account = _accounts(pauses, http, clock)
    subjects = SubjectLedger(rows, redact=redactor.value)
    return Connector(
        connections={
            name: _connection(name, connection, account, pauses, http, clock)
            for name, connection in settings.connections.items()
        },
        ledger=DocumentLedger(
            rows, clock=clock, lease=timedelta(seconds=settings.claim_lease_seconds), redact=redactor.value
        ),
        periods=PeriodLedger(rows),
        watermarks=Watermarks(rows, clock=clock),
        subjects=subjects,
        backfills=BackfillLedger(rows, subjects),
        customers=CustomerLedger(subjects, clock=clock),
        nexus=NexusLedger(subjects),
        rates=RateCache(rows, clock=clock),
        documents_queue=StorageDocumentQueue(queues.get_queue_client(DOCUMENTS_QUEUE), clock=clock),
        backfill_queue=StorageDocumentQueue(queues.get_queue_client(BACKFILL_QUEUE), clock=clock),
        storage=storage,
        clock=clock,
        random=random,
        resources=resources,
    )


def keep_secrets_out_of_logs(redactor: Redactor) -> None:
    """Redact every record that the root logger's handlers write, and keep HTTP libraries from logging URLs."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, RedactingFilter) for known in handler.filters):
            handler.addFilter(RedactingFilter(redactor))
    for library in ("httpx", "httpcore", "azure"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It logs refusals of Entra ID in full; the connector says the same in a sentence of its own.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)


def _connection(
    name: str,
    settings: ConnectionSettings,
    account: Callable[[TaxJarSettings, SecretStr], TaxJarAccount],
    pauses: Pauses,
    http: Callable[[], httpx.AsyncClient],
    clock: Clock,
) -> Connection:
    async def probe(refused: str) -> None:
        await reader.probe(refused)

    gate = _gate(pauses, f"dynamics|{settings.dynamics.url}", clock, probe)
    tokens, client = TokenSource.of(settings.dynamics, clock), http()
    odata = ODataClient(client, settings.dynamics.url, tokens, clock, before_call=gate.check, on_answer=gate.answered)
    reader = DynamicsReader(odata, settings, clock, is_complete=is_complete)
    companies = {
        company: Company(company, settings.companies[company], account(settings.taxjar, settings.token_of(company)))
        for company in settings.companies
    }
    unguarded = ODataClient(client, settings.dynamics.url, tokens, clock)
    checks = EnvironmentChecks(name, unguarded, EntitySets(unguarded, settings.dynamics.entities, clock), clock)
    own = account(settings.taxjar, settings.taxjar.token) if settings.taxjar.token else None
    return Connection(name, settings, reader, checks, gate, companies, own)


def _accounts(
    pauses: Pauses, http: Callable[[], httpx.AsyncClient], clock: Clock
) -> Callable[[TaxJarSettings, SecretStr], TaxJarAccount]:
    """One client per TaxJar account, however many companies report to it: they share its rate limit and pauses."""
    known: dict[str, TaxJarAccount] = {}

    def account(settings: TaxJarSettings, token: SecretStr) -> TaxJarAccount:
        name = account_id(settings, token)
        if name not in known:
            own = http()
            unguarded = TaxJarClient(own, settings, token, clock=clock)
            gate = _gate(pauses, f"taxjar|{name}", clock, lambda _: unguarded.categories())
            client = TaxJarClient(own, settings, token, clock=clock, before_call=gate.check, on_answer=gate.answered)
            known[name] = TaxJarAccount(client, unguarded, gate, TaxCategories(client, clock))
        return known[name]

    return account


def _gate(pauses: Pauses, target: str, clock: Clock, call: Callable[[str], Awaitable[object]]) -> Gate:
    """The gate of ``target``; ``call`` asks for the part of it that was refused."""

    async def probe(refused: str) -> bool:
        try:
            await call(refused)
        except (dynamics.Throttled, taxjar.Throttled) as error:
            await pauses.throttle(target, error.retry_after)
            return False
        except (dynamics.DynamicsError, taxjar.TaxJarError):
            return False
        return True

    return Gate(pauses, target, clock=clock, probe=probe)


def _secrets(settings: Settings) -> Iterator[str]:
    if settings.notify_webhook_url:
        yield settings.notify_webhook_url.get_secret_value()
    if settings.storage.connection_string:
        yield settings.storage.connection_string.get_secret_value()
    for connection in settings.connections.values():
        candidates = [connection.dynamics.client_secret, connection.taxjar.token]
        candidates += [company.taxjar.token for company in connection.companies.values()]
        yield from (secret.get_secret_value() for secret in candidates if secret)

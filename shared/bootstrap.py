"""The one composition root: settings in, the whole object graph out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import httpx
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.data.tables.aio import TableClient
from azure.identity.aio import ManagedIdentityCredential
from pydantic import SecretStr

from shared import key_vault
from shared.connector import Company, Connection, Connector, TaxJarAccount
from shared.dynamics.auth import TokenSource
from shared.dynamics.checks import EnvironmentChecks
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.odata import TIME_LIMIT, ODataClient
from shared.dynamics.probe import EnvironmentProbe
from shared.dynamics.reader import DynamicsReader
from shared.ledger.activity import Activity
from shared.ledger.backfills import BackfillLedger
from shared.ledger.commits import GroupCommit
from shared.ledger.customers import CustomerLedger
from shared.ledger.documents import DocumentLedger
from shared.ledger.fences import FenceLedger
from shared.ledger.keys import LEDGER_TABLE
from shared.ledger.last_runs import LastRuns
from shared.ledger.nexus import NexusLedger
from shared.ledger.periods import PeriodLedger
from shared.ledger.rates import RateCache
from shared.ledger.read_without import ReadWithout
from shared.ledger.readable_sets import ReadableSets
from shared.ledger.reconciliations import ReconciliationLedger
from shared.ledger.root_store import BlobRootStore, RootStore
from shared.ledger.seals import Seals
from shared.ledger.subjects import SubjectLedger
from shared.ledger.work_index import WorkIndex
from shared.mapping import is_complete
from shared.proof.seals import Signer
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, StorageDocumentQueue
from shared.redaction import Redactor, keep_secrets_out_of_logs
from shared.remote import errors as remote
from shared.remote.budget import CallBudget
from shared.remote.gate import Gate
from shared.remote.http import transport_to
from shared.remote.pauses import Pauses
from shared.remote.transport import GuardedTransport
from shared.remote.webhook import webhook_to
from shared.settings import ConnectionSettings, Settings, TaxJarSettings
from shared.signing import KeyVaultSigner, LocalKeySigner
from shared.storage import Storage, audit_container, default_transport, storage_clients
from shared.taxjar.categories import TaxCategories
from shared.taxjar.client import DEADLINE, TaxJarClient, account_id
from shared.taxjar.listing import Listing
from shared.taxjar.responses import status_of

Clock = Callable[[], datetime]
OpenTransport = Callable[[str], httpx.AsyncBaseTransport]
"""Opens the way to a URL, to be closed with the connector."""

logger = logging.getLogger(__name__)


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
    signer = _signer(settings, resources, storage_transport)
    store = _root_store(settings, resources, storage_transport, table)

    def open_transport(url: str) -> httpx.AsyncBaseTransport:
        opened = remote_transport or transport_to(url)
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
    account = _accounts(pauses, rows, open_transport, clock)
    commits = GroupCommit(rows)
    subjects = SubjectLedger(rows, commits, redact=redactor.value)
    return Connector(
        connections={
            name: _connection(name, connection, account, pauses, rows, open_transport, clock)
            for name, connection in settings.connections.items()
        },
        ledger=DocumentLedger(
            rows, commits, clock=clock, lease=timedelta(seconds=settings.claim_lease_seconds), redact=redactor.value
        ),
        work=WorkIndex(rows, commits),
        periods=PeriodLedger(rows),
        last_runs=LastRuns(rows, commits, clock=clock),
        fences=FenceLedger(subjects),
        fences_passed={},
        accounts_known=set(),
        subjects=subjects,
        seals=Seals(rows, signer=signer, store=store),
        activity=Activity(rows, redact=redactor.value),
        backfills=BackfillLedger(rows, subjects),
        reconciliations=ReconciliationLedger(rows, subjects),
        customers=CustomerLedger(subjects, clock=clock),
        nexus=NexusLedger(subjects),
        rates=RateCache(rows, clock=clock),
        read_without=ReadWithout(rows),
        documents_queue=StorageDocumentQueue(queues.get_queue_client(DOCUMENTS_QUEUE), clock=clock),
        backfill_queue=StorageDocumentQueue(queues.get_queue_client(BACKFILL_QUEUE), clock=clock),
        storage=storage,
        clock=clock,
        random=random,
        webhook=webhook_to(settings.notify_webhook_url),
        resources=resources,
    )


def _signer(
    settings: Settings, resources: AsyncExitStack, transport: Callable[[], AsyncHttpTransport[Any, Any]]
) -> Signer | None:
    audit = settings.audit
    if audit.key_uri:
        credential = ManagedIdentityCredential(client_id=audit.client_id or settings.storage.client_id)
        resources.push_async_callback(credential.close)
        signer = KeyVaultSigner(audit.key_uri, credential, transport)
        resources.push_async_callback(signer.aclose)
        return signer
    return LocalKeySigner(Path(audit.key_file)) if audit.key_file else None


def _root_store(
    settings: Settings,
    resources: AsyncExitStack,
    transport: Callable[[], AsyncHttpTransport[Any, Any]],
    table: str,
) -> RootStore | None:
    """The seals of one ledger table lie in a folder of its name."""
    container, is_own = audit_container(settings.storage, settings.audit, transport)
    if container is None:
        return None
    resources.push_async_callback(container.close)
    return BlobRootStore(container, table, may_create=is_own)


def _connection(
    name: str,
    settings: ConnectionSettings,
    account: Callable[[TaxJarSettings, SecretStr, str], TaxJarAccount],
    pauses: Pauses,
    rows: TableClient,
    open_transport: OpenTransport,
    clock: Clock,
) -> Connection:
    url = settings.dynamics.url
    gate = _gate(pauses, f"dynamics|{url}", clock, lambda refused: probe.probe(refused))

    missing = key_vault.unresolved(name, settings)
    for sentence in missing.values():
        logger.error("%s %s", sentence, key_vault.REMEDY)
    without_token = key_vault.of_account(missing, name)
    tokens, transport = (
        TokenSource.of(settings.dynamics, clock, missing=key_vault.of_dynamics(missing)),
        open_transport(url),
    )

    def client(*, guarded: bool, once: bool = False) -> ODataClient:
        way = GuardedTransport(transport, "dynamics", clock=clock, deadline=TIME_LIMIT, gate=gate, guarded=guarded)
        return ODataClient(httpx.AsyncClient(transport=way), url, tokens, clock, once=once)

    def sets(reads: ODataClient) -> EntitySets:
        return EntitySets(reads, settings.dynamics.entities, clock)

    once, unguarded = client(guarded=False, once=True), client(guarded=False)
    probe = EnvironmentProbe(once, sets(once))
    companies = {
        company: Company(
            company,
            own,
            account(
                settings.taxjar,
                settings.token_of(company),
                key_vault.of_account(missing, name, company) if own.taxjar.token else without_token,
            ),
        )
        for company, own in settings.companies.items()
    }
    shared = account(settings.taxjar, settings.taxjar.token, without_token) if settings.taxjar.token else None
    return Connection(
        name,
        settings,
        reader=DynamicsReader(
            client(guarded=True),
            settings,
            clock,
            is_complete=is_complete,
            memory=ReadableSets(rows, name, settings.dynamics.url),
        ),
        checks=EnvironmentChecks(name, unguarded, sets(unguarded), clock),
        gate=gate,
        companies=companies,
        account=shared,
    )


def _accounts(
    pauses: Pauses, rows: TableClient, open_transport: OpenTransport, clock: Clock
) -> Callable[[TaxJarSettings, SecretStr, str], TaxJarAccount]:
    """One client per TaxJar account, however many companies report to it: they share its budget and pauses.

    The text says why the token cannot be sent, if it cannot.
    """
    known: dict[str, TaxJarAccount] = {}

    def account(settings: TaxJarSettings, token: SecretStr, missing: str) -> TaxJarAccount:
        name = account_id(settings, token)
        if name not in known:
            known[name] = open_account(f"taxjar|{name}", settings, token, missing)
        return known[name]

    def open_account(target: str, settings: TaxJarSettings, token: SecretStr, missing: str) -> TaxJarAccount:
        transport = open_transport(settings.api_url)
        budget = CallBudget(rows, target, settings.max_calls_per_minute, clock=clock)

        gate = _gate(pauses, target, clock, lambda refused: unguarded.probe(refused))

        def client(*, guarded: bool) -> TaxJarClient:
            way = GuardedTransport(
                transport,
                "taxjar",
                clock=clock,
                deadline=DEADLINE,
                gate=gate,
                guarded=guarded,
                budget=budget,
                status_of=status_of,
            )
            return TaxJarClient(way, settings, token, clock=clock, missing=missing)

        guarded, unguarded = client(guarded=True), client(guarded=False)
        return TaxJarAccount(guarded, unguarded, gate, TaxCategories(guarded, clock), Listing(guarded, clock))

    return account


def _gate(pauses: Pauses, target: str, clock: Clock, call: Callable[[str], Awaitable[object]]) -> Gate:
    """The gate of ``target``; ``call`` makes one call of the kind that was refused."""

    async def probe(refused: str) -> bool:
        try:
            await call(refused)
        except remote.RemoteError:
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

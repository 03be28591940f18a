"""The storage account behind the ledger and the queues: its clients, and what has to be there before they work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.request import getproxies

import aiohttp
from azure.core.exceptions import ResourceExistsError
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueServiceClient

from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, POISON_SUFFIX
from shared.settings import AuditSettings, StorageSettings

_CONNECT_WITHIN, _ANSWER_WITHIN = 5, 20
"""Seconds; the SDK tries three more times, and who waits for an answer over HTTP has a few minutes."""
_KEEP_CONNECTIONS = 4.0
"""Seconds that an idle connection to storage is kept; the emulator closes them after five."""


class Storage:
    """The table and the queues of one app."""

    def __init__(self, tables: TableServiceClient, queues: QueueServiceClient, table: str) -> None:
        self._tables = tables
        self._queues = queues
        self._table = table
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def prepare(self) -> None:
        """Create the table and queues that are missing; once that has gone well, it is never done again.

        Raises :class:`~azure.core.exceptions.AzureError` while the account cannot be used.
        """
        async with self._preparing:
            if not self._prepared:
                await self._create_missing()
                self._prepared = True

    async def _create_missing(self) -> None:
        await self._tables.create_table_if_not_exists(self._table)
        for name in (DOCUMENTS_QUEUE, BACKFILL_QUEUE):
            for queue in (name, name + POISON_SUFFIX):
                try:
                    await self._queues.create_queue(queue)
                except ResourceExistsError:
                    continue


def default_transport() -> AsyncHttpTransport[Any, Any]:
    """The SDK's own transport, on connections that are given up before the service may close them."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_CONNECTIONS)
    # Where the environment names no proxy, aiohttp would look for proxies and a .netrc at every request all the same.
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=bool(getproxies())
    )
    transport: AsyncHttpTransport[Any, Any] = AioHttpTransport(
        session=session, connection_timeout=_CONNECT_WITHIN, read_timeout=_ANSWER_WITHIN
    )
    return transport


def storage_clients(
    storage: StorageSettings, transport: Callable[[], AsyncHttpTransport[Any, Any]]
) -> tuple[TableServiceClient, QueueServiceClient]:
    """The clients of the account, each on a ``transport`` of its own."""
    if storage.connection_string:
        text = storage.connection_string.get_secret_value()
        return (
            TableServiceClient.from_connection_string(text, transport=transport()),
            QueueServiceClient.from_connection_string(text, transport=transport()),
        )
    credential = ManagedIdentityCredential(client_id=storage.client_id)
    return (
        TableServiceClient(endpoint=storage.table_service_uri or "", credential=credential, transport=transport()),
        QueueServiceClient(account_url=storage.queue_service_uri or "", credential=credential, transport=transport()),
    )


AUDIT_CONTAINER = "audit"
"""Holds the seals of the audit where the settings name no container."""


def audit_container(
    storage: StorageSettings, audit: AuditSettings, transport: Callable[[], AsyncHttpTransport[Any, Any]]
) -> tuple[ContainerClient | None, bool]:
    """The container for the audit's seals, if there is one, and whether it is the app's own to create."""
    if audit.container_uri:
        credential = ManagedIdentityCredential(client_id=audit.client_id or storage.client_id)
        return ContainerClient.from_container_url(
            audit.container_uri, credential=credential, transport=transport()
        ), False
    if storage.connection_string:
        text = storage.connection_string.get_secret_value()
        return ContainerClient.from_connection_string(text, AUDIT_CONTAINER, transport=transport()), True
    return None, False

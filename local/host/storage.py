"""The storage that the host reads: the connection named by a trigger, or an Azurite of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from pathlib import Path

from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import DefaultAzureCredential
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import STANDARD_PORTS, Azurite, connection_string
from local.host.errors import HostError

STORAGE = "AzureWebJobsStorage"
DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"


@contextlib.contextmanager
def development_storage(environment: MutableMapping[str, str], folder: Path) -> Iterator[None]:
    """Makes ``AzureWebJobsStorage`` usable where it is not set or means the development storage.

    The setting gets its full form, which the Python SDKs need. Azurite starts, with its data in ``folder``, only if
    nothing answers on the standard ports, and ends with the host. Any other value is left alone.
    """
    given = environment.get(STORAGE, "")
    identity = any(name.startswith(f"{STORAGE}__") for name in environment)
    if identity or given not in ("", DEVELOPMENT_STORAGE):
        yield
        return
    environment[STORAGE] = connection_string(STANDARD_PORTS)
    if _answers(STANDARD_PORTS.queue):
        print(f"Storage: what answers on 127.0.0.1:{STANDARD_PORTS.queue}.", flush=True)
        yield
        return
    folder.mkdir(exist_ok=True)
    print(f"Storage: starting Azurite with its data in {folder.name}.", flush=True)
    with Azurite(location=folder, ports=STANDARD_PORTS):
        yield


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.asynccontextmanager
async def queue_service(connection: str, environment: Mapping[str, str]) -> AsyncIterator[QueueServiceClient]:
    """A client for the queues of a connection: a connection string, or ``__queueServiceUri`` and an identity."""
    if uri := environment.get(f"{connection}__queueServiceUri"):
        async with DefaultAzureCredential() as credential, QueueServiceClient(uri, credential=credential) as service:
            yield service
    else:
        async with QueueServiceClient.from_connection_string(_connection_string(connection, environment)) as service:
            yield service


@contextlib.asynccontextmanager
async def table_service(environment: Mapping[str, str]) -> AsyncIterator[TableServiceClient]:
    """A client for the host's own tables, found like the queues."""
    if uri := environment.get(f"{STORAGE}__tableServiceUri"):
        async with DefaultAzureCredential() as credential, TableServiceClient(uri, credential=credential) as service:
            yield service
    else:
        async with TableServiceClient.from_connection_string(_connection_string(STORAGE, environment)) as service:
            yield service


def _connection_string(connection: str, environment: Mapping[str, str]) -> str:
    value = environment.get(connection)
    if not value:
        raise HostError(f"The setting {connection} must hold a storage connection string.")
    return value

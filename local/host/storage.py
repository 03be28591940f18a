"""The storage that the host reads: the connection named by a trigger, or an Azurite of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TypeVar

from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import STANDARD_PORTS, Azurite, connection_string
from local.host.app_settings import setting
from local.host.errors import HostError

STORAGE = "AzureWebJobsStorage"
DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"

_Client = TypeVar("_Client", QueueServiceClient, TableServiceClient)


@contextlib.contextmanager
def development_storage(environment: MutableMapping[str, str], folder: Path) -> Iterator[None]:
    """Makes ``AzureWebJobsStorage`` usable where it is not set or means the development storage.

    The setting gets its full form, which the Python SDKs need. Azurite starts, with its data in ``folder``, only if
    nothing answers on the standard ports, and ends with the host. Any other value is left alone.
    """
    name = next((given for given in environment if given.upper() == STORAGE.upper()), STORAGE)
    identity = any(given.upper().startswith(f"{STORAGE.upper()}__") for given in environment)
    if identity or environment.get(name, "") not in ("", DEVELOPMENT_STORAGE):
        yield
        return
    environment[name] = connection_string(STANDARD_PORTS)
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
    if uri := setting(f"{connection}__queueServiceUri", environment):
        async with _identity(connection, environment) as identity, QueueServiceClient(uri, identity) as service:
            yield service
    else:
        async with _by_connection_string(QueueServiceClient, connection, environment) as service:
            yield service


@contextlib.asynccontextmanager
async def table_service(environment: Mapping[str, str]) -> AsyncIterator[TableServiceClient]:
    """A client for the host's own tables, found like the queues."""
    if uri := setting(f"{STORAGE}__tableServiceUri", environment):
        async with (
            _identity(STORAGE, environment) as identity,
            TableServiceClient(uri, credential=identity) as service,
        ):
            yield service
    else:
        async with _by_connection_string(TableServiceClient, STORAGE, environment) as service:
            yield service


def _identity(connection: str, environment: Mapping[str, str]) -> ManagedIdentityCredential | DefaultAzureCredential:
    """The managed identity that ``__clientId`` names, else whoever is signed in on this machine."""
    if client_id := setting(f"{connection}__clientId", environment):
        return ManagedIdentityCredential(client_id=client_id)
    return DefaultAzureCredential()


def _by_connection_string(kind: type[_Client], connection: str, environment: Mapping[str, str]) -> _Client:
    try:
        return kind.from_connection_string(setting(connection, environment) or "")
    except ValueError:
        raise HostError(f"{connection}: must hold a storage connection string.") from None

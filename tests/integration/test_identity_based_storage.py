"""The storage account by identity, as in Azure: tokens of a managed identity instead of a key (design 3.2)."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ClientAuthenticationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.azurite import ACCOUNT_KEY, Azurite
from local.host.storage import queue_service, table_service
from local.simulation import CONNECTION, Simulation
from local.simulators.certificates import Certificates
from local.simulators.server import LoopbackServer
from shared.bootstrap import build_connector
from shared.documents import DocumentKey
from shared.settings import load_settings
from shared.settings_checks import SettingsError
from tests.world import COMPANY, NOW, TODAY, Clock

CLIENT_ID = "5b1c7f0a-2f51-4d86-9a3e-3f8a6d1f0c42"
HEADER = "identity-header"
AUDIENCE = "https://storage.azure.com"


@dataclass
class IdentityEndpoint:
    """The endpoint where an app on Azure gets tokens of its managed identity, and what it was asked."""

    audience: str = AUDIENCE
    asked: list[dict[str, str]] = field(default_factory=list)

    async def token(self, request: Request) -> JSONResponse:
        if request.headers.get("x-identity-header") != HEADER:
            return JSONResponse({"error": "wrong header"}, status_code=403)
        self.asked.append(dict(request.query_params))
        expires = int(time.time()) + 3600
        claims = {"aud": self.audience, "iss": "https://sts.windows.net/tenant/", "nbf": 1, "iat": 1, "exp": expires}
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        answer = {"access_token": f"{text}.c2ln", "expires_on": str(expires), "token_type": "Bearer"}
        return JSONResponse({**answer, "resource": AUDIENCE, "client_id": CLIENT_ID})


@pytest.fixture(scope="module")
def storage(certificates: Certificates) -> Iterator[Azurite]:
    with Azurite(tls=certificates.server) as azurite:
        yield azurite


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    endpoint = IdentityEndpoint()
    with LoopbackServer(Starlette(routes=[Route("/token", endpoint.token)])) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        yield endpoint


@pytest.fixture
def app_settings(monkeypatch: pytest.MonkeyPatch, storage: Azurite) -> None:
    """The storage settings under the names that the Functions host reads, too."""
    monkeypatch.delenv("AzureWebJobsStorage", raising=False)
    for service in ("blob", "queue", "table"):
        monkeypatch.setenv(f"AzureWebJobsStorage__{service}ServiceUri", storage.service_uri(service))
    monkeypatch.setenv("AzureWebJobsStorage__credential", "managedidentity")
    monkeypatch.setenv("AzureWebJobsStorage__clientId", CLIENT_ID)


@pytest.fixture
def connections(certificates: Certificates) -> dict[str, Any]:
    return {CONNECTION: Simulation(certificates).settings({COMPANY: {"report_from": "2026-01-01"}})}


@pytest.mark.usefixtures("app_settings")
async def test_queues_and_tables_are_reached_with_tokens_of_the_identity(
    identity: IdentityEndpoint, connections: dict[str, Any]
) -> None:
    connector = await build_connector(
        load_settings(connections=connections), clock=Clock(), table=f"ledger{uuid4().hex}"
    )
    try:
        await connector.documents_queue.put(CONNECTION, [DocumentKey(COMPANY, TODAY, "INV-1", "V-1")])
        assert await connector.documents_queue.oldest_due() == NOW
        assert [record async for record in connector.ledger.listing(CONNECTION, COMPANY)] == []
    finally:
        await connector.aclose()
    assert {asked["client_id"] for asked in identity.asked} == {CLIENT_ID}
    assert {asked["resource"] for asked in identity.asked} == {AUDIENCE}


@pytest.mark.usefixtures("app_settings")
async def test_the_local_host_is_the_identity_that_the_settings_name(identity: IdentityEndpoint) -> None:
    async with queue_service("AzureWebJobsStorage", os.environ) as queues, table_service(os.environ) as tables:
        await queues.get_service_properties()
        await tables.get_service_properties()
    assert [asked["client_id"] for asked in identity.asked] == [CLIENT_ID, CLIENT_ID]


@pytest.mark.usefixtures("app_settings")
async def test_a_token_for_another_service_opens_nothing(
    identity: IdentityEndpoint, connections: dict[str, Any]
) -> None:
    identity.audience = "https://vault.azure.net"
    with pytest.raises(ClientAuthenticationError):
        await build_connector(load_settings(connections=connections), clock=Clock(), table=f"ledger{uuid4().hex}")


@pytest.mark.usefixtures("app_settings")
def test_the_settings_of_the_host_name_everything(connections: dict[str, Any], storage: Azurite) -> None:
    loaded = load_settings(connections=connections).storage
    assert (loaded.connection_string, loaded.client_id) == (None, CLIENT_ID)
    assert (loaded.queue_service_uri, loaded.table_service_uri) == (
        storage.service_uri("queue"),
        storage.service_uri("table"),
    )


@pytest.mark.usefixtures("app_settings")
def test_half_an_identity_based_connection_is_refused(
    connections: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AzureWebJobsStorage__tableServiceUri")
    with pytest.raises(SettingsError, match="__tableServiceUri"):
        load_settings(connections=connections)


@pytest.mark.usefixtures("identity")
async def test_a_connection_string_needs_no_identity(
    identity: IdentityEndpoint, azurite: str, connections: dict[str, Any]
) -> None:
    loaded = load_settings(azurewebjobsstorage=azurite, connections=connections)
    connector = await build_connector(loaded, clock=Clock(), table=f"ledger{uuid4().hex}")
    await connector.documents_queue.put(CONNECTION, [], delay=timedelta(0))
    await connector.aclose()
    assert identity.asked == []
    assert ACCOUNT_KEY not in repr(loaded)

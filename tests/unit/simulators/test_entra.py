from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from local.simulators.certificates import write_certificates
from local.simulators.entra import ASSERTION_TYPE, Claims, EntraSimulator
from local.simulators.server import LoopbackServer

TENANT = "11111111-aaaa-4aaa-8aaa-000000000001"
CLIENT = "22222222-bbbb-4bbb-8bbb-000000000002"
SECRET = "a secret + 50%"
AUDIENCE = "https://retail.operations.dynamics.test"
REQUEST = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "scope": f"{AUDIENCE}/.default",
}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 4, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def entra(clock: Clock) -> EntraSimulator:
    return EntraSimulator({TENANT: {CLIENT: SECRET}}, clock=clock, resources=[AUDIENCE])


@pytest.fixture
async def client(entra: EntraSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(entra.app), base_url="https://login.test") as session:
        yield session


async def ask(client: httpx.AsyncClient, form: dict[str, str], tenant: str = TENANT) -> httpx.Response:
    return await client.post(f"/{tenant}/oauth2/v2.0/token", data=form)


async def test_a_token_is_good_for_the_audience_it_was_asked_for(
    entra: EntraSimulator, client: httpx.AsyncClient
) -> None:
    answer = await ask(client, REQUEST)

    token = answer.json()["access_token"]
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    assert token.count(".") == 2
    assert entra.claims(token) == Claims(AUDIENCE, TENANT, CLIENT)
    assert entra.claims("another") is None


async def test_a_double_slash_in_the_scope_makes_a_token_for_another_audience(
    entra: EntraSimulator, client: httpx.AsyncClient
) -> None:
    answer = await ask(client, REQUEST | {"scope": f"{AUDIENCE}//.default"})

    token = answer.json()["access_token"]
    assert entra.claims(token) == Claims(f"{AUDIENCE}/", TENANT, CLIENT)


async def test_a_token_ends_with_its_lifetime(entra: EntraSimulator, client: httpx.AsyncClient, clock: Clock) -> None:
    token = (await ask(client, REQUEST)).json()["access_token"]

    clock.now += timedelta(seconds=3599)
    assert entra.claims(token)
    clock.now += timedelta(seconds=1)
    assert entra.claims(token) is None


async def test_revoked_tokens_are_worthless_and_a_new_one_differs(
    entra: EntraSimulator, client: httpx.AsyncClient
) -> None:
    old = (await ask(client, REQUEST)).json()["access_token"]
    entra.revoke_all()
    new = (await ask(client, REQUEST)).json()["access_token"]

    assert entra.claims(old) is None
    assert entra.claims(new)
    assert old != new


@pytest.mark.parametrize(
    ("change", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "someone"}, 400, "unauthorized_client", 700016),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": AUDIENCE}, 400, "invalid_scope", 1002012),
        ({"scope": f"{AUDIENCE}/.default {AUDIENCE}/.default"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://nowhere.test/.default"}, 400, "invalid_resource", 500011),
        ({"scope": f"{AUDIENCE}///.default"}, 400, "invalid_resource", 500011),
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_secret": None, "client_assertion": "a.b.c"}, 401, "invalid_client", 50027),
        (
            {"client_secret": None, "client_assertion": "abc", "client_assertion_type": ASSERTION_TYPE},
            401,
            "invalid_client",
            50027,
        ),
    ],
)
async def test_a_wrong_request_is_refused_with_the_number_of_its_mistake(
    client: httpx.AsyncClient, change: dict[str, str | None], status: int, error: str, number: int
) -> None:
    form = {name: value for name, value in (REQUEST | change).items() if value is not None}

    answer = await ask(client, form)

    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_codes"] == [number]
    assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")
    assert SECRET not in answer.text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_only_a_form_is_read(client: httpx.AsyncClient, kind: str) -> None:
    body = json.dumps(REQUEST) if kind == "application/json" else urlencode(REQUEST)
    answer = await client.post(f"/{TENANT}/oauth2/v2.0/token", content=body, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


async def test_an_unknown_tenant_is_refused(client: httpx.AsyncClient) -> None:
    token = await ask(client, REQUEST, tenant="common")
    description = await client.get("/common/v2.0/.well-known/openid-configuration")

    assert token.status_code == description.status_code == 400
    assert token.json()["error_codes"] == [90002]


async def test_a_signed_assertion_stands_in_for_the_secret(entra: EntraSimulator, client: httpx.AsyncClient) -> None:
    form = {name: value for name, value in REQUEST.items() if name != "client_secret"}
    answer = await ask(client, form | {"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE})

    assert entra.claims(answer.json()["access_token"])


async def test_the_description_names_the_token_endpoint_under_its_own_address(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/{TENANT}/v2.0/.well-known/openid-configuration")

    assert answer.json()["token_endpoint"] == f"https://login.test/{TENANT}/oauth2/v2.0/token"


ASK_WITH_THE_REAL_CREDENTIAL = """
import asyncio, sys
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential

async def main(authority, tenant, client, secret, scope):
    async with ClientSecretCredential(
        tenant, client, secret, authority=authority, disable_instance_discovery=True, retry_total=0
    ) as credential:
        try:
            print((await credential.get_token(scope)).token)
        except ClientAuthenticationError as error:
            print("refused", error.message)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("secret", [SECRET, "wrong"])
def test_the_real_credential_gets_its_token_over_tls(tmp_path: Path, clock: Clock, secret: str) -> None:
    entra = EntraSimulator({TENANT: {CLIENT: SECRET}}, clock=clock, resources=[AUDIENCE])
    certificates = write_certificates(tmp_path)
    with LoopbackServer(entra.app, tls=certificates.server) as server:
        arguments = [server.url, TENANT, CLIENT, secret, f"{AUDIENCE}/.default"]
        # aiohttp reads SSL_CERT_FILE when it is imported, hence a process of its own.
        run = subprocess.run(
            [sys.executable, "-c", ASK_WITH_THE_REAL_CREDENTIAL, *arguments],
            env={"SSL_CERT_FILE": str(certificates.authority)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    assert [call.status for call in entra.calls] == [200 if secret == SECRET else 401]
    if secret == SECRET:
        assert entra.claims(run.stdout.strip())
    else:
        assert "AADSTS7000215" in run.stdout

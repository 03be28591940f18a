from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest
from azure.core.rest._http_response_impl_async import AsyncHttpResponseImpl
from azure.core.utils import CaseInsensitiveDict

from shared.dynamics.auth import TokenSource, request_token
from shared.dynamics.errors import AccessDenied, Unavailable
from shared.settings import DynamicsSettings

SECRET = "s3cr3t-value"
REFUSED = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided. Trace ID: 0d1c Timestamp: 2026-03-18\r\nmore",
}


class EntraTransport(AsyncHttpTransport[Any, Any]):
    """Answers token requests at azure-core's transport seam."""

    def __init__(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self.requests: list[HttpRequest] = []
        self._status, self._headers = status, headers or {"Content-Type": "application/json"}
        self._body = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send(self, request: HttpRequest, **_: Any) -> Any:
        self.requests.append(request)
        return _answer(request, self._status, self._headers, self._body)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def _answer(request: HttpRequest, status: int, headers: dict[str, str], body: bytes) -> AsyncHttpResponseImpl:
    response = AsyncHttpResponseImpl(
        request=request,
        internal_response=None,
        block_size=None,
        status_code=status,
        reason="",
        content_type=headers["Content-Type"],
        headers=CaseInsensitiveDict(headers),
        stream_download_generator=None,
    )
    response._content = body
    response._is_closed = response._is_stream_consumed = True
    return response


def environment(**changes: Any) -> DynamicsSettings:
    values = {
        "url": "https://contoso.operations.dynamics.com/",
        "tenant_id": "tenant-1",
        "client_id": "client-1",
        "client_secret": SECRET,
        **changes,
    }
    return DynamicsSettings.model_validate(values)


def token_body(token: str = "abc") -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": 3599, "access_token": token}


async def test_the_scope_is_the_environment_with_a_single_slash() -> None:
    transport = EntraTransport(200, token_body())
    token = await request_token(environment(), transport)
    (request,) = transport.requests
    form = {name: values[0] for name, values in parse_qs(_form(request)).items()}
    assert token.token == "abc"
    assert request.url == "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token"
    assert form["scope"] == "https://contoso.operations.dynamics.com/.default"
    assert form["grant_type"] == "client_credentials"
    assert (form["client_id"], form["client_secret"]) == ("client-1", SECRET)


@pytest.mark.parametrize("host", ["https://localhost:8443", "https://localhost:8443/", "localhost:8443"])
async def test_an_authority_of_ones_own_is_asked_for_the_token_alone(host: str) -> None:
    transport = EntraTransport(200, token_body())
    await request_token(environment(authority_host=host, url="http://127.0.0.1:9000"), transport)
    assert [request.url for request in transport.requests] == ["https://localhost:8443/tenant-1/oauth2/v2.0/token"]
    assert "127.0.0.1%3A9000%2F.default" in _form(transport.requests[0])


async def test_every_request_reaches_entra_id_although_azure_identity_caches() -> None:
    transport = EntraTransport(200, token_body())
    for _ in range(2):
        await request_token(environment(), transport)
    assert len(transport.requests) == 2


async def test_a_refusal_gives_entra_ids_sentence_and_no_secret() -> None:
    with pytest.raises(AccessDenied) as caught:
        await request_token(environment(), EntraTransport(401, REFUSED))
    assert "AADSTS7000215: Invalid client secret provided." in str(caught.value)
    assert "Trace ID" not in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_refusal_that_ends_with_its_sentence_shows_no_quote_of_the_librarys() -> None:
    refused = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    with pytest.raises(AccessDenied, match=r"Invalid client secret provided\. Check tenant"):
        await request_token(environment(), EntraTransport(401, refused))


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("body", [{"error": "temporarily_unavailable"}, b"<html>busy</html>", b""])
async def test_trouble_at_entra_id_is_not_a_refusal(status: int, body: object) -> None:
    kind = "text/html" if isinstance(body, bytes) else "application/json"
    transport = EntraTransport(status, body, {"Content-Type": kind, "Retry-After": "60"})
    with pytest.raises(Unavailable, match="Entra ID"):
        await request_token(environment(), transport)
    assert len(transport.requests) == 1


async def test_an_answer_that_is_not_entra_ids_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="Entra ID"):
        await request_token(
            environment(), EntraTransport(200, b"<html>hotel login</html>", {"Content-Type": "text/html"})
        )


async def test_a_network_failure_is_unavailable() -> None:
    class Dead(EntraTransport):
        async def send(self, request: HttpRequest, **_: Any) -> Any:
            self.requests.append(request)
            raise ServiceRequestError("no route")

    transport = Dead(200, {})
    with pytest.raises(Unavailable, match="cannot be reached"):
        await request_token(environment(), transport)
    assert len(transport.requests) == 1


async def test_a_certificate_signs_an_assertion(tmp_path: Path, certificate_pem: bytes) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(certificate_pem)
    transport = EntraTransport(200, token_body())
    await request_token(environment(client_secret=None, certificate_path=str(path)), transport)
    assert "client_assertion=" in _form(transport.requests[0])


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_certificate_that_cannot_be_used_is_access_denied(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(content or b"")
    settings = environment(client_secret=None, certificate_path=str(path))
    if content is None:
        path.unlink()
    with pytest.raises(AccessDenied, match="certificate"):
        await request_token(settings, EntraTransport(200, {}))


async def test_a_managed_identity_token_is_the_assertion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "h")
    body = {**token_body("federated"), "expires_on": "4102444800", "resource": "api://AzureADTokenExchange"}
    transport = EntraTransport(200, body)
    await request_token(environment(client_secret=None, managed_identity_client_id="identity-1"), transport)
    identity, entra = transport.requests
    assert "api%3A%2F%2FAzureADTokenExchange" in identity.url or "api://AzureADTokenExchange" in identity.url
    assert "identity-1" in identity.url
    assert "client_assertion=federated" in _form(entra)


def _form(request: HttpRequest) -> str:
    return urlencode(request._data or {})


# What the token source adds: keeping, renewing, one request at a time.


class Issuer:
    def __init__(self, clock: Any) -> None:
        self.issued, self._clock = 0, clock

    async def __call__(self) -> AccessToken:
        self.issued += 1
        await asyncio.sleep(0)
        return AccessToken(f"token-{self.issued}", int((self._clock() + timedelta(hours=1)).timestamp()))


async def test_a_token_is_kept_until_five_minutes_before_it_expires(clock: Any) -> None:
    issuer = Issuer(clock)
    source = TokenSource(issuer, clock)
    assert await source.get() == "token-1"
    clock.advance(minutes=54, seconds=59)
    assert await source.get() == "token-1"
    clock.advance(seconds=1)
    assert await source.get() == "token-2"


async def test_callers_refused_at_once_share_one_new_token(clock: Any) -> None:
    issuer = Issuer(clock)
    source = TokenSource(issuer, clock)
    old = await source.get()
    renewed = await asyncio.gather(*(source.renew(old) for _ in range(8)))
    assert set(renewed) == {"token-2"}
    assert issuer.issued == 2


async def test_first_callers_share_one_request(clock: Any) -> None:
    issuer = Issuer(clock)
    source = TokenSource(issuer, clock)
    assert set(await asyncio.gather(*(source.get() for _ in range(8)))) == {"token-1"}


async def test_a_failed_renewal_does_not_bring_the_refused_token_back(clock: Any) -> None:
    tokens = [AccessToken("old", int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()))]

    async def request() -> AccessToken:
        if tokens:
            return tokens.pop()
        raise Unavailable("later")

    source = TokenSource(request, clock)
    await source.get()
    with pytest.raises(Unavailable):
        await source.renew("old")
    with pytest.raises(Unavailable):
        await source.get()

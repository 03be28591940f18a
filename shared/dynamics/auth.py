"""Sign-in to an F&O environment: client credentials against Microsoft Entra ID.

A token is kept until five minutes before it expires. F&O accepts only tokens whose audience is the environment's own
URL without a slash at its end.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.identity import CredentialUnavailableError
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)

from shared.dynamics.errors import AccessDenied, CredentialMissing, Unavailable
from shared.settings import DynamicsSettings

_RENEW_BEFORE_EXPIRY = timedelta(minutes=5)
_FEDERATED_SCOPE = "api://AzureADTokenExchange/.default"
_ENTRA_SENTENCE = re.compile(r"AADSTS\d+:.*?(?='? Trace ID|'?[\r\n]|'?$)")


class Tokens(Protocol):
    """Where bearer tokens come from."""

    async def get(self) -> str:
        """The current token."""

    async def renew(self, refused: str) -> str:
        """Another token than the one just refused."""


class BearerAuth(httpx.Auth):
    """Sends the current token; one that is refused (401) is renewed, and the request sent once more.

    ``once``: it is not.
    """

    def __init__(self, tokens: Tokens, *, once: bool = False) -> None:
        self._tokens = tokens
        self._once = once

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._tokens.get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and not self._once:
            request.headers["Authorization"] = f"Bearer {await self._tokens.renew(token)}"
            yield request


class TokenSource:
    """The environment's current token; asks for a new one when needed, one request at a time."""

    def __init__(self, request: Callable[[], Awaitable[AccessToken]], clock: Callable[[], datetime]) -> None:
        self._request = request
        self._clock = clock
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    @classmethod
    def of(cls, settings: DynamicsSettings, clock: Callable[[], datetime], *, missing: str = "") -> TokenSource:
        """The tokens of the environment in ``settings``; ``missing`` says why Entra ID cannot even be asked."""

        async def request() -> AccessToken:
            if missing:
                raise CredentialMissing(missing)
            return await request_token(settings)

        return cls(request, clock)

    async def get(self) -> str:
        """A token that is good for another five minutes.

        Raises :class:`AccessDenied` when Entra ID refuses the app, :class:`Unavailable` when it does not answer.
        """
        async with self._lock:
            if self._token is None or self._expires_soon(self._token):
                self._token = await self._request()
            return self._token.token

    async def renew(self, refused: str) -> str:
        """A token other than ``refused``, which F&O did not accept. Several callers refused at once share one."""
        async with self._lock:
            if self._token is None or self._token.token == refused:
                self._token = None
                self._token = await self._request()
            return self._token.token

    def _expires_soon(self, token: AccessToken) -> bool:
        return self._clock() >= datetime.fromtimestamp(token.expires_on, UTC) - _RENEW_BEFORE_EXPIRY


async def request_token(
    settings: DynamicsSettings, transport: AsyncHttpTransport[Any, Any] | None = None
) -> AccessToken:
    """Ask Entra ID for a token of the environment, with the secret, certificate or managed identity of ``settings``.

    Each request has a credential of its own: the cache inside azure-identity would return the very token that F&O
    has just refused. Waiting and trying again is the caller's business, so azure-identity does neither.
    """
    options: dict[str, Any] = {"retry_total": 0, "connection_timeout": 10, "read_timeout": 30}
    if transport is not None:
        options["transport"] = transport
    try:
        return await _with_credential(settings, options)
    except ClientAuthenticationError as error:
        if isinstance(error, CredentialUnavailableError) or _is_refusal(error.status_code):
            raise AccessDenied(_refusal(settings, error)) from None
        raise _no_answer(settings, error) from None
    except AzureError as error:
        raise _no_answer(settings, error) from None
    except OSError as error:
        raise AccessDenied(
            f"The certificate of client {settings.client_id} cannot be read: {error.strerror}."
        ) from None
    except (ValueError, TypeError, AttributeError, KeyError):
        # What azure-identity raises for a broken certificate, and for JSON that is no answer of Entra ID.
        if settings.certificate_path is not None:
            raise AccessDenied(f"The certificate of client {settings.client_id} cannot be used.") from None
        raise Unavailable(f"Entra ID ({settings.authority_host}) gave an unreadable answer.") from None


async def _with_credential(settings: DynamicsSettings, options: dict[str, Any]) -> AccessToken:
    scope = f"{settings.url.rstrip('/')}/.default"
    tenant, client = settings.tenant_id, settings.client_id
    host = settings.authority_host.rstrip("/")
    entra = {**options, "authority": host if "://" in host else f"https://{host}"}
    credential: ClientSecretCredential | CertificateCredential | ClientAssertionCredential
    if settings.client_secret is not None:
        credential = ClientSecretCredential(tenant, client, settings.client_secret.get_secret_value(), **entra)
    elif settings.certificate_path is not None:
        credential = CertificateCredential(tenant, client, settings.certificate_path, **entra)
    else:
        async with ManagedIdentityCredential(client_id=settings.managed_identity_client_id, **options) as identity:
            assertion = (await identity.get_token(_FEDERATED_SCOPE)).token
        credential = ClientAssertionCredential(tenant, client, lambda: assertion, **entra)
    async with credential:
        return await credential.get_token(scope)


def _is_refusal(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status not in (408, 429)


def _refusal(settings: DynamicsSettings, error: ClientAuthenticationError) -> str:
    sentence = _ENTRA_SENTENCE.search(error.message or "")
    words = sentence.group().strip() if sentence else "no reason given."
    if settings.client_secret is not None:  # a refusal may quote what it refuses
        words = words.replace(settings.client_secret.get_secret_value(), "***")
    return (
        f"Entra ID refuses client {settings.client_id} of tenant {settings.tenant_id}: {words}"
        " Check tenant, client and its credential."
    )


def _no_answer(settings: DynamicsSettings, error: AzureError) -> Unavailable:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status is None and isinstance(error, HttpResponseError):
        reason = "gave an unreadable answer"
    else:
        reason = f"answered with status {status}" if status else "cannot be reached"
    return Unavailable(f"Entra ID ({settings.authority_host}) {reason}.")

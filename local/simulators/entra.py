"""A simulated Microsoft Entra ID: access tokens for the client credentials flow, refused as the real one refuses.

It checks tenant, client, secret and scope; a certificate or a federated identity is taken at its word, because only
the shape of its signed assertion is looked at. Tokens look like JWTs; only ``EntraSimulator.claims`` can read them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from local.simulators.faults import Call, Faults

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE_SUFFIX = "/.default"
_IDS = UUID("5a0f1f52-3c52-4b5e-9d4f-6f2c6a1e9b10")


class Refused(Exception):
    """A token request that Entra ID answers with one of its numbered errors."""

    def __init__(self, number: int, error: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.number = number
        self.error = error
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: for which resource it is good, and whose it is."""

    audience: str
    tenant: str
    client: str


class EntraSimulator:
    """``tenants`` maps tenant id → client id → secret, and may be replaced as secrets are; a lifetime is in seconds.

    ``resources`` are the addresses of the environments that a token may be asked for, lower case and without a slash at
    the end; more may be added once they are known.
    """

    def __init__(
        self,
        tenants: Mapping[str, Mapping[str, str]],
        *,
        clock: Callable[[], datetime],
        resources: Iterable[str] = (),
        token_lifetime: int = 3600,
        random: Random | None = None,
    ) -> None:
        self.token_lifetime = token_lifetime
        self.tenants = tenants
        self.resources = set(resources)
        self._clock = clock
        self._grants: dict[str, tuple[Claims, datetime]] = {}
        self.issued: list[str] = []
        """Every token so far, whatever it is worth by now."""
        self._numbers = count(1)
        self.faults = Faults(random or Random(0), clock)
        self.app: ASGIApp = self.faults.wrap(
            Starlette(
                routes=[
                    Route("/{tenant}/oauth2/v2.0/token", self._issue_token, methods=["POST"]),
                    Route("/{tenant}/v2.0/.well-known/openid-configuration", self._describe, methods=["GET"]),
                ]
            )
        )

    @property
    def calls(self) -> list[Call]:
        """Every request so far, in order of arrival."""
        return self.faults.calls

    def claims(self, token: str) -> Claims | None:
        """What a token says, unless it was never issued, has expired or been revoked."""
        claims, expires = self._grants.get(token, (None, self._clock()))
        return claims if self._clock() < expires else None

    def revoke_all(self) -> None:
        """Make every token issued so far worthless."""
        self._grants.clear()

    async def _issue_token(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body() if kind == "application/x-www-form-urlencoded" else b""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        try:
            client, audience = self._checked(tenant, form)
        except Refused as refused:
            return self._refusal(refused)
        token = self._grant(tenant, client, audience)
        lifetime = self.token_lifetime
        answer = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _checked(self, tenant: str, form: Mapping[str, str]) -> tuple[str, str]:
        """The client and the audience of an acceptable request."""
        clients = self.tenants.get(tenant)
        if clients is None:
            raise Refused(90002, "invalid_request", f"Tenant '{tenant}' not found. Check the tenant ID.")
        for name in ("grant_type", "client_id", "scope"):
            if name not in form:
                message = f"The request body must contain the following parameter: '{name}'."
                raise Refused(900144, "invalid_request", message)
        if form["grant_type"] != "client_credentials":
            message = f"The app requested an unsupported grant type '{form['grant_type']}'."
            raise Refused(70003, "unsupported_grant_type", message)
        client = form["client_id"]
        if client not in clients:
            message = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
            raise Refused(700016, "unauthorized_client", message)
        self._authenticate(clients[client], form)
        if not form["scope"].endswith(_SCOPE_SUFFIX) or " " in form["scope"]:
            message = f"The provided value for scope {form['scope']} is not valid; it must end with {_SCOPE_SUFFIX}."
            raise Refused(1002012, "invalid_scope", message)
        audience = form["scope"].removesuffix(_SCOPE_SUFFIX)
        # A slash at the end is not looked at here; it goes into the token, and the environment refuses that.
        if audience.lower().removesuffix("/") not in self.resources:
            message = f"The resource principal named {audience} was not found in the tenant named {tenant}."
            raise Refused(500011, "invalid_resource", message)
        return client, audience

    @staticmethod
    def _authenticate(secret: str, form: Mapping[str, str]) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION_TYPE or form["client_assertion"].count(".") != 2:
                message = "Client assertion is not a well formed JWT token."
                raise Refused(50027, "invalid_client", message, HTTPStatus.UNAUTHORIZED)
        elif "client_secret" not in form:
            message = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise Refused(7000218, "invalid_client", message, HTTPStatus.UNAUTHORIZED)
        elif not hmac.compare_digest(form["client_secret"].encode(), secret.encode()):
            message = "Invalid client secret provided."
            raise Refused(7000215, "invalid_client", message, HTTPStatus.UNAUTHORIZED)

    def _grant(self, tenant: str, client: str, audience: str) -> str:
        now = self._clock()
        expires = now + timedelta(seconds=self.token_lifetime)
        number = next(self._numbers)
        claims = {
            "aud": audience,
            "tid": tenant,
            "appid": client,
            "oid": str(uuid5(_IDS, f"{tenant}/{client}")),
            "iat": int(now.timestamp()),
            "exp": int(expires.timestamp()),
            "uti": number,
        }
        unsigned = f"{_encoded({'typ': 'JWT', 'alg': 'RS256'})}.{_encoded(claims)}"
        signature = base64.urlsafe_b64encode(hashlib.sha256(unsigned.encode()).digest()).decode().rstrip("=")
        token = f"{unsigned}.{signature}"
        self._grants[token] = (Claims(audience, tenant, client), expires)
        self.issued.append(token)
        return token

    def _refusal(self, refused: Refused) -> Response:
        timestamp = self._clock().strftime("%Y-%m-%d %H:%M:%SZ")
        trace = str(uuid5(_IDS, f"trace {next(self._numbers)}"))
        description = f"AADSTS{refused.number}: {refused.message} Trace ID: {trace} Timestamp: {timestamp}"
        body = {
            "error": refused.error,
            "error_description": description,
            "error_codes": [refused.number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": trace,
        }
        return JSONResponse(body, refused.status)

    async def _describe(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        if tenant not in self.tenants:
            return self._refusal(Refused(90002, "invalid_tenant", f"Tenant '{tenant}' not found."))
        parts = urlsplit(str(request.url))
        base = f"{parts.scheme}://{parts.netloc}/{tenant}"
        return JSONResponse(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

"""Plays App Service Authentication for the people of ``LOCAL_PEOPLE`` (design 3.3).

As on the platform, no request from outside brings the headers of a signed-in person: they are always taken away, and
set again for whoever has a session. Without ``LOCAL_PEOPLE`` nobody can sign in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.host.app_settings import setting
from local.host.errors import HostError

PEOPLE, TENANT, SWITCH = "LOCAL_PEOPLE", "PEOPLE__TENANT_ID", "WEBSITE_AUTH_ENABLED"
LOCAL_TENANT = "00000000-0000-0000-0000-00000000cafe"
"""The tenant of the people of this machine where the settings name none."""
SESSION = "AppServiceAuthSession"
"""The platform's name of its cookie."""
HOME = "/api/console/"
_OF_THE_PLATFORM = (b"x-ms-client-principal", b"x-ms-token-")


class Person(BaseModel):
    """One who can sign in on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(min_length=1)]
    roles: tuple[str, ...] = ()


_PEOPLE = TypeAdapter(tuple[Person, ...])


def read_people(environment: Mapping[str, str]) -> tuple[Person, ...]:
    """Who can sign in. Raises :class:`HostError` where ``LOCAL_PEOPLE`` is not a list of people."""
    try:
        found = _PEOPLE.validate_json(setting(PEOPLE, environment) or "[]")
    except ValidationError:
        example = '[{"id": "1", "name": "Ann", "roles": ["approver"]}]'
        raise HostError(f"{PEOPLE}: is not a list of people as JSON; write it like {example}") from None
    if len({person.id for person in found}) != len(found):
        raise HostError(f"{PEOPLE}: two people have the same id.")
    return found


def switch_sign_in(environment: MutableMapping[str, str]) -> None:
    """Tell the app what the platform would: whether sign-in is on. Without a tenant of its own it gets that of here."""
    people = read_people(environment)
    for name in [name for name in environment if name.upper() == SWITCH]:
        del environment[name]
    environment[SWITCH] = "True" if people else "False"
    if people and not setting(TENANT, environment):
        environment[TENANT] = LOCAL_TENANT


class SignIn:
    """An ASGI app around the host's own ``app``: sessions, the ``/.auth`` pages, and the principal's headers."""

    def __init__(self, app: ASGIApp, environment: Mapping[str, str]) -> None:
        self._app = app
        self._people = {person.id: person for person in read_people(environment)}
        self._tenant = setting(TENANT, environment) or LOCAL_TENANT
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if self._people and request.url.path.startswith("/.auth/"):
            await self._answer(request)(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(_OF_THE_PLATFORM)]
        if person := self._signed_in(request):
            headers += self._principal(person)
        await self._app({**scope, "headers": headers}, receive, send)

    def _answer(self, request: Request) -> Response:
        match request.method, request.url.path.rstrip("/"):
            case "GET", "/.auth/login/local" | "/.auth/login/aad":
                return self._log_in(request)
            case "GET", "/.auth/me":
                return self._who(request)
            case "GET", "/.auth/logout":
                left = RedirectResponse(_own_path(request, "post_logout_redirect_uri", "/.auth/logout/complete"), 302)
                left.delete_cookie(SESSION, path="/")
                return left
            case "GET", "/.auth/logout/complete":
                return HTMLResponse("<!doctype html><title>Signed out</title><p>You have signed out.</p>")
        return JSONResponse({"error": {"code": "not_found", "message": "There is no such page."}}, 404)

    def _log_in(self, request: Request) -> Response:
        chosen, after = request.query_params.get("id"), _own_path(request, "post_login_redirect_uri", HOME)
        if chosen is None:
            return self._choice(after)
        if chosen not in self._people:
            message = f"{PEOPLE} has nobody with this id."
            return JSONResponse({"error": {"code": "sign_in", "message": message}}, 401)
        entered = RedirectResponse(after, 302)
        entered.set_cookie(SESSION, self._session(chosen), path="/", httponly=True, samesite="lax")
        return entered

    def _choice(self, after: str) -> Response:
        """A link for each person."""
        links = []
        for person in self._people.values():
            query = html.escape(urlencode({"id": person.id, "post_login_redirect_uri": after}))
            words = html.escape(f"{person.name} ({', '.join(person.roles) or 'no role'})")
            links.append(f'<li><a href="/.auth/login/local?{query}">{words}</a></li>')
        page = f"<!doctype html><title>Sign in</title><h1>Sign in as</h1><ul>{''.join(links)}</ul>"
        return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})

    def _who(self, request: Request) -> Response:
        person = self._signed_in(request)
        if person is None:
            return Response(status_code=401)
        claims = self._claims(person)
        return JSONResponse([{"provider_name": "aad", "user_id": person.name, "user_claims": claims}])

    def _session(self, person: str) -> str:
        """A cookie that only this process can have made."""
        named = base64.urlsafe_b64encode(person.encode()).decode()
        return f"{named}.{hmac.new(self._key, named.encode(), hashlib.sha256).hexdigest()}"

    def _signed_in(self, request: Request) -> Person | None:
        named, _, _ = request.cookies.get(SESSION, "").partition(".")
        try:
            person = base64.urlsafe_b64decode(named).decode()
        except ValueError:
            return None
        given = request.cookies.get(SESSION, "").encode()
        known = hmac.compare_digest(given, self._session(person).encode())
        return self._people.get(person) if known else None

    def _claims(self, person: Person) -> list[dict[str, str]]:
        claims = [("tid", self._tenant), ("oid", person.id), ("name", person.name)]
        claims += [("roles", role) for role in person.roles]
        return [{"typ": kind, "val": value} for kind, value in claims]

    def _principal(self, person: Person) -> list[tuple[bytes, bytes]]:
        """The headers that the platform sets for a signed-in person."""
        principal = {
            "auth_typ": "aad",
            "claims": self._claims(person),
            "name_typ": "name",
            "role_typ": "roles",
        }
        return [
            (b"x-ms-client-principal", base64.b64encode(json.dumps(principal).encode())),
            (b"x-ms-client-principal-id", quote(person.id).encode()),
            (b"x-ms-client-principal-name", quote(person.name, safe=" @").encode()),
            (b"x-ms-client-principal-idp", b"aad"),
        ]


def _own_path(request: Request, name: str, otherwise: str) -> str:
    """The path of this host that the query names as ``name``: nobody is sent to another site."""
    given: Any = request.query_params.get(name, "")
    own = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable()
    return str(given) if own else otherwise

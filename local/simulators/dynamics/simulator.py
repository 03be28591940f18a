"""A stateful Dynamics 365 Finance & Operations that answers OData reads as strictly as the real one.

It knows the entity sets that the connector may use, and refuses what F&O refuses: other sets and fields, a token for
another audience, from another tenant or of an application it does not list, ``in``, functions, writes. See ``posting``
for how documents get into it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from random import Random
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from local.simulators.dynamics.errors import BadQuery, Refused, no_resource
from local.simulators.dynamics.literals import literal_value, tokens
from local.simulators.dynamics.metadata import Entity
from local.simulators.dynamics.query import Query, parse_query, run_query, skip_token
from local.simulators.dynamics.rendering import collection, json_response, single
from local.simulators.dynamics.row_faults import RowFaults
from local.simulators.dynamics.store import ForbiddenSet, Store, UnknownSet
from local.simulators.dynamics.values import Row, Value
from local.simulators.entra import Claims
from local.simulators.faults import Call, Faults
from local.simulators.status_phrases import status_phrase

LOGIN_PAGE = "https://login.invalid/common/oauth2/authorize?response_mode=form_post"
"""Where a caller without a token is sent; a host that can never be reached."""
LONGEST_URL = 8192
"""Bytes of path and query that the web server in front accepts."""
_PATH = re.compile(r"(?P<set>\w+)(?:\((?P<key>.*)\))?(?P<count>/\$count)?", re.DOTALL | re.ASCII)


class DynamicsSimulator:
    """One environment.

    ``audience`` is the environment's address, lower case and without a slash at the end: a token must be made for
    exactly that; it may be set once the address is known. ``claims_of`` reads a bearer token, ``tenant`` is the one it
    must come from, and ``applications`` are the client ids that the environment lists under *Microsoft Entra
    applications*, which may be changed. ``default_company`` is that of the calling user: queries without
    ``cross-company=true`` see no other.
    """

    def __init__(
        self,
        audience: str,
        claims_of: Callable[[str], Claims | None],
        *,
        clock: Callable[[], datetime],
        default_company: str,
        tenant: str = "",
        applications: Iterable[str] = (),
        page_size: int = 10_000,
        random: Random | None = None,
    ) -> None:
        self.audience = audience
        self.tenant = tenant
        self.applications = set(applications)
        self.default_company = default_company.lower()
        self.page_size = page_size
        self.next_link_base = ""
        """Scheme and host of links to next pages, where these are to lead elsewhere."""
        self.clock = clock
        self.store = Store()
        self.faults = Faults(random or Random(0), clock, error=_error_body)
        self.row_faults = RowFaults()
        self.links_by_skip = False
        """Whether links to next pages hold ``$skip``, as some environments do, rather than ``$skiptoken``."""
        self._claims_of = claims_of
        self.app: ASGIApp = self.faults.wrap(
            Starlette(
                routes=[
                    Route("/data", self._service_document, methods=["GET"]),
                    Route("/data/{path:path}", self._read, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
                    Route("/{path:path}", _not_found),
                ]
            )
        )

    @property
    def calls(self) -> list[Call]:
        """Every request so far, in order of arrival."""
        return self.faults.calls

    def rows(self, set_name: str) -> list[Row]:
        """The stored rows of a set."""
        return self.store.rows(set_name)

    def add(self, set_name: str, row: Mapping[str, object]) -> Row:
        """Insert a row, see ``Store.add``."""
        with self.store.transaction:
            return self.store.add(set_name, row)

    def extend(self, set_name: str, name: str, type_name: str = "String") -> None:
        """Declare a custom field."""
        self.store.extend(set_name, name, type_name)

    def hide(self, set_name: str) -> None:
        """Answer 404 for a set."""
        self.store.hide(set_name)

    def forbid(self, set_name: str) -> None:
        """Answer 403 for a set."""
        self.store.forbid(set_name)

    def close_company(self, company: str) -> None:
        """Take a company out of the organizations that the calling user's role is assigned to: its rows vanish."""
        self.store.closed_companies.add(company.lower())

    async def _service_document(self, request: Request) -> Response:
        refusal = self._refuse_caller(request)
        if refusal is not None:
            return refusal
        sets = [{"name": name, "kind": "EntitySet", "url": name} for name in self.store.visible_sets()]
        return json_response({"@odata.context": f"{_base(request)}/data/$metadata", "value": sets})

    async def _read(self, request: Request) -> Response:
        refusal = self._refuse_caller(request)
        if refusal is not None:
            return refusal
        try:
            with self.store.transaction:
                return self._answer(request)
        except UnknownSet:
            return no_resource(unquote(str(request.url)))
        except ForbiddenSet as error:
            return Refused(HTTPStatus.FORBIDDEN, f"The user is not authorized to read {error}.").response()
        except Refused as error:
            return error.response()

    def _refuse_caller(self, request: Request) -> Response | None:
        if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LONGEST_URL:
            return Response("The request URL is too long.", HTTPStatus.REQUEST_URI_TOO_LONG)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return RedirectResponse(LOGIN_PAGE, HTTPStatus.FOUND)
        claims = self._claims_of(token)
        if claims is None or (claims.audience, claims.tenant) != (self.audience, self.tenant):
            return Response(status_code=HTTPStatus.UNAUTHORIZED)
        if claims.client not in self.applications:
            return Response(status_code=HTTPStatus.UNAUTHORIZED)
        return None

    def _answer(self, request: Request) -> Response:
        found = _PATH.fullmatch(request.path_params["path"])
        if found is None or (found["key"] and found["count"]):
            raise UnknownSet(request.url.path)
        entity = self.store.readable(found["set"])
        if request.method != "GET":
            raise Refused(HTTPStatus.FORBIDDEN, f"The user is not authorized to change {entity.set}.")
        options = parse_qsl(request.url.query, keep_blank_values=True)
        query = parse_query(options, entity, self.store.readable)
        if found["key"] is not None:
            return self._one(_base(request), entity, found["key"], query)
        page_of = partial(
            run_query,
            entity=entity,
            store=self.store,
            default_company=self.default_company,
            faults=self.row_faults,
        )
        if found["count"]:
            return PlainTextResponse(str(page_of(query, page_size=0).total))
        page = page_of(query, page_size=self.page_size)
        base = self.next_link_base or _base(request)
        next_link = None
        if page.next_offset is not None:
            link = _skip_link if self.links_by_skip else _next_link
            next_link = link(base, request, options, page.next_offset)
        return json_response(
            collection(_base(request), entity, page.rows, query, self.store, total=page.total, next_link=next_link)
        )

    def _one(self, base: str, entity: Entity, key: str, query: Query) -> Response:
        values = _key_values(entity, key)
        for row in self.store.matching(entity.set, values):
            if row.get("dataAreaId") in self.store.closed_companies or not self.row_faults.visible(entity, [row]):
                continue
            [row] = self.row_faults.rendered(entity, [row], query.select)
            if not entity.is_company_bound or query.cross_company or row["dataAreaId"] == self.default_company:
                return json_response(single(base, entity, row, query, self.store))
        raise Refused(HTTPStatus.NOT_FOUND, f"No row of {entity.set} has this key.")


async def _not_found(request: Request) -> Response:
    return no_resource(str(request.url))


def _error_body(status: int) -> object:
    return {"error": {"code": str(status), "message": f"The request was not completed ({status_phrase(status)})."}}


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _next_link(base: str, request: Request, options: list[tuple[str, str]], offset: int) -> str:
    kept = [(name, value) for name, value in options if name != "$skiptoken"]
    query = urlencode([*kept, ("$skiptoken", skip_token(offset))], safe="$,:'()", quote_via=quote)
    return f"{base}{request.url.path}?{query}"


def _skip_link(base: str, request: Request, options: list[tuple[str, str]], offset: int) -> str:
    """The rest of the query by ``$skip``; ``$top`` is what is left of it."""
    given = dict(options)
    changed = {"$skip": str(int(given.get("$skip", 0)) + offset)}
    if "$top" in given:
        changed["$top"] = str(int(given["$top"]) - offset)
    kept = [(name, value) for name, value in options if name not in changed]
    query = urlencode([*kept, *changed.items()], safe="$,:'()", quote_via=quote)
    return f"{base}{request.url.path}?{query}"


def _key_values(entity: Entity, key: str) -> dict[str, Value]:
    """The values of a key in brackets: ``field=literal`` for each key field, or one bare literal for a key of one."""
    given: dict[str, Value] = {}
    for part in re.findall(r"(?:'(?:[^']|'')*'|[^,'])+", key):
        name, separator, literal = part.partition("=")
        if not separator or name.startswith("'"):
            name, literal = entity.keys[0], part
        found = list(tokens(literal))
        if name.strip() not in entity.keys or len(found) != 1:
            raise BadQuery(f"The key '{key}' does not fit {entity.set}.")
        given[name.strip()] = literal_value(found[0], entity.fields[name.strip()], "eq")
    if set(given) != set(entity.keys):
        raise BadQuery(
            f"The number of keys specified in the URI does not match number of key properties of {entity.set}."
        )
    return given

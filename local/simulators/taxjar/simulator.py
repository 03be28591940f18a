"""The simulated TaxJar: accounts behind tokens, routes, and what every request meets before its endpoint."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from local.simulators.faults import Call, Faults
from local.simulators.taxjar import customers, reference
from local.simulators.taxjar.errors import Refusal, error_body
from local.simulators.taxjar.records import Account, Kind
from local.simulators.taxjar.tables import CATEGORIES, Category
from local.simulators.taxjar.taxes import Taxes
from local.simulators.taxjar.transactions import Transactions, version_of

BASE_PATH = "/v2"
DEFAULT_NEXUS = ("CA", "FL", "IL", "NY", "TX", "WA")
_FIRST_USER_ID = 10001
_AUTHORIZATION = re.compile(r'(?:Bearer (?P<bearer>\S+)|Token token="(?P<token>[^"]+)")')

Handler = Callable[[Request, Account], Awaitable[Response]]


class TaxJarSimulator:
    """A stateful TaxJar; its API lies under ``/v2``.

    ``tokens`` maps each token to the name of its account; several may open one account. ``nexus`` are the state codes
    that accounts begin with. Tokens may be added to or taken from ``.tokens`` at any time.
    """

    def __init__(
        self,
        tokens: Mapping[str, str],
        *,
        clock: Callable[[], datetime],
        nexus: Sequence[str] = DEFAULT_NEXUS,
        categories: Mapping[str, Category] = CATEGORIES,
        random: Random | None = None,
    ) -> None:
        self.tokens = dict(tokens)
        self._random = random or Random(0)
        self.faults = Faults(self._random, clock, error=lambda status: error_body(status, "Something went wrong"))
        self._nexus = tuple(nexus)
        self._accounts: dict[str, Account] = {}
        self.app: ASGIApp = self.faults.wrap(self._application(categories), account=self._account_name)

    @property
    def calls(self) -> list[Call]:
        return self.faults.calls

    def account(self, name: str) -> Account:
        """The account of this name. Raises ``KeyError`` when no token opens it."""
        if name not in self.tokens.values() and name not in self._accounts:
            raise KeyError(name)
        return self._accounts.setdefault(name, Account(name, _FIRST_USER_ID + len(self._accounts), list(self._nexus)))

    def _application(self, categories: Mapping[str, Category]) -> Starlette:
        taxes, listing = Taxes(categories), reference.Categories(categories)
        routes = [
            *self._collection("/customers", customers.list_ids, customers.create),
            *self._member("/customers", customers.show, customers.update, customers.delete),
            self._route("GET", "/nexus/regions", reference.list_nexus_regions),
            self._route("GET", "/categories", listing.list_categories),
            self._route("GET", "/rates/{zip}", reference.show_rate),
            self._route("POST", "/taxes", taxes.calculate),
        ]
        kinds: tuple[Kind, ...] = ("order", "refund")
        for kind in kinds:
            path, verbs = f"/transactions/{kind}s", Transactions(kind, categories)
            routes += self._collection(path, verbs.list_ids, verbs.create)
            routes += self._member(path, verbs.show, verbs.update, verbs.delete)
        app = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted})
        app.router.redirect_slashes = False
        return app

    def _collection(self, path: str, list_ids: Handler, create: Handler) -> list[Route]:
        return [self._route("GET", path, list_ids), self._route("POST", path, create)]

    def _member(self, path: str, show: Handler, update: Handler, delete: Handler) -> list[Route]:
        verbs = (("GET", show), ("PUT", update), ("DELETE", delete))
        return [self._route(method, f"{path}/{{id}}", handler) for method, handler in verbs]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                answer = await handler(request, self._authenticated(request))
            except Refusal as refusal:
                answer = refusal.answer()
            if path.startswith("/transactions"):
                answer.headers["X-Api-Version"] = version_of(request)
                answer.headers["X-Request-Id"] = str(UUID(int=self._random.getrandbits(128), version=4))
            return answer

        return Route(BASE_PATH + path, endpoint, methods=[method])

    def _authenticated(self, request: Request) -> Account:
        name = self._account_name(request.scope)
        if name is None:
            raise Refusal(401, f"Not authorized for route '{request.method} {request.url.path}'")
        account = self.account(name)
        if not account.plan_active:
            raise Refusal(403, "Not authorized for resource")
        return account

    def _account_name(self, scope: Scope) -> str | None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        match = _AUTHORIZATION.fullmatch(header)
        return self.tokens.get(match["bearer"] or match["token"]) if match else None


async def _unrouted(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    route = f"'{request.method} {request.url.path}'"
    detail = f"No such route {route}" if status == 404 else f"Method not allowed for route {route}"
    return Refusal(status, detail).answer()

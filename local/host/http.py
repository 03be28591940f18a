"""HTTP triggers: routes, keys, and the host's own admin endpoints."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from azure.functions.meta import Datum
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local.host.functions import QUEUE, TIMER, HostedFunction, Invoker, converter
from local.host.keys import Keys
from local.host.queues import trigger_metadata
from local.host.routes import METHODS, endpoints, plain
from local.host.timers import timer_data
from local.host.work import Work

_OF_THE_PLATFORM = b"x-ms-"
"""How headers begin that only the platform sets."""

log = logging.getLogger("host")


def without_platform_headers(app: ASGIApp) -> ASGIApp:
    """``app`` behind a door that takes away what only the platform may set, such as who is signed in.

    What sets such headers belongs inside of it.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (name, value) for name, value in scope.get("headers", ()) if not name.lower().startswith(_OF_THE_PLATFORM)
        ]
        await app({**scope, "headers": headers}, receive, send)

    return served


class HttpTriggers:
    """The HTTP side of the host as an ASGI app, :attr:`app`."""

    def __init__(
        self,
        functions: Sequence[HostedFunction],
        invoker: Invoker,
        work: Work,
        *,
        route_prefix: str,
        keys: Keys,
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._endpoints = endpoints(functions)
        self._invoker = invoker
        self._work = work
        self._keys = keys
        prefix = f"/{route_prefix.strip('/')}".rstrip("/")
        self.app = Starlette(
            routes=[
                Route("/admin/functions", self._list_functions, methods=["GET"]),
                Route("/admin/functions/{name}", self._run_function, methods=["POST"]),
                Route("/admin/host/status", self._show_status, methods=["GET"]),
                Route(prefix + "{path:path}", self._call_function, methods=METHODS),
            ],
            exception_handlers={HTTPException: _no_such_route},
        )

    async def _call_function(self, request: Request) -> Response:
        # A wrong method is not a match, hence 404 and not 405, as in Azure.
        for endpoint in self._endpoints:
            match = endpoint.pattern.fullmatch(request.path_params["path"])
            if match and request.method in endpoint.methods:
                if not self._keys.open(endpoint.function.name, endpoint.auth_level, _key(request)):
                    return _KEY_NEEDED
                try:
                    result = await self._invoker.invoke(endpoint.function, await _http_datum(request, match))
                    return _response(result)
                except Exception:
                    # The invoker has logged it; details stay inside, as in Azure.
                    return _error(500, "internal_error", "The function failed; the log of the host has the details.")
        return _NO_FUNCTION

    async def _run_function(self, request: Request) -> Response:
        if not self._keys.is_master(_key(request)):
            return _MASTER_KEY_NEEDED
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return _error(404, "not_found", "There is no function of this name; GET /admin/functions lists them.")
        try:
            body = json.loads(await request.body() or b"{}")
            given = body.get("input") or ""
        except (ValueError, AttributeError):
            return _error(400, "bad_request", 'The body must be JSON such as {"input": ""}.')
        if function.kind == TIMER:
            self._work.spawn(self._run_quietly(function, timer_data()))
        elif function.kind == QUEUE:
            metadata = trigger_metadata(str(uuid.uuid4()), dequeue_count=1)
            self._work.spawn(self._run_quietly(function, Datum(str(given), "string"), metadata))
        else:
            return _error(400, "bad_request", "An HTTP function is run by its own URL.")
        return Response(status_code=202)

    async def _run_quietly(self, *arguments: Any) -> None:
        try:
            await self._invoker.invoke(*arguments)
        except Exception:
            log.debug("a run that was asked for by hand failed, see above")

    async def _list_functions(self, request: Request) -> Response:
        if not self._keys.is_master(_key(request)):
            return _MASTER_KEY_NEEDED
        listed = [
            {"name": function.name, "config": {"bindings": function.bindings}} for function in self._functions.values()
        ]
        return Response(json.dumps(listed, default=plain), media_type="application/json")

    async def _show_status(self, request: Request) -> Response:
        if not self._keys.is_master(_key(request)):
            return _MASTER_KEY_NEEDED
        return JSONResponse({"id": "local", "state": "Stopping" if self._work.stopping.is_set() else "Running"})


def _key(request: Request) -> str:
    return request.headers.get("x-functions-key") or request.query_params.get("code") or ""


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the form of the app's own, where the real host gives an empty body."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        message = f"{request.method} is not served here, only {(error.headers or {}).get('Allow')}."
        return _error(405, "method_not_allowed", message, error.headers)
    return _NO_FUNCTION


_KEY_NEEDED = _error(401, "unauthorized", "Send the function key in the header x-functions-key.")
_MASTER_KEY_NEEDED = _error(401, "unauthorized", "Send the master key in the header x-functions-key.")
_NO_FUNCTION = _error(404, "not_found", "No function answers this method at this path; check both.")


async def _http_datum(request: Request, match: re.Match[str]) -> Datum:
    query = {name: ",".join(request.query_params.getlist(name)) for name in request.query_params}
    route = {name: value for name, value in match.groupdict().items() if value is not None}
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": _strings(request.headers),
            "query": _strings(query),
            "params": _strings(route),
            "body": Datum(await request.body(), "bytes"),
        },
        "http",
    )


def _strings(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _response(result: Any) -> Response:
    if result is None:
        return Response(status_code=204)
    datum = converter("http").encode(result, expected_type=None)
    if datum.type == "string":
        return Response(datum.value, media_type="text/plain")
    headers = {name: header.value for name, header in datum.value["headers"].items()}
    response = Response(datum.value["body"].value, int(datum.value["status_code"].value), headers)
    for cookie in datum.value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response

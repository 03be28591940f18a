"""HTTP triggers: routes, keys, and the host's own admin endpoints."""

from __future__ import annotations

import hmac
import json
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.host.functions import HTTP, QUEUE, TIMER, HostedFunction, Invoker, converter
from local.host.queues import trigger_metadata
from local.host.timers import timer_data
from local.host.work import Work

PARAMETER = re.compile(r"\{(\*?)(\w+)(?::[^}?]+)?(\??)\}")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

log = logging.getLogger("host")


@dataclass(frozen=True)
class Endpoint:
    """One HTTP function with its compiled route."""

    function: HostedFunction
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]
    methods: frozenset[str]
    auth_level: str

    @classmethod
    def of(cls, function: HostedFunction) -> Endpoint:
        """Reads route, methods and auth level from the trigger."""
        pattern, precedence = compile_route(function.trigger["route"])
        methods = function.trigger.get("methods") or METHODS
        level = function.trigger.get("authLevel")
        return cls(function, pattern, precedence, frozenset(map(_plain, methods)), _plain(level or "FUNCTION"))


def compile_route(template: str) -> tuple[re.Pattern[str], tuple[int, ...]]:
    """A route template as a pattern for the path, and its rank: fixed segments go before parameters.

    ``{name}``, ``{name?}`` and ``{*name}`` are known; a constraint (``{name:int}``) is not checked.
    """
    pattern, precedence = "", []
    for segment in filter(None, template.split("/")):
        if match := PARAMETER.fullmatch(segment):
            everything, name, optional = match.groups()
            part = f"/(?P<{name}>{'.*' if everything else '[^/]+'})"
            pattern += f"(?:{part})?" if everything or optional else part
            precedence.append(2 if everything else 1)
        else:
            pattern += "/" + re.escape(segment)
            precedence.append(0)
    return re.compile(pattern + "/?", re.IGNORECASE), tuple(precedence)


class HttpTriggers:
    """The HTTP side of the host as an ASGI app, :attr:`app`."""

    def __init__(
        self, functions: Sequence[HostedFunction], invoker: Invoker, work: Work, *, route_prefix: str, key: str
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        endpoints = [Endpoint.of(function) for function in functions if function.kind == HTTP]
        self._endpoints = sorted(endpoints, key=lambda endpoint: endpoint.precedence)
        self._invoker = invoker
        self._work = work
        self._key = key.encode()
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
        # A wrong method is no match, hence 404 and not 405, as in Azure.
        for endpoint in self._endpoints:
            match = endpoint.pattern.fullmatch(request.path_params["path"])
            if match and request.method in endpoint.methods:
                if endpoint.auth_level != "ANONYMOUS" and not self._has_key(request):
                    return _KEY_NEEDED
                try:
                    result = await self._invoker.invoke(endpoint.function, await _http_datum(request, match))
                    return _response(result)
                except Exception:
                    # The invoker has logged it; details stay inside, as in Azure.
                    return _error(500, "internal_error", "The function failed; the log of the host has the details.")
        return _NO_FUNCTION

    async def _run_function(self, request: Request) -> Response:
        if not self._has_key(request):
            return _KEY_NEEDED
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
        if not self._has_key(request):
            return _KEY_NEEDED
        listed = [
            {"name": function.name, "config": {"bindings": function.bindings}} for function in self._functions.values()
        ]
        return Response(json.dumps(listed, default=_plain), media_type="application/json")

    async def _show_status(self, request: Request) -> Response:
        if not self._has_key(request):
            return _KEY_NEEDED
        return JSONResponse({"id": "local", "state": "Stopping" if self._work.stopping.is_set() else "Running"})

    def _has_key(self, request: Request) -> bool:
        given = request.headers.get("x-functions-key") or request.query_params.get("code") or ""
        return hmac.compare_digest(given.encode(), self._key)


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


def _plain(value: Any) -> str:
    """The SDK's enumerations (methods, levels, directions) as text."""
    return str(getattr(value, "name", value)).upper()

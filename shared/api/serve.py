"""How a request is served: by a machine with a function key, or by a person who signed in (design 4.9)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import BaseModel

from shared.api.route import AnyRoute, Anything, Call, Request
from shared.connector import Connector
from shared.people.caller import KEY_HOLDER, Caller, acting
from shared.people.door import Door, check_role
from shared.web import Answer, Problem, check_size, read_json, read_query


class Graph(Protocol):
    """Gives the object graph; its table and queues are there unless said otherwise."""

    def __call__(self, *, even_without_storage: bool = False) -> Awaitable[Connector]: ...


@dataclass(frozen=True, slots=True)
class Api:
    """Serves ``routes``; ``door`` is for people."""

    routes: Sequence[AnyRoute]
    door: Door
    graph: Graph

    async def serve(self, route: AnyRoute, request: Request) -> Answer:
        """The answer to whoever passed the host's own check of function keys. Raises what the handler does."""
        if route.decides and not self.door.settings.keys_may_decide:
            raise Problem(403, "forbidden", "Function keys may not decide here (PEOPLE__KEYS_MAY_DECIDE): sign in.")
        return await self._serve(route, request, KEY_HOLDER)

    async def serve_person(self, path: str, request: Request) -> Answer:
        """The answer to a person at ``path``, which is that of a route. Raises :class:`Problem` for anybody else."""
        check_size(request.body)
        caller = self.door.admit(request.method, request.url, request.headers, request.body)
        route, parameters = find_route(self.routes, request.method, path)
        needed = route.needed_role(request.method, parameters)
        if needed is None:
            raise Problem(403, "forbidden", f"{route.name} is for machines: it takes a function key and no person.")
        check_role(caller, needed)
        return await self._serve(route, replace(request, route=parameters), caller)

    async def _serve(self, route: AnyRoute, request: Request, caller: Caller) -> Answer:
        check_size(request.body)
        query = read_query(request.query, route.query)
        body = (
            Anything() if route.body is Anything else read_json(_signed(request.body, route.body, caller), route.body)
        )
        connector = await self.graph(even_without_storage=not route.needs_storage)
        with acting(caller):
            return await route.handle(Call(connector, request, query, body, caller, self.door.settings))


def find_route(routes: Sequence[AnyRoute], method: str, path: str) -> tuple[AnyRoute, dict[str, str]]:
    """The route for ``method`` at ``path`` (below ``/api/``) and its parameters: fixed segments go before parameters.

    Raises :class:`Problem` 404 when there is none.
    """
    found = [
        (len(parameters), route, parameters)
        for route in routes
        if method in route.methods and (parameters := route.match(path)) is not None
    ]
    if not found:
        raise Problem(404, "not_found", "No function answers this method at this path; check both.")
    _, route, parameters = min(found, key=lambda each: each[0])
    return route, parameters


def _signed(body: bytes, model: type[BaseModel], caller: Caller) -> bytes:
    """The body with the person who signed in as ``by``: nobody signs with another's name."""
    if not caller.is_person or "by" not in model.model_fields:
        return body
    try:
        content: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return body
    return json.dumps({**content, "by": caller.name}).encode() if isinstance(content, dict) else body

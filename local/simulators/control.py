"""The faults and calls of a simulator over HTTP, for a person who plays with it.

``PUT /_simulator/faults`` takes a JSON list of faults in place of those set before, ``GET`` lists them, ``DELETE``
clears them; ``GET /_simulator/calls`` lists the recorded calls, ``DELETE`` forgets them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from local.simulators.faults import Fault, Faults

CONTROL_PREFIX = "/_simulator/"


def control_app(faults: Faults, fault_type: type[Fault]) -> Starlette:
    """The control routes of ``faults``. They need no credentials: simulators listen on loopback only."""
    adapter = TypeAdapter(list[fault_type])  # type: ignore[valid-type]

    async def replace_faults(request: Request) -> Response:
        try:
            rules = adapter.validate_json(await request.body())
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"error": {"code": "bad_fault", "mistakes": mistakes}}, 400)
        faults.clear()
        faults.add(*rules)
        return await list_faults(request)

    async def list_faults(request: Request) -> Response:
        return JSONResponse([rule.model_dump(exclude_defaults=True) for rule in faults.rules])

    async def clear_faults(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def list_calls(request: Request) -> Response:
        return JSONResponse([{**dataclasses.asdict(call), "time": call.time.isoformat()} for call in faults.calls])

    async def forget_calls(request: Request) -> Response:
        faults.calls.clear()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route(CONTROL_PREFIX + "faults", replace_faults, methods=["PUT"]),
            Route(CONTROL_PREFIX + "faults", list_faults, methods=["GET"]),
            Route(CONTROL_PREFIX + "faults", clear_faults, methods=["DELETE"]),
            Route(CONTROL_PREFIX + "calls", list_calls, methods=["GET"]),
            Route(CONTROL_PREFIX + "calls", forget_calls, methods=["DELETE"]),
        ]
    )

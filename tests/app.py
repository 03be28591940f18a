"""The function app in process: HTTP functions called as the host would, on the object graph of a test's world."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
import uvicorn
from starlette.types import ASGIApp

from local.host.functions import functions_of
from local.host.host_json import HostJson
from local.host.keys import Keys
from local.host.people import switch_sign_in
from local.host.server import Host
from tests.world import COMPANY, World

KEY = "the-key"
FUNCTION_APP = Path(__file__).parent.parent / "function_app.py"


@dataclass
class App:
    """Calls functions by name."""

    functions: Mapping[str, Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]]

    async def call(
        self,
        name: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **route: str,
    ) -> tuple[int, Any]:
        """Status and JSON of the answer; connection and company are the world's unless ``route`` says otherwise."""
        request = func.HttpRequest(
            method="GET" if body is None else "POST",
            url=f"https://localhost/api/{name}",
            headers=headers or {},
            params=query or {},
            route_params={"connection": "main", "company": COMPANY, **route},
            body=body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
        )
        response = await self.functions[name](request)
        return response.status_code, json.loads(response.get_body())


@contextmanager
def running_app(world: World, azurite: str, **settings: str) -> Iterator[App]:
    """The app on the world's connector."""
    with _loaded(world, azurite, settings) as module:
        functions = {
            function.get_function_name(): function.get_user_function() for function in module.app.get_functions()
        }
        yield App(functions)


@contextmanager
def hosted_app(
    world: World, azurite: str, people: Sequence[Mapping[str, object]] = (), **settings: str
) -> Iterator[Host]:
    """The app on the world's connector in the local host, whose HTTP side is ``http``; ``people`` can sign in."""
    environment = {"LOCAL_PEOPLE": json.dumps(people), **settings}
    switch_sign_in(environment)
    with _loaded(world, azurite, environment) as module:
<<<<<<< HEAD
        yield Host(functions_of(module.app), HostJson(version="2.0"), environment, keys=Keys(KEY, KEY))
=======
        yield Host(functions_of(module.app), HostJson(version="2.0"), environment, keys=Keys.of(environment, KEY))
>>>>>>> core


@contextmanager
def _loaded(world: World, azurite: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """The module of the app, with ``settings`` in the environment."""
    companies = {COMPANY: {"report_from": "2026-01-01"}}
    with pytest.MonkeyPatch.context() as patch:
        given = {"AzureWebJobsStorage": azurite, **world.simulation.environment(companies), **settings}
        for name, value in given.items():
            patch.setenv(name, value)
        spec = importlib.util.spec_from_file_location("function_app_under_test", FUNCTION_APP)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        async def connector(*, even_without_storage: bool = False) -> Any:
            return world.connector

        module.connector = connector  # type: ignore[attr-defined]
        yield module


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """``app`` on a loopback port, in this event loop; yields its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # From now on whoever connects waits for the server, and is not refused.
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        # The server's own handlers would take the signals of the tests.
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await serving

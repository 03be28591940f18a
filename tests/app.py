"""The function app in process: HTTP functions called as the host would, on the object graph of a test's world."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from tests.world import COMPANY, World

FUNCTION_APP = Path(__file__).parent.parent / "function_app.py"


@dataclass
class App:
    """Calls functions by name."""

    functions: Mapping[str, Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]]

    async def call(
        self, name: str, body: object = None, *, query: Mapping[str, str] | None = None, **route: str
    ) -> tuple[int, Any]:
        """Status and JSON of the answer; connection and company are the world's unless ``route`` says otherwise."""
        request = func.HttpRequest(
            method="GET" if body is None else "POST",
            url=f"https://localhost/api/{name}",
            params=query or {},
            route_params={"connection": "main", "company": COMPANY, **route},
            body=body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
        )
        response = await self.functions[name](request)
        return response.status_code, json.loads(response.get_body())


@contextmanager
def running_app(world: World, azurite: str) -> Iterator[App]:
    """The app on the world's connector."""
    companies = {COMPANY: {"report_from": "2026-01-01"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AzureWebJobsStorage", azurite)
        for name, value in world.simulation.environment(companies).items():
            patch.setenv(name, value)
        spec = importlib.util.spec_from_file_location("function_app_under_test", FUNCTION_APP)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

    async def connector(*, even_without_storage: bool = False) -> Any:
        return world.connector

    module.connector = connector  # type: ignore[attr-defined]
    functions = {function.get_function_name(): function.get_user_function() for function in module.app.get_functions()}
    yield App(functions)

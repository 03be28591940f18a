"""Routes of functions: what they match, in which order they are asked, and that the app's own never meet."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from local.bootstrap import ROOT
from local.host.functions import HTTP, HostedFunction, functions_of
from local.host.routes import compile_route, endpoints, overlap


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("health", "/health", {}),
        ("health", "/Health/", {}),
        ("documents/{connection}/{company}", "/documents/main/usmf", {"connection": "main", "company": "usmf"}),
        ("rates/{zip:regex(^[0-9]+$)}", "/rates/01001-2", {"zip": "01001-2"}),
        ("jobs/{job?}", "/jobs", {"job": None}),
        ("jobs/{number:int?}", "/jobs/7", {"number": "7"}),
        ("files/{*path}", "/files/a/b", {"path": "a/b"}),
    ],
)
def test_a_template_reads_its_parameters_from_a_path(template: str, path: str, values: dict[str, str | None]) -> None:
    match = compile_route(template).fullmatch(path)
    assert match is not None
    assert match.groupdict() == values


@pytest.mark.parametrize(
    "path", ["/documents", "/documents/main", "/documents/main/seven", "/documents/main/7/more", "/documents//7"]
)
def test_another_shape_of_path_does_not_match(path: str) -> None:
    assert compile_route("documents/{connection}/{number:int}").fullmatch(path) is None


def http_function(name: str, route: str, methods: tuple[str, ...] = ("GET",)) -> HostedFunction:
    trigger: Mapping[str, Any] = {"type": HTTP, "route": route, "methods": methods}
    return HostedFunction(name, lambda: None, trigger, (trigger,))


def test_functions_are_asked_by_name_whatever_their_routes() -> None:
    routes = {"show": "items/{id}", "Retry": "items/retry", "list": "items"}
    found = endpoints(http_function(name, route) for name, route in routes.items())
    assert [endpoint.function.name for endpoint in found] == ["list", "Retry", "show"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("items/{id}", "items/retry"),
        ("items/{id}", "Items/{other}"),
        ("items/{id?}", "items"),
        ("items/{*path}", "items"),
        ("items/{*path}", "items/a/b/c"),
        ("{a}/b", "a/{b}"),
    ],
)
def test_templates_that_some_path_matches_both_overlap(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("items", "items/{id}"), ("items/{id}/retry", "items/{id}"), ("people/{*path}", "items/{id}"), ("a/b", "a/c")],
)
def test_templates_that_no_path_matches_both_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)


def test_no_two_routes_of_the_app_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Azure the one whose function comes first by name would answer for the other."""
    spec = importlib.util.spec_from_file_location("the_function_app", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "wrong_settings", [])
    found = endpoints(functions_of(module.app))
    assert len(found) > 10
    for one, other in itertools.combinations(found, 2):
        if one.methods & other.methods:
            names = (one.function.name, other.function.name)
            assert not overlap(one.function.trigger["route"], other.function.trigger["route"]), names

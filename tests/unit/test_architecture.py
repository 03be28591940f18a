"""Dependencies point one way (design 2.1): each package imports only what lies below it, and nothing in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LAYERS = (
    ("function_app",),
    ("shared.api",),
    ("shared.bootstrap", "shared.flows"),
    ("shared.connector",),
    ("shared.ledger", "shared.dynamics"),
    ("shared.filing",),
    ("shared.taxjar", "shared.mapping"),
    ("shared.remote", "shared.queues", "shared.storage", "shared.signing"),
)
"""From the top: a package may import what stands below it, and others of its line only where that makes no circle."""
PURE = ("shared.mapping", "shared.filing", "shared.documents", "shared.transactions", "shared.proof")
I_O = {"httpx", "aiohttp", "azure", "asyncio", "socket", "requests", "os"}
STRANGERS = (("shared.dynamics", "shared.taxjar"), ("shared.taxjar", "shared.dynamics"))


@cache
def modules() -> Mapping[str, Path]:
    """Module name → file, of the deployed code."""
    files = [ROOT / "function_app.py", *(ROOT / "shared").rglob("*.py")]
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in named.items()}


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports when it is loaded; imports for type checkers alone do not count."""
    return frozenset(_imports(ast.parse(modules()[name].read_text(encoding="utf-8")).body))


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                for alias in node.names:
                    whole = f"{module}.{alias.name}"
                    yield whole if whole in modules() else module
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.If() | ast.Try():
                yield from _imports(node.body)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def layer_of(name: str) -> int | None:
    return next((n for n, layer in enumerate(LAYERS) if any(within(name, package) for package in layer)), None)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_what_lies_below_it(name: str) -> None:
    own = layer_of(name)
    above = {
        found for found in imports(name) if own is not None and (other := layer_of(found)) is not None and other < own
    }
    assert not above


@pytest.mark.parametrize("name", sorted(name for name in modules() if any(within(name, pure) for pure in PURE)))
def test_what_decides_does_no_io(name: str) -> None:
    assert not {found.split(".")[0] for found in imports(name)} & I_O


@pytest.mark.parametrize(("package", "stranger"), STRANGERS)
def test_the_two_remote_sides_do_not_know_each_other(package: str, stranger: str) -> None:
    known = [(name, found) for name in modules() if within(name, package) for found in imports(name)]
    assert not [pair for pair in known if within(pair[1], stranger)]


def test_the_application_knows_neither_the_host_nor_local_runs_nor_the_command_line() -> None:
    outside = ("azure.functions", "local", "cli", "tests")
    found = [(name, one) for name in modules() if within(name, "shared") for one in imports(name)]
    assert not [pair for pair in found if any(within(pair[1], package) for package in outside)]


def test_no_module_imports_itself_through_others() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name in done:
            return
        for found in sorted(imports(name)):
            if found in modules() and found != name:
                visit(found, (*path, name))
        done.add(name)

    for name in sorted(modules()):
        visit(name, ())


def test_the_common_ground_of_the_flows_knows_no_capability() -> None:
    work = [name for name in modules() if within(name, "shared.flows.work")]
    rooms = {
        found
        for name in work
        for found in imports(name)
        if within(found, "shared.flows") and not within(found, "shared.flows.work") and found != "shared.flows"
    }
    assert not rooms


@pytest.mark.parametrize("room", ["finding", "reporting"])
def test_what_finds_and_reports_documents_knows_none_that_builds_on_it(room: str) -> None:
    above = {f"shared.flows.{name}" for name in ("backfill", "reconciliation", "review", "operations")}
    known = {found for name in modules() if within(name, f"shared.flows.{room}") for found in imports(name)}
    assert not {found for found in known for package in above if within(found, package)}

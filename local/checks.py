"""``python3 -m local test``: lint, types and tests, against one Azurite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from local.azurite import Azurite
from local.bootstrap import ROOT
from local.browser import VARIABLE as BROWSER_VARIABLE
from local.browser import NoBrowser, bring_browser

CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
}

COVERAGE_FLOOR = 97
"""Per cent of the product's lines and branches that all tests reach, without what runs in processes they start."""
_COVERAGE = ROOT / ".coverage.json"
ALL_TESTS = ["--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
"""How pytest runs all of them: three files at a time, because some wait; the slow ones of the first folder first."""
THOROUGH = "--thorough"
AZURITE_VARIABLE = "TEST_AZURITE_CONNECTION_STRING"
"""Where the tests find the storage emulator; without it they start their own."""


def main(arguments: list[str]) -> int:
    """Runs every check, also after a failed one, so that one run shows all.

    With arguments only pytest runs, and gets them, in one process; ``--thorough`` adds the long tests. Returns 0, or
    the exit code of the first failed check.
    """
    if not [argument for argument in arguments if argument != THOROUGH]:
        os.environ.update(_browser())
    thorough = ["-m", ""] if THOROUGH in arguments else []
    arguments = [argument for argument in arguments if argument != THOROUGH]
    with ExitStack() as stack:
        environment = {**os.environ, AZURITE_VARIABLE: stack.enter_context(Azurite()).connection_string}
        # What one process compiles, the others read.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if arguments:
            return stack.enter_context(_running(["pytest", *thorough, *arguments], environment)).wait()
        checks = {
            name: stack.enter_context(_running(command, environment, stdout=subprocess.PIPE))
            for name, command in CHECKS.items()
        }
        _COVERAGE.unlink(missing_ok=True)
        measured = ["slipcover", "--dont-wrap-pytest", "--json", "--out", str(_COVERAGE), "-m", "pytest"]
        tests = stack.enter_context(_running([*measured, *thorough, *ALL_TESTS], environment))
        codes = [_outcome(name, *_end(process)) for name, process in checks.items()]
        codes += [tests.wait(), _outcome("coverage", *_coverage())]
    return next(filter(None, codes), 0)


def _browser() -> dict[str, str]:
    """Where the browser is, as a variable. Without one its tests say why, and fail where ``CI`` is set."""
    try:
        return {BROWSER_VARIABLE: str(bring_browser())}
    except NoBrowser as missing:
        print(f"No browser for the tests of the page: {missing}", file=sys.stderr, flush=True)
        return {}


def _outcome(name: str, code: int, details: str) -> int:
    print(f"\n{details}{name}: {'passed' if code == 0 else 'FAILED'}", flush=True)
    return code


def _end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of a process and what it printed."""
    printed, _ = process.communicate()
    return process.returncode, printed


def _coverage() -> tuple[int, str]:
    """Whether the tests reached enough, as an exit code, and how much."""
    try:
        reached = json.loads(_COVERAGE.read_text(encoding="utf-8"))["summary"]["percent_covered"]
    except (OSError, ValueError):
        return 1, "The tests ended before the coverage was known.\n"
    return int(reached < COVERAGE_FLOOR), f"{reached:.2f} % of shared/ reached, {COVERAGE_FLOOR} asked for.\n"


@contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], *, stdout: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A module of this Python as a process; with ``stdout`` both its outputs go there."""
    errors = subprocess.STDOUT if stdout else None
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=stdout, stderr=errors, text=True
    )
    try:
        yield process
    finally:
        # After an interruption: time for the tests to end what they started.
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()

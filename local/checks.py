"""``python3 -m local test``: lint, types and tests, against one Azurite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

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
ALL_TESTS = [
    *("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder"),
    *("--cov=shared", "--cov-report=", f"--cov-fail-under={COVERAGE_FLOOR}"),
]
"""How pytest runs all of them: two files at a time, the slow ones of the first folder first."""
THOROUGH = "--thorough"
AZURITE_VARIABLE = "TEST_AZURITE_CONNECTION_STRING"
"""Where the tests find the storage emulator; without it they start their own."""


def main(arguments: list[str]) -> int:
    """Runs every check, also after a failed one, so that one run shows all; pytest's summary is the last line.

    With arguments only pytest runs, and gets them, in one process; ``--thorough`` adds the long tests. Returns 0, or
    the exit code of the first failed check.
    """
    if not [argument for argument in arguments if argument != THOROUGH]:
        os.environ.update(_browser())
    thorough = ["-m", ""] if THOROUGH in arguments else []
    arguments = [argument for argument in arguments if argument != THOROUGH]
    codes = [] if arguments else [_check(name, command) for name, command in CHECKS.items()]
    chosen = arguments or ALL_TESTS
    with Azurite() as azurite:
        environment = {**os.environ, AZURITE_VARIABLE: azurite.connection_string}
        codes.append(_run([sys.executable, "-m", "pytest", *thorough, *chosen], environment))
    return next(filter(None, codes), 0)


def _browser() -> dict[str, str]:
    """Where the browser is, as a variable. Without one its tests say why, and fail where ``CI`` is set."""
    try:
        return {BROWSER_VARIABLE: str(bring_browser())}
    except NoBrowser as missing:
        print(f"No browser for the tests of the page: {missing}", file=sys.stderr, flush=True)
        return {}


def _check(name: str, command: list[str]) -> int:
    code = _run([sys.executable, "-m", *command], os.environ)
    print(f"{name}: {'passed' if code == 0 else 'FAILED'}", flush=True)
    return code


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait()
    finally:
        # After an interruption: time for the tests to end what they started.
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()

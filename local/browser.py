"""A Chromium for the tests of the operator's page: the one that is installed, else one that can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "TEST_BROWSER"
"""Where the tests find the browser; without it they look for an installed one."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 600
"""Seconds for an installation."""


class NoBrowser(RuntimeError):
    """No browser can be had; the message says why."""


def find_browser() -> Path:
    """The browser that is there. Raises :class:`NoBrowser`."""
    if given := os.environ.get(VARIABLE):
        if Path(given).exists():
            return Path(given)
        raise NoBrowser(f"{VARIABLE} names {given}, which does not exist")
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    own = _playwrights_own()
    if own and own.exists():
        return own
    raise NoBrowser("no Chromium is installed; `python3 -m local test` brings one")


def bring_browser() -> Path:
    """The browser that is there, else Debian's, else Playwright's. Raises :class:`NoBrowser` when none can be had."""
    try:
        return find_browser()
    except NoBrowser as missing:
        if VARIABLE in os.environ:
            raise
        reasons = [str(missing)]
    for name, commands in _ways():
        print(f"Installing Chromium with {name} …", file=sys.stderr, flush=True)
        reason = _run(commands)
        try:
            if not reason:
                return find_browser()
        except NoBrowser as missing:
            reason = str(missing)
        reasons.append(f"{name}: {reason}")
    raise NoBrowser("; ".join(reasons))


def _ways() -> list[tuple[str, list[list[str]]]]:
    """What to try, in order. Debian's package needs root, and no download from elsewhere."""
    ways = []
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        ways.append(("apt-get", [["apt-get", "update"], install]))
    ways.append(("Playwright", [[sys.executable, "-m", "playwright", "install", "chromium"]]))
    return ways


def _run(commands: list[list[str]]) -> str:
    """Run one after the other; return why the first one failed, or nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            return said[-1] if said else f"exit code {done.returncode}"
    return ""


def _playwrights_own() -> Path | None:
    """Where Playwright keeps the Chromium that it downloaded."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)

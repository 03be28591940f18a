"""A real Chromium on the operator's page, and what it notices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from local.bootstrap import ROOT
from local.browser import NoBrowser, find_browser

ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
AXE = ROOT / "local" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LISTEN = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
GO = """
(fragment) => new Promise((resolve) => {
  if (location.hash === fragment) resolve();
  addEventListener('hashchange', () => resolve(), { once: true });
  location.hash = fragment;
})
"""


@dataclass
class Visit:
    """One person's browser window."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts, violations of the CSP, and what was written to the console."""
    requests: list[str] = field(default_factory=list)
    """Paths, in order."""

    def open(self, fragment: str = "") -> None:
        """Load the page anew at this fragment, and wait until it has all that it asks for."""
        self.page.goto(f"{self.url}/api/console/{fragment}")
        self.page.reload()
        self.settle()

    def go(self, fragment: str) -> None:
        """Go to another screen of the page that is open."""
        self.page.evaluate(GO, fragment)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is asked for any more."""
        self.page.wait_for_selector("main:not([aria-busy]):not(:has([aria-busy])) h1")

    def text(self) -> str:
        """What the screen says."""
        return self.page.inner_text("main")

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def buttons(self) -> list[str]:
        """The names of the buttons of the screen."""
        return [each.strip() for each in self.page.locator("main button").all_inner_texts()]

    def dialog(self, submit: str, **values: str | bool) -> None:
        """Fill the open dialog and send it."""
        dialog = self.page.locator("dialog")
        for name, value in values.items():
            box = dialog.locator(f"[name={name}]")
            box.set_checked(value) if isinstance(value, bool) else box.fill(value)
        dialog.get_by_role("button", name=submit, exact=True).click()

    def faults(self, rules: list[str] = RULES) -> list[dict[str, Any]]:
        """What axe finds on the screen as it is."""
        if not self.page.evaluate("() => typeof axe === 'object'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("(rules) => axe.run(document, { runOnly: rules })", rules)
        return [
            {"rule": each["id"], "where": [node["html"][:200] for node in each["nodes"][:3]], "help": each["help"]}
            for each in found["violations"]
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips with a reason where there is none, and fails where ``CI`` is set."""
    try:
        path = find_browser()
    except NoBrowser as missing:
        if os.environ.get("CI"):
            pytest.fail(f"The page is not tested: {missing}")
        pytest.skip(f"No browser: {missing}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(context: BrowserContext, url: str, person: str | None) -> Visit:
    """A window of ``person``, on the page's first screen; of nobody with ``None``."""
    page = context.new_page()
    page.add_init_script(LISTEN)
    visit = Visit(page, url)
    page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda request: visit.requests.append(urlsplit(request.url).path))
    if person:
        page.goto(f"{url}/.auth/login/local?id={person}")
        visit.settle()
    return visit

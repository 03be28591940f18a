"""The page in a browser, against answers that are made up; the same steps run against ``up`` elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.end_to_end.console.browsing import Visit, chromium, sign_in
from tests.end_to_end.console.fake_api import FakeApi, running

SignIn = Callable[..., Visit]


# Of a module, not of the session: Playwright's loop runs as long as it is open, and other tests have their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as running_browser:
        yield running_browser


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """The API behind the page."""
    with running(FakeApi()) as fake:
        yield fake


@pytest.fixture
def visit(browser: Browser, api: FakeApi) -> Iterator[SignIn]:
    """``visit("approver", …)`` opens the page as that person; more arguments are those of the browser's context."""
    contexts = []

    def opened(person: str | None, **options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        return sign_in(contexts[-1], api.url, person)

    yield opened
    for context in contexts:
        context.close()

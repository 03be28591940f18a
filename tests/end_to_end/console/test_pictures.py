"""The pictures in ``docs/console`` are of the page as it is: this test takes them."""

from __future__ import annotations

import pytest

from local.bootstrap import ROOT
from tests.end_to_end.console.answers import NOW
from tests.end_to_end.console.conftest import SignIn
from tests.end_to_end.console.fake_api import FakeApi

FOLDER = ROOT / "docs" / "console"
PICTURES = {
    "month": "#/month/main/usmf?month=2026-09",
    "document": "#/document/main/usmf/USMF-INV-1",
    "reconciliation": "#/reconciliation/main/usmf/r1",
}
LOOK = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "timezone_id": "America/New_York"}


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_in_the_documentation_are_of_this_page(visit: SignIn, api: FakeApi, name: str) -> None:
    api.plain = True
    approver = visit("approver", **LOOK)
    approver.page.clock.set_fixed_time(NOW)
    approver.open(PICTURES[name])
    picture = approver.page.screenshot()
    assert picture.startswith(b"\x89PNG")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(picture)

"""The browser of the tests is the one that is named, else one that is installed; without one it is said why."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.browser import VARIABLE, NoBrowser, bring_browser, find_browser


def test_the_browser_that_is_named_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "browser"
    named.touch()
    monkeypatch.setenv(VARIABLE, str(named))
    assert find_browser() == bring_browser() == named


def test_a_named_browser_that_is_not_there_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    for look in (find_browser, bring_browser):
        with pytest.raises(NoBrowser, match=f"{VARIABLE} names .*none, which does not exist"):
            look()


def test_an_installed_browser_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "chromium"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == installed

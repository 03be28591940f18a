from __future__ import annotations

import pytest

from shared.remote.http import transport_to

TAXJAR = "https://api.taxjar.com/v2"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def pool(url: str) -> str:
    return type(transport_to(url)._pool).__name__


def test_without_a_proxy_the_address_is_reached_directly() -> None:
    assert pool(TAXJAR) == "AsyncConnectionPool"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:3128")
    assert pool(TAXJAR) == "AsyncHTTPProxy"


def test_a_host_that_needs_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", "api.taxjar.com")
    assert pool(TAXJAR) == "AsyncConnectionPool"
    assert pool("https://contoso.operations.dynamics.com") == "AsyncHTTPProxy"

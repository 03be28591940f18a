"""Exempt customers, nexus, live tax and rates through a running host (design 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.simulation import TAXJAR_ACCOUNT
from local.stage import Host
from tests.end_to_end.installation import Installation, running_installation, wait_until

SALE: dict[str, Any] = {"to_country": "US", "to_state": "CA", "to_zip": "90002", "amount": 45.0, "shipping": 5}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Installation, Host]]:
    with running_installation() as installation, installation.host() as host:
        yield installation, host


def ask(host: Host, path: str, *, method: str = "GET", **request: Any) -> httpx.Response:
    return host.client.request(method, f"{host.url}/api{path}", headers={"x-functions-key": host.key}, **request)


def test_exempt_customers_are_synced_by_the_timer_function(running: tuple[Installation, Host]) -> None:
    installation, host = running
    customers = installation.simulation.taxjar.account(TAXJAR_ACCOUNT).customers
    host.run("sync_exempt_customers")
    wait_until(lambda: len(customers) == 4)
    assert {name: customer.exemption_type for name, customer in customers.items()} == {
        "USRT-C-2000": "government",
        "USRT-C-2001": "wholesale",
        "USRT-C-2002": "government",
        "USRT-C-2003": "other",
    }


def test_nexus_regions_are_404_before_the_first_pull_then_json_and_csv(running: tuple[Installation, Host]) -> None:
    _, host = running
    before = ask(host, "/nexus/main")
    assert before.status_code == 404
    assert "pull_nexus_regions" in before.json()["error"]["message"]
    assert ".." not in before.json()["error"]["message"]
    host.run("pull_nexus_regions")
    wait_until(lambda: ask(host, "/nexus/main").status_code == 200)
    shown = ask(host, "/nexus/main").json()
    assert shown["pulled_at"].endswith("Z")
    assert shown["regions"][0] == {
        "country_code": "US",
        "country": "United States",
        "region_code": "CA",
        "region": "California",
    }
    table = ask(host, "/nexus/main?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[:2] == ["country_code,country,region_code,region", "US,United States,CA,California"]
    assert ask(host, "/nexus/main?format=xml").status_code == 400
    assert ask(host, "/nexus/other").status_code == 404


def test_tax_is_calculated_and_a_wrong_sale_refused_by_field(running: tuple[Installation, Host]) -> None:
    _, host = running
    answer = ask(host, "/taxes/main?company=usrt", method="POST", json=SALE)
    assert (answer.status_code, answer.json()["tax"]["amount_to_collect"]) == (200, 4.39)
    refused = ask(host, "/taxes/main", method="POST", json={**SALE, "shipping": None})
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "shipping: is required")
    assert ask(host, "/taxes/main", method="POST", content=b"{").status_code == 400
    assert ask(host, "/taxes/main", method="POST", content=b" " * (256 * 1024 + 1)).status_code == 413
    assert ask(host, "/taxes/main?company=dat", method="POST", json=SALE).status_code == 404
    keyless = host.client.post(f"{host.url}/api/taxes/main", json=SALE)
    assert keyless.status_code == 401


def test_a_rate_is_looked_up_and_kept(running: tuple[Installation, Host]) -> None:
    installation, host = running
    first, second = (ask(host, "/rates/main/90002-1234?city=Los Angeles").json() for _ in range(2))
    assert first["rate"]["combined_rate"] == second["rate"]["combined_rate"] == "0.0975"
    assert (first["stale"], first["read_at"]) == (False, second["read_at"])
    assert sum("/rates/" in call.path for call in installation.simulation.taxjar.calls) == 1
    assert ask(host, "/rates/main/9000").status_code == 400

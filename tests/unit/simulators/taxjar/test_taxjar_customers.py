"""Exempt customers in the simulated TaxJar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.simulators.taxjar import Account

Build = Callable[..., dict[str, Any]]
STATE_ERROR = {"status": "406", "error": "Not Acceptable", "detail": ["state must be a two-letter ISO code."]}


async def test_a_customer_is_created_shown_listed_and_deleted(client: httpx.AsyncClient, customer: Build) -> None:
    created = await client.post("/customers", json=customer())
    assert (created.status_code, created.json()) == (201, {"customer": customer()})
    assert (await client.get("/customers/USMF-001")).json() == {"customer": customer()}
    assert (await client.get("/customers")).json() == {"customers": ["USMF-001"]}
    assert (await client.delete("/customers/USMF-001")).status_code == 200
    assert (await client.get("/customers/USMF-001")).status_code == 404


async def test_a_known_customer_cannot_be_created_again(client: httpx.AsyncClient, customer: Build) -> None:
    await client.post("/customers", json=customer())
    answer = await client.post("/customers", json=customer(name="Other"))
    assert (answer.status_code, answer.json()["status"]) == (422, 422)


async def test_an_update_keeps_what_is_not_given_and_a_null_clears(client: httpx.AsyncClient, customer: Build) -> None:
    await client.post("/customers", json=customer())
    change = {"customer_id": "USMF-001", "exemption_type": "non_exempt", "name": "Contoso", "zip": None}
    shown = (await client.put("/customers/USMF-001", json=change)).json()["customer"]
    assert shown == customer(exemption_type="non_exempt", name="Contoso", zip=None)


async def test_an_unknown_customer_is_not_found(client: httpx.AsyncClient, customer: Build) -> None:
    assert (await client.put("/customers/USMF-001", json=customer())).status_code == 404
    assert (await client.delete("/customers/USMF-001")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("name", ["customer_id", "exemption_type", "name"])
async def test_the_three_required_fields_are_needed_every_time(
    client: httpx.AsyncClient, customer: Build, method: str, name: str
) -> None:
    path = "/customers"
    if method == "PUT":
        await client.post(path, json=customer())
        path = "/customers/USMF-001"
    answer = await client.request(method, path, json=customer(**{name: ...}))
    assert (answer.status_code, answer.json()["detail"]) == (406, f"{name} is missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "California"},
        {"state": "XX"},
        {"state": "XX", "country": ...},
        {"state": ""},
        {"state": "ca"},
        {"state": "TX", "country": "CA"},
        {"state": "Kent", "country": "GB"},
        {"exempt_regions": [{"country": "US", "state": "Cal"}]},
        {"exempt_regions": [{"country": "US", "state": "CA"}, {"country": "US", "state": "ZZ"}]},
    ],
)
async def test_a_wrong_state_has_an_error_body_of_its_own_shape(
    client: httpx.AsyncClient, account: Account, customer: Build, changes: dict[str, Any]
) -> None:
    answer = await client.post("/customers", json=customer(**changes))
    assert (answer.status_code, answer.json()) == (406, STATE_ERROR)
    assert account.customers == {}


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (
            {"exemption_type": "marketplace"},
            "exemption_type must be one of: non_exempt, government, wholesale, other",
        ),
        ({"customer_id": "US/1"}, "customer_id is invalid"),
        ({"exempt_regions": [{"country": "US"}]}, "exempt_regions[0][state] is missing"),
        ({"exempt_regions": "CA"}, "exempt_regions is invalid"),
        ({"state": 6}, "state is invalid"),
        ({"country": "USA"}, ["country must be a two-letter ISO code."]),
        ({"country": "XX"}, ["country must be a two-letter ISO code."]),
        (
            {"exempt_regions": [{"country": "XX", "state": "CA"}]},
            ["exempt_regions[0][country] must be a two-letter ISO code."],
        ),
    ],
)
async def test_wrong_values_are_refused(
    client: httpx.AsyncClient, customer: Build, changes: dict[str, Any], detail: object
) -> None:
    answer = await client.post("/customers", json=customer(**changes))
    assert (answer.status_code, answer.json()["detail"]) == (406, detail)


@pytest.mark.parametrize(
    "changes", [{"state": "ON", "country": "CA"}, {"state": "DC"}, {"state": "AE"}, {"state": "KT", "country": "GB"}]
)
async def test_a_state_of_the_country_is_accepted(
    client: httpx.AsyncClient, customer: Build, changes: dict[str, Any]
) -> None:
    assert (await client.post("/customers", json=customer(**changes))).status_code == 201


async def test_an_update_is_checked_with_what_it_keeps(
    client: httpx.AsyncClient, account: Account, customer: Build
) -> None:
    await client.post("/customers", json=customer())
    answer = await client.put("/customers/USMF-001", json=customer(country="CA", state=...))
    assert (answer.status_code, answer.json()) == (406, STATE_ERROR)
    assert account.customers["USMF-001"].country == "US"


async def test_a_customer_of_transactions_cannot_be_deleted(
    client: httpx.AsyncClient, customer: Build, order: Build
) -> None:
    await client.post("/customers", json=customer())
    await client.post("/transactions/orders", json=order(customer_id="USMF-001"))
    assert (await client.delete("/customers/USMF-001")).status_code == 422


async def test_an_update_cannot_change_the_id(client: httpx.AsyncClient, customer: Build) -> None:
    await client.post("/customers", json=customer())
    assert (await client.put("/customers/USMF-001", json=customer(customer_id="USMF-002"))).status_code == 406

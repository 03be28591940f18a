"""Nexus, categories, rates and live tax in the simulated TaxJar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.simulators.taxjar import Account
from local.simulators.taxjar.tables import STATES, states_of_zip

Build = Callable[..., dict[str, Any]]
SALE: dict[str, Any] = {
    "to_country": "US",
    "to_state": "CA",
    "to_zip": "90002",
    "to_city": "Los Angeles",
    "amount": 45.00,
    "shipping": 5.00,
    "line_items": [{"id": "7", "quantity": 1, "unit_price": 45.00, "discount": 0}],
}


def sale(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (SALE | changes).items() if value is not ...}


async def tax_of(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/taxes", json=sale(**changes))
    assert answer.status_code == 200, answer.text
    tax: dict[str, Any] = answer.json()["tax"]
    return tax


async def test_nexus_regions_are_those_of_the_account(client: httpx.AsyncClient, account: Account) -> None:
    account.nexus[:] = ["DC"]
    region = {"country_code": "US", "country": "United States", "region_code": "DC", "region": "District of Columbia"}
    assert (await client.get("/nexus/regions")).json() == {"regions": [region]}


async def test_categories_hold_the_known_codes_and_not_the_withdrawn_one(client: httpx.AsyncClient) -> None:
    rows = (await client.get("/categories")).json()["categories"]
    codes = {row["product_tax_code"] for row in rows}
    assert len(rows) == len(codes) >= 40
    assert {"20010", "30070", "31000", "40030", "81100", "10040", "19000", "51010", "53121600A0000"} <= codes
    assert "99999" not in codes
    assert all(set(row) == {"name", "product_tax_code", "description"} for row in rows)


async def test_rates_are_strings(client: httpx.AsyncClient) -> None:
    rate = (await client.get("/rates/90002", params={"city": "Los Angeles"})).json()["rate"]
    assert (rate["state"], rate["state_rate"], rate["combined_rate"]) == ("CA", "0.0625", "0.0975")
    assert (rate["city"], rate["freight_taxable"]) == ("LOS ANGELES", False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("90002-1234", 200),
        ("9000", 400),
        ("99400?state=CA", 404),
        ("00100", 404),
        ("10118?state=CA", 404),
        ("K1A?country=CA", 404),
    ],
)
async def test_rates_of_unknown_places_are_not_found(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(f"/rates/{path}")).status_code == status


async def test_tax_is_calculated_per_level_and_line_in_numbers(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client)
    assert (tax["order_total_amount"], tax["taxable_amount"], tax["amount_to_collect"]) == (50.0, 45.0, 4.39)
    assert (tax["rate"], tax["has_nexus"], tax["tax_source"]) == (0.0975, True, "destination")
    order, (line,) = tax["breakdown"], tax["breakdown"]["line_items"]
    assert (order["state_tax_collectable"], order["county_tax_collectable"]) == (2.81, 0.45)
    assert order["special_district_tax_collectable"] == 1.13
    assert (line["id"], line["state_amount"], line["special_district_amount"]) == ("7", 2.81, 1.13)
    assert "shipping" not in order


async def test_taxable_freight_is_taxed_and_broken_down(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client, to_state="NY", to_zip="10118", shipping="10")
    assert (tax["freight_taxable"], tax["taxable_amount"], tax["amount_to_collect"]) == (True, 55.0, 4.88)
    assert tax["breakdown"]["shipping"]["state_amount"] == 0.4
    assert "special_taxable_amount" in tax["breakdown"]["shipping"]


async def test_lines_win_over_a_different_amount(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client, amount=1)
    assert (tax["taxable_amount"], tax["order_total_amount"]) == (45.0, 50.0)


async def test_an_amount_without_lines_has_no_breakdown(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client, line_items=...)
    assert (tax["amount_to_collect"], "breakdown" in tax) == (4.39, False)


async def test_without_nexus_nothing_is_collected(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client, to_state="WA", to_zip="98101")
    assert (tax["has_nexus"], tax["amount_to_collect"], "breakdown" in tax) == (False, 0.0, False)


async def test_given_nexus_addresses_replace_those_of_the_account(client: httpx.AsyncClient) -> None:
    tax = await tax_of(client, nexus_addresses=[{"country": "US", "state": "NY"}])
    assert tax["has_nexus"] is False


async def test_an_exempt_category_is_not_taxed_in_its_states(client: httpx.AsyncClient) -> None:
    lines = [{"quantity": 2, "unit_price": 10}, {"quantity": 1, "unit_price": 25, "product_tax_code": "40030"}]
    tax = await tax_of(client, line_items=lines)
    assert (tax["order_total_amount"], tax["taxable_amount"]) == (50.0, 20.0)
    assert [line["id"] for line in tax["breakdown"]["line_items"]] == ["1", "2"]


@pytest.mark.parametrize(("kind", "collected"), [("wholesale", 0.0), ("non_exempt", 4.39), ("marketplace", 4.39)])
async def test_only_real_exemptions_free_a_sale_of_tax(client: httpx.AsyncClient, kind: str, collected: float) -> None:
    tax = await tax_of(client, exemption_type=kind)
    assert (tax["amount_to_collect"], tax["exemption_type"]) == (collected, kind)


async def test_a_customer_is_exempt_in_his_regions_unless_the_sale_says_otherwise(
    client: httpx.AsyncClient, customer: Build
) -> None:
    await client.post("/customers", json=customer())
    assert (await tax_of(client, customer_id="USMF-001"))["amount_to_collect"] == 0.0
    elsewhere = await tax_of(client, customer_id="USMF-001", to_state="NY", to_zip="10118")
    assert elsewhere["amount_to_collect"] > 0
    assert (await tax_of(client, customer_id="USMF-001", exemption_type="non_exempt"))["amount_to_collect"] == 4.39
    await client.put("/customers/USMF-001", json=customer(exempt_regions=[]))
    everywhere = await tax_of(client, customer_id="USMF-001", to_state="NY", to_zip="10118")
    assert everywhere["amount_to_collect"] == 0.0


@pytest.mark.parametrize(
    ("from_state", "from_zip", "source"), [("TX", "75001", "origin"), ("CA", "92093", "destination")]
)
async def test_sales_within_an_origin_state_are_taxed_at_the_origin(
    client: httpx.AsyncClient, from_state: str, from_zip: str, source: str
) -> None:
    start = {"from_country": "US", "from_state": from_state, "from_zip": from_zip}
    assert (await tax_of(client, to_state="TX", to_zip="78701", **start))["tax_source"] == source


@pytest.mark.parametrize(
    ("status", "detail", "changes"),
    [
        (406, "to_country is missing", {"to_country": ...}),
        (406, "to_zip is missing", {"to_zip": ...}),
        (406, "to_state is missing", {"to_state": ...}),
        (406, "to_state is missing", {"to_country": "CA", "to_state": ...}),
        (406, "shipping is missing", {"shipping": ...}),
        (400, "No amount or line items provided", {"amount": ..., "line_items": ...}),
        (400, "to_zip 10118 is not used within to_state CA", {"to_zip": "10118"}),
        (
            400,
            "from_zip 10118 is not used within from_state CA",
            {"from_country": "US", "from_zip": "10118", "from_state": "CA"},
        ),
        (400, "from_zip 10118 is not used within from_state CA", {"from_zip": "10118", "from_state": "CA"}),
        (400, "from_zip x isn't a valid postal code for US", {"from_country": "US", "from_zip": "x"}),
        (400, "from_state Texas isn't a valid state for US", {"from_state": "Texas"}),
        (400, "to_state Ontario isn't a valid state for CA", {"to_country": "CA", "to_state": "Ontario"}),
        (404, "Tax location not found", {"to_country": "BR"}),
        (406, "to_country must be a two-letter ISO code.", {"to_country": "XX"}),
        (422, "line_items[0][quantity] must be greater than 0", {"line_items": [{"quantity": 0, "unit_price": 1}]}),
        (406, "line_items[0][quantity] is invalid", {"line_items": [{"quantity": 1.5, "unit_price": 1}]}),
        (406, "nexus_addresses[0][state] is missing", {"nexus_addresses": [{"country": "US"}]}),
        (406, "nexus_addresses[0][state] is invalid", {"nexus_addresses": [{"country": "US", "state": ["CA"]}]}),
        (
            406,
            "nexus_addresses[0][country] must be a two-letter ISO code.",
            {"nexus_addresses": [{"country": "usa", "state": "CA"}]},
        ),
        (
            400,
            "nexus_addresses[0][state] california isn't a valid state for US",
            {"nexus_addresses": [{"country": "US", "state": "california"}]},
        ),
        (
            400,
            "nexus_addresses[1][zip] 10118 is not used within nexus_addresses[1][state] CA",
            {"nexus_addresses": [{"country": "US", "state": s, "zip": "10118"} for s in ("NY", "CA")]},
        ),
        (406, "line_items[0][id] is invalid", {"line_items": [{"id": True, "quantity": 1, "unit_price": 1}]}),
    ],
)
async def test_a_wrong_sale_is_refused(
    client: httpx.AsyncClient, status: int, detail: str, changes: dict[str, Any]
) -> None:
    answer = await client.post("/taxes", json=sale(**changes))
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


async def test_without_any_from_or_nexus_address_one_on_file_is_needed(
    client: httpx.AsyncClient, account: Account
) -> None:
    account.address_on_file = False
    answer = await client.post("/taxes", json=sale())
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "No from address, no nexus address, and no address on file",
    )
    assert (await tax_of(client, nexus_addresses=[{"country": "US", "state": "CA"}]))["has_nexus"] is True


@pytest.mark.parametrize(
    ("zip_code", "states"),
    [
        ("90002", ("CA",)),
        ("00501", ("NY",)),
        ("06389", ("CT",)),
        ("06390-0001", ("NY",)),
        ("20588", ("DC", "MD")),
        ("20101", ("VA",)),
        ("00100", ()),
    ],
)
def test_zip_prefixes_lie_in_their_states(zip_code: str, states: tuple[str, ...]) -> None:
    assert states_of_zip(zip_code) == states


def test_every_state_has_a_zip_prefix() -> None:
    served = {state for prefix in range(1000) for state in states_of_zip(f"{prefix:03}")}
    assert set(STATES) <= served

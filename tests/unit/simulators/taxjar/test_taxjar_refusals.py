"""What the simulated TaxJar refuses of orders and refunds, and that nothing is stored then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.simulators.taxjar import Account, TaxJarSimulator

Build = Callable[..., dict[str, Any]]
ORDERS, REFUNDS = "/transactions/orders", "/transactions/refunds"
SUM_RULE = "amount must be equal to the sum of line items and shipping, excluding sales tax."
LINE = {"quantity": 1, "unit_price": "45", "sales_tax": "4.39"}
REQUIRED = ["transaction_id", "transaction_date", "to_country", "to_zip", "to_state", "amount", "shipping", "sales_tax"]


def one_line(**changes: object) -> dict[str, object]:
    line = {name: value for name, value in (LINE | changes).items() if value is not ...}
    return {"line_items": [line]}


REFUSED = [
    *[(406, f"{name} is missing", {name: absent}) for name in REQUIRED for absent in (..., None, " ")],
    (406, "line_items[0][sales_tax] is missing", one_line(sales_tax=...)),
    (406, "transaction_id is invalid", {"transaction_id": "A/1"}),
    (406, "transaction_id is invalid", {"transaction_id": "A" * 51}),
    (406, "transaction_id is invalid", {"transaction_id": 712}),
    (406, "transaction_date is invalid", {"transaction_date": "03/14/2025"}),
    (406, "transaction_date is invalid", {"transaction_date": "2025-02-30"}),
    (406, "transaction_date is invalid", {"transaction_date": "2025-03-14T25:00:00"}),
    (406, "amount is invalid", {"amount": "50,00"}),
    (406, "amount is invalid", {"amount": "NaN"}),
    (406, "shipping is invalid", {"shipping": True}),
    (406, "line_items is invalid", {"line_items": {"id": 1}}),
    *[(406, "line_items[0][quantity] is invalid", one_line(quantity=q)) for q in (1.5, 1.0, "1.5", 0, -1, "", True)],
    (406, "exemption_type must be one of: non_exempt, government, wholesale, other", {"exemption_type": "federal"}),
    (406, "exemption_type is invalid", {"exemption_type": None}),
    (406, "provider is invalid", {"provider": None}),
    (406, "plugin is invalid", {"plugin": "My-Plugin"}),
    (406, "to_country must be a two-letter ISO code.", {"to_country": "USA"}),
    (406, "from_country must be a two-letter ISO code.", {"from_country": "XX"}),
    (406, "to_street is invalid", {"to_street": "1 Main St\nFloor 2"}),
    (406, "line_items[0][description] is invalid", one_line(description="a\tb")),
    (400, "line_items[0][description] is too long", one_line(description="x" * 256)),
    (400, SUM_RULE, {"amount": "45.00"}),
    (400, SUM_RULE, {"amount": "50.01"}),
    (400, SUM_RULE, {"amount": "54.39"}),
    (400, SUM_RULE, {"shipping": "0"}),
    (400, SUM_RULE, {"amount": "55.00", **one_line(unit_price="10.002", quantity=5)}),
    (400, "line_items include invalid tax codes: FURN-01", one_line(product_tax_code="FURN-01")),
    (400, "line_items include invalid tax codes: 99999", one_line(product_tax_code="99999")),
    (400, "to_zip 10118 is not used within to_state CA", {"to_zip": "10118"}),
    (400, "to_zip 90002 is not used within to_state CALIFORNIA", {"to_state": "CALIFORNIA"}),
    (400, "to_zip 90002 is not used within to_state ca", {"to_state": "ca"}),
    (400, "from_zip 92093 is not used within from_state FLORIDA", {"from_zip": "92093", "from_state": "FLORIDA"}),
    (400, "from_zip 10118 is not used within from_state CA", {"from_country": ..., "from_zip": "10118"}),
    (400, "from_zip ABC isn't a valid postal code for", {"from_zip": "ABC", "from_state": ...}),
    (400, "from_zip 00100 isn't a valid postal code for", {"from_zip": "00100", "from_state": ...}),
    (400, "from_state FLORIDA isn't a valid state for US", {"from_zip": ..., "from_state": "FLORIDA"}),
    (400, "from_state Ontario isn't a valid state for CA", {"from_country": "CA", "from_state": "Ontario"}),
    (400, "to_zip 9002 isn't a valid postal code for", {"to_zip": "9002"}),
    (400, "to_zip 900021234 isn't a valid postal code for", {"to_zip": "900021234"}),
    (400, "to_country GB is not supported", {"to_country": "GB"}),
    *[(400, "exemption_type must be", {"exemption_type": kind}) for kind in ("wholesale", "government", "other")],
    (400, "exemption_type must be", {"exemption_type": "other", "sales_tax": "0"}),
]


@pytest.mark.parametrize(("status", "detail", "changes"), REFUSED)
async def test_a_wrong_order_is_refused_and_not_stored(
    client: httpx.AsyncClient, account: Account, order: Build, status: int, detail: str, changes: dict[str, Any]
) -> None:
    answer = await client.post(ORDERS, json=order(**changes))
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["detail"].startswith(detail)
    assert account.transactions == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "12.34", "line_items": ...},
        {"amount": "12.34", "line_items": None},
        {"amount": "12.34", "line_items": []},
        {"sales_tax": "99.99"},
        {"customer_id": "nobody-knows"},
        {"exemption_type": "non_exempt"},
        {"exemption_type": "marketplace"},
        {"exemption_type": "wholesale", "sales_tax": "0", **one_line(sales_tax="0")},
        {"shipping": 0, "amount": 45, **one_line()},
        {"to_zip": "90002-1234", "to_city": ..., "to_street": ...},
        {"amount": "5.000", "shipping": "0", **one_line(unit_price="1.25", quantity="4")},
        {"amount": "10.005", "shipping": "0", **one_line(unit_price="10.005")},
        one_line(description="x" * 255),
        {"from_zip": ..., "from_state": ...},
        {"from_zip": ...},
        {"from_country": ..., "from_state": ...},
        {"from_country": "CA", "from_state": "ON", "from_zip": "K1A 0B1"},
        {"from_country": "GB", "from_state": "London", "from_zip": "SW1A 1AA"},
    ],
)
async def test_what_taxjar_does_not_check_is_accepted(
    client: httpx.AsyncClient, order: Build, changes: dict[str, Any]
) -> None:
    answer = await client.post(ORDERS, json=order(**changes))
    assert answer.status_code == 201, answer.text


async def test_a_negative_line_counts_as_positive_and_breaks_the_sum(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    lines = [LINE | {"unit_price": "60"}, LINE | {"unit_price": "-15", "sales_tax": "0"}]
    assert (await client.post(ORDERS, json=order(line_items=lines))).json()["detail"] == SUM_RULE
    assert (await client.post(ORDERS, json=order(line_items=lines, amount="80"))).status_code == 201
    assert [line.unit_price for line in account.orders["USMF-712"].line_items] == [60, 15]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "45"},
        {"line_items": [LINE | {"unit_price": "44.99"}]},
        {"line_items": [LINE | {"product_tax_code": "99999"}]},
        {"to_zip": "10118"},
        {"exemption_type": "wholesale"},
    ],
)
async def test_an_update_is_checked_as_a_whole_and_leaves_the_record_when_refused(
    client: httpx.AsyncClient, account: Account, order: Build, changes: dict[str, Any]
) -> None:
    await client.post(ORDERS, json=order())
    stored = account.orders["USMF-712"]
    answer = await client.put(f"{ORDERS}/USMF-712", json={"transaction_id": "USMF-712"} | changes)
    assert answer.status_code == 400
    assert account.orders["USMF-712"] is stored


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"transaction_id": ...}, "transaction_id is missing"),
        ({"transaction_id": "USMF-713"}, "transaction_id is invalid"),
        ({"shipping": None}, "shipping is missing"),
        ({"to_zip": ""}, "to_zip is missing"),
    ],
)
async def test_an_update_names_its_record_and_empties_no_required_field(
    client: httpx.AsyncClient, order: Build, changes: dict[str, Any], detail: str
) -> None:
    await client.post(ORDERS, json=order())
    answer = await client.put(f"{ORDERS}/USMF-712", json=order(**changes))
    assert (answer.status_code, answer.json()["detail"]) == (406, detail)


async def test_a_refund_needs_a_reference_on_post_and_on_put(client: httpx.AsyncClient, refund: Build) -> None:
    missing = "transaction_reference_id is missing"
    without = refund(transaction_reference_id=...)
    assert (await client.post(REFUNDS, json=without)).json()["detail"] == missing
    await client.post(REFUNDS, json=refund())
    assert (await client.put(f"{REFUNDS}/USMF-31-refund", json=without)).json()["detail"] == missing


@pytest.mark.parametrize(
    ("version", "wrong_sum", "wrong_code"),
    [("2012-01-01", 201, 201), ("2020-08-07", 400, 201), ("2022-01-24", 400, 400), ("1999-01-01", 400, 201)],
)
async def test_the_version_decides_which_checks_apply(
    client: httpx.AsyncClient, order: Build, version: str, wrong_sum: int, wrong_code: int
) -> None:
    headers = {"x-api-version": version}
    sums = await client.post(ORDERS, json=order(amount="1"), headers=headers)
    coded = order(transaction_id="USMF-2", **one_line(product_tax_code="XYZ"))
    codes = await client.post(ORDERS, json=coded, headers=headers)
    assert (sums.status_code, codes.status_code) == (wrong_sum, wrong_code)


async def test_every_invalid_tax_code_is_named_once(client: httpx.AsyncClient, order: Build) -> None:
    codes = ["B-1", "81100", "A-1", "B-1"]
    lines = [LINE | {"unit_price": "11.25", "product_tax_code": code} for code in codes]
    answer = await client.post(ORDERS, json=order(line_items=lines))
    assert answer.json()["detail"] == "line_items include invalid tax codes: B-1, A-1"


async def test_without_any_ship_from_an_address_on_file_is_needed(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    account.address_on_file = False
    for missing in ("from_zip", "from_state", "from_country"):
        answer = await client.post(ORDERS, json=order(**{missing: ...}))
        assert answer.status_code == 400
        assert answer.json()["detail"] == "No from address, no nexus address, and no address on file"
    assert (await client.post(ORDERS, json=order())).status_code == 201


async def test_only_json_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post(ORDERS, data={"transaction_id": "1"})).status_code == 406
    json_type = {"Content-Type": "application/json"}
    for content in (b"{", b"[]", b'{"amount": NaN}', b"\xff"):
        assert (await client.post(ORDERS, content=content, headers=json_type)).status_code == 400


@pytest.mark.parametrize("query", ["", "?from_transaction_date=2025-03-01", "?transaction_date=yesterday"])
async def test_a_list_needs_its_dates(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"{ORDERS}{query}")).status_code == 406


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Bearer", 'Token token="x"', "Basic dTpw"])
async def test_a_wrong_token_is_not_authorized_for_the_route(
    client: httpx.AsyncClient, order: Build, authorization: str
) -> None:
    answer = await client.post(ORDERS, json=order(), headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()) == (
        401,
        {
            "status": 401,
            "error": "Unauthorized",
            "detail": "Not authorized for route 'POST /v2/transactions/orders'",
        },
    )


async def test_both_forms_of_the_token_are_taken(client: httpx.AsyncClient) -> None:
    form_b = {"Authorization": 'Token token="token-of-usmf"'}
    assert [(await client.get("/categories", headers=h)).status_code for h in (None, form_b)] == [200, 200]


async def test_a_withdrawn_token_is_refused_at_once(client: httpx.AsyncClient, simulator: TaxJarSimulator) -> None:
    del simulator.tokens["token-of-usmf"]
    assert (await client.get("/categories")).status_code == 401


async def test_an_expired_plan_is_forbidden(client: httpx.AsyncClient, account: Account) -> None:
    account.plan_active = False
    answer = await client.get("/nexus/regions")
    assert (answer.status_code, answer.json()["detail"]) == (403, "Not authorized for resource")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", ORDERS, 405),
        ("PUT", ORDERS, 405),
        ("POST", f"{ORDERS}/USMF-712", 405),
        ("GET", "/taxes", 405),
        ("GET", "/transactions//orders", 404),
        ("GET", "//transactions/orders", 404),
        ("GET", f"{ORDERS}/", 404),
        ("GET", f"{ORDERS}/A%2FB", 404),
        ("GET", "/nothing", 404),
    ],
)
async def test_unknown_routes_and_methods_are_refused_in_json(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, f"http://taxjar/v2{path}")
    assert (answer.status_code, answer.json()["status"]) == (status, status)

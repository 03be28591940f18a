"""The life of orders and refunds: create, show, list, update, delete, and how they come back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.simulators.server import LoopbackServer
from local.simulators.taxjar import Account, TaxJarSimulator

Build = Callable[..., dict[str, Any]]
ORDERS, REFUNDS = "/transactions/orders", "/transactions/refunds"
DUPLICATE = {
    "status": 422,
    "error": "Unprocessable Entity",
    "detail": "Provider tranx already imported for your user account",
}


async def test_a_created_order_comes_back_as_taxjar_shows_it(client: httpx.AsyncClient, order: Build) -> None:
    answer = await client.post(ORDERS, json=order())
    assert answer.status_code == 201
    assert answer.json() == {
        "order": {
            "user_id": 10001,
            "transaction_id": "USMF-712",
            "transaction_reference_id": None,
            "transaction_date": "2025-03-14T00:00:00.000Z",
            "provider": "api",
            "exemption_type": None,
            "customer_id": "USMF-014",
            "from_country": "US",
            "from_state": "CA",
            "from_zip": "92093-0001",
            "from_city": "LA JOLLA",
            "from_street": "9500 Gilman Dr",
            "to_country": "US",
            "to_state": "CA",
            "to_zip": "90002",
            "to_city": "LOS ANGELES",
            "to_street": "1335 E 103rd St",
            "amount": "50.0",
            "shipping": "5.0",
            "sales_tax": "4.39",
            "line_items": [
                {
                    "id": 0,
                    "quantity": 2,
                    "product_identifier": "D0001",
                    "description": "Speaker",
                    "product_tax_code": None,
                    "unit_price": "19.99",
                    "discount": "4.0",
                    "sales_tax": "3.51",
                },
                {
                    "id": 1,
                    "quantity": 1,
                    "product_identifier": "D0007",
                    "description": None,
                    "product_tax_code": "81100",
                    "unit_price": "9.02",
                    "discount": "0.0",
                    "sales_tax": "0.88",
                },
            ],
        }
    }


async def test_a_refund_is_negative_whatever_sign_it_was_sent_with(
    client: httpx.AsyncClient, account: Account, refund: Build
) -> None:
    line = {"quantity": 2, "unit_price": "5", "discount": "-0.98", "sales_tax": "0.88"}
    positive = refund(amount="9.02", sales_tax="0.88", line_items=[line])
    shown = (await client.post(REFUNDS, json=positive)).json()["refund"]
    assert (shown["amount"], shown["shipping"], shown["sales_tax"]) == ("-9.02", "-0.0", "-0.88")
    (item,) = shown["line_items"]
    assert (item["quantity"], item["unit_price"], item["discount"], item["sales_tax"]) == (2, "-5.0", "0.98", "-0.88")
    assert account.refunds["USMF-31-refund"].amount == Decimal("-9.02")


async def test_what_was_not_sent_comes_back_null_but_the_country(client: httpx.AsyncClient, refund: Build) -> None:
    shown = (await client.post(REFUNDS, json=refund())).json()["refund"]
    assert shown["from_country"] == "US"
    assert {shown[f"from_{part}"] for part in ("state", "zip", "city", "street")} == {None}


async def test_the_order_that_a_refund_names_need_not_exist(
    client: httpx.AsyncClient, account: Account, refund: Build
) -> None:
    assert (await client.post(REFUNDS, json=refund())).status_code == 201
    assert account.orders == {}


async def test_the_same_id_again_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    await client.post(ORDERS, json=order())
    answer = await client.post(ORDERS, json=order(sales_tax="0"))
    assert (answer.status_code, answer.json()) == (422, DUPLICATE)
    assert account.orders["USMF-712"].sales_tax == Decimal("4.39")


async def test_orders_and_refunds_share_one_space_of_ids(
    client: httpx.AsyncClient, order: Build, refund: Build
) -> None:
    await client.post(ORDERS, json=order(transaction_id="USMF-1"))
    answer = await client.post(REFUNDS, json=refund(transaction_id="USMF-1"))
    assert answer.json() == DUPLICATE
    assert (await client.put(f"{REFUNDS}/USMF-1", json=refund(transaction_id="USMF-1"))).status_code == 404


async def test_the_same_id_in_another_account_or_under_another_provider_is_another_record(
    client: httpx.AsyncClient, simulator: TaxJarSimulator, order: Build
) -> None:
    await client.post(ORDERS, json=order())
    other = {"Authorization": "Bearer token-of-usrt"}
    assert (await client.post(ORDERS, json=order(), headers=other)).status_code == 201
    assert (await client.post(ORDERS, json=order(provider="woo"))).status_code == 201
    assert [len(simulator.account(name).transactions) for name in ("usmf", "usrt")] == [2, 1]


async def test_a_record_of_another_provider_is_found_only_under_its_name(
    client: httpx.AsyncClient, order: Build
) -> None:
    await client.post(ORDERS, json=order(provider="woo"))
    path, day = f"{ORDERS}/USMF-712", "transaction_date=2025-03-14"
    assert (await client.get(path)).status_code == 404
    assert (await client.get(f"{path}?provider=woo")).status_code == 200
    assert (await client.get(f"{ORDERS}?{day}")).json() == {"orders": []}
    assert (await client.get(f"{ORDERS}?{day}&provider=woo")).json() == {"orders": ["USMF-712"]}
    assert (await client.put(path, json=order())).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert (await client.request("DELETE", path, json={"provider": "woo"})).status_code == 200


async def test_an_update_replaces_the_given_fields_only(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    await client.post(ORDERS, json=order())
    answer = await client.put(f"{ORDERS}/USMF-712", json={"transaction_id": "USMF-712", "sales_tax": "5"})
    assert (answer.status_code, answer.json()["order"]["sales_tax"]) == (200, "5.0")
    stored = account.orders["USMF-712"]
    assert (stored.amount, stored.to_city, len(stored.line_items)) == (Decimal("50.00"), "Los Angeles", 2)


async def test_an_update_or_look_up_of_an_absent_id_is_not_found(client: httpx.AsyncClient, order: Build) -> None:
    for answer in (
        await client.put(f"{ORDERS}/USMF-712", json=order()),
        await client.get(f"{ORDERS}/USMF-712"),
        await client.delete(f"{ORDERS}/USMF-712"),
    ):
        assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (404, 404, "Not Found")


async def test_a_deleted_order_leaves_identifiers_and_may_be_created_again(
    client: httpx.AsyncClient, order: Build
) -> None:
    created = (await client.post(ORDERS, json=order())).json()["order"]
    deleted = (await client.delete(f"{ORDERS}/USMF-712")).json()["order"]
    kept = {"user_id": 10001, "transaction_id": "USMF-712", "provider": "api", "line_items": []}
    assert deleted == dict.fromkeys(created) | kept
    assert (await client.get(f"{ORDERS}/USMF-712")).status_code == 404
    assert (await client.post(ORDERS, json=order())).status_code == 201


async def test_lists_hold_ids_of_the_days_asked_for_both_inclusive(client: httpx.AsyncClient, order: Build) -> None:
    for day in (13, 14, 15, 16):
        await client.post(ORDERS, json=order(transaction_id=f"USMF-{day}", transaction_date=f"2025-03-{day}"))
    days = "from_transaction_date=2025-03-14&to_transaction_date=2025/03/15"
    assert (await client.get(f"{ORDERS}?{days}")).json() == {"orders": ["USMF-14", "USMF-15"]}
    assert (await client.get(f"{ORDERS}?transaction_date=2025/03/16")).json() == {"orders": ["USMF-16"]}
    assert (await client.get(f"{REFUNDS}?{days}")).json() == {"refunds": []}


async def test_a_list_over_a_wide_range_runs_out_of_time(client: httpx.AsyncClient) -> None:
    month = {"from_transaction_date": "2025-03-01", "to_transaction_date": "2025-03-31"}
    assert (await client.get(ORDERS, params=month)).status_code == 200
    wider = month | {"to_transaction_date": "2025-04-01"}
    answer = await client.get(ORDERS, params=wider)
    assert (answer.status_code, answer.json()["detail"]) == (503, "GET /v2/transactions/orders Request Timed Out")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2025-05-25", "2025-05-25T00:00:00.000Z"),
        ("2025/05/14", "2025-05-14T00:00:00.000Z"),
        ("2025-05-25T13:05:45", "2025-05-25T13:05:45.000Z"),
        ("2025-05-25T22:05:45-05:00", "2025-05-26T03:05:45.000Z"),
        ("2025-05-25T13:05:45+0000", "2025-05-25T13:05:45.000Z"),
        ("2025-05-25 04:26:17.250", "2025-05-25T04:26:17.250Z"),
    ],
)
async def test_dates_of_every_form_come_back_in_utc(
    client: httpx.AsyncClient, order: Build, sent: str, shown: str
) -> None:
    answer = await client.post(ORDERS, json=order(transaction_date=sent))
    assert answer.json()["order"]["transaction_date"] == shown


@pytest.mark.parametrize(
    ("sent", "in_force"),
    [("2022-01-24", "2022-01-24"), ("2012-01-01", "2012-01-01"), ("2030-01-01", "2020-08-07"), (None, "2020-08-07")],
)
async def test_the_version_in_force_is_echoed(
    simulator: TaxJarSimulator, order: Build, sent: str | None, in_force: str
) -> None:
    headers = {"Authorization": "Bearer token-of-usmf"} | ({"x-api-version": sent} if sent else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator.app), base_url="http://taxjar/v2") as client:
        answer = await client.post(ORDERS, json=order(), headers=headers)
        nexus = await client.get("/nexus/regions", headers=headers)
    assert answer.headers["x-api-version"] == in_force
    assert answer.headers["x-request-id"]
    assert "x-request-id" not in nexus.headers


async def test_calls_are_recorded_by_account_and_never_by_token(
    client: httpx.AsyncClient, simulator: TaxJarSimulator
) -> None:
    await client.get("/categories")
    await client.get("/categories", headers={"Authorization": "Bearer nonsense"})
    assert [(call.path, call.account, call.status) for call in simulator.calls] == [
        ("/v2/categories", "usmf", 200),
        ("/v2/categories", None, 401),
    ]
    assert "token" not in repr(simulator.calls)


async def test_it_serves_over_a_real_socket(simulator: TaxJarSimulator, account: Account, order: Build) -> None:
    with LoopbackServer(simulator.app) as server:
        headers = {"Authorization": 'Token token="token-of-usmf"', "x-api-version": "2022-01-24"}
        async with httpx.AsyncClient(base_url=f"{server.url}/v2", headers=headers) as client:
            assert (await client.post(ORDERS, json=order())).status_code == 201
            assert (await client.post(ORDERS, json=order())).json() == DUPLICATE
    assert list(account.orders) == ["USMF-712"]

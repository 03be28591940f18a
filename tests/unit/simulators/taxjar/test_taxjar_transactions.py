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


CLEARABLE = [
    *("to_city", "to_street", "customer_id"),
    *("from_country", "from_state", "from_zip", "from_city", "from_street"),
]


@pytest.mark.parametrize("field", CLEARABLE)
async def test_an_update_clears_with_an_empty_text_and_keeps_what_is_left_out_or_null(
    client: httpx.AsyncClient, account: Account, order: Build, field: str
) -> None:
    await client.post(ORDERS, json=order())
    before = getattr(account.orders["USMF-712"], field)
    for kept in (..., None):
        assert (await client.put(f"{ORDERS}/USMF-712", json=order(**{field: kept}))).status_code == 200
        assert getattr(account.orders["USMF-712"], field) == before
    assert (await client.put(f"{ORDERS}/USMF-712", json=order(**{field: ""}))).status_code == 200
    assert getattr(account.orders["USMF-712"], field) is None


@pytest.mark.parametrize("field", ["product_identifier", "description", "product_tax_code"])
async def test_an_empty_text_on_a_line_is_none(
    client: httpx.AsyncClient, account: Account, order: Build, field: str
) -> None:
    line = {"quantity": 1, "unit_price": "45", "sales_tax": "4.39", field: ""}
    assert (await client.post(ORDERS, json=order(line_items=[line]))).status_code == 201
    assert getattr(account.orders["USMF-712"].line_items[0], field) is None


@pytest.mark.parametrize("field", ["exemption_type", "provider"])
@pytest.mark.parametrize("empty", [None, ""])
async def test_an_update_empties_neither_exemption_nor_provider(
    client: httpx.AsyncClient, account: Account, order: Build, field: str, empty: str | None
) -> None:
    await client.post(ORDERS, json=order(exemption_type="marketplace"))
    answer = await client.put(f"{ORDERS}/USMF-712", json=order(**{field: empty}))
    assert (answer.status_code, answer.json()["detail"]) == (406, f"{field} is invalid")
    assert account.orders["USMF-712"].exemption_type == "marketplace"


async def test_an_exemption_stays_when_left_out_and_goes_with_non_exempt(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    line = {"quantity": 1, "unit_price": "45", "sales_tax": "0"}
    exempt = order(exemption_type="wholesale", sales_tax="0", line_items=[line])
    await client.post(ORDERS, json=exempt)
    shown = (await client.put(f"{ORDERS}/USMF-712", json=exempt | {"to_street": "2 Main St"})).json()["order"]
    assert shown["exemption_type"] == "wholesale"
    taxed = order()
    assert (await client.put(f"{ORDERS}/USMF-712", json=taxed)).status_code == 400
    shown = (await client.put(f"{ORDERS}/USMF-712", json=taxed | {"exemption_type": "non_exempt"})).json()["order"]
    assert (shown["exemption_type"], shown["sales_tax"]) == ("non_exempt", "4.39")


async def test_an_account_may_keep_fields_that_an_update_changes(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    account.sticky.add("exemption_type")
    await client.post(ORDERS, json=order(exemption_type="marketplace"))
    answer = await client.put(f"{ORDERS}/USMF-712", json=order(exemption_type="non_exempt", to_street="2 Main St"))
    shown = answer.json()["order"]
    assert (answer.status_code, shown["exemption_type"], shown["to_street"]) == (200, "marketplace", "2 Main St")


async def test_marketplace_comes_back_empty_where_no_facilitator_law_applies(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    account.states_without_facilitator_law.add("CA")
    shown = (await client.post(ORDERS, json=order(exemption_type="marketplace"))).json()["order"]
    assert shown["exemption_type"] is None


async def test_transactions_are_edited_and_deleted_from_outside(
    client: httpx.AsyncClient, account: Account, order: Build
) -> None:
    await client.post(ORDERS, json=order())
    account.edit("USMF-712", sales_tax=Decimal("4.40"))
    assert (await client.get(f"{ORDERS}/USMF-712")).json()["order"]["sales_tax"] == "4.4"
    account.delete("USMF-712")
    assert (await client.get(f"{ORDERS}/USMF-712")).status_code == 404
    for act in (account.edit, account.delete):
        with pytest.raises(KeyError):
            act("USMF-712")


async def test_several_tokens_open_one_account_and_answers_tell_it(
    client: httpx.AsyncClient, simulator: TaxJarSimulator, order: Build
) -> None:
    simulator.tokens["renewed-token"] = "usmf"
    first = (await client.post(ORDERS, json=order())).json()["order"]["user_id"]
    renewed = {"Authorization": "Bearer renewed-token"}
    assert (await client.get(f"{ORDERS}/USMF-712", headers=renewed)).json()["order"]["user_id"] == first
    other = {"Authorization": "Bearer token-of-usrt"}
    assert (await client.post(ORDERS, json=order(), headers=other)).json()["order"]["user_id"] != first

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from shared.settings import TaxJarSettings
from shared.taxjar.client import TaxJarClient, account_id
from shared.taxjar.errors import AccessDenied, Throttled, Unavailable
from shared.taxjar.wire import to_wire, update_to_wire
from shared.transactions import Kind, Transaction

TOKEN = "5da2f821eee4035db4771edab942a4cc"

Play = Callable[..., tuple[TaxJarClient, Any]]


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


async def test_every_call_carries_token_version_and_product(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    taxjar, script = play(ok({"order": stored_order}, 201), ok({"categories": []}))
    await taxjar.create(order)
    await taxjar.categories()
    for request in script.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-api-version"] == "2022-01-24"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("DynamicsTaxJar/")
        assert str(request.url).startswith("https://api.taxjar.com/v2/")


async def test_transactions_go_to_the_paths_of_their_kind(
    play: Play,
    order: Transaction,
    refund: Transaction,
    stored_order: dict[str, Any],
    stored_refund: dict[str, Any],
) -> None:
    taxjar, script = play(*(ok({"order": stored_order}),) * 2, *(ok({"refund": stored_refund}),) * 2)
    for transaction in (order, refund):
        await taxjar.create(transaction)
        await taxjar.update(transaction)
    assert script.calls == [
        "POST /v2/transactions/orders",
        "PUT /v2/transactions/orders/USMF-CIV-000712",
        "POST /v2/transactions/refunds",
        "PUT /v2/transactions/refunds/USMF-CCN-000031-refund",
    ]
    sent = [to_wire(order), update_to_wire(order), to_wire(refund), update_to_wire(refund)]
    assert [script.body(index) for index in range(4)] == sent


async def test_the_answer_is_kept_for_the_audit(play: Play, order: Transaction, stored_order: dict[str, Any]) -> None:
    headers = {"X-Api-Version": "2022-01-24", "X-Request-Id": "r-1"}
    taxjar, _ = play(ok({"order": stored_order}, 201, **headers))
    answer = await taxjar.create(order)
    assert (answer.status, answer.body) == (201, {"order": stored_order})
    assert (answer.api_version_echo, answer.request_id) == ("2022-01-24", "r-1")


async def test_a_stored_transaction_is_found_or_none(play: Play, stored_order: dict[str, Any]) -> None:
    taxjar, script = play(ok({"order": stored_order}), ok({"status": 404, "error": "Not Found"}, 404))
    assert await taxjar.find(Kind.ORDER, "USMF-CIV-000712") == stored_order
    assert await taxjar.find(Kind.REFUND, "X", provider="woo") is None
    assert script.calls == [
        "GET /v2/transactions/orders/USMF-CIV-000712",
        "GET /v2/transactions/refunds/X?provider=woo",
    ]


@pytest.mark.parametrize(
    ("record_id", "segment"),
    [("A/B", "A%2FB"), ("a b", "a%20b"), ("a#b?c", "a%23b%3Fc"), ("100%", "100%25"), ("é", "%C3%A9"), ("a+b", "a%2Bb")],
)
async def test_ids_are_encoded_in_paths(play: Play, record_id: str, segment: str) -> None:
    taxjar, script = play(*[not_found() for _ in range(2)])
    await taxjar.find(Kind.ORDER, record_id)
    await taxjar.find_customer(record_id)
    assert script.calls == [f"GET /v2/transactions/orders/{segment}", f"GET /v2/customers/{segment}"]


@pytest.mark.parametrize("record_id", ["", " ", ".", ".."])
async def test_an_id_that_would_address_something_else_is_refused(play: Play, record_id: str) -> None:
    taxjar, script = play()
    with pytest.raises(ValueError, match="cannot name"):
        await taxjar.find(Kind.ORDER, record_id)
    assert script.requests == []


async def test_ids_are_listed_by_date_and_provider(play: Play) -> None:
    taxjar, script = play(ok({"orders": ["A", 7]}), ok({"refunds": []}))
    assert await taxjar.list_ids(Kind.ORDER, date(2026, 3, 1), date(2026, 3, 2)) == ("A", "7")
    assert await taxjar.list_ids(Kind.REFUND, date(2026, 3, 1), date(2026, 3, 1), "woo") == ()
    assert script.calls == [
        "GET /v2/transactions/orders?from_transaction_date=2026-03-01&to_transaction_date=2026-03-02",
        "GET /v2/transactions/refunds?from_transaction_date=2026-03-01&to_transaction_date=2026-03-01&provider=woo",
    ]


async def test_customers_are_read_created_and_updated(play: Play) -> None:
    customer = {"customer_id": "USMF-US-014", "exemption_type": "wholesale", "name": "Contoso"}
    taxjar, script = play(
        ok({"customer": customer}), ok({"customer": customer}, 201), ok({"customer": customer}), not_found()
    )
    assert await taxjar.find_customer("USMF-US-014") == customer
    assert (await taxjar.create_customer(customer)).status == 201
    assert (await taxjar.update_customer(customer)).status == 200
    assert await taxjar.find_customer("USMF-US-015") is None
    assert script.calls == [
        "GET /v2/customers/USMF-US-014",
        "POST /v2/customers",
        "PUT /v2/customers/USMF-US-014",
        "GET /v2/customers/USMF-US-015",
    ]
    assert script.body(1) == script.body(2) == customer


async def test_nexus_regions_and_categories_are_typed(play: Play) -> None:
    taxjar, script = play(
        ok({"regions": [{"country_code": "US", "country": "United States", "region_code": "CA", "region": None}]}),
        ok({"categories": [{"product_tax_code": 20010, "name": "Clothing", "description": "", "more": 1}]}),
    )
    (region,) = await taxjar.nexus_regions()
    assert (region.country_code, region.region_code, region.region) == ("US", "CA", None)
    (category,) = await taxjar.categories()
    assert (category.product_tax_code, category.name, category.description) == ("20010", "Clothing", None)
    assert script.calls == ["GET /v2/nexus/regions", "GET /v2/categories"]


async def test_taxes_and_rates_keep_decimals_exact_in_both_directions(play: Play) -> None:
    taxes = httpx.Response(200, text='{"tax":{"amount_to_collect":4.39,"rate":0.0975,"has_nexus":true}}')
    taxjar, script = play(taxes, ok({"rate": {"zip": "90002", "combined_rate": "0.0975"}}))
    answer = await taxjar.taxes({"to_zip": "90002", "amount": Decimal("45.10"), "shipping": Decimal(0)})
    assert answer == {"amount_to_collect": Decimal("4.39"), "rate": Decimal("0.0975"), "has_nexus": True}
    assert script.body() == {"to_zip": "90002", "amount": "45.10", "shipping": "0"}
    assert (await taxjar.rates("90002-1234", city="Los Angeles"))["combined_rate"] == "0.0975"
    assert script.calls == ["POST /v2/taxes", "GET /v2/rates/90002-1234?city=Los+Angeles"]


def refused_data() -> httpx.Response:
    return ok({"status": 406, "error": "Not Acceptable", "detail": "transaction_id is missing"}, 406)


def not_found() -> httpx.Response:
    return ok({"status": 404, "error": "Not Found", "detail": "Resource can not be found"}, 404)


PROBES: list[tuple[str, str, dict[str, Any] | None, Callable[[], httpx.Response]]] = [
    ("POST order", "POST /v2/transactions/orders", {}, refused_data),
    ("POST refund", "POST /v2/transactions/refunds", {}, refused_data),
    ("PUT order", "PUT /v2/transactions/orders/DYNAMICSTAXJAR-PROBE", {}, not_found),
    ("GET refund", "GET /v2/transactions/refunds/DYNAMICSTAXJAR-PROBE", None, not_found),
    ("POST customer", "POST /v2/customers", {}, refused_data),
    ("PUT customer", "PUT /v2/customers/DYNAMICSTAXJAR-PROBE", {}, refused_data),
    ("GET customer", "GET /v2/customers/DYNAMICSTAXJAR-PROBE", None, not_found),
    (
        "GET orders",
        "GET /v2/transactions/orders?from_transaction_date=2026-03-20&to_transaction_date=2026-03-20",
        None,
        lambda: ok({"orders": []}),
    ),
    ("GET regions", "GET /v2/nexus/regions", None, lambda: ok({"regions": []})),
    ("GET categories", "GET /v2/categories", None, lambda: ok({"categories": []})),
    ("", "GET /v2/categories", None, lambda: ok({"categories": []})),
    ("POST tax", "GET /v2/categories", None, lambda: ok({"categories": []})),
]


@pytest.mark.parametrize(("kind", "call", "body", "taken"), PROBES)
async def test_a_probe_is_one_call_of_the_kind_that_was_refused(
    play: Play, kind: str, call: str, body: object, taken: Callable[[], httpx.Response]
) -> None:
    taxjar, script = play(taken())
    await taxjar.probe(kind)
    assert script.calls == [call]
    assert (script.body() if script.requests[0].content else None) == body


@pytest.mark.parametrize(("kind", "call", "body", "taken"), PROBES)
@pytest.mark.parametrize("status", [301, 401, 403, 405, 410])
async def test_a_probe_that_is_refused_as_well_raises(
    play: Play, kind: str, call: str, body: object, taken: Callable[[], httpx.Response], status: int
) -> None:
    taxjar, _ = play(httpx.Response(status))
    with pytest.raises(AccessDenied):
        await taxjar.probe(kind)


async def test_a_probe_without_an_answer_raises_and_an_error_of_taxjars_own_is_no_refusal(play: Play) -> None:
    taxjar, _ = play(httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused"), httpx.Response(500))
    for error in (Unavailable, Throttled, Unavailable):
        with pytest.raises(error):
            await taxjar.probe("POST order")
    await taxjar.probe("POST order")


async def test_a_refusal_names_the_kind_of_call(play: Play, order: Transaction, refund: Transaction) -> None:
    taxjar, _ = play(*[httpx.Response(403)] * 4)
    for call, kind in (
        (taxjar.create(order), "POST order"),
        (taxjar.update(refund), "PUT refund"),
        (taxjar.find(Kind.ORDER, "A"), "GET order"),
        (taxjar.nexus_regions(), "GET regions"),
    ):
        with pytest.raises(AccessDenied) as caught:
            await call
        assert caught.value.refused == kind


@pytest.mark.parametrize("token", ["", "abc\n", "abc def", "abç"])
def test_a_token_that_no_header_can_carry_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(ValueError, match="TaxJar token") as caught:
        TaxJarClient(httpx.AsyncHTTPTransport(), TaxJarSettings(), SecretStr(token), clock=_clock)
    assert not token or token not in str(caught.value)


def test_accounts_are_told_apart_by_address_and_token() -> None:
    live, sandbox = TaxJarSettings(), TaxJarSettings(api_url="https://api.sandbox.taxjar.com/v2")
    first, second = SecretStr("a" * 32), SecretStr("b" * 32)
    ids = {account_id(settings, token) for settings in (live, sandbox) for token in (first, second)}
    assert len(ids) == 4
    assert account_id(live, first) in ids


def _clock() -> datetime:
    return datetime(2026, 3, 20, tzinfo=UTC)

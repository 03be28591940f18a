"""Whatever TaxJar answers, a call ends in an answer or in a ``TaxJarError``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.taxjar import upsert
from shared.taxjar.errors import TaxJarError
from shared.transactions import Kind, Transaction

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
ORDER = st.fixed_dictionaries(
    {"transaction_id": st.just("USMF-CIV-000712") | JSON},
    optional=dict.fromkeys(
        ("transaction_date", "amount", "shipping", "sales_tax", "to_city", "to_state", "line_items", "provider"), JSON
    )
    | {"line_items": st.lists(st.fixed_dictionaries({}, optional={"quantity": JSON, "unit_price": JSON}) | JSON)},
)
BODY = st.binary(max_size=40) | JSON.map(lambda it: json.dumps(it).encode())
BODY |= st.sampled_from(["order", "orders", "categories", "customer", "regions", "tax", "rate"]).flatmap(
    lambda name: (JSON | ORDER | st.lists(JSON)).map(lambda it: json.dumps({name: it}).encode())
)
STATUS = st.sampled_from([200, 201, 204, 302, 400, 401, 404, 406, 422, 429, 500, 503]) | st.integers(200, 599)
HEADERS = st.fixed_dictionaries(
    {}, optional={"retry-after": st.sampled_from(["", "-1", "NaN", "inf", "9" * 400, "Mon, 99 Foo 2026", "\u00b2"])}
)
SHARED_FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@SHARED_FIXTURES
@given(status=STATUS, body=BODY, headers=HEADERS)
@example(status=200, body=b"[" * 100_000, headers={})
@example(status=200, body=b'{"order": {"transaction_id": "USMF-CIV-000712", "line_items": [3]}}', headers={})
@example(status=200, body=b'{"order": {"transaction_id": "1", "amount": 1e999999999}}', headers={})
@example(status=429, body=b"", headers={"retry-after": "1e9"})
def test_any_answer_to_any_call_is_no_unhandled_error(
    play: Callable[..., Any], order: Transaction, status: int, body: bytes, headers: dict[str, str]
) -> None:
    encoded = {name.encode(): value.encode("utf-8") for name, value in headers.items()}
    for call in (
        lambda client: client.create(order),
        lambda client: client.categories(),
        lambda client: client.nexus_regions(),
        lambda client: client.find_customer("C-1"),
        lambda client: client.taxes({}),
        lambda client: client.list_ids(Kind.ORDER, order.transaction_date, order.transaction_date),
        lambda client: upsert.find(client, order),
        lambda client: upsert.update(client, order),
    ):
        client, _ = play(*[httpx.Response(status, content=body, headers=encoded) for _ in range(2)])
        with suppress(TaxJarError):
            asyncio.run(call(client))


@SHARED_FIXTURES
@given(stored=ORDER)
def test_whatever_lies_under_a_taken_id_is_compared_or_an_error(
    play: Callable[..., Any], order: Transaction, stored: dict[str, Any]
) -> None:
    taken = httpx.Response(422, json={"status": 422, "error": "Unprocessable Entity", "detail": "taken"})
    client, script = play(taken, httpx.Response(200, content=json.dumps({"order": stored}).encode()))
    with suppress(TaxJarError):
        assert isinstance(asyncio.run(upsert.create(client, order)), upsert.Found)
    assert script.calls[1:] == ["GET /v2/transactions/orders/USMF-CIV-000712"]

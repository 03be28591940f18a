"""Whatever F&O answers, reading ends in documents that can be mapped, or in an error that postpones them."""

from __future__ import annotations

import asyncio
import copy
import json
from contextlib import suppress
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.dynamics.errors import DynamicsError
from shared.dynamics.sources import ReadProblem
from shared.mapping import map_document
from shared.settings import CompanySettings

KEY = DocumentKey("ctus", date(2026, 3, 17), "INV-1", "V-1")
SETTINGS = CompanySettings.model_validate({"report_from": "2026-01-01"})
NASTY_TEXTS = (
    "",
    " ",
    "*",
    "0",
    "NaN",
    "1e400",
    "-1e-400",
    "9" * 400,
    "\x00",
    "\ud800",
    "1900-01-01T12:00:00Z",
    "2026-13-99",
)
NASTY = st.sampled_from((*NASTY_TEXTS, None, 0, -1, 1e308, -0.0, 10**30, 1e-300, True, [], {}, ["x"], {"a": 1}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
STANDARD_SETS = (
    *("SalesInvoiceHeadersV2", "SalesInvoiceV2Lines", "CustInvoiceJourBiEntities", "CustInvoiceTransBiEntities"),
    *("MarkupTransBiEntities", "LogisticsPostalAddressBiEntities", "CustomersV3", "Warehouses"),
    *("AddressCountryRegions", "LegalEntities", "MarkupTableBiEntities"),
)
SHARED_FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def read_and_map(environment: Any, sets: dict[str, Any]) -> None:
    """List, read and map what ``sets`` answer; errors other than of F&O are those of this test."""

    async def list_posted() -> None:
        async for _ in environment.reader().list_posted({"ctus": date(2026, 1, 1)}):
            pass

    async def read() -> None:
        documents = await environment.reader().read_documents("ctus", [KEY])
        for document in documents.values():
            if isinstance(document, ReadProblem):
                continue
            map_document(document, SETTINGS, tax_categories=None)

    before, environment.sets = environment.sets, sets
    for step in (list_posted, read):
        with suppress(DynamicsError):
            asyncio.run(step())
    environment.sets = before


@SHARED_FIXTURES
@given(data=st.data())
def test_a_nonsensical_value_in_any_field_is_no_unhandled_error(order_invoice: Any, data: st.DataObject) -> None:
    sets = copy.deepcopy(order_invoice.sets)
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(sets[data.draw(st.sampled_from(STANDARD_SETS))]))
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(NASTY | JSON)
    read_and_map(order_invoice, {name: _page(rows) for name, rows in sets.items()})


@SHARED_FIXTURES
@given(name=st.sampled_from(STANDARD_SETS), body=st.binary(max_size=60) | JSON.map(lambda it: json.dumps(it).encode()))
@example(name="SalesInvoiceHeadersV2", body=b'{"value": [null]}')
@example(name="SalesInvoiceV2Lines", body=b'{"value": ["x"]}')
@example(name="CustomersV3", body=b'{"value": [[]]}')
@example(name="SalesInvoiceHeadersV2", body=b"[" * 100_000)
@example(name="SalesInvoiceHeadersV2", body=b'{"value": [], "@odata.nextLink": {"a": 1}}')
@example(name="SalesInvoiceHeadersV2", body=b'{"value": [], "@odata.nextLink": "https://[::"}')
def test_any_body_is_no_unhandled_error(order_invoice: Any, name: str, body: bytes) -> None:
    read_and_map(order_invoice, {**order_invoice.sets, name: httpx.Response(200, content=body)})


@pytest.mark.parametrize(
    "status", [100, 204, 206, 300, 304, 400, 402, 404, 409, 410, 418, 422, 431, 451, 500, 501, 599]
)
def test_any_status_is_no_unhandled_error(order_invoice: Any, status: int) -> None:
    for name in STANDARD_SETS:
        answer = httpx.Response(status, content=b"\xff{")
        read_and_map(order_invoice, {**order_invoice.sets, name: answer})


def _page(rows: list[dict[str, Any]]) -> httpx.Response:
    return httpx.Response(200, content=json.dumps({"value": rows}, default=str).encode())

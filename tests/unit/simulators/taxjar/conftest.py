"""One simulated TaxJar with two accounts, a client with the first one's token, and bodies that are accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.simulators.taxjar import Account, TaxJarSimulator

Body = dict[str, Any]
TOKEN, OTHER_TOKEN = "token-of-usmf", "token-of-usrt"


@pytest.fixture
def simulator() -> TaxJarSimulator:
    return TaxJarSimulator(
        {TOKEN: "usmf", OTHER_TOKEN: "usrt"}, clock=lambda: datetime(2026, 3, 17, tzinfo=UTC), nexus=["CA", "NY", "TX"]
    )


@pytest.fixture
def account(simulator: TaxJarSimulator) -> Account:
    return simulator.account("usmf")


@pytest.fixture
async def client(simulator: TaxJarSimulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN}", "x-api-version": "2022-01-24"}
    transport = httpx.ASGITransport(simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://taxjar/v2", headers=headers) as client:
        yield client


@pytest.fixture
def order() -> Callable[..., Body]:
    """Builds an order; a field given as ``...`` is left out. Its amount is 19.99 * 2 - 4.00 + 9.02 + 5.00."""

    def build(**changes: Any) -> Body:
        body: Body = {
            "plugin": "connector",
            "transaction_id": "USMF-712",
            "transaction_date": "2025-03-14",
            "to_country": "US",
            "to_state": "CA",
            "to_zip": "90002",
            "to_city": "Los Angeles",
            "to_street": "1335 E 103rd St",
            "from_country": "US",
            "from_state": "CA",
            "from_zip": "92093-0001",
            "from_city": "La Jolla",
            "from_street": "9500 Gilman Dr",
            "amount": "50.00",
            "shipping": "5.00",
            "sales_tax": "4.39",
            "customer_id": "USMF-014",
            "line_items": [
                {
                    "id": "1",
                    "quantity": 2,
                    "product_identifier": "D0001",
                    "description": "Speaker",
                    "unit_price": "19.99",
                    "discount": "4.00",
                    "sales_tax": "3.51",
                },
                {
                    "id": "2",
                    "quantity": 1,
                    "product_identifier": "D0007",
                    "product_tax_code": "81100",
                    "unit_price": 9.02,
                    "sales_tax": 0.88,
                },
            ],
        }
        return {name: value for name, value in (body | changes).items() if value is not ...}

    return build


@pytest.fixture
def refund() -> Callable[..., Body]:
    """Builds a refund of one line; a field given as ``...`` is left out."""

    def build(**changes: Any) -> Body:
        body: Body = {
            "transaction_id": "USMF-31-refund",
            "transaction_reference_id": "USMF-712",
            "transaction_date": "2025-04-02",
            "to_country": "US",
            "to_state": "CA",
            "to_zip": "90002",
            "to_city": "Los Angeles",
            "amount": "-9.02",
            "shipping": "0",
            "sales_tax": "-0.88",
            "line_items": [{"id": "1", "quantity": 1, "unit_price": "-9.02", "discount": "0", "sales_tax": "-0.88"}],
        }
        return {name: value for name, value in (body | changes).items() if value is not ...}

    return build


@pytest.fixture
def customer() -> Callable[..., Body]:
    """Builds a customer; a field given as ``...`` is left out."""

    def build(**changes: Any) -> Body:
        body: Body = {
            "customer_id": "USMF-001",
            "exemption_type": "wholesale",
            "name": "Contoso Retail",
            "exempt_regions": [{"country": "US", "state": "CA"}],
            "country": "US",
            "state": "CA",
            "zip": "90002",
            "city": "Los Angeles",
            "street": "1335 E 103rd St",
        }
        return {name: value for name, value in (body | changes).items() if value is not ...}

    return build

"""One order, its refund, and a client whose HTTP transport is played by a script of answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from shared.settings import TaxJarSettings
from shared.taxjar.client import TaxJarClient
from shared.transactions import Kind, LineItem, Place, Transaction

NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
TOKEN = "5da2f821eee4035db4771edab942a4cc"

Step = httpx.Response | Exception


class Script:
    """Plays ``steps`` as TaxJar's answers, one per request, and keeps the requests. A request too many fails."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    @property
    def calls(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]

    def body(self, index: int = 0) -> Any:
        return json.loads(self.requests[index].content, parse_float=Decimal)


@pytest.fixture
def play() -> Callable[..., tuple[TaxJarClient, Script]]:
    def build(*steps: Step, **options: Any) -> tuple[TaxJarClient, Script]:
        script = Script(*steps)
        options = {"clock": lambda: NOW, **options}
        return TaxJarClient(httpx.MockTransport(script), TaxJarSettings(), SecretStr(TOKEN), **options), script

    return build


@pytest.fixture
def order() -> Transaction:
    return Transaction(
        kind=Kind.ORDER,
        transaction_id="USMF-CIV-000712",
        transaction_date=date(2026, 3, 17),
        amount=Decimal("50.00"),
        shipping=Decimal("5.00"),
        sales_tax=Decimal("4.39"),
        customer_id="USMF-US-014",
        ship_to=Place("US", "CA", "90002", "Los Angeles", "1335 E 103rd St"),
        ship_from=Place("US", "CA", "92093", "La Jolla", "9500 Gilman Dr"),
        line_items=(
            LineItem(2, Decimal("19.99"), Decimal("4.00"), Decimal("3.51"), "D0001", "Mid-range speaker"),
            LineItem(1, Decimal("9.02"), Decimal("0.00"), Decimal("0.88"), "D0007", "Printed guide book", "81100"),
        ),
    )


@pytest.fixture
def refund(order: Transaction) -> Transaction:
    return Transaction(
        kind=Kind.REFUND,
        transaction_id="USMF-CCN-000031-refund",
        transaction_date=date(2026, 4, 2),
        amount=Decimal("-9.02"),
        shipping=Decimal("0.00"),
        sales_tax=Decimal("-0.88"),
        customer_id="USMF-US-014",
        ship_to=order.ship_to,
        ship_from=None,
        line_items=(LineItem(1, Decimal("-9.02"), Decimal("0.00"), Decimal("-0.88"), "D0007", "Printed guide book"),),
        transaction_reference_id="USMF-CIV-000712",
    )


@pytest.fixture
def stored_order() -> dict[str, Any]:
    """The fixture ``order`` as TaxJar stores and returns it."""
    return {
        "user_id": 10649,
        "transaction_id": "USMF-CIV-000712",
        "transaction_reference_id": None,
        "transaction_date": "2026-03-17T00:00:00.000Z",
        "provider": "api",
        "exemption_type": None,
        "customer_id": "USMF-US-014",
        "from_country": "US",
        "from_state": "CA",
        "from_zip": "92093",
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
                "description": "Mid-range speaker",
                "product_tax_code": None,
                "unit_price": "19.99",
                "discount": "4.0",
                "sales_tax": "3.51",
            },
            {
                "id": 1,
                "quantity": 1,
                "product_identifier": "D0007",
                "description": "Printed guide book",
                "product_tax_code": "81100",
                "unit_price": "9.02",
                "discount": "-0.0",
                "sales_tax": "0.88",
            },
        ],
    }


@pytest.fixture
def stored_refund() -> dict[str, Any]:
    """The fixture ``refund`` as TaxJar stores and returns it."""
    return {
        "user_id": 10649,
        "transaction_id": "USMF-CCN-000031-refund",
        "transaction_reference_id": "USMF-CIV-000712",
        "transaction_date": "2026-04-02T00:00:00.000Z",
        "provider": "api",
        "exemption_type": None,
        "customer_id": "USMF-US-014",
        "from_country": "US",
        "from_state": None,
        "from_zip": None,
        "from_city": None,
        "from_street": None,
        "to_country": "US",
        "to_state": "CA",
        "to_zip": "90002",
        "to_city": "LOS ANGELES",
        "to_street": "1335 E 103rd St",
        "amount": "-9.02",
        "shipping": "-0.0",
        "sales_tax": "-0.88",
        "line_items": [
            {
                "id": 0,
                "quantity": 1,
                "product_identifier": "D0007",
                "description": "Printed guide book",
                "product_tax_code": None,
                "unit_price": "-9.02",
                "discount": "0.0",
                "sales_tax": "-0.88",
            }
        ],
    }

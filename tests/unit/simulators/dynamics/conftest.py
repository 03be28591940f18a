from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest

from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.entra import Claims

URL = "https://retail.operations.dynamics.test"
HEADERS = "SalesInvoiceHeadersV2"
TOKENS = {
    "good": Claims(URL, "tenant", "app"),
    "other-audience": Claims("https://other.operations.dynamics.test", "tenant", "app"),
    "audience-with-slash": Claims(f"{URL}/", "tenant", "app"),
    "other-tenant": Claims(URL, "another", "app"),
    "unknown-app": Claims(URL, "tenant", "stranger"),
}


@pytest.fixture
def dynamics() -> DynamicsSimulator:
    simulator = DynamicsSimulator(
        URL,
        TOKENS.get,
        clock=lambda: datetime(2026, 4, 1, tzinfo=UTC),
        default_company="DAT",
        tenant="tenant",
        applications=["app"],
        page_size=3,
    )
    numbers = ["INV-1", "INV-2", "O'Neil & Co #5", "inv-4", "INV*5"]
    for day, number in enumerate(numbers, start=10):
        simulator.add(
            HEADERS,
            {
                "dataAreaId": "USRT" if day > 10 else "dat",
                "InvoiceNumber": number,
                "InvoiceDate": date(2026, 3, day),
                "LedgerVoucher": f"V-{day}",
                "TotalInvoiceAmount": Decimal(day) + Decimal("0.10"),
                "CurrencyCode": "USD" if day % 2 else "CAD",
            },
        )
    return simulator


@pytest.fixture
async def client(dynamics: DynamicsSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(dynamics.app), base_url=URL, headers={"Authorization": "Bearer good"}
    ) as session:
        yield session

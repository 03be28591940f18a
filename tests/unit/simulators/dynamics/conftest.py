from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest

from local.simulators.dynamics.simulator import DynamicsSimulator

URL = "https://retail.operations.dynamics.test"
HEADERS = "SalesInvoiceHeadersV2"


@pytest.fixture
def dynamics() -> DynamicsSimulator:
    simulator = DynamicsSimulator(
        URL,
        lambda token, audience: (token, audience) == ("good", URL),
        clock=lambda: datetime(2026, 4, 1, tzinfo=UTC),
        default_company="DAT",
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

"""What TaxJar lists, of its simulator: days, months, providers, and how often it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from local.simulators.faults import Fault
from local.simulators.taxjar import StoredTransaction, TaxJarSimulator
from local.simulators.taxjar.records import Kind as StoredKind
from shared.settings import TaxJarSettings
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import Unavailable
from shared.taxjar.listing import PROVIDERS, Listing
from shared.transactions import Kind

TOKEN = "simulated-token"
MARCH = date(2026, 3, 17)


@dataclass
class Clock:
    now: datetime = datetime(2026, 4, 20, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> TaxJarSimulator:
    return TaxJarSimulator({TOKEN: "main"}, clock=clock)


@pytest.fixture
def listing(simulator: TaxJarSimulator, clock: Clock) -> Listing:
    client = TaxJarClient(httpx.ASGITransport(simulator.app), TaxJarSettings(), SecretStr(TOKEN), clock=clock)
    return Listing(client, clock)


def store(simulator: TaxJarSimulator, name: str, day: date, provider: str = "api", kind: StoredKind = "order") -> None:
    simulator.account("main").store(
        StoredTransaction(
            kind=kind,
            transaction_id=name,
            transaction_date=datetime(day.year, day.month, day.day, tzinfo=UTC),
            amount=Decimal(1),
            shipping=Decimal(0),
            sales_tax=Decimal(0),
            to_country="US",
            to_zip="90002",
            to_state="CA",
            provider=provider,
        )
    )


async def test_the_ids_of_a_day_are_those_of_one_provider_by_kind(simulator: TaxJarSimulator, listing: Listing) -> None:
    store(simulator, "A", MARCH)
    store(simulator, "B", MARCH, kind="refund")
    store(simulator, "C", MARCH + timedelta(days=1))
    store(simulator, "D", MARCH, "shopify")
    assert await listing.ids(MARCH) == {Kind.ORDER: {"A"}, Kind.REFUND: {"B"}}
    assert await listing.ids(MARCH, "shopify") == {Kind.ORDER: {"D"}, Kind.REFUND: set()}


async def test_the_providers_in_use_are_those_with_anything_in_the_month(
    simulator: TaxJarSimulator, listing: Listing
) -> None:
    store(simulator, "A", date(2026, 3, 1), "shopify")
    store(simulator, "B", date(2026, 3, 31), "amazon", "refund")
    store(simulator, "C", date(2026, 4, 1), "ebay")
    store(simulator, "D", MARCH, "ERPNext")
    store(simulator, "E", MARCH)
    assert await listing.providers_in_use(MARCH) == ("amazon", "shopify")
    assert await listing.providers_in_use(MARCH, also=["ERPNext", "api", ""]) == ("amazon", "shopify", "ERPNext")


async def test_each_provider_is_asked_once_per_month_and_day(
    simulator: TaxJarSimulator, listing: Listing, clock: Clock
) -> None:
    for day in (MARCH, MARCH.replace(day=1), MARCH.replace(day=31)):
        await listing.providers_in_use(day)
    assert len(simulator.calls) == 2 * len(PROVIDERS)
    clock.now += timedelta(days=1)
    store(simulator, "A", MARCH, "woo")
    assert await listing.providers_in_use(MARCH) == ("woo",)


async def test_a_month_that_takes_too_long_is_asked_for_in_parts(simulator: TaxJarSimulator, listing: Listing) -> None:
    for day in (1, 16, 31):
        store(simulator, f"A-{day}", MARCH.replace(day=day), "woo")
    simulator.faults.add(Fault(path="*/orders", status=503, times=2))
    assert await listing.providers_in_use(MARCH) == ("woo",)


async def test_trouble_that_is_no_time_limit_is_raised_and_forgotten(
    simulator: TaxJarSimulator, listing: Listing
) -> None:
    store(simulator, "A", MARCH, "woo")
    simulator.faults.add(Fault(status=503))
    with pytest.raises(Unavailable):
        await listing.providers_in_use(MARCH)
    simulator.faults.clear()
    assert await listing.providers_in_use(MARCH) == ("woo",)

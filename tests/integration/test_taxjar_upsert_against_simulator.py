"""Client and upsert against the simulated TaxJar: what is sent is accepted, and what is stored compares as the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from local.simulators.faults import Fault
from local.simulators.server import LoopbackServer
from local.simulators.taxjar import TaxJarSimulator
from shared.settings import TaxJarSettings
from shared.taxjar import upsert
from shared.taxjar.client import TaxJarClient
from shared.taxjar.compare import same
from shared.taxjar.errors import AccessDenied, Rejected, Throttled, Unavailable
from shared.taxjar.upsert import Created, Found, Updated
from shared.taxjar.wire import to_wire
from shared.transactions import ExemptionType, Kind, LineItem, Place, Transaction

Upsert = Callable[[TaxJarClient, Transaction], Awaitable[Created | Found | Updated]]

TOKEN = "simulated-token"
HOME = Place("US", "CA", "90002", "Los Angeles", "1335 E 103rd St")

ORDER = Transaction(
    kind=Kind.ORDER,
    transaction_id="USMF-CIV-000712",
    transaction_date=date(2026, 3, 17),
    amount=Decimal("50.00"),
    shipping=Decimal("5.00"),
    sales_tax=Decimal("4.39"),
    customer_id="USMF-US-014",
    ship_to=HOME,
    ship_from=Place("US", "CA", "92093", "La Jolla", "9500 Gilman Dr"),
    line_items=(
        LineItem(2, Decimal("19.99"), Decimal("4.00"), Decimal("3.51"), "D0001", "Mid-range speaker"),
        LineItem(1, Decimal("9.02"), Decimal("0.00"), Decimal("0.88"), "D0007", "Printed guide book", "81100"),
    ),
)
REFUND = Transaction(
    kind=Kind.REFUND,
    transaction_id="USMF-CCN-000031-refund",
    transaction_date=date(2026, 4, 2),
    amount=Decimal("-40.98"),
    shipping=Decimal("-5.00"),
    sales_tax=Decimal("-3.51"),
    customer_id="USMF-US-014",
    ship_to=HOME,
    ship_from=None,
    line_items=(LineItem(2, Decimal("-19.99"), Decimal("4.00"), Decimal("-3.51"), "D0001", "Mid-range speaker"),),
    transaction_reference_id="USMF-CIV-000712",
)
EXEMPT = replace(
    ORDER,
    sales_tax=Decimal("0.00"),
    exemption_type=ExemptionType.WHOLESALE,
    line_items=tuple(replace(line, sales_tax=Decimal("0.00")) for line in ORDER.line_items),
)


def clock() -> datetime:
    return datetime(2026, 3, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def simulator() -> TaxJarSimulator:
    return TaxJarSimulator({TOKEN: "main"}, clock=clock)


@pytest.fixture
def client(simulator: TaxJarSimulator) -> TaxJarClient:
    return TaxJarClient(httpx.ASGITransport(simulator.app), TaxJarSettings(), SecretStr(TOKEN), clock=clock)


@pytest.mark.parametrize("transaction", [ORDER, REFUND, EXEMPT], ids=["order", "refund", "exempt"])
async def test_what_was_created_is_found_the_same(client: TaxJarClient, transaction: Transaction) -> None:
    first = await upsert.create(client, transaction)
    assert isinstance(first, Created)
    assert first.answer.api_version_echo == "2022-01-24"
    assert same(to_wire(transaction), first.answer.body[transaction.kind.value])
    second = await upsert.create(client, transaction)
    assert isinstance(second, Found)
    assert second.differences == {}


async def test_a_changed_order_is_told_then_updated_then_the_same(
    client: TaxJarClient, simulator: TaxJarSimulator
) -> None:
    await upsert.create(client, ORDER)
    changed = replace(ORDER, sales_tax=Decimal("4.40"))
    found = await upsert.create(client, changed)
    assert isinstance(found, Found)
    assert found.differences == {"sales_tax": ("4.40", "4.39")}
    assert simulator.account("main").orders[ORDER.transaction_id].sales_tax == Decimal("4.39")
    assert isinstance(await upsert.update(client, changed), Updated)
    now = await upsert.find(client, changed)
    assert now is not None
    assert now.same


async def test_an_ended_exemption_is_taken_back_and_what_became_empty_is_cleared(
    client: TaxJarClient, simulator: TaxJarSimulator
) -> None:
    coded = replace(EXEMPT.line_items[0], product_tax_code="81100")
    await upsert.create(client, replace(EXEMPT, line_items=(coded, EXEMPT.line_items[1])))
    taxed = replace(ORDER, ship_to=replace(HOME, street=""), ship_from=None)
    updated = await upsert.update(client, taxed)
    assert (updated.differences, updated.account) == ({}, "10001")
    stored = simulator.account("main").orders[ORDER.transaction_id]
    assert (stored.exemption_type, stored.sales_tax) == ("non_exempt", Decimal("4.39"))
    assert (stored.to_street, stored.from_zip, stored.from_country) == (None, None, None)
    assert stored.line_items[0].product_tax_code is None


async def test_a_field_that_does_not_stick_is_told_with_both_values(
    client: TaxJarClient, simulator: TaxJarSimulator
) -> None:
    simulator.account("main").sticky |= {"exemption_type", "from_zip"}
    await upsert.create(client, EXEMPT)
    updated = await upsert.update(client, replace(ORDER, ship_from=None))
    assert isinstance(updated, Updated)
    assert updated.differences == {"exemption_type": ("non_exempt", "wholesale"), "from_zip": (None, "92093")}


async def test_what_an_earlier_version_sent_is_found_the_same(client: TaxJarClient, simulator: TaxJarSimulator) -> None:
    await upsert.create(client, ORDER)
    simulator.account("main").edit(ORDER.transaction_id, exemption_type=None)
    found = await upsert.find(client, ORDER)
    assert found is not None
    assert found.same


async def test_an_update_of_what_is_gone_creates_it(client: TaxJarClient, simulator: TaxJarSimulator) -> None:
    assert isinstance(await upsert.update(client, ORDER), Created)
    assert list(simulator.account("main").orders) == [ORDER.transaction_id]


@pytest.mark.parametrize("act", [upsert.create, upsert.update])
async def test_an_id_taken_by_the_other_kind_ends_after_one_switch(
    client: TaxJarClient, simulator: TaxJarSimulator, act: Upsert
) -> None:
    await upsert.create(client, ORDER)
    simulator.calls.clear()
    clash = replace(REFUND, transaction_id=ORDER.transaction_id)
    with pytest.raises(Rejected, match="already imported"):
        await act(client, clash)
    methods = [call.method for call in simulator.calls]
    assert (methods.count("POST"), methods.count("PUT")) == (1, 1)
    assert simulator.account("main").refunds == {}


async def test_a_create_that_took_effect_unseen_is_adopted_by_the_next(
    client: TaxJarClient, simulator: TaxJarSimulator
) -> None:
    simulator.faults.add(Fault(method="POST", times=1, after=True, drop=True))
    with pytest.raises(Unavailable) as caught:
        await upsert.create(client, ORDER)
    assert caught.value.outcome_unknown
    again = await upsert.create(client, ORDER)
    assert isinstance(again, Found)
    assert again.same
    assert len(simulator.account("main").orders) == 1


async def test_over_a_real_socket_drops_and_refusals_are_told_apart(simulator: TaxJarSimulator) -> None:
    simulator.faults.add(
        Fault(times=1, drop=True),
        Fault(times=1, status=502, body="html"),
        Fault(times=1, status=429, retry_after=30, retry_after_as_date=True),
        Fault(times=1, status=200, body="html"),
        Fault(times=1, status=302, location="http://127.0.0.1:9/"),
    )
    async with httpx.AsyncHTTPTransport() as transport:
        with LoopbackServer(simulator.app) as server:
            settings = TaxJarSettings(api_url=f"{server.url}/v2")
            client = TaxJarClient(transport, settings, SecretStr(TOKEN), clock=clock)
            for error in (Unavailable, Unavailable, Throttled, AccessDenied, AccessDenied):
                with pytest.raises(error) as caught:
                    await client.create(ORDER)
                assert getattr(caught.value, "outcome_unknown", True)
                assert getattr(caught.value, "retry_after", None) in ({30.0} if error is Throttled else {None})
            assert (await client.create(ORDER)).status == 201
        with pytest.raises(Unavailable) as refused:
            await client.create(ORDER)
        assert not refused.value.outcome_unknown


async def test_a_wrong_token_and_an_ended_plan_deny_access(simulator: TaxJarSimulator, client: TaxJarClient) -> None:
    simulator.account("main").plan_active = False
    with pytest.raises(AccessDenied) as ended:
        await client.create(ORDER)
    simulator.tokens.clear()
    with pytest.raises(AccessDenied) as wrong:
        await client.create(ORDER)
    assert (ended.value.status, wrong.value.status) == (403, 401)
    assert "Not authorized" in wrong.value.detail


async def test_bad_data_is_rejected_in_taxjars_words(client: TaxJarClient) -> None:
    with pytest.raises(Rejected, match="amount must be equal to the sum") as caught:
        await client.create(replace(ORDER, amount=Decimal("45.00")))
    assert caught.value.status == 400


async def test_ids_customers_and_reference_data_are_read(client: TaxJarClient) -> None:
    await client.create(ORDER)
    await client.create(REFUND)
    day = date(2026, 3, 17)
    assert await client.list_ids(Kind.ORDER, day, day) == (ORDER.transaction_id,)
    assert await client.list_ids(Kind.REFUND, day, day) == ()
    customer = {"customer_id": "USMF-US-014", "exemption_type": "wholesale", "name": "Contoso"}
    assert await client.find_customer("USMF-US-014") is None
    await client.create_customer(customer)
    await client.update_customer({**customer, "exemption_type": "non_exempt"})
    stored = await client.find_customer("USMF-US-014")
    assert stored is not None
    assert stored["exemption_type"] == "non_exempt"
    assert "CA" in {region.region_code for region in await client.nexus_regions()}
    assert "81100" in {category.product_tax_code for category in await client.categories()}
    assert Decimal((await client.rates("90002"))["combined_rate"]) > 0
    sale = {"to_country": "US", "to_state": "CA", "to_zip": "90002", "amount": Decimal("45.00"), "shipping": Decimal(5)}
    assert (await client.taxes({**sale, "from_country": "US", "from_state": "CA", "from_zip": "92093"}))["has_nexus"]

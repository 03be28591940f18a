"""Exemptions that hold in the states of the customer's delivery addresses (``EXEMPT_REGIONS_FROM_ADDRESSES``)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AUSTIN, AddressSpec, InvoiceSpec
from shared.flows.operations.ping import ping_connection
from shared.ledger.records import State
from tests.exempt_customers import calls, change, sync
from tests.world import TODAY, World

ADDRESSES = "CustomerPostalAddresses"
DENVER = AddressSpec("1 Wynkoop St", "Denver", "Colorado", "80202")
LONDON = AddressSpec("1 The Mall", "London", "", "SW1A 1AA", country="GBR")
STATELESS = AddressSpec("1 Elm", "Somewhere", "", "")
pytestmark = pytest.mark.company(
    exempt_tax_groups={"EXEMPT": "government"}, exempt_regions={"C-2001": ["NY"]}, exempt_regions_from_addresses=True
)


def regions(world: World) -> dict[str, list[str]]:
    return {id: [state for _, state in held.exempt_regions] for id, held in world.taxjar.customers.items()}


def asked(world: World) -> int:
    return sum(ADDRESSES in call.path for call in world.simulation.dynamics.calls)


async def test_the_states_of_the_delivery_addresses_are_the_regions_unless_a_setting_names_them(world: World) -> None:
    world.posting.customer("C-2000", "Schools", AUSTIN, delivery=DENVER, tax_group="EXEMPT")
    world.posting.customer_address("C-2000", AUSTIN)
    world.posting.customer_address("C-2000", LONDON)
    world.posting.customer_address("C-2000", AddressSpec("9 Pine", "Reno", "NV", "89501"), delivery=False)
    world.posting.customer("C-2001", "Resellers", AUSTIN, delivery=AUSTIN, tax_group="EXEMPT")
    await sync(world)
    assert regions(world) == {"USMF-C-2000": ["CO", "TX"], "USMF-C-2001": ["NY"]}
    world.posting.customer_address("C-2000", AddressSpec("9 Pine", "Reno", "NV", "89501"))
    await sync(world)
    await sync(world)
    assert regions(world)["USMF-C-2000"] == ["CO", "NV", "TX"]
    assert calls(world) == ["POST customers", "POST customers", "PUT USMF-C-2000"]


async def test_f_and_o_is_asked_for_the_addresses_of_exempt_customers_only_twenty_at_a_time(world: World) -> None:
    for number in range(41):
        world.posting.customer(f"C-30{number:02}", "School", AUSTIN, tax_group="EXEMPT")
        world.posting.customer(f"C-40{number:02}", "Shop", AUSTIN, tax_group="TX-AUS")
    await sync(world)
    assert len(world.taxjar.customers) == 41
    assert asked(world) == 3


async def test_an_exemption_of_which_no_state_is_known_is_not_told_and_never_widened(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.posting.customer("C-2000", "Nowhere", STATELESS, tax_group="EXEMPT")
    world.posting.customer("C-2002", "Abroad", LONDON, delivery=LONDON, tax_group="EXEMPT")
    known = world.posting.customer("C-2003", "Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, known, AddressState="", AddressZipCode="", OrganizationName="Hill County Schools")
    await sync(world)
    assert regions(world) == {"USMF-C-2003": ["TX"]}
    assert calls(world) == ["POST customers"]
    first, second = (record.getMessage() for record in caplog.records if "no US state" in record.getMessage())
    assert ": C-2000, C-2002. " in first
    assert ": C-2000, C-2002, C-2003. " in second
    change(world, known, SalesTaxGroup="TX-AUS")
    await sync(world)
    assert world.taxjar.customers["USMF-C-2003"].exemption_type == "non_exempt"


async def test_addresses_that_may_not_be_read_change_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.posting.customer("C-2000", "Schools", AUSTIN, delivery=DENVER, tax_group="EXEMPT")
    await sync(world)
    world.simulation.dynamics.forbid(ADDRESSES)
    world.posting.customer("C-2002", "Club", AUSTIN, delivery=DENVER, tax_group="EXEMPT")
    await sync(world)
    assert regions(world) == {"USMF-C-2000": ["CO"]}
    assert "cannot be read: C-2000, C-2002. " in caplog.text


async def test_a_customer_that_precedes_its_document_has_the_same_regions(world: World) -> None:
    world.posting.customer("C-2000", "Schools", AUSTIN, delivery=DENVER, tax_group="EXEMPT")
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, customer="C-2000", tax_group="EXEMPT"))
    taxed = InvoiceSpec("INV-2", TODAY, customer="C-2000", tax_rate=Decimal("0.0825"), ship_to=AUSTIN)
    world.posting.invoice(taxed)
    await world.run()
    assert regions(world) == {"USMF-C-2000": ["CO"]}
    assert asked(world) == 1
    assert world.taxjar.orders["USMF-INV-2"].exemption_type == "non_exempt"
    await sync(world)
    assert calls(world) == ["POST customers"]


async def test_a_document_does_not_wait_for_an_exemption_of_which_no_state_is_known(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.posting.customer("C-2000", "Nowhere", STATELESS, tax_group="EXEMPT")
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, customer="C-2000", ship_to=AUSTIN))
    await world.run()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert calls(world) == []
    assert "no US state or cannot be read: C-2000. " in caplog.text


async def test_the_ping_tries_the_set_because_it_is_read(world: World) -> None:
    world.simulation.dynamics.forbid(ADDRESSES)
    answer = await ping_connection(world.connector, CONNECTION, "test")
    assert [check["name"] for check in answer["checks"] if not check["ok"]] == [f"entity set {ADDRESSES}"]

"""Cases T7 and T8: what was picked up or sold at a register was sold in the store (design 4.5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, LineSpec
from tests.holdings import AUSTIN, NY_LINE, back, holdings, invoice, outcome
from tests.world import TODAY, World

STORE = AddressSpec("1420 5th Ave", "Seattle", "WA", "98101")


PICKED_UP = pytest.mark.company(pickup_delivery_modes=["PICKUP"], pos_sales_origins=["POS"])


@PICKED_UP
async def test_a_pick_up_at_a_warehouse_without_an_address_is_held(world: World) -> None:
    world.posting.site("S9")
    world.posting.warehouse("W-BARE", site="S9")
    world.posting.invoice(invoice(warehouse="W-BARE", delivery_mode="PICKUP"))
    await world.run()
    assert await outcome(world, "INV-1") == "held address_incomplete"


@PICKED_UP
async def test_a_pick_up_takes_the_address_of_the_stores_site_when_the_warehouse_has_none(world: World) -> None:
    world.posting.site("S9", STORE)
    world.posting.warehouse("W-SEA", site="S9")
    world.posting.invoice(invoice(warehouse="W-SEA", delivery_mode="pickup", ship_to=AUSTIN))
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.to_state, order.to_zip, order.from_zip) == ("WA", "98101", "98101")


@PICKED_UP
async def test_a_picked_up_line_is_sourced_to_the_store_and_the_others_to_the_customer(world: World) -> None:
    world.posting.warehouse("W-SEA", STORE)
    picked = LineSpec("P-4", price=40, tax=Decimal("4.10"), warehouse="W-SEA", delivery_mode="PICKUP")
    world.posting.invoice(invoice(lines=[picked, LineSpec("P-1", tax=Decimal("8.25"))]))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "WA 40.00/4.10", "USMF-INV-1-part-2": "TX 100.00/8.25"}
    assert world.taxjar.orders["USMF-INV-1"].from_state == "WA"


@PICKED_UP
async def test_a_store_return_of_a_store_sale_stays_in_the_stores_state(world: World) -> None:
    world.posting.warehouse("W-SEA", STORE)
    sold = world.posting.invoice(
        invoice(ship_to=None, warehouse="W-SEA", sales_origin="POS", tax_rate=Decimal("0.1025"))
    )
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert holdings(world) == {
        "USMF-CRN-1-refund": "WA -100.00/-10.25 of USMF-INV-1",
        "USMF-INV-1": "WA 100.00/10.25",
    }


@PICKED_UP
async def test_what_was_shipped_and_is_returned_in_a_store_of_another_state_goes_back_to_the_sales_state(
    world: World,
) -> None:
    world.posting.warehouse("W-SEA", STORE)
    sold = world.posting.invoice(invoice(lines=[NY_LINE]))
    world.posting.credit_note(
        sold,
        "CRN-1",
        TODAY,
        link=Link.RETURNED_LOT,
        lines=[replace(back(NY_LINE), warehouse="W-SEA")],
        adapt=lambda spec: replace(spec, warehouse="W-SEA", delivery_mode="PICKUP", sales_origin="POS"),
    )
    await world.run()
    assert holdings(world, "CRN") == {"USMF-CRN-1-refund": "NY -120.00/-10.65 of USMF-INV-1"}

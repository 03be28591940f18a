"""Cases T4 to T6 and T9: addresses are repaired where that is certain, and never guessed (design 4.5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.dynamics.specs import AddressSpec, LineSpec
from tests.holdings import AUSTIN, BOSTON, NEW_YORK, NY_LINE, TORONTO, TX_LINE, holdings, invoice, outcome
from tests.world import World


async def test_a_lost_zero_is_put_back_and_the_customers_austin_does_not_count(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", AUSTIN)
    world.posting.invoice(invoice(customer="C-2000", ship_to=replace(BOSTON, zip="2108"), tax_rate=Decimal("0.0625")))
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.to_state, order.to_zip, order.to_city) == ("MA", "02108", "Boston")


async def test_lost_zeros_of_puerto_rico_are_put_back_and_elsewhere_three_digits_are_held(world: World) -> None:
    world.posting.country("PRI", "PR")
    world.posting.invoice(invoice("INV-1", ship_to=AddressSpec("1 Calle Sol", "San Juan", "PR", "901")))
    world.posting.invoice(invoice("INV-2", ship_to=AddressSpec("1 Main St", "Austin", "TX", "787")))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "PR 100.00/0.00"}
    assert await outcome(world, "INV-2") == "held address_incomplete"


@pytest.mark.parametrize("number", ["customer in Canada", "customer in Texas"])
async def test_a_state_without_zip_is_held_unless_a_farther_address_is_in_it(world: World, number: str) -> None:
    home = TORONTO if number == "customer in Canada" else AUSTIN
    world.posting.country("CAN", "CA")
    world.posting.customer("C-2000", "Barton", home)
    world.posting.invoice(invoice(customer="C-2000", ship_to=AddressSpec("", "", "TX", "")))
    await world.run()
    if number == "customer in Canada":
        assert await outcome(world, "INV-1") == "held address_incomplete"
        assert holdings(world) == {}
    else:
        assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00"}


async def test_one_bad_line_address_holds_the_whole_invoice_and_once_put_right_all_of_it_goes(world: World) -> None:
    bad = replace(NEW_YORK, zip="")
    world.posting.invoice(invoice(lines=[TX_LINE, replace(NY_LINE, ship_to=bad)]))
    await world.run()
    assert await outcome(world, "INV-1") == "held address_incomplete"
    assert holdings(world) == {}


@pytest.mark.parametrize(
    ("state", "zip_code", "filed"),
    [
        ("", "MA 02134", "MA 02134"),
        ("MA", "02134\N{EN DASH}1001", "MA 02134-1001"),
        ("Mass.", "02134", "MA 02134"),
        ("US-MA", "02134", "MA 02134"),
        ("MA", "O2134", "MA 02134"),
        ("massachusetts", " 02134 ", "MA 02134"),
        ("MA", "021341001", "MA 02134-1001"),
        ("", "O2134", None),
        ("TX", "O2134", None),
    ],
)
async def test_a_zip_code_is_repaired_where_that_is_certain(
    world: World, state: str, zip_code: str, filed: str | None
) -> None:
    world.posting.invoice(invoice(ship_to=AddressSpec("9 Harvard Ave", "Boston", state, zip_code)))
    await world.run()
    if filed is None:
        assert (await outcome(world, "INV-1")).startswith("held ")
        assert holdings(world) == {}
    else:
        order = world.taxjar.orders["USMF-INV-1"]
        assert f"{order.to_state} {order.to_zip}" == filed


@pytest.mark.parametrize(
    ("zip_code", "state"),
    [
        ("42223", "TN"),
        ("42223", "KY"),
        ("02861", "MA"),
        ("02861", "RI"),
        ("97635", "CA"),
        ("97635", "OR"),
        ("86515", "NM"),
        ("86515", "AZ"),
        ("89439", "CA"),
        ("89439", "NV"),
    ],
)
async def test_a_zip_code_in_two_states_is_right_in_both(world: World, zip_code: str, state: str) -> None:
    world.posting.invoice(invoice(ship_to=AddressSpec("1 Border Rd", "Anytown", state, zip_code)))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": f"{state} 100.00/0.00"}


async def test_a_border_zip_code_without_a_state_is_held_and_with_a_third_state_is_a_mismatch(world: World) -> None:
    world.posting.invoice(invoice("INV-1", ship_to=AddressSpec("1 Border Rd", "Anytown", "", "42223")))
    world.posting.invoice(invoice("INV-2", ship_to=AddressSpec("1 Border Rd", "Anytown", "OH", "42223")))
    await world.run()
    assert await outcome(world, "INV-1") == "held address_incomplete"
    assert await outcome(world, "INV-2") == "held zip_state_mismatch"


@pytest.mark.company(zip_states={"73949": ["OK", "TX"]})
async def test_the_companys_own_table_of_zip_codes_wins(world: World) -> None:
    world.posting.invoice(invoice(ship_to=AddressSpec("1 Panhandle Rd", "Texhoma", "TX", "73949")))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00"}


async def test_the_order_stands_in_for_a_line_whose_posted_address_is_incomplete(world: World) -> None:
    line = LineSpec("P-2", tax=Decimal("8.88"), ship_to=replace(NEW_YORK, zip=""))
    world.posting.invoice(invoice(lines=[line], ship_to=AUSTIN, order_ship_to=NEW_YORK))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "NY 100.00/8.88"}

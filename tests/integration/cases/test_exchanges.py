"""Cases T20 to T23: what goes out and what comes back on one document (design 4.3, 4.11)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import ChargeSpec
from tests.holdings import (
    AUSTIN,
    CA_LINE,
    NEW_YORK,
    NO_TAX,
    NY_LINE,
    TX_LINE,
    back,
    filed,
    holdings,
    invoice,
    left_out,
    outcome,
    taxed,
)
from tests.world import TODAY, World

# T20, T21 -------------------------------------------------------------------------------------------------------------


async def test_an_exchange_for_an_exempt_item_is_an_order_and_a_refund(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(-100, "-8.25"), taxed(150, 0, "P-2000")]))
    await world.run()
    assert holdings(world) == {
        "USMF-INV-1": "TX 150.00/0.00",
        "USMF-INV-1-refund": "TX -100.00/-8.25 of USMF-INV-1",
    }
    record = await world.record("INV-1")
    assert (record.filing.amount, record.filing.sales_tax) == (Decimal("50.00"), Decimal("-8.25"))


async def test_food_stays_untaxed_and_tools_taxed_when_a_tool_comes_back(world: World) -> None:
    lines = [taxed(600, 0, "FOOD"), taxed(600, "49.50", "TOOL"), taxed(-500, "-41.25", "TOOL")]
    world.posting.invoice(invoice(lines=lines))
    await world.run()
    assert filed(world, "INV-1") == ["TX -500.00/-41.25 of USMF-INV-1", "TX 1200.00/49.50"]
    sent = {item.product_identifier: item.unit_price for item in world.taxjar.orders["USMF-INV-1"].line_items}
    assert sent == {"FOOD": 600, "TOOL": 600}


async def test_an_even_exchange_is_not_of_no_value(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(-100, "-8.25"), taxed(100, "8.25", "P-2000")]))
    await world.run()
    assert filed(world, "INV-1") == ["TX -100.00/-8.25 of USMF-INV-1", "TX 100.00/8.25"]


async def test_an_exchange_that_ends_in_a_credit_still_has_its_order_first(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(-100, "-8.25"), taxed(40, "3.30", "P-2000")]))
    await world.run()
    assert filed(world, "INV-1") == ["TX -100.00/-8.25 of USMF-INV-1", "TX 40.00/3.30"]
    assert (await world.record("INV-1")).filing.transaction_id == "USMF-INV-1"


@pytest.mark.parametrize("link", [Link.CREDIT_INVOICING, Link.RETURNED_LOT])
async def test_what_came_back_refers_to_its_sale_where_that_is_known(world: World, link: Link) -> None:
    sold = world.posting.invoice(invoice(lines=[NY_LINE]))
    lines = [taxed(-120, "-10.65", returned_lot=NY_LINE.lot or ""), taxed(200, "17.75", ship_to=NEW_YORK)]
    if link is Link.CREDIT_INVOICING:
        lines[0] = replace(lines[0], returned_lot="")
    exchange = world.posting.invoice(invoice("EXC-1", lines=lines))
    if link is Link.CREDIT_INVOICING:
        world.posting.refer(exchange, sold)
    await world.run()
    assert filed(world, "EXC-1") == ["NY -120.00/-10.65 of USMF-INV-1", "NY 200.00/17.75"]


async def test_goods_for_another_state_do_not_move_the_return(world: World) -> None:
    world.posting.invoice(invoice(lines=[NY_LINE]))
    lines = [taxed(-120, "-10.65", returned_lot=NY_LINE.lot or ""), taxed(200, "16.50", ship_to=AUSTIN)]
    world.posting.invoice(invoice("EXC-1", lines=lines, return_number="RMA-1"))
    await world.run()
    assert filed(world, "EXC-1") == ["NY -120.00/-10.65 of USMF-INV-1", "TX 200.00/16.50"]


async def test_an_exchange_over_two_states_is_three_transactions(world: World) -> None:
    world.posting.invoice(invoice(lines=[CA_LINE]))
    lines = [
        taxed(-50, "-4.75", returned_lot=CA_LINE.lot or ""),
        replace(TX_LINE, lot=None),
        replace(NY_LINE, lot=None),
    ]
    world.posting.invoice(invoice("EXC-1", lines=lines, charges=[ChargeSpec("FREIGHT", 22, Decimal("1.90"))]))
    await world.run()
    assert filed(world, "EXC-1") == ["CA -50.00/-4.75 of USMF-INV-1", "NY 132.00/11.69", "TX 110.00/9.11"]


async def test_quantity_zero_goes_by_the_sign_of_its_amount(world: World) -> None:
    allowance = taxed(-20, "-1.65", quantity=0)
    world.posting.invoice(invoice(lines=[taxed(100, "8.25"), allowance, taxed(5, 0, quantity=0)]))
    await world.run()
    assert filed(world, "INV-1") == ["TX -20.00/-1.65 of USMF-INV-1", "TX 105.00/8.25"]


# T22 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        (("HANDLING", "15", "0"), ["TX -100.00/-8.25 of USMF-INV-1", "TX 15.00/0.00"]),
        (("HANDLING", "15", "1.24"), ["TX -85.00/-7.01 of USMF-INV-1"]),
        (("FREIGHT", "15", "0"), ["TX -100.00/-8.25 of USMF-INV-1", "TX 15.00/0.00"]),
        (("FREIGHT", "15", "1.24"), ["TX -85.00/-7.01 of USMF-INV-1"]),
        (("FREIGHT", "-15", "-1.24"), ["TX -115.00/-9.49 of USMF-INV-1"]),
        (("HANDLING", "100", "8.25"), []),
    ],
)
async def test_a_restocking_charge_lowers_what_is_taxed_as_it_is(
    world: World, charge: tuple[str, str, str], expected: list[str]
) -> None:
    sold = world.posting.invoice(invoice(lines=[taxed(100, "8.25")]))
    code, amount, tax = charge
    # The charge is posted with the opposite sign of what comes back.
    kept = ChargeSpec(code, -Decimal(amount), -Decimal(tax))
    world.posting.credit_note(sold, "CRN-1", TODAY, lines=[taxed(100, "8.25")], charges=[kept])
    await world.run()
    assert filed(world, "CRN-1") == expected
    if not expected:
        assert await outcome(world, "CRN-1") == "skipped zero_value"


async def test_a_restocking_charge_over_two_states_is_split_by_value(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE]))
    kept = ChargeSpec("HANDLING", Decimal("-22"), Decimal("-1.90"))
    lines = [back(TX_LINE), back(NY_LINE)]
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=lines, charges=[kept])
    await world.run()
    assert filed(world, "CRN-1") == ["NY -108.00/-9.61 of USMF-INV-1-part-2", "TX -90.00/-7.39 of USMF-INV-1"]


async def test_an_untaxed_restocking_charge_over_two_states_is_an_order_in_each(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE]))
    kept = ChargeSpec("HANDLING", Decimal(-22), NO_TAX)
    lines = [back(TX_LINE), back(NY_LINE)]
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=lines, charges=[kept])
    await world.run()
    assert filed(world, "CRN-1") == [
        "NY -120.00/-10.65 of USMF-INV-1-part-2",
        "NY 12.00/0.00",
        "TX -100.00/-8.25 of USMF-INV-1",
        "TX 10.00/0.00",
    ]


# T23 ------------------------------------------------------------------------------------------------------------------


async def test_a_trade_in_is_a_refund_without_tax(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(1000, "95.00"), taxed(-300, 0, "TRADE-IN")]))
    await world.run()
    assert holdings(world) == {
        "USMF-INV-1": "TX 1000.00/95.00",
        "USMF-INV-1-refund": "TX -300.00/0.00 of USMF-INV-1",
    }


async def test_a_trade_in_worth_more_than_the_sale_refers_to_its_own_order(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(200, "16.50"), taxed(-300, 0, "TRADE-IN")]))
    await world.run()
    assert filed(world, "INV-1") == ["TX -300.00/0.00 of USMF-INV-1", "TX 200.00/16.50"]


@pytest.mark.company(discount_items=["COUPON"])
async def test_a_discount_item_lowers_the_sale_whatever_its_quantity(world: World) -> None:
    coupon = taxed(-10, "-0.83", "COUPON")
    world.posting.invoice(invoice("INV-1", lines=[taxed(100, "8.25"), coupon]))
    world.posting.invoice(invoice("INV-2", lines=[taxed(100, "8.25"), replace(coupon, quantity=1)]))
    world.posting.invoice(invoice("INV-3", lines=[taxed(100, "8.25"), replace(coupon, tax=NO_TAX)]))
    world.posting.invoice(invoice("INV-4", lines=[taxed(100, "8.25"), taxed(-40, "-3.30"), coupon]))
    await world.run()
    assert filed(world, "INV-1") == ["TX 90.00/7.42"]
    assert filed(world, "INV-2") == ["TX 90.00/7.42"]
    # Untaxed, it lowers nothing that is taxed.
    assert filed(world, "INV-3") == ["TX -10.00/0.00 of USMF-INV-3", "TX 100.00/8.25"]
    assert filed(world, "INV-4") == ["TX -40.00/-3.30 of USMF-INV-4", "TX 90.00/7.42"]
    assert await left_out(world, "INV-1") == {}


async def test_a_discount_lowers_only_lines_taxed_alike_over_all_states(world: World) -> None:
    off = taxed(-44, "-3.78", "PROMO", quantity=1)
    world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE, replace(CA_LINE, tax=NO_TAX), off]))
    await world.run()
    assert filed(world, "INV-1") == ["CA 50.00/0.00", "NY 96.00/8.59", "TX 80.00/6.53"]


async def test_an_end_discount_lowers_taxed_and_untaxed_lines_alike(world: World) -> None:
    lines = [replace(TX_LINE, tax=Decimal("7.43")), replace(CA_LINE, price=300, tax=NO_TAX)]
    world.posting.invoice(invoice(lines=lines, end_discount=40))
    await world.run()
    assert filed(world, "INV-1") == ["CA 270.00/0.00", "TX 90.00/7.43"]

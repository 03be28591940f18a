"""Cases T2, T3 and T10: lines are filed where they went, each in its own state (design 4.3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, LineSpec
from tests.holdings import (
    AUSTIN,
    CA_LINE,
    NEW_YORK,
    NO_TAX,
    NY_LINE,
    SAN_FRANCISCO,
    TORONTO,
    TX_LINE,
    back,
    filed,
    holdings,
    invoice,
    left_out,
)
from tests.world import TODAY, World


async def test_lines_to_two_states_are_two_orders_and_freight_is_split_by_value(world: World) -> None:
    freight = ChargeSpec("FREIGHT", 22, Decimal("1.90"))
    world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE], charges=[freight]))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 110.00/9.11", "USMF-INV-1-part-2": "NY 132.00/11.69"}
    shipping = {name: order.shipping for name, order in world.taxjar.orders.items()}
    assert shipping == {"USMF-INV-1": Decimal("10.00"), "USMF-INV-1-part-2": Decimal("12.00")}


async def test_lines_to_three_states_are_three_orders_whose_cents_of_freight_add_up(world: World) -> None:
    same = [replace(line, price=100, tax=NO_TAX) for line in (TX_LINE, NY_LINE, CA_LINE)]
    world.posting.invoice(invoice(lines=same, charges=[ChargeSpec("FREIGHT", 10, 0)]))
    await world.run()
    assert holdings(world) == {
        "USMF-INV-1": "TX 103.34/0.00",
        "USMF-INV-1-part-2": "NY 103.33/0.00",
        "USMF-INV-1-part-3": "CA 103.33/0.00",
    }


async def test_a_line_charge_goes_with_its_line_and_a_taxed_charge_only_to_taxed_lines(world: World) -> None:
    untaxed = replace(NY_LINE, tax=NO_TAX)
    charges = [ChargeSpec("HANDLING", 5, Decimal("0.41"), line=0), ChargeSpec("FREIGHT", 20, Decimal("1.65"))]
    world.posting.invoice(invoice(lines=[TX_LINE, untaxed], charges=charges))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 125.00/10.31", "USMF-INV-1-part-2": "NY 120.00/0.00"}


async def test_a_return_of_the_second_state_alone_takes_back_that_part(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE]))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=[back(NY_LINE)])
    await world.run()
    assert holdings(world, "CRN-1") == {"USMF-CRN-1-refund": "NY -120.00/-10.65 of USMF-INV-1-part-2"}


async def test_a_credit_note_of_the_whole_two_state_invoice_is_two_refunds(world: World) -> None:
    freight = ChargeSpec("FREIGHT", 22, Decimal("1.90"))
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE], charges=[freight]))
    world.posting.credit_note(sold, "CRN-1", TODAY)
    await world.run()
    assert holdings(world, "CRN-1") == {
        "USMF-CRN-1-refund": "TX -110.00/-9.11 of USMF-INV-1",
        "USMF-CRN-1-refund-part-2": "NY -132.00/-11.69 of USMF-INV-1-part-2",
    }


async def test_a_charge_on_a_line_that_is_returned_goes_with_the_line(world: World) -> None:
    sold = world.posting.invoice(
        invoice(lines=[TX_LINE, NY_LINE], charges=[ChargeSpec("HANDLING", 6, Decimal("0.53"), line=1)])
    )
    world.posting.credit_note(
        sold,
        "CRN-1",
        TODAY,
        link=Link.RETURNED_LOT,
        lines=[back(TX_LINE), back(NY_LINE)],
        charges=[ChargeSpec("HANDLING", 6, Decimal("0.53"), line=1)],
    )
    await world.run()
    assert holdings(world) == {
        "USMF-CRN-1-refund": "TX -100.00/-8.25 of USMF-INV-1",
        "USMF-CRN-1-refund-part-2": "NY -126.00/-11.18 of USMF-INV-1-part-2",
        "USMF-INV-1": "TX 100.00/8.25",
        "USMF-INV-1-part-2": "NY 126.00/11.18",
    }


async def test_two_partial_returns_of_a_two_state_invoice_each_take_their_part(world: World) -> None:
    many = [replace(TX_LINE, quantity=2, tax=Decimal("16.50")), replace(NY_LINE, quantity=2, tax=Decimal("21.30"))]
    sold = world.posting.invoice(invoice(lines=many))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=[back(NY_LINE)])
    world.posting.credit_note(sold, "CRN-2", TODAY, link=Link.RETURNED_LOT, lines=[back(TX_LINE), back(NY_LINE)])
    await world.run()
    assert filed(world, "CRN-1") == ["NY -120.00/-10.65 of USMF-INV-1-part-2"]
    assert filed(world, "CRN-2") == ["NY -120.00/-10.65 of USMF-INV-1-part-2", "TX -100.00/-8.25 of USMF-INV-1"]


async def test_the_documents_own_state_gets_nothing_when_no_line_goes_there(world: World) -> None:
    lines = [
        LineSpec("P-3", price=600, tax=Decimal("57.00"), ship_to=SAN_FRANCISCO),
        LineSpec("P-2", price=500, tax=Decimal("44.38"), ship_to=NEW_YORK),
    ]
    world.posting.invoice(invoice(lines=lines, ship_to=AUSTIN))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "CA 600.00/57.00", "USMF-INV-1-part-2": "NY 500.00/44.38"}


async def test_a_line_without_an_address_of_its_own_goes_to_the_documents(world: World) -> None:
    world.posting.invoice(invoice(lines=[NY_LINE, LineSpec("P-9", price=10, tax=Decimal("0.83"))], ship_to=AUSTIN))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "NY 120.00/10.65", "USMF-INV-1-part-2": "TX 10.00/0.83"}


async def test_two_streets_of_one_state_are_two_orders_and_the_state_has_their_sum(world: World) -> None:
    other = AddressSpec("500 E 4th St", "Austin", "TX", "78701")
    world.posting.invoice(invoice(lines=[TX_LINE, replace(TX_LINE, ship_to=other, lot="LOT-2"), CA_LINE]))
    await world.run()
    assert holdings(world) == {
        "USMF-INV-1": "TX 100.00/8.25",
        "USMF-INV-1-part-2": "TX 100.00/8.25",
        "USMF-INV-1-part-3": "CA 50.00/4.75",
    }


async def test_a_line_that_goes_abroad_takes_its_share_of_freight_out_of_the_filing(world: World) -> None:
    world.posting.country("CAN", "CA")
    abroad = LineSpec("P-5", price=100, tax=NO_TAX, ship_to=TORONTO)
    world.posting.invoice(
        invoice(lines=[replace(TX_LINE, tax=NO_TAX), abroad], charges=[ChargeSpec("FREIGHT", 20, NO_TAX)])
    )
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 110.00/0.00"}
    assert await left_out(world, "INV-1") == {"not_us": "110.00/0.00"}


SAN_JUAN = AddressSpec("1 Calle Sol", "San Juan", "", "00901", "PRI")


async def test_puerto_rico_as_a_country_is_a_us_state(world: World) -> None:
    world.posting.invoice(invoice(lines=[LineSpec(tax=Decimal("11.50"))], ship_to=SAN_JUAN))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "PR 100.00/11.50"}
    assert world.taxjar.orders["USMF-INV-1"].to_country == "US"


async def test_a_refund_from_puerto_rico_goes_back_to_puerto_rico(world: World) -> None:
    world.posting.country("PRI", "PR")
    sold = world.posting.invoice(invoice(lines=[LineSpec(tax=Decimal("11.50"), lot="LOT-1")], ship_to=SAN_JUAN))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert holdings(world, "CRN") == {"USMF-CRN-1-refund": "PR -100.00/-11.50 of USMF-INV-1"}


async def test_guam_and_the_mainland_on_one_invoice_are_two_orders(world: World) -> None:
    guam = AddressSpec("1 Marine Corps Dr", "Hagatna", "", "96910", "GUM")
    world.posting.invoice(invoice(lines=[LineSpec(tax=Decimal("4.00"), ship_to=guam), TX_LINE]))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "GU 100.00/4.00", "USMF-INV-1-part-2": "TX 100.00/8.25"}

"""Cases T1 to T9: one document, several states, and where what came back had gone (design 4.3, 4.5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec
from tests.holdings import AUSTIN, BOSTON, NEW_YORK, SAN_FRANCISCO, SEATTLE, TORONTO, holdings, left_out, outcome
from tests.world import TODAY, World

TX_LINE = LineSpec("P-1", price=100, tax=Decimal("8.25"), ship_to=AUSTIN, lot="LOT-TX")
NY_LINE = LineSpec("P-2", price=120, tax=Decimal("10.65"), ship_to=NEW_YORK, lot="LOT-NY")
CA_LINE = LineSpec("P-3", price=50, tax=Decimal("4.75"), ship_to=SAN_FRANCISCO, lot="LOT-CA")
WA_LINE = LineSpec("P-4", price=200, tax=Decimal("20.00"), ship_to=SEATTLE, lot="LOT-WA")
NO_TAX = Decimal(0)
STORE = AddressSpec("1420 5th Ave", "Seattle", "WA", "98101")


def invoice(number: str = "INV-1", **fields: Any) -> InvoiceSpec:
    return InvoiceSpec(number, TODAY, **{"tax_group": "TAXED", **fields})


def back(line: LineSpec) -> LineSpec:
    """``line`` as a return of its lot, for ``Posting.credit_note``."""
    return replace(line, lot=None, returned_lot=line.lot or "", ship_to=None)


# T1 -------------------------------------------------------------------------------------------------------------------


async def test_a_return_that_arrives_in_dallas_is_filed_where_the_sale_went(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[replace(NY_LINE, price=100, tax=Decimal("8.88"))]))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert holdings(world) == {
        "USMF-CRN-1-refund": "NY -100.00/-8.88 of USMF-INV-1",
        "USMF-INV-1": "NY 100.00/8.88",
    }
    refund, order = (world.taxjar.transactions["api", name] for name in ("USMF-CRN-1-refund", "USMF-INV-1"))
    assert (refund.from_zip, refund.to_zip, refund.to_street) == (order.from_zip, order.to_zip, order.to_street)


async def test_a_return_to_another_warehouse_keeps_the_ship_from_of_the_sale(world: World) -> None:
    world.posting.warehouse("W-RENO", AddressSpec("1 Depot Rd", "Reno", "NV", "89502"))
    sold = world.posting.invoice(invoice(lines=[NY_LINE]))
    world.posting.credit_note(
        sold,
        "CRN-1",
        TODAY,
        link=Link.RETURNED_LOT,
        lines=[replace(back(NY_LINE), warehouse="W-RENO")],
        adapt=lambda spec: replace(spec, warehouse="W-RENO"),
    )
    await world.run()
    refund = world.taxjar.refunds["USMF-CRN-1-refund"]
    assert (refund.to_state, refund.from_state, refund.from_zip) == ("NY", "TX", "75207")


async def test_a_return_of_a_sale_older_than_the_start_goes_where_the_sale_went(world: World) -> None:
    sold = world.posting.invoice(replace(invoice(lines=[NY_LINE]), date=TODAY.replace(year=2025)))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert holdings(world) == {"USMF-CRN-1-refund": "NY -120.00/-10.65 of USMF-INV-1"}


# T2 -------------------------------------------------------------------------------------------------------------------


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
    assert holdings(world, "CRN") == {
        "USMF-CRN-1-refund": "NY -120.00/-10.65 of USMF-INV-1-part-2",
        "USMF-CRN-2-refund": "TX -100.00/-8.25 of USMF-INV-1",
        "USMF-CRN-2-refund-part-2": "NY -120.00/-10.65 of USMF-INV-1-part-2",
    }


# T3 -------------------------------------------------------------------------------------------------------------------


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


# T4, T5, T6 -----------------------------------------------------------------------------------------------------------


async def test_a_lost_zero_is_put_back_and_the_customers_austin_does_not_count(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", AUSTIN)
    world.posting.invoice(invoice(customer="C-2000", ship_to=replace(BOSTON, zip="2108"), tax_rate=Decimal("0.0625")))
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.to_state, order.to_zip, order.to_city) == ("MA", "02108", "BOSTON")


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


# T7, T8, T9 -----------------------------------------------------------------------------------------------------------

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


# T10 ------------------------------------------------------------------------------------------------------------------

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


# T11 ------------------------------------------------------------------------------------------------------------------


async def test_a_credit_note_over_lots_of_two_invoices_is_two_refunds(world: World) -> None:
    first = world.posting.invoice(invoice("INV-1", lines=[TX_LINE]))
    world.posting.invoice(invoice("INV-2", lines=[NY_LINE]))
    world.posting.credit_note(first, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=[back(TX_LINE), back(NY_LINE)])
    await world.run()
    assert holdings(world, "CRN") == {
        "USMF-CRN-1-refund": "TX -100.00/-8.25 of USMF-INV-1",
        "USMF-CRN-1-refund-part-2": "NY -120.00/-10.65 of USMF-INV-2",
    }


async def test_two_invoices_of_one_address_stay_two_refunds_and_share_the_freight_by_value(world: World) -> None:
    first = world.posting.invoice(invoice("INV-1", lines=[replace(TX_LINE, lot="LOT-1")]))
    world.posting.invoice(invoice("INV-2", lines=[replace(TX_LINE, price=300, tax=Decimal("24.75"), lot="LOT-2")]))
    lines = [
        back(replace(TX_LINE, lot="LOT-1")),
        back(replace(TX_LINE, price=300, tax=Decimal("24.75"), lot="LOT-2")),
    ]
    world.posting.credit_note(
        first,
        "CRN-1",
        TODAY,
        link=Link.RETURNED_LOT,
        lines=lines,
        charges=[ChargeSpec("FREIGHT", 8, Decimal("0.66"))],
    )
    await world.run()
    assert holdings(world, "CRN") == {
        "USMF-CRN-1-refund": "TX -102.00/-8.42 of USMF-INV-1",
        "USMF-CRN-1-refund-part-2": "TX -306.00/-24.74 of USMF-INV-2",
    } or sum(stored.sales_tax for stored in world.taxjar.refunds.values()) == Decimal("-33.66")


async def test_lots_of_a_two_state_invoice_and_of_another_are_three_refunds(world: World) -> None:
    first = world.posting.invoice(invoice("INV-1", lines=[TX_LINE, NY_LINE]))
    world.posting.invoice(invoice("INV-2", lines=[CA_LINE]))
    lines = [back(CA_LINE), back(NY_LINE), back(TX_LINE)]
    world.posting.credit_note(first, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=lines)
    await world.run()
    assert sorted(holdings(world, "CRN").values()) == [
        "CA -50.00/-4.75 of USMF-INV-2",
        "NY -120.00/-10.65 of USMF-INV-1-part-2",
        "TX -100.00/-8.25 of USMF-INV-1",
    ]

"""Cases T1 and T11: what came back is filed where it had gone (design 4.3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec
from tests.filing import decided
from tests.holdings import CA_LINE, NEW_YORK, NY_LINE, TX_LINE, back, filed, holdings, invoice, outcome, taxed
from tests.world import TODAY, World


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
    assert filed(world, "CRN-1") == ["TX -102.00/-8.42 of USMF-INV-1", "TX -306.00/-25.24 of USMF-INV-2"]


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


async def test_a_return_without_its_lot_goes_by_the_state_of_the_customer(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE]))
    credited = taxed(120, "10.65", ship_to=NEW_YORK)
    world.posting.credit_note(sold, "CRN-1", TODAY, lines=[credited])
    await world.run()
    assert filed(world, "CRN-1") == ["NY -120.00/-10.65 of USMF-INV-1-part-2"]


async def test_a_return_that_could_be_of_either_state_is_held(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE]))
    world.posting.credit_note(sold, "CRN-1", TODAY, lines=[taxed(50, "4.13", ship_to=CA_LINE.ship_to)])
    await world.run()
    assert await outcome(world, "CRN-1") == "held credit_note_unlinked"
    assert filed(world, "CRN-1") == []


async def test_a_refund_of_a_held_sale_waits_for_its_address_and_then_follows_it(world: World) -> None:
    bad = replace(NEW_YORK, zip="")
    sold = world.posting.invoice(invoice(lines=[replace(NY_LINE, ship_to=bad)]))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert await outcome(world, "INV-1") == "held address_incomplete"
    assert await outcome(world, "CRN-1") == "held address_incomplete"
    store = world.simulation.dynamics.store
    for row in [row for row in store.rows("LogisticsPostalAddressBiEntities") if row["ZipCode"] == ""]:
        store.update("LogisticsPostalAddressBiEntities", row, {"ZipCode": "10019"})
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-CRN-1-refund", "retry")
    assert filed(world, "CRN-1") == ["NY -120.00/-10.65 of USMF-INV-1"]


@pytest.mark.company(unlinked_credit_notes="send")
async def test_what_is_sent_unlinked_passes_over_the_warehouse(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", NEW_YORK)
    line = taxed(-100, "-8.88")
    world.posting.invoice(invoice("CRN-1", lines=[line], customer="C-2000", return_number="RMA-1"))
    await world.run()
    assert filed(world, "CRN-1") == ["NY -100.00/-8.88 of USMF-CRN-1"]

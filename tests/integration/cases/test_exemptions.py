"""Cases T33 to T38: every transaction says its exemption, in the state that it went to (design 4.3, 4.5, 4.11)."""

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
    SAN_FRANCISCO,
    TX_LINE,
    back,
    filed,
    holdings,
    invoice,
    taxed,
)
from tests.reconciling import findings
from tests.world import TODAY, World

GROUPS = {"exempt_tax_groups": {"RESALE": "wholesale", "GOV": "government"}}
TO_TEXAS = {**GROUPS, "exempt_regions": {"C-2000": ["TX"]}}


async def untaxed_without_reason(world: World) -> list[str]:
    found = await findings(world, deep=True)
    return [row["transaction_id"] for row in found["untaxed_without_reason"]]


# T33 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.company(**TO_TEXAS)
async def test_an_exemption_of_another_state_exempts_nothing_and_is_listed(world: World) -> None:
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    fields = {"customer": "C-2000", "tax_group": "RESALE"}
    world.posting.invoice(invoice("INV-1", lines=[taxed(100, ship_to=SAN_FRANCISCO)], **fields))
    world.posting.invoice(invoice("INV-2", lines=[taxed(100, ship_to=AUSTIN)], **fields))
    world.posting.invoice(
        invoice("INV-3", lines=[replace(TX_LINE, tax=NO_TAX), replace(CA_LINE, tax=NO_TAX)], **fields)
    )
    await world.run()
    assert filed(world, "INV-1") == ["CA 100.00/0.00"]
    assert filed(world, "INV-2") == ["TX 100.00/0.00 wholesale"]
    assert filed(world, "INV-3") == ["CA 50.00/0.00", "TX 100.00/0.00 wholesale"]
    listed = await untaxed_without_reason(world)
    assert len(listed) == 2
    assert {world.taxjar.orders[each].to_state for each in listed} == {"CA"}


# T34 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.company(**GROUPS)
async def test_resale_and_own_use_are_two_transactions(world: World) -> None:
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    lines = [taxed(100, 0, "STOCK"), taxed(50, "4.13", "OWN-USE")]
    sold = world.posting.invoice(invoice(lines=lines, customer="C-2000"))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert holdings(world, "INV-1") == {
        "USMF-INV-1": "TX 100.00/0.00 wholesale",
        "USMF-INV-1-part-2": "TX 50.00/4.13",
    }
    assert filed(world, "CRN-1") == [
        "TX -100.00/0.00 wholesale of USMF-INV-1",
        "TX -50.00/-4.13 of USMF-INV-1-part-2",
    ]
    found = await findings(world, deep=True)
    listed = [(row["transaction_id"], row["sales_tax"]) for row in found["tax_from_exempt_customer"]]
    assert ("USMF-INV-1-part-2", "4.13") in listed


@pytest.mark.company(**GROUPS)
async def test_charges_of_both_kinds_stay_with_their_kind(world: World) -> None:
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    lines = [taxed(100), taxed(50, "4.13")]
    freight = [ChargeSpec("FREIGHT", 15, Decimal("1.24")), ChargeSpec("HANDLING", 15, NO_TAX)]
    world.posting.invoice(invoice(lines=lines, charges=freight, customer="C-2000"))
    await world.run()
    assert filed(world, "INV-1") == ["TX 110.00/0.00 wholesale", "TX 70.00/5.37"]


@pytest.mark.company(**GROUPS)
async def test_one_line_in_an_exempt_group_of_a_taxable_customer_stands_alone(world: World) -> None:
    world.posting.invoice(invoice(lines=[taxed(100, "8.25"), taxed(40, tax_group="GOV")]))
    await world.run()
    assert filed(world, "INV-1") == ["TX 100.00/8.25", "TX 40.00/0.00 government"]


@pytest.mark.company(**GROUPS)
async def test_taxed_freight_on_an_exempt_sale_is_a_transaction_of_its_own(world: World) -> None:
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    freight = ChargeSpec("FREIGHT", 10, Decimal("0.83"))
    world.posting.invoice(invoice(lines=[taxed(100)], charges=[freight], customer="C-2000"))
    await world.run()
    assert holdings(world) == {
        "USMF-INV-1": "TX 100.00/0.00 wholesale",
        "USMF-INV-1-part-2": "TX 10.00/0.83",
    }


# T35 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.company(**GROUPS)
async def test_a_sale_after_an_exemption_ended_is_taxable_whatever_taxjar_knows_of_the_customer(world: World) -> None:
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    world.posting.invoice(invoice("INV-1", lines=[taxed(100)], customer="C-2000"))
    await world.run()
    store = world.simulation.dynamics.store
    [row] = store.matching("CustomersV3", {"dataAreaId": world.company, "CustomerAccount": "C-2000"})
    store.update("CustomersV3", row, {"SalesTaxGroup": "TX-AUS"})
    world.posting.invoice(invoice("INV-2", lines=[taxed(100, "8.25")], customer="C-2000"))
    world.posting.invoice(invoice("INV-3", lines=[taxed(100)], customer="C-2000"))
    await world.run()
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "wholesale"
    assert filed(world, "INV-1") == ["TX 100.00/0.00 wholesale"]
    assert [world.taxjar.orders[f"USMF-INV-{n}"].exemption_type for n in (2, 3)] == ["non_exempt", "non_exempt"]
    assert filed(world, "INV-2") == ["TX 100.00/8.25"]


# T36 ------------------------------------------------------------------------------------------------------------------


async def test_a_group_without_codes_is_exempt_as_other_with_a_warning(world: World) -> None:
    world.posting.tax_group("CHURCH")
    world.posting.tax_group("FREE", "ZERO", exempt=True)
    world.posting.tax_group("TX-AUS", "TX")
    world.posting.invoice(invoice("INV-1", lines=[taxed(100)], tax_group="CHURCH"))
    world.posting.invoice(invoice("INV-2", lines=[taxed(100)], tax_group="FREE"))
    world.posting.invoice(invoice("INV-3", lines=[taxed(100), taxed(40, tax_group="CHURCH")], tax_group="TX-AUS"))
    world.posting.invoice(invoice("INV-4", lines=[taxed(100, "8.25")], tax_group="CHURCH"))
    await world.run()
    assert filed(world, "INV-1") == ["TX 100.00/0.00 other"]
    assert filed(world, "INV-2") == ["TX 100.00/0.00 other"]
    assert filed(world, "INV-3") == ["TX 100.00/0.00", "TX 40.00/0.00 other"]
    assert filed(world, "INV-4") == ["TX 100.00/8.25"]
    notes = " ".join(note for entry in await world.audit("INV-1") for note in entry.get("notes", []))
    assert "CHURCH" in notes
    assert "EXEMPT_TAX_GROUPS" in notes


# T37 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.company(product_tax_codes={"items": {"SHIRT": "20010", "BOOK": "81100"}})
async def test_untaxed_sales_are_listed_unless_a_code_explains_every_untaxed_line(world: World) -> None:
    pennsylvania = replace(AUSTIN, street="1 Market St", city="Philadelphia", state="PA", zip="19107")
    world.taxjar.nexus[:] = ["TX", "PA", "CA"]
    world.posting.invoice(invoice("SHIRT-TX", lines=[taxed(100, 0, "SHIRT")]))
    world.posting.invoice(invoice("SHIRT-PA", lines=[taxed(100, 0, "SHIRT", ship_to=pennsylvania)]))
    world.posting.invoice(invoice("ONE-DOLLAR", lines=[taxed(1, "0.08"), taxed(1000, 0)]))
    world.posting.invoice(invoice("TAXED", lines=[taxed(1, "0.08"), taxed(1000, "82.50", "SHIRT")]))
    world.posting.invoice(invoice("SHIRT-AND-TOOL", lines=[taxed(100, 0, "SHIRT"), taxed(5)], ship_to=pennsylvania))
    world.posting.invoice(invoice("NO-NEXUS", lines=[taxed(100)], ship_to=NEW_YORK))
    await world.run()
    assert sorted(await untaxed_without_reason(world)) == ["USMF-ONE-DOLLAR", "USMF-SHIRT-AND-TOOL", "USMF-SHIRT-TX"]


# T38 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.company(
    **GROUPS, marketplace={"sales_origins": ["AMZ"], "customers": ["C-3000"], "customer_groups": ["EBAY"]}
)
async def test_what_a_marketplace_remits_says_so(world: World) -> None:
    world.posting.tax_group("NOTAX")
    world.posting.customer("C-2000", "Barton", tax_group="RESALE")
    world.posting.customer("C-3000", "Etsy buyers")
    world.posting.customer("C-4000", "A buyer", group="EBAY")
    sold = world.posting.invoice(invoice("BY-ORIGIN", lines=[taxed(100)], sales_origin="AMZ", tax_group="NOTAX"))
    world.posting.invoice(invoice("BY-CUSTOMER", lines=[taxed(100)], customer="C-3000"))
    world.posting.invoice(invoice("BY-GROUP", lines=[taxed(100)], customer="C-4000"))
    world.posting.invoice(invoice("RESALE", lines=[taxed(100)], customer="C-2000", sales_origin="AMZ"))
    world.posting.invoice(invoice("TAXED", lines=[taxed(100, "8.25"), taxed(20)], sales_origin="amz"))
    world.posting.invoice(invoice("OTHER", lines=[taxed(100)], sales_origin="WEB"))
    world.posting.credit_note(
        sold, "CRN-1", TODAY, lines=[taxed(100)], adapt=lambda spec: replace(spec, sales_origin="")
    )
    await world.run()
    for number in ("BY-ORIGIN", "BY-CUSTOMER", "BY-GROUP"):
        assert filed(world, number) == ["TX 100.00/0.00 marketplace"]
    assert filed(world, "RESALE") == ["TX 100.00/0.00 wholesale"]
    assert filed(world, "TAXED") == ["TX 100.00/8.25", "TX 20.00/0.00 marketplace"]
    assert filed(world, "OTHER") == ["TX 100.00/0.00"]
    assert filed(world, "CRN-1") == ["TX -100.00/0.00 marketplace of USMF-BY-ORIGIN"]


@pytest.mark.company(marketplace={"sales_origins": ["AMZ"]})
async def test_a_return_of_a_marketplace_sale_in_another_state_goes_where_the_sale_went(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[replace(CA_LINE, tax=NO_TAX)], sales_origin="AMZ"))
    line = back(replace(CA_LINE, tax=NO_TAX))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=[line])
    await world.run()
    assert filed(world, "CRN-1") == ["CA -50.00/0.00 marketplace of USMF-INV-1"]

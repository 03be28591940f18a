"""Cases T24 to T27: payments and fees, rounding, sums and signs that do not fit (design 4.4, 4.11)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.specs import ChargeSpec, LineSpec
from tests.holdings import (
    CA_LINE,
    NO_TAX,
    NY_LINE,
    TORONTO,
    TX_LINE,
    filed,
    holdings,
    invoice,
    left_out,
    outcome,
    taxed,
)
from tests.world import TODAY, World

NO_SALE = pytest.mark.company(payment_charge_codes=["STORECREDIT", "GIFTCARD"], fee_charge_codes=["RDF"])
ONE = taxed(100, "8.25")


def untaxed(code: str, amount: str, **fields: object) -> ChargeSpec:
    return replace(ChargeSpec(code, Decimal(amount), NO_TAX), **fields)  # type: ignore[arg-type]


# T24, T25 -------------------------------------------------------------------------------------------------------------


@NO_SALE
@pytest.mark.parametrize(
    ("charges", "out"),
    [
        ([untaxed("STORECREDIT", "-30")], {"payment": "-30.00/0.00"}),
        ([untaxed("storecredit", "-100")], {"payment": "-100.00/0.00"}),
        ([untaxed("STORECREDIT", "-30", line=0)], {"payment": "-30.00/0.00"}),
        ([untaxed("STORECREDIT", "-30"), untaxed("GIFTCARD", "-78.25")], {"payment": "-108.25/0.00"}),
        ([untaxed("RDF", "0.28")], {"fee": "0.28/0.00"}),
        ([untaxed("RDF", "0.28", line=0), untaxed("GIFTCARD", "-5")], {"fee": "0.28/0.00", "payment": "-5.00/0.00"}),
    ],
)
async def test_payments_and_fees_are_no_part_of_the_sale(
    world: World, charges: list[ChargeSpec], out: dict[str, str]
) -> None:
    world.posting.invoice(invoice(lines=[ONE], charges=charges))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/8.25"}
    assert len(world.taxjar.orders["USMF-INV-1"].line_items) == 1
    assert await left_out(world, "INV-1") == out


@NO_SALE
async def test_a_store_credit_that_is_given_for_a_return_is_no_part_of_the_refund(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[ONE]))
    given = untaxed("STORECREDIT", "-108.25")
    world.posting.credit_note(sold, "CRN-1", TODAY, lines=[ONE], charges=[given])
    await world.run()
    assert filed(world, "CRN-1") == ["TX -100.00/-8.25 of USMF-INV-1"]
    assert await left_out(world, "CRN-1") == {"payment": "108.25/0.00"}


@NO_SALE
async def test_a_sale_that_store_credit_pays_for_in_full_is_not_of_no_value(world: World) -> None:
    world.posting.invoice(invoice(lines=[replace(ONE, tax=NO_TAX)], charges=[untaxed("STORECREDIT", "-100")]))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00"}


@NO_SALE
async def test_a_payment_or_fee_with_tax_is_held(world: World) -> None:
    world.posting.invoice(invoice("INV-1", lines=[ONE], charges=[ChargeSpec("STORECREDIT", -30, Decimal("-2.48"))]))
    world.posting.invoice(invoice("INV-2", lines=[ONE], charges=[ChargeSpec("RDF", 1, Decimal("0.08"))]))
    await world.run()
    assert await outcome(world, "INV-1") == "held taxes_do_not_add_up"
    assert await outcome(world, "INV-2") == "held taxes_do_not_add_up"
    assert holdings(world) == {}


@NO_SALE
async def test_a_payment_is_no_part_of_any_of_two_states(world: World) -> None:
    charges = [untaxed("GIFTCARD", "-50"), ChargeSpec("FREIGHT", 22, Decimal("1.90"))]
    world.posting.invoice(invoice(lines=[TX_LINE, NY_LINE], charges=charges))
    await world.run()
    assert filed(world, "INV-1") == ["NY 132.00/11.69", "TX 110.00/9.11"]
    assert await left_out(world, "INV-1") == {"payment": "-50.00/0.00"}


async def test_what_is_not_listed_is_a_reduction_like_any_other(world: World) -> None:
    world.posting.invoice(invoice(lines=[ONE, taxed(50)], charges=[untaxed("STORECREDIT", "-30")]))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 120.00/8.25"}
    assert await left_out(world, "INV-1") == {}


# T26 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", ["0.03", "-0.03", "1.00", "-0.99"])
async def test_the_documents_rounding_is_reported_and_named(world: World, off: str) -> None:
    world.posting.invoice(invoice(lines=[ONE], round_off=Decimal(off)))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": f"TX {100 + Decimal(off):.2f}/8.25"}
    notes = " ".join(note for entry in await world.audit("INV-1") for note in entry.get("notes", []))
    assert f"rounded by {off}" in notes


async def test_a_rounding_beyond_a_dollar_is_held(world: World) -> None:
    world.posting.invoice(invoice(lines=[ONE], round_off=Decimal("1.01")))
    await world.run()
    assert await outcome(world, "INV-1") == "held amounts_do_not_add_up"


async def test_the_rounding_of_two_states_and_of_a_refund_is_spread_by_value(world: World) -> None:
    lines = [replace(TX_LINE, tax=NO_TAX), replace(CA_LINE, tax=NO_TAX, price=200)]
    sold = world.posting.invoice(invoice(lines=lines, round_off=Decimal("0.03")))
    world.posting.credit_note(sold, "CRN-1", TODAY)
    await world.run()
    assert filed(world, "INV-1") == ["CA 200.02/0.00", "TX 100.01/0.00"]
    assert filed(world, "CRN-1") == ["CA -200.02/0.00 of USMF-INV-1-part-2", "TX -100.01/0.00 of USMF-INV-1"]


UNTAXED_FREIGHT = untaxed("FREIGHT", "20")

# T27 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lines": [taxed(1000)], "total_tax": Decimal("82.50")}, "held taxes_do_not_add_up"),
        ({"lines": [ONE], "total_tax": Decimal("8.27")}, "held taxes_do_not_add_up"),
        ({"lines": [ONE], "total_tax": NO_TAX}, "held taxes_do_not_add_up"),
        ({"lines": [ONE], "total_tax": Decimal("-8.25")}, "held taxes_do_not_add_up"),
        (
            {"lines": [ONE], "total_tax": Decimal("9.90"), "charges": [untaxed("FREIGHT", "20")]},
            "held taxes_do_not_add_up",
        ),
        ({"lines": [ONE, taxed(0, "-1.00")]}, "held taxes_do_not_add_up"),
        ({"lines": [ONE], "total_amount": Decimal("118.25")}, "held amounts_do_not_add_up"),
        ({"lines": [taxed(100, "-8.25")]}, "held mixed_signs"),
        ({"lines": [ONE, taxed(-50, "4.13")]}, "held mixed_signs"),
        ({"lines": [ONE], "charges": [ChargeSpec("FREIGHT", 10, Decimal("-0.83"))]}, "held mixed_signs"),
    ],
)
async def test_sums_and_signs_that_do_not_fit_are_held_with_their_figures(
    world: World, fields: dict[str, Any], expected: str
) -> None:
    world.posting.invoice(invoice(**fields))
    await world.run()
    assert await outcome(world, "INV-1") == expected
    assert holdings(world) == {}
    assert any(character.isdigit() for character in (await world.record("INV-1")).message)


async def test_a_credit_note_line_with_a_tax_of_the_wrong_sign_is_held(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[ONE]))
    world.posting.credit_note(sold, "CRN-1", TODAY, lines=[replace(ONE, tax=Decimal("-8.25"))])
    await world.run()
    assert await outcome(world, "CRN-1") == "held mixed_signs"


async def test_a_cent_per_line_is_adjusted(world: World) -> None:
    world.posting.invoice(invoice(lines=[ONE, ONE], total_tax=Decimal("16.52")))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 200.00/16.52"}


async def test_the_tax_of_freight_stays_in_the_us_when_untaxed_goods_go_abroad(world: World) -> None:
    world.posting.country("CAN", "CA")
    lines = [replace(TX_LINE, tax=NO_TAX), LineSpec("P-9", price=100, tax=NO_TAX, ship_to=TORONTO)]
    world.posting.invoice(invoice(lines=lines, charges=[ChargeSpec("FREIGHT", 20, Decimal("1.65"))]))
    await world.run()
    assert filed(world, "INV-1") == ["TX 120.00/1.65"]
    assert await left_out(world, "INV-1") == {"not_us": "100.00/0.00"}

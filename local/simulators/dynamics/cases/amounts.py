"""Documents with awkward amounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from local.simulators.dynamics.cases.case import Cases, Expected, held, part
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice

AMOUNT_CASES = Cases()
TEXAS = Decimal("0.0825")


@AMOUNT_CASES.add()
def end_discount(posting: Posting, on: date) -> PostedInvoice:
    """A discount on the whole invoice, which no line shows."""
    lines = [LineSpec(price=100), LineSpec("P-2000", quantity=3, price=Decimal("19.99"))]
    return posting.invoice(InvoiceSpec("INV-300001", on, lines, end_discount=Decimal("16.01"), tax_rate=TEXAS))


@AMOUNT_CASES.add(part("100", "8.25", part("20", "1.65", kind="refund")))
def negative_line(posting: Posting, on: date) -> PostedInvoice:
    """A trade-in on the invoice of what replaces it."""
    return _lines(posting, "INV-300002", on, [LineSpec(price=100), LineSpec("P-2000", quantity=-1, price=20)])


@AMOUNT_CASES.add(part("210", "0", part("100", kind="refund"), shipping=Decimal(200)))
def negative_line_beyond_the_others(posting: Posting, on: date) -> PostedInvoice:
    """A trade-in worth more than the goods: it is a refund, and shipping stays as it is."""
    lines = [LineSpec(price=10), LineSpec("P-2000", quantity=-1, price=100)]
    return posting.invoice(InvoiceSpec("INV-300003", on, lines, [ChargeSpec("FREIGHT", 200)]))


@AMOUNT_CASES.add()
def handling_charge(posting: Posting, on: date) -> PostedInvoice:
    """A charge that is not shipping."""
    return _charges(posting, "INV-300004", on, [ChargeSpec("HANDLING", Decimal("7.50"))])


@AMOUNT_CASES.add()
def negative_handling_charge(posting: Posting, on: date) -> PostedInvoice:
    """A charge that gives something back."""
    return _charges(posting, "INV-300005", on, [ChargeSpec("HANDLING", -5)])


@AMOUNT_CASES.add(Expected(shipping=Decimal("6.00")))
def freight_of_both_signs(posting: Posting, on: date) -> PostedInvoice:
    """Freight, and some of it given back."""
    return _charges(posting, "INV-300006", on, [ChargeSpec("FREIGHT", 10), ChargeSpec("FREIGHT", -4)])


@AMOUNT_CASES.add()
def freight_given_back(posting: Posting, on: date) -> PostedInvoice:
    """Less than no freight."""
    return _charges(posting, "INV-300007", on, [ChargeSpec("FREIGHT", -10)])


@AMOUNT_CASES.add(Expected(shipping=Decimal("18.25")))
def freight_of_a_line(posting: Posting, on: date) -> PostedInvoice:
    """One charge on the header, another on a line."""
    charges = [ChargeSpec("FREIGHT", 10), ChargeSpec("EXPRESS", Decimal("8.25"), line=0)]
    return _charges(posting, "INV-300008", on, charges)


@AMOUNT_CASES.add(Expected(shipping=Decimal("9.24")))
def prices_with_tax(posting: Posting, on: date) -> PostedInvoice:
    """Prices, freight and discount that include the tax."""
    return posting.invoice(
        InvoiceSpec(
            "INV-300009",
            on,
            [LineSpec(quantity=2, price=Decimal("54.13"), discount=Decimal("1.01"))],
            [ChargeSpec("FREIGHT", 10)],
            prices_include_tax=True,
            tax_rate=TEXAS,
        )
    )


@AMOUNT_CASES.add()
def price_per_thousand(posting: Posting, on: date) -> PostedInvoice:
    """Screws: the price is for a thousand."""
    line = LineSpec("P-2000", quantity=2500, price=Decimal("12.34"), price_unit=1000)
    return _lines(posting, "INV-300010", on, [line])


@AMOUNT_CASES.add()
def broken_quantity(posting: Posting, on: date) -> PostedInvoice:
    """Two and a half metres."""
    return _lines(posting, "INV-300011", on, [LineSpec(quantity=Decimal("2.5"), price=Decimal("19.99"))])


@AMOUNT_CASES.add()
def thirds_of_a_dollar(posting: Posting, on: date) -> PostedInvoice:
    """Three for a dollar."""
    return _lines(posting, "INV-300012", on, [LineSpec(quantity=3, price=Decimal("0.3333"), amount=1)])


@AMOUNT_CASES.add()
def four_decimals(posting: Posting, on: date) -> PostedInvoice:
    """Money finer than a cent, as migrated data has it."""
    line = LineSpec(price=Decimal("2039.994"), amount=Decimal("2039.994"), tax=Decimal("163.1995"))
    return _lines(posting, "INV-300013", on, [line])


@AMOUNT_CASES.add()
def round_off(posting: Posting, on: date) -> PostedInvoice:
    """A cent added by the rounding of the total."""
    return posting.invoice(InvoiceSpec("INV-300014", on, round_off=Decimal("0.01"), tax_rate=TEXAS))


@AMOUNT_CASES.add(held("amounts_do_not_add_up"))
def total_without_explanation(posting: Posting, on: date) -> PostedInvoice:
    """Five dollars that no line, charge or discount accounts for."""
    return posting.invoice(
        InvoiceSpec("INV-300015", on, tax_rate=TEXAS, total_amount=Decimal("113.25"), order="SO-300015")
    )


@AMOUNT_CASES.add(held("taxes_do_not_add_up"))
def line_taxes_beyond_the_total(posting: Posting, on: date) -> PostedInvoice:
    """Lines with more tax than the document."""
    return posting.invoice(InvoiceSpec("INV-300016", on, [LineSpec(tax=20)], total_tax=Decimal("8.25")))


@AMOUNT_CASES.add()
def line_tax_a_cent_beyond(posting: Posting, on: date) -> PostedInvoice:
    """A cent more on the line than on the document: rounding."""
    return posting.invoice(InvoiceSpec("INV-300017", on, [LineSpec(tax=Decimal("8.26"))], total_tax=Decimal("8.25")))


@AMOUNT_CASES.add(held("mixed_signs"))
def tax_of_the_other_sign(posting: Posting, on: date) -> PostedInvoice:
    """A sale with negative tax."""
    return posting.invoice(InvoiceSpec("INV-300018", on, [LineSpec(tax=-5)]))


@AMOUNT_CASES.add()
def tax_only(posting: Posting, on: date) -> PostedInvoice:
    """Tax charged afterwards, on nothing."""
    return posting.invoice(InvoiceSpec("INV-300019", on, [LineSpec(price=0, tax=Decimal("8.25"))]))


@AMOUNT_CASES.add()
def free_and_empty_lines(posting: Posting, on: date) -> PostedInvoice:
    """A gift, and a line that says nothing, beside what was sold."""
    lines = [LineSpec(), LineSpec("P-2000", price=0, name="Gift"), LineSpec("", quantity=0, price=0, name="Thank you")]
    return _lines(posting, "INV-300020", on, lines)


def _lines(posting: Posting, number: str, on: date, lines: Sequence[LineSpec]) -> PostedInvoice:
    return posting.invoice(InvoiceSpec(number, on, lines, tax_rate=TEXAS))


def _charges(posting: Posting, number: str, on: date, charges: Sequence[ChargeSpec]) -> PostedInvoice:
    return posting.invoice(InvoiceSpec(number, on, charges=charges, tax_rate=TEXAS))

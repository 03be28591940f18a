"""Credit notes, linked in every way and in none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from local.simulators.dynamics.cases.case import Cases, Expected, held, part
from local.simulators.dynamics.posting import Link, Posting
from local.simulators.dynamics.retail_company import ORIGINAL_INVOICE_FIELD, SAN_FRANCISCO
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source

CREDIT_NOTE_CASES = Cases()
TEXAS = Decimal("0.0825")


@CREDIT_NOTE_CASES.add(Expected(kind="refund", shipping=Decimal(12), original="INV-400001"))
def credited_in_full(posting: Posting, on: date) -> PostedInvoice:
    """Everything taken back, with the reference that the order's credit note button leaves."""
    return posting.credit_note(_sale(posting, "INV-400001", on), "CRN-400001", on)


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="INV-400002"))
def one_piece_returned(posting: Posting, on: date) -> PostedInvoice:
    """A return order for one piece of two: only the returned lot tells the invoice."""
    sale = _sale(posting, "INV-400002", on)
    back = LineSpec(quantity=1, price=125, discount=5, returned_lot=sale.lines[0].lot)
    return posting.credit_note(sale, "CRN-400002", on, lines=[back], link=Link.RETURNED_LOT)


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="INV-400003"))
def original_noted_by_a_clerk(posting: Posting, on: date) -> PostedInvoice:
    """Only a custom field of the header names the invoice."""
    sale = _sale(posting, "INV-400003", on)
    line = LineSpec(price=40)
    return posting.credit_note(
        sale, "CRN-400003", on, lines=[line], link=Link.HEADER_FIELD, original_field=ORIGINAL_INVOICE_FIELD
    )


@CREDIT_NOTE_CASES.add(held("credit_note_unlinked", kind="refund"))
def unlinked(posting: Posting, on: date) -> PostedInvoice:
    """Nothing tells what it corrects."""
    return posting.invoice(InvoiceSpec("CRN-400004", on, [LineSpec().negated()], tax_rate=TEXAS))


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="INV-400005"))
def restocking_fee(posting: Posting, on: date) -> PostedInvoice:
    """A return for which a fee is kept: a charge of the other sign."""
    return posting.credit_note(
        _sale(posting, "INV-400005", on),
        "CRN-400005",
        on,
        lines=[LineSpec(price=100)],
        charges=[ChargeSpec("HANDLING", -10)],
    )


@CREDIT_NOTE_CASES.add(
    part("150", "12.38", part("100", "8.25", kind="refund", original="INV-400006"), ship_to_state="TX")
)
def exchange(posting: Posting, on: date) -> PostedInvoice:
    """One thing back and a dearer one out, on one document: a refund of what came back, and a sale."""
    sale = _sale(posting, "INV-400006", on)
    lines = [LineSpec(quantity=-1, price=100, returned_lot=sale.lines[0].lot), LineSpec("P-2000", price=150)]
    return posting.invoice(InvoiceSpec("EXC-400006", on, lines, tax_rate=TEXAS, return_number="RMA-400006"))


@CREDIT_NOTE_CASES.add(Expected(kind="refund", ship_to_state="CA", original="INV-400011"))
def returned_to_the_warehouse(posting: Posting, on: date) -> PostedInvoice:
    """Sold to California, and received in Dallas: the refund belongs to California."""
    line = LineSpec(price=100, tax=Decimal("8.63"))
    sale = posting.invoice(InvoiceSpec("INV-400011", on - timedelta(days=2), [line], ship_to=SAN_FRANCISCO))
    return posting.credit_note(sale, "CRN-400011", on, link=Link.RETURNED_LOT)


@CREDIT_NOTE_CASES.add(
    part("30", "2.48", part("30", "2.48", kind="refund", original="INV-400007A"), kind="refund", original="INV-400007B")
)
def return_from_two_invoices(posting: Posting, on: date) -> PostedInvoice:
    """Goods of two invoices come back together: a refund of each."""
    newer = _sale(posting, "INV-400007B", on, days_before=2)
    older = _sale(posting, "INV-400007A", on, days_before=6)
    lines = [LineSpec(price=30, returned_lot=sale.lines[0].lot) for sale in (newer, older)]
    return posting.credit_note(newer, "CRN-400007", on, lines=lines, link=Link.RETURNED_LOT)


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="FTI-400008"))
def free_text_credit_note(posting: Posting, on: date) -> PostedInvoice:
    """A free text credit note with its reference typed in."""
    line = LineSpec("", name="Consulting", price=80)
    invoice = posting.invoice(
        InvoiceSpec("FTI-400008", on - timedelta(days=3), [line], source=Source.FREE_TEXT, tax_rate=TEXAS)
    )
    return posting.credit_note(invoice, "FTC-400008", on)


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="INV-400009"))
def credited_with_end_discount(posting: Posting, on: date) -> PostedInvoice:
    """Everything taken back, the discount on the whole invoice as well."""
    lines = [LineSpec(price=100), LineSpec("P-2000", quantity=3, price=Decimal("19.99"))]
    invoice = posting.invoice(
        InvoiceSpec("INV-400009", on - timedelta(days=1), lines, end_discount=Decimal("16.01"), tax_rate=TEXAS)
    )
    return posting.credit_note(invoice, "CRN-400009", on)


@CREDIT_NOTE_CASES.add(Expected(kind="refund", original="INV-400010"))
def tax_given_back(posting: Posting, on: date) -> PostedInvoice:
    """Only the tax is given back, to a customer who has shown a certificate since."""
    sale = _sale(posting, "INV-400010", on)
    return posting.credit_note(sale, "CRN-400010", on, lines=[LineSpec(price=0, tax=Decimal("8.25"))])


def _sale(posting: Posting, number: str, on: date, *, days_before: int = 3) -> PostedInvoice:
    """The sale that is corrected: two pieces and freight."""
    return posting.invoice(
        InvoiceSpec(
            number,
            on - timedelta(days=days_before),
            [LineSpec(quantity=2, price=125, discount=10)],
            [ChargeSpec("FREIGHT", 12)],
            tax_rate=TEXAS,
        )
    )

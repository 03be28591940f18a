"""Documents of every kind, in and out of scope, and odd numbers and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from local.simulators.dynamics.cases.case import Cases, Expected, held, skipped
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import PORTLAND
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source

KIND_CASES = Cases()
TEXAS = Decimal("0.0825")


@KIND_CASES.add(Expected(shipping=Decimal(25)))
def plain_order(posting: Posting, on: date) -> PostedInvoice:
    """Two lines, a line discount, freight, and tax on all of it."""
    lines = [LineSpec(quantity=4, price=125, discount=20), LineSpec("P-2000", price=60)]
    return posting.invoice(InvoiceSpec("INV-100001", on, lines, [ChargeSpec("FREIGHT", 25)], tax_rate=TEXAS))


@KIND_CASES.add(Expected(ship_to_state="OR"))
def no_sales_tax_state(posting: Posting, on: date) -> PostedInvoice:
    """No tax at all: states want to see gross sales."""
    return posting.invoice(InvoiceSpec("INV-100002", on, ship_to=PORTLAND, tax_group="OR"))


@KIND_CASES.add()
def free_text_with_lines(posting: Posting, on: date) -> PostedInvoice:
    """A free text invoice whose lines are in the posted-line entities, without item numbers."""
    line = LineSpec("", name="Consulting, March", price=300)
    return posting.invoice(InvoiceSpec("FTI-100003", on, [line], source=Source.FREE_TEXT, tax_rate=TEXAS))


@KIND_CASES.add()
def free_text_on_worksheet_only(posting: Posting, on: date) -> PostedInvoice:
    """A free text invoice whose lines are on its worksheet only, one of them with quantity 0."""
    lines = [LineSpec("", name="Repair", price=80), LineSpec("", name="Call-out", quantity=0, price=0, amount=45)]
    return posting.invoice(
        InvoiceSpec(
            "FTI-100004",
            on,
            lines,
            source=Source.FREE_TEXT,
            tax_rate=TEXAS,
            has_standard_lines=False,
            has_table_lines=False,
        )
    )


@KIND_CASES.add()
def free_text_without_lines(posting: Posting, on: date) -> PostedInvoice:
    """A free text invoice of which only the header is left."""
    return posting.invoice(
        InvoiceSpec(
            "FTI-100005",
            on,
            source=Source.FREE_TEXT,
            tax_rate=TEXAS,
            has_standard_lines=False,
            has_table_lines=False,
            has_worksheet=False,
        )
    )


@KIND_CASES.add(held("lines_missing"))
def order_without_lines(posting: Posting, on: date) -> PostedInvoice:
    """A sales order invoice whose lines cannot be found."""
    return posting.invoice(
        InvoiceSpec("INV-100006", on, tax_rate=TEXAS, has_standard_lines=False, has_table_lines=False)
    )


@KIND_CASES.add(skipped("interest_note"))
def interest_note(posting: Posting, on: date) -> PostedInvoice:
    """Interest is a receivable, not a sale."""
    return posting.invoice(InvoiceSpec("INT-100007", on, source=Source.INTEREST_NOTE))


@KIND_CASES.add(skipped("prepayment"))
def prepayment(posting: Posting, on: date) -> PostedInvoice:
    """A prepayment invoice."""
    return posting.invoice(InvoiceSpec("PRE-100008", on, is_prepayment=True))


@KIND_CASES.add(held("tax_on_skipped"))
def proforma(posting: Posting, on: date) -> PostedInvoice:
    """A proforma invoice with tax: a rule would leave it out, and the tax with it."""
    return posting.invoice(InvoiceSpec("PRO-100009", on, is_proforma=True, tax_rate=TEXAS))


@KIND_CASES.add(skipped("intercompany"))
def intercompany(posting: Posting, on: date) -> PostedInvoice:
    """A sale to a company of the same group."""
    return posting.invoice(InvoiceSpec("ICO-100010", on, is_intercompany=True))


@KIND_CASES.add(held("tax_on_skipped"))
def project_invoice(posting: Posting, on: date) -> PostedInvoice:
    """A taxed project invoice, while these are switched off."""
    return posting.invoice(InvoiceSpec("PRJ-100011", on, source=Source.PROJECT, tax_rate=TEXAS))


@KIND_CASES.add(skipped("zero_value"))
def zero_value(posting: Posting, on: date) -> PostedInvoice:
    """A free sample: nothing to pay, nothing to tax."""
    return posting.invoice(InvoiceSpec("INV-100012", on, [LineSpec(price=0)]))


@KIND_CASES.add(skipped("not_us"))
def not_us(posting: Posting, on: date) -> PostedInvoice:
    """Shipped to London, in pounds."""
    london = AddressSpec("10 Strand", "London", "", "WC2N 5HR", "GBR")
    return posting.invoice(InvoiceSpec("INV-100013", on, ship_to=london, currency="GBP"))


@KIND_CASES.add(skipped("proforma"))
def proforma_without_tax(posting: Posting, on: date) -> PostedInvoice:
    """A proforma invoice."""
    return posting.invoice(InvoiceSpec("PRO-100019", on, is_proforma=True))


@KIND_CASES.add(skipped("project_invoice"))
def project_invoice_without_tax(posting: Posting, on: date) -> PostedInvoice:
    """A project invoice, while these are switched off."""
    return posting.invoice(InvoiceSpec("PRJ-100020", on, source=Source.PROJECT))


@KIND_CASES.add(held("tax_on_skipped"))
def not_usd(posting: Posting, on: date) -> PostedInvoice:
    """Shipped to Texas with its tax, invoiced in Canadian dollars."""
    return posting.invoice(InvoiceSpec("INV-100014", on, currency="CAD", tax_rate=TEXAS))


@KIND_CASES.add(skipped("not_usd"))
def not_usd_without_tax(posting: Posting, on: date) -> PostedInvoice:
    """Shipped to Texas, invoiced in Canadian dollars."""
    return posting.invoice(InvoiceSpec("INV-100021", on, currency="CAD"))


@KIND_CASES.add()
def back_dated(posting: Posting, on: date) -> PostedInvoice:
    """Posted today, dated five days ago."""
    posted_at = datetime.combine(on, time(18), UTC)
    return posting.invoice(InvoiceSpec("INV-100015", on - timedelta(days=5), tax_rate=TEXAS, created_at=posted_at))


@KIND_CASES.add()
def number_with_odd_characters(posting: Posting, on: date) -> PostedInvoice:
    """A number with slash, hash, quote, ampersand and a letter beyond ASCII."""
    return posting.invoice(InvoiceSpec("26/03 #7&O'Neil+é%", on, tax_rate=TEXAS))


@KIND_CASES.add(Expected(kind="refund", original="INV-100016"))
def number_shared_with_its_credit_note(posting: Posting, on: date) -> PostedInvoice:
    """A credit note that carries the number of the invoice it corrects."""
    invoice = posting.invoice(InvoiceSpec("INV-100016", on, tax_rate=TEXAS))
    return posting.credit_note(invoice, "INV-100016", on)


@KIND_CASES.add()
def number_used_twice(posting: Posting, on: date) -> PostedInvoice:
    """A number that an invoice of an earlier day has used: it gets an id of its own."""
    posting.invoice(InvoiceSpec("INV-100017", on - timedelta(days=1), tax_rate=TEXAS))
    return posting.invoice(InvoiceSpec("INV-100017", on, [LineSpec(price=55)], tax_rate=TEXAS, order="SO-100017-2"))


@KIND_CASES.add()
def long_description(posting: Posting, on: date) -> PostedInvoice:
    """A description longer than TaxJar takes, with line breaks and a tab."""
    name = "Cordless drill\r\nwith case\tand charger. " + "Spare battery included. " * 15
    return posting.invoice(InvoiceSpec("INV-100018", on, [LineSpec(name=name)], tax_rate=TEXAS))

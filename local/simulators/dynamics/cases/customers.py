"""Documents of exempt customers, of unknown ones, and products with tax codes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from local.simulators.dynamics.cases.case import Cases, Expected, held
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import MARKETPLACE, SAN_FRANCISCO
from local.simulators.dynamics.specs import InvoiceSpec, LineSpec, PostedInvoice

CUSTOMER_CASES = Cases()
TEXAS = Decimal("0.0825")


@CUSTOMER_CASES.add(Expected(exemption_type="government"))
def exempt_customer(posting: Posting, on: date) -> PostedInvoice:
    """A school, untaxed by its tax group."""
    return posting.invoice(InvoiceSpec("INV-500001", on, customer="C-2000", tax_group="EXEMPT", exempt_code="GOV"))


@CUSTOMER_CASES.add(Expected(exemption_type="wholesale"))
def reseller(posting: Posting, on: date) -> PostedInvoice:
    """A reseller, who orders for an account that pays."""
    return posting.invoice(
        InvoiceSpec("INV-500002", on, customer="C-2001", invoice_account="C-1000", tax_group="RESALE")
    )


@CUSTOMER_CASES.add(Expected(exemption_type="non_exempt"))
def tax_from_an_exempt_customer(posting: Posting, on: date) -> PostedInvoice:
    """Tax was collected all the same: it must be remitted."""
    return posting.invoice(InvoiceSpec("INV-500003", on, customer="C-2000", tax_rate=TEXAS))


@CUSTOMER_CASES.add(Expected(exemption_type="wholesale"))
def exempt_by_document(posting: Posting, on: date) -> PostedInvoice:
    """An ordinary customer, exempt on this order only."""
    return posting.invoice(InvoiceSpec("INV-500004", on, tax_group="RESALE"))


@CUSTOMER_CASES.add(Expected(exemption_type="marketplace", ship_to_state="CA"))
def sold_on_a_marketplace(posting: Posting, on: date) -> PostedInvoice:
    """An order of a marketplace that remits the tax itself: reported, and exempt as such."""
    return posting.invoice(
        InvoiceSpec("INV-500008", on, sales_origin=MARKETPLACE, tax_group="NOTAX", ship_to=SAN_FRANCISCO)
    )


@CUSTOMER_CASES.add()
def unknown_customer(posting: Posting, on: date) -> PostedInvoice:
    """A customer account that is not there any more."""
    return posting.invoice(InvoiceSpec("INV-500005", on, customer="C-9999", tax_rate=TEXAS))


@CUSTOMER_CASES.add()
def product_tax_codes(posting: Posting, on: date) -> PostedInvoice:
    """One product with a tax code by its item, one by its category, one without."""
    lines = [
        LineSpec("P-SHIRT", price=30, tax_item_group="CLOTHING"),
        LineSpec("P-TEA", price=6, tax=0, tax_item_group="FOOD", category="Groceries"),
        LineSpec(),
    ]
    return posting.invoice(InvoiceSpec("INV-500006", on, lines, tax_rate=TEXAS))


@CUSTOMER_CASES.add(held("unknown_product_tax_code"))
def product_tax_code_that_is_none(posting: Posting, on: date) -> PostedInvoice:
    """A product mapped to a tax code that TaxJar does not know."""
    return posting.invoice(InvoiceSpec("INV-500007", on, [LineSpec("P-LOST")], tax_rate=TEXAS))

"""Documents with awkward places."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from local.simulators.dynamics.cases.case import Cases, Expected, held, part, skipped
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import DALLAS, PORTLAND, SAN_FRANCISCO
from local.simulators.dynamics.specs import AUSTIN, AddressSpec, InvoiceSpec, LineSpec, PostedInvoice

ADDRESS_CASES = Cases()
TEXAS = Decimal("0.0825")
NO_ADDRESS = "C-3000"
"""A customer without any address, so that nothing replaces the document's own."""


@ADDRESS_CASES.add(part("100", "8.25", part("300", "24.75", ship_to_state="CA")))
def two_ship_tos(posting: Posting, on: date) -> PostedInvoice:
    """A summary invoice of two deliveries and no address on its header: each is filed where it went."""
    lines = [LineSpec(price=100, ship_to=AUSTIN), LineSpec("P-2000", price=300, ship_to=SAN_FRANCISCO)]
    return posting.invoice(InvoiceSpec("INV-200001", on, lines, ship_to=None, tax_rate=TEXAS))


@ADDRESS_CASES.add(part("100", "8.25", part("300", "24.75", ship_to_state="CA"), ship_to_state="OR"))
def two_ship_tos_and_a_header(posting: Posting, on: date) -> PostedInvoice:
    """Lines that disagree, under a header with an address: a line's own address counts."""
    lines = [LineSpec(price=100, ship_to=PORTLAND), LineSpec("P-2000", price=300, ship_to=SAN_FRANCISCO)]
    return posting.invoice(InvoiceSpec("INV-200002", on, lines, tax_rate=TEXAS))


@ADDRESS_CASES.add(Expected(ship_to_state="OR"))
def address_on_the_order_only(posting: Posting, on: date) -> PostedInvoice:
    """The invoice kept no address; its order has one."""
    return posting.invoice(InvoiceSpec("INV-200003", on, ship_to=None, order_ship_to=PORTLAND))


@ADDRESS_CASES.add()
def unusable_zip_on_the_invoice(posting: Posting, on: date) -> PostedInvoice:
    """A ZIP that is none: the order's address is in another state, so the customer's in Texas is used."""
    address = replace(AUSTIN, zip="7870")
    return posting.invoice(InvoiceSpec("INV-200017", on, ship_to=address, order_ship_to=PORTLAND))


@ADDRESS_CASES.add(skipped("not_us"))
def abroad_without_an_iso_code(posting: Posting, on: date) -> PostedInvoice:
    """Sold to a country that F&O's country table does not know, by a customer in the US."""
    address = AddressSpec("1 Aleea Parcului", "Cluj", "", "400001", country="ROU")
    return posting.invoice(InvoiceSpec("INV-200018", on, ship_to=address))


@ADDRESS_CASES.add(held("address_incomplete"))
def unknown_country(posting: Posting, on: date) -> PostedInvoice:
    """Sold to a country that is no country, by a customer in the US."""
    return posting.invoice(InvoiceSpec("INV-200019", on, ship_to=replace(AUSTIN, country="XYZ")))


@ADDRESS_CASES.add()
def address_of_the_customer_only(posting: Posting, on: date) -> PostedInvoice:
    """Neither invoice nor order has an address; the customer's delivery address counts."""
    return posting.invoice(InvoiceSpec("INV-200004", on, ship_to=None, tax_rate=TEXAS))


@ADDRESS_CASES.add(held("address_incomplete"))
def no_address_at_all(posting: Posting, on: date) -> PostedInvoice:
    """A cash sale that knows no place."""
    return posting.invoice(InvoiceSpec("INV-200005", on, ship_to=None, customer=NO_ADDRESS, tax_rate=TEXAS))


@ADDRESS_CASES.add(held("address_incomplete"))
def missing_zip(posting: Posting, on: date) -> PostedInvoice:
    """No ZIP."""
    return _to(posting, "INV-200006", on, replace(AUSTIN, zip=""))


@ADDRESS_CASES.add(held("address_incomplete"))
def unknown_state(posting: Posting, on: date) -> PostedInvoice:
    """A state that is no state."""
    return _to(posting, "INV-200007", on, replace(AUSTIN, state="Tejas"))


@ADDRESS_CASES.add(held("address_incomplete"))
def missing_country(posting: Posting, on: date) -> PostedInvoice:
    """No country."""
    return _to(posting, "INV-200008", on, replace(AUSTIN, country=""))


@ADDRESS_CASES.add()
def full_state_name(posting: Posting, on: date) -> PostedInvoice:
    """A state written out."""
    return _to(posting, "INV-200009", on, replace(AUSTIN, state="texas"))


@ADDRESS_CASES.add()
def missing_state(posting: Posting, on: date) -> PostedInvoice:
    """No state, but a ZIP that belongs to one state only."""
    return _to(posting, "INV-200010", on, replace(AUSTIN, state=""))


@ADDRESS_CASES.add(held("zip_state_mismatch"))
def zip_of_another_state(posting: Posting, on: date) -> PostedInvoice:
    """A ZIP of Texas in California."""
    return _to(posting, "INV-200011", on, replace(AUSTIN, state="CA"))


@ADDRESS_CASES.add(held("zip_state_mismatch"))
def warehouse_zip_of_another_state(posting: Posting, on: date) -> PostedInvoice:
    """A warehouse in Nevada with a ZIP of New York."""
    return posting.invoice(InvoiceSpec("INV-200012", on, warehouse="W-ODD", tax_rate=TEXAS))


@ADDRESS_CASES.add()
def zip_of_nine_digits(posting: Posting, on: date) -> PostedInvoice:
    """ZIP+4 without its hyphen, and a street of two lines."""
    return _to(posting, "INV-200013", on, AddressSpec("410 Congress Ave\nSuite 7", "Austin", "tx", "787014012"))


@ADDRESS_CASES.add(Expected(ship_to_state="TX"))
def picked_up(posting: Posting, on: date) -> PostedInvoice:
    """Fetched by the customer: delivered where it was shipped from, whatever the address says."""
    return posting.invoice(InvoiceSpec("INV-200014", on, ship_to=PORTLAND, delivery_mode="Pickup", tax_rate=TEXAS))


@ADDRESS_CASES.add(Expected(ship_from_state="NV"))
def warehouse_without_address(posting: Posting, on: date) -> PostedInvoice:
    """A warehouse that has only the address of its site."""
    return posting.invoice(InvoiceSpec("INV-200015", on, warehouse="W-RNO", tax_rate=TEXAS))


@ADDRESS_CASES.add(Expected(ship_from_state="NV"))
def two_warehouses(posting: Posting, on: date) -> PostedInvoice:
    """Lines from two warehouses: the one with the most value counts."""
    lines = [LineSpec(price=40), LineSpec("P-2000", price=90, warehouse="W-RNO")]
    return posting.invoice(InvoiceSpec("INV-200016", on, lines, ship_to=DALLAS, tax_rate=TEXAS))


def _to(posting: Posting, number: str, on: date, address: AddressSpec) -> PostedInvoice:
    return posting.invoice(InvoiceSpec(number, on, ship_to=address, customer=NO_ADDRESS, tax_rate=TEXAS))

"""What F&O posted, as the connector sees it: customer invoices and credit notes with all that a tax filing needs.

Pure and frozen. Money and quantities are ``Decimal`` in the document's currency, with F&O's own signs: everything on
a credit note is negative. Dates are calendar dates, never instants. Blank values of F&O (``""``, 1900-01-01) have
become ``""`` or ``None`` before they get here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, order=True)
class DocumentKey:
    """The unique key of a posted document: the number alone may repeat, for a credit note even by design.

    ``company`` is lower case, as F&O returns ``dataAreaId``.
    """

    company: str
    date: date
    number: str
    voucher: str

    def __str__(self) -> str:
        return f"{self.company.upper()} {self.number} of {self.date.isoformat()} (voucher {self.voucher})"


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A posted document as a poll lists it: the key and the header totals, nothing else."""

    key: DocumentKey
    total_amount: Decimal
    """Gross: with tax and charges."""
    total_tax: Decimal


class DocumentType(StrEnum):
    """Where the document came from; decides what is in scope and what a document without lines means."""

    SALES_ORDER = "sales_order"
    FREE_TEXT = "free_text"
    PROJECT = "project"
    INTEREST_NOTE = "interest_note"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as F&O holds it, not yet cleaned for TaxJar."""

    country: str = ""
    """F&O's country/region id, often three letters (``USA``)."""
    country_iso: str = ""
    """The ISO 3166 two-letter code that F&O gives for ``country``; empty when F&O gives none."""
    state: str = ""
    """A code, a full name, or anything a clerk typed."""
    zip: str = ""
    city: str = ""
    street: str = ""


class OriginalRoute(StrEnum):
    """How the original invoice of a credit note was found, in order of precedence."""

    CREDIT_INVOICING = "credit_invoicing"
    RETURNED_LOT = "returned_lot"
    HEADER_FIELD = "header_field"
    CORRECTED_INVOICE = "corrected_invoice"


@dataclass(frozen=True, slots=True)
class OriginalInvoice:
    """The invoice that a credit note, or one of its lines, corrects."""

    number: str
    date: date | None
    """Unknown when only its number was given."""
    route: OriginalRoute
    voucher: str = ""
    """Empty when only number and date are known."""
    lot: str = ""
    """The returned lot (``InventTransId`` of the line that is corrected), where lots tell."""
    quantity: Decimal | None = None
    """How much of the lot this invoice invoiced."""
    returned: Decimal = ZERO
    """How much of it earlier credit notes have taken back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One posted invoice line."""

    sequence: int
    """``LineCreationSequenceNumber``: an opaque id, not a position."""
    product: str
    description: str
    quantity: Decimal
    amount: Decimal
    """``LineAmount``: net of the line discount; includes tax when the document's prices do."""
    discount: Decimal = ZERO
    """Total line discount, always positive (F&O's sign on credit notes is not reliable)."""
    tax: Decimal = ZERO
    tax_item_group: str = ""
    category: str = ""
    delivery_address: Address | None = None
    """Where this line was delivered, as invoiced."""
    order_address: Address | None = None
    """The delivery address of the order line behind it, as it is today."""
    warehouse: str = ""
    warehouse_address: Address | None = None
    site: str = ""
    site_address: Address | None = None
    tax_group: str = ""
    """The line's own sales tax group; empty where F&O does not tell, then the document's counts."""
    tax_group_exempt: bool | None = False
    """Whether F&O taxes nothing in ``tax_group``; ``None`` when that cannot be read."""
    delivery_mode: str = ""
    """The line's own mode of delivery; empty where it has none, then the document's counts."""
    lot: str = ""
    """``InventTransId``: what a later return refers to."""
    originals: tuple[OriginalInvoice, ...] = ()
    """Of a returned line: the invoices of its returned lot, oldest first."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One posted charge (misc. charge, markup), of the header or of a line."""

    code: str
    text: str
    amount: Decimal
    tax: Decimal = ZERO
    is_shipping: bool | None = None
    """``IsShipping`` of the charge table; ``None`` when that could not be read, or the charge has no code."""
    tax_item_group: str = ""
    line: int | None = None
    """The sequence number of the line it belongs to; ``None`` for a charge of the whole document."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer account with what decides its exemption and, as a last resort, its ship-to address."""

    account: str
    name: str = ""
    tax_group: str = ""
    customer_group: str = ""
    federal_indicator: str = ""
    """``None``, ``Federal``, ``NonFederal`` or ``NonFederalException``, as F&O names them."""
    tax_group_exempt: bool | None = False
    """Whether F&O taxes nothing in ``tax_group``: no code, or only exempt ones. ``None`` when that cannot be read."""
    delivery_address: Address | None = None
    primary_address: Address | None = None
    invoice_address: Address | None = None
    delivery_addresses: tuple[Address, ...] | None = ()
    """All of them, without streets, where ``EXEMPT_REGIONS_FROM_ADDRESSES`` needs them; ``None`` when unreadable."""


@dataclass(frozen=True, slots=True)
class PostedDocument:
    """A posted customer invoice or credit note, read back from F&O in full.

    The sign of the net amount tells the two apart; F&O has no reliable type field for it.
    """

    key: DocumentKey
    type: DocumentType
    currency: str
    total_amount: Decimal
    """``TotalInvoiceAmount``: gross, with tax and charges, negative on credit notes."""
    total_tax: Decimal
    lines: tuple[Line, ...] = ()
    charges: tuple[Charge, ...] | None = ()
    """``None`` when the charge rows could not be read. Then, and where there are none, ``total_charges`` tells."""
    total_charges: Decimal = ZERO
    end_discount: Decimal = ZERO
    """The discount on the whole document, always positive."""
    prices_include_tax: bool = False
    is_prepayment: bool = False
    is_proforma: bool = False
    is_intercompany: bool = False
    """Sold to another legal entity (``InterCompanyCompanyId``), whatever the intercompany chain posted by itself."""
    invoice_account: str = ""
    order_account: str = ""
    """The ordering customer; empty where F&O does not tell."""
    customer: Customer | None = None
    """The ordering customer where known, else the invoice account."""
    tax_group: str = ""
    """The document's own sales tax group."""
    tax_group_exempt: bool | None = False
    """Whether F&O taxes nothing in ``tax_group``; ``None`` when that cannot be read."""
    sales_origin: str = ""
    round_off: Decimal = ZERO
    """``InvoiceRoundOff``: the rounding of the document's total, part of it, with F&O's sign."""
    delivery_mode: str = ""
    sales_order: str = ""
    delivery_address: Address | None = None
    """The header's delivery address, as invoiced."""
    order_address: Address | None = None
    """The order header's delivery address, as it is today."""
    invoice_address: Address | None = None
    """The posted invoice address (bill-to); a free text invoice has no other of its own."""
    legal_entity_address: Address | None = None
    own_addresses: tuple[Address, ...] = ()
    """Those of the company's warehouses, sites and legal entity: goods come back there, no sale goes there."""
    originals: tuple[OriginalInvoice, ...] = ()
    """Of a credit note as a whole: every original found by the first route that found any; lines may tell more."""
    notes: tuple[str, ...] = ()
    """What the reader had to work around, in sentences for the audit."""
    read_without: tuple[str, ...] = ()
    """The entity sets that it had a use for and that were never readable."""

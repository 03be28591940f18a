"""What to post: invoices described in the terms of an order desk, and what became of them in F&O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

ZERO = Decimal(0)
Amount: TypeAlias = Decimal | int


@dataclass(frozen=True, slots=True)
class AddressSpec:
    """A postal address as a clerk keys it; ``country`` is F&O's own id."""

    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = "USA"
    street_number: str = ""
    building: str = ""


AUSTIN = AddressSpec("77 Barton Springs Rd", "Austin", "TX", "78704")


class ProjectSet(StrEnum):
    """The kinds of transactions of a project invoice, each with an entity set of its own."""

    ITEM = "DocumentProjInvoiceItemLines"
    HOUR = "DocumentProjInvoiceEmplLines"
    EXPENSE = "DocumentProjInvoiceCostLines"
    FEE = "DocumentProjInvoiceRevenueLines"
    ON_ACCOUNT = "DocumentProjInvoiceOnAccLines"


@dataclass(frozen=True, slots=True)
class LineSpec:
    """One line. Amounts are in the document's currency; signs are as they will be posted."""

    product: str = "P-1000"
    quantity: Amount = 1
    price: Amount = 100
    """Per ``price_unit`` pieces."""
    discount: Amount = ZERO
    """Of the whole line."""
    amount: Amount | None = None
    """Net of ``discount``; by default quantity times price per piece, less the discount, in cents."""
    tax: Amount | None = None
    """By default the document's tax rate of the amount."""
    name: str | None = None
    """Description; by default the product's name."""
    tax_item_group: str = "FULL"
    category: str = ""
    price_unit: Amount = 1
    warehouse: str | None = None
    """By default the document's."""
    ship_to: AddressSpec | None = None
    """By default the document's."""
    lot: str | None = None
    """Inventory lot; by default a new one."""
    returned_lot: str = ""
    """On return lines: the lot that was sold."""
    tax_group: str | None = None
    """Sales tax group; by default the document's."""
    delivery_mode: str = ""
    """Of the order line; by default the document's. The posted line keeps none."""
    project_set: ProjectSet | None = None
    """Of a project invoice: the kind of transaction; by default items are Item, the rest Revenue."""

    def negated(self) -> LineSpec:
        """The same line on a credit note."""
        return replace(
            self,
            quantity=-self.quantity,
            discount=-self.discount,
            amount=None if self.amount is None else -self.amount,
            tax=None if self.tax is None else -self.tax,
        )


@dataclass(frozen=True, slots=True)
class ChargeSpec:
    """One misc. charge of the document's header, or with ``line`` of the line at that position (from 0)."""

    code: str = "FREIGHT"
    amount: Amount = 10
    tax: Amount | None = None
    """By default the document's tax rate of the amount."""
    text: str = ""
    line: int | None = None
    tax_item_group: str = "SHIP"

    def negated(self) -> ChargeSpec:
        """The same charge on a credit note."""
        return replace(self, amount=-self.amount, tax=None if self.tax is None else -self.tax)


class Source(StrEnum):
    """Where a document comes from; the value is ``RefNum`` of the invoice journal."""

    SALES_ORDER = "SalesOrder"
    FREE_TEXT = "Cust"
    PROJECT = "Project"
    INTEREST_NOTE = "Interest"


@dataclass(frozen=True, slots=True)
class InvoiceSpec:
    """A document to post. Totals follow from lines, charges, end discount, tax and round-off, unless they are given."""

    number: str
    date: date
    lines: Sequence[LineSpec] = (LineSpec(),)
    charges: Sequence[ChargeSpec] = ()
    customer: str = "C-1000"
    """The ordering customer."""
    invoice_account: str | None = None
    """Who pays; by default the customer."""
    source: Source = Source.SALES_ORDER
    order: str | None = None
    """By default ``SO-`` and the number, for sales orders."""
    ship_to: AddressSpec | None = AUSTIN
    """The delivery address as invoiced; ``None`` for a document that keeps none."""
    order_ship_to: AddressSpec | None = None
    """The order's delivery address as it is today; by default the invoiced one."""
    warehouse: str = "W-DAL"
    delivery_mode: str = "Ground"
    tax_rate: Decimal = ZERO
    """As a fraction: 0.0825."""
    tax_group: str = "TX-AUS"
    exempt_code: str = ""
    currency: str = "USD"
    end_discount: Amount = ZERO
    round_off: Amount = ZERO
    prices_include_tax: bool = False
    total_amount: Amount | None = None
    total_tax: Amount | None = None
    voucher: str | None = None
    is_prepayment: bool = False
    is_proforma: bool = False
    is_intercompany: bool = False
    """Sold to another legal entity, and posted by the intercompany chain."""
    intercompany_company: str | None = None
    """``InterCompanyCompanyId``: the buying legal entity; by default one, if ``is_intercompany``."""
    intercompany_posted: bool | None = None
    """``InterCompanyPosted``: whether the chain posted it by itself, as it does with the external customer's invoice
    of a direct delivery; by default ``is_intercompany``."""
    return_number: str = ""
    """RMA number of a return order. Its delivery address, and that of the lines that come back, is the receiving
    warehouse's."""
    sales_origin: str = ""
    corrected_invoice: str = ""
    """Of a free text invoice: the number in the localized field for the invoice that it corrects."""
    has_standard_lines: bool = True
    """Whether the lines appear in the standard line entities."""
    has_table_lines: bool = True
    """Whether the lines appear in the table-shaped line entity."""
    has_worksheet: bool = True
    """Of a free text invoice: whether its worksheet still exists."""
    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Set name → values that replace those of the document's rows in that set, for documents that add up to nothing."""
    created_at: datetime | None = None
    """By default six in the evening of its date."""


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A line with what posting gave it; ``spec`` has every default filled in."""

    spec: LineSpec
    position: int
    """From 1, in line order."""
    sequence: int
    """``LineCreationSequenceNumber``: unique within the document, and no position."""
    rec_id: int
    lot: str
    name: str
    amount: Decimal
    tax: Decimal
    ship_to: AddressSpec | None
    warehouse: str


@dataclass(frozen=True, slots=True)
class PostedCharge:
    """A charge with its tax."""

    spec: ChargeSpec
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class PostedInvoice:
    """A posted document: its key in F&O, its totals, and what it was made from."""

    spec: InvoiceSpec
    company: str
    number: str
    date: date
    voucher: str
    rec_id: int
    order: str
    lines: tuple[PostedLine, ...]
    charges: tuple[PostedCharge, ...]
    total_amount: Decimal
    """Gross."""
    total_tax: Decimal
    created_at: datetime

    @property
    def invoice_account(self) -> str:
        return self.spec.invoice_account or self.spec.customer

    @property
    def total_charges(self) -> Decimal:
        return sum((charge.amount for charge in self.charges), ZERO)

    @property
    def total_line_discount(self) -> Decimal:
        return sum((Decimal(line.spec.discount) for line in self.lines), ZERO)

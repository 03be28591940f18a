"""What TaxJar receives: the orders and refunds that posted documents become, and who is exempt.

Pure and frozen. Money is ``Decimal`` in US dollars with exactly two decimals, already signed as TaxJar keeps it:
positive on orders, negative on refunds; quantities and discounts are positive on both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """The two TaxJar transactions; the value is the name used in answers and in the ledger."""

    ORDER = "order"
    REFUND = "refund"


class ExemptionType(StrEnum):
    """Exemption types of TaxJar that the connector uses, on customers and on transactions."""

    WHOLESALE = "wholesale"
    GOVERNMENT = "government"
    OTHER = "other"
    MARKETPLACE = "marketplace"
    """On transactions only: a marketplace facilitator remits the tax."""
    NON_EXEMPT = "non_exempt"


@dataclass(frozen=True, slots=True)
class Place:
    """An address in TaxJar's form: two-letter ``country`` and, in the US, two-letter ``state``; empty when unknown."""

    country: str
    state: str = ""
    zip: str = ""
    city: str = ""
    street: str = ""


@dataclass(frozen=True, slots=True)
class TaxJarCustomer:
    """A customer whose exemption TaxJar has to know, or whose exemption has ended (``non_exempt``)."""

    customer_id: str
    name: str
    exemption_type: ExemptionType
    exempt_states: tuple[str, ...] = ()
    """US states in which the exemption applies; none means everywhere."""
    place: Place = Place("")
    """The customer's own address as far as it is usable: each part may be empty, the country too."""
    account: str = ""
    """The customer's account in F&O; no part of what TaxJar receives."""


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of a transaction: ``unit_price * quantity - discount`` is its net amount in absolute terms."""

    quantity: int
    unit_price: Decimal
    discount: Decimal
    sales_tax: Decimal
    product_identifier: str = ""
    description: str = ""
    product_tax_code: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A TaxJar order or refund. ``amount`` holds the lines and ``shipping``, never ``sales_tax``."""

    kind: Kind
    transaction_id: str
    transaction_date: date
    amount: Decimal
    shipping: Decimal
    sales_tax: Decimal
    customer_id: str
    ship_to: Place
    ship_from: Place | None
    """``None`` when F&O knows no complete one: TaxJar then takes the account's business address."""
    line_items: tuple[LineItem, ...]
    exemption_type: ExemptionType | None = None
    transaction_reference_id: str = ""
    """On refunds: the id of the order that is corrected. Empty on orders."""

"""What TaxJar answers: the raw exchange for the audit, and typed records for those who read them.

The records take TaxJar as it is: money as strings or numbers, ``null`` for what is absent, fields not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

Json = dict[str, Any]
"""A JSON object as parsed: fractions are ``Decimal``, never ``float``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful exchange."""

    status: int
    body: Json
    api_version_echo: str | None
    """``X-Api-Version`` of the answer: the version that TaxJar really applied; only transactions echo it."""
    request_id: str | None
    """``X-Request-Id``: what TaxJar's support asks for."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """The body of the request, empty where it had none."""


def account_of(answer: Answer) -> str:
    """The account that an order or refund belongs to: TaxJar's ``user_id``, ``""`` where the answer has none.

    It stays when the account's token is renewed.
    """
    for record in answer.body.values():
        user = record.get("user_id") if isinstance(record, dict) else None
        if isinstance(user, int | str) and not isinstance(user, bool):
            return str(user)
    return ""


def _blank_to_none(value: object) -> object:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _none_to_empty(value: object) -> object:
    return [] if value is None else value


Text = Annotated[str | None, BeforeValidator(_blank_to_none)]
Amount = Annotated[Decimal | None, BeforeValidator(_blank_to_none)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class StoredLine(_Record):
    """A line as stored; its id is a position TaxJar assigned, so it is left out."""

    quantity: Amount = None
    product_identifier: Text = None
    description: Text = None
    product_tax_code: Text = None
    unit_price: Amount = None
    discount: Amount = None
    sales_tax: Amount = None


class StoredTransaction(_Record):
    """An order or refund as stored: money in US dollars, negative on refunds, ``amount`` without sales tax."""

    transaction_id: str
    transaction_date: Text = None
    """UTC date-time; the first ten characters are the date that was sent."""
    transaction_reference_id: Text = None
    provider: Text = None
    customer_id: Text = None
    exemption_type: Text = None
    to_country: Text = None
    to_state: Text = None
    to_zip: Text = None
    to_city: Text = None
    to_street: Text = None
    from_country: Text = None
    from_state: Text = None
    from_zip: Text = None
    from_city: Text = None
    from_street: Text = None
    amount: Amount = None
    shipping: Amount = None
    sales_tax: Amount = None
    line_items: Annotated[tuple[StoredLine, ...], BeforeValidator(_none_to_empty)] = ()


class ExemptRegion(_Record):
    """A state in which a customer is exempt."""

    country: Text = None
    state: Text = None


class StoredCustomer(_Record):
    """A customer as stored; no ``exempt_regions`` means that the exemption applies everywhere."""

    customer_id: str
    exemption_type: Text = None
    name: Text = None
    exempt_regions: Annotated[tuple[ExemptRegion, ...], BeforeValidator(_none_to_empty)] = ()
    country: Text = None
    state: Text = None
    zip: Text = None
    city: Text = None
    street: Text = None


class NexusRegion(_Record):
    """A region in which the account has nexus, that is, an obligation to collect."""

    country_code: str
    country: Text = None
    region_code: Text = None
    region: Text = None


class Category(_Record):
    """A product tax code that TaxJar knows."""

    product_tax_code: str
    name: Text = None
    description: Text = None

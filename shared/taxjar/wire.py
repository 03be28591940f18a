"""A transaction in TaxJar's field names, ready to be sent as JSON.

A PUT leaves what it does not name as it was, so it names everything and empties with an empty text. ``null`` is never
sent: TaxJar refuses it for some fields. ``exemption_type`` is always sent (design 4.2).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared.taxjar.answers import Json
from shared.transactions import ExemptionType, Kind, LineItem, Place, Transaction

PLUGIN = "dynamicstaxjar"
"""Names the product to TaxJar; the certification asks for lower case without spaces, dashes or underscores."""

_CENT = Decimal("0.01")


def to_wire(transaction: Transaction) -> Json:
    """The body of a POST, and what a record keeps of the transaction: fields without a value are left out.

    ``shipping`` is always there, also when zero. No ``provider``: the record then lives under ``api``, where reads need
    not name it. The date stays a plain date, so that no time zone can move it into another filing period.
    """
    body = update_to_wire(transaction)
    return _without_blanks(body) | {"line_items": [_without_blanks(line) for line in body["line_items"]]}


def update_to_wire(transaction: Transaction) -> Json:
    """The body of a PUT: the same, with an empty text for what has no value."""
    body: Json = {
        "plugin": PLUGIN,
        "transaction_id": transaction.transaction_id,
        "transaction_reference_id": transaction.transaction_reference_id,
        "transaction_date": transaction.transaction_date.isoformat(),
        "customer_id": transaction.customer_id,
        "exemption_type": str(transaction.exemption_type or ExemptionType.NON_EXEMPT),
        **_place("to", transaction.ship_to),
        **_place("from", transaction.ship_from or Place("")),
        "amount": _money(transaction.amount),
        "shipping": _money(transaction.shipping),
        "sales_tax": _money(transaction.sales_tax),
        "line_items": [_line(number, item) for number, item in enumerate(transaction.line_items, start=1)],
    }
    if transaction.kind is Kind.ORDER and not transaction.transaction_reference_id:
        del body["transaction_reference_id"]  # orders have no such field
    return body


def from_wire(kind: Kind, record: Mapping[str, Any]) -> Transaction:
    """The transaction that ``record`` is: a payload as sent, or an order or refund as TaxJar returns it.

    Money is rounded to cents and signed by ``kind``, whatever sign it came with. Without an exemption it is
    ``non_exempt``: so it was meant before the connector said so each time.
    """
    sign = -1 if kind is Kind.REFUND else 1
    ship_from = _place_in(record, "from")
    exemption = _text(record, "exemption_type") or ExemptionType.NON_EXEMPT
    return Transaction(
        kind=kind,
        transaction_id=_text(record, "transaction_id"),
        transaction_date=date.fromisoformat(_text(record, "transaction_date")[:10].replace("/", "-")),
        amount=sign * _cents(record, "amount"),
        shipping=sign * _cents(record, "shipping"),
        sales_tax=sign * _cents(record, "sales_tax"),
        customer_id=_text(record, "customer_id"),
        ship_to=_place_in(record, "to"),
        # TaxJar fills in the country alone where no address was sent.
        ship_from=ship_from if ship_from.zip or ship_from.state else None,
        line_items=tuple(
            LineItem(
                quantity=int(Decimal(_text(line, "quantity") or 1)),
                unit_price=sign * _cents(line, "unit_price"),
                discount=_cents(line, "discount"),
                sales_tax=sign * _cents(line, "sales_tax"),
                product_identifier=_text(line, "product_identifier"),
                description=_text(line, "description"),
                product_tax_code=_text(line, "product_tax_code"),
            )
            for line in record.get("line_items") or ()
        ),
        exemption_type=ExemptionType(exemption) if exemption in set(ExemptionType) else None,
        transaction_reference_id=_text(record, "transaction_reference_id"),
    )


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of what a transaction or customer says.

    ``plugin`` says nothing about the document. In a transaction, an empty field says as much as one that is left out,
    and ``non_exempt`` as much as no exemption: payloads of earlier versions have neither.
    """
    content = {name: value for name, value in payload.items() if name != "plugin"}
    if "transaction_id" in payload:
        content = _without_blanks(content)
        if content.get("exemption_type") == ExemptionType.NON_EXEMPT:
            del content["exemption_type"]
        if lines := content.get("line_items"):
            content["line_items"] = [_without_blanks(line) for line in lines]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _place(prefix: str, place: Place) -> dict[str, str]:
    return {
        f"{prefix}_country": place.country,
        f"{prefix}_state": place.state,
        f"{prefix}_zip": place.zip,
        f"{prefix}_city": place.city,
        f"{prefix}_street": place.street,
    }


def _place_in(record: Mapping[str, Any], prefix: str) -> Place:
    return Place(*(_text(record, f"{prefix}_{part}") for part in ("country", "state", "zip", "city", "street")))


def _line(number: int, item: LineItem) -> Json:
    return {
        "id": str(number),
        "quantity": item.quantity,
        "product_identifier": item.product_identifier,
        "description": item.description,
        "product_tax_code": item.product_tax_code,
        "unit_price": _money(item.unit_price),
        "discount": _money(item.discount),
        "sales_tax": _money(item.sales_tax),
    }


def _money(value: Decimal) -> str:
    """Exact cents as text; never ``-0.00``. A fraction of a cent is a defect of the mapping, not to be rounded away."""
    cents = value.quantize(_CENT)
    if cents != value:
        raise ValueError(f"{value} is not exact in cents")
    return str(abs(cents) if cents.is_zero() else cents)


def _without_blanks(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _cents(record: Mapping[str, Any], name: str) -> Decimal:
    """The amount without its sign; an absent one is zero."""
    return abs(Decimal(_text(record, name) or 0)).quantize(_CENT, ROUND_HALF_UP)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value)

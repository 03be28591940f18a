"""A transaction in TaxJar's field names, ready to be sent as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.taxjar.answers import Json
from shared.transactions import LineItem, Place, Transaction

PLUGIN = "dynamicstaxjar"
"""Names the product to TaxJar; the certification asks for lower case without spaces, dashes or underscores."""

_CENT = Decimal("0.01")


def to_wire(transaction: Transaction) -> Json:
    """The full document, for POST and PUT alike.

    What is unknown is left out and never ``null``, which TaxJar refuses for some fields. ``shipping`` is always there,
    also when zero. No ``provider``: the record then lives under ``api``, where reads need not name it. The date stays
    a plain date, so that no time zone can move it into another filing period.
    """
    body: Json = {
        "plugin": PLUGIN,
        "transaction_id": transaction.transaction_id,
        "transaction_reference_id": transaction.transaction_reference_id,
        "transaction_date": transaction.transaction_date.isoformat(),
        "customer_id": transaction.customer_id,
        "exemption_type": transaction.exemption_type.value if transaction.exemption_type else "",
        **_place("to", transaction.ship_to),
        **(_place("from", transaction.ship_from) if transaction.ship_from else {}),
        "amount": _money(transaction.amount),
        "shipping": _money(transaction.shipping),
        "sales_tax": _money(transaction.sales_tax),
        "line_items": [_line(number, item) for number, item in enumerate(transaction.line_items, start=1)],
    }
    return _without_blanks(body)


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of what the document says; ``plugin`` says nothing about the document."""
    content = {name: value for name, value in payload.items() if name != "plugin"}
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


def _line(number: int, item: LineItem) -> Json:
    return _without_blanks(
        {
            "id": str(number),
            "quantity": item.quantity,
            "product_identifier": item.product_identifier,
            "description": item.description,
            "product_tax_code": item.product_tax_code,
            "unit_price": _money(item.unit_price),
            "discount": _money(item.discount),
            "sales_tax": _money(item.sales_tax),
        }
    )


def _money(value: Decimal) -> str:
    """Exact cents as text; never ``-0.00``. A fraction of a cent is a defect of the mapping, not to be rounded away."""
    cents = value.quantize(_CENT)
    if cents != value:
        raise ValueError(f"{value} is not exact in cents")
    return str(abs(cents) if cents.is_zero() else cents)


def _without_blanks(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value != ""}

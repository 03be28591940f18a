"""Does TaxJar hold what we would send? Sees through what TaxJar changes when it stores a transaction.

TaxJar makes cities upper case, signs money by record type, pads dates to UTC date-times, numbers lines anew and gives a
ship-from of its own where none was sent. None of that is a difference. Any other value that TaxJar holds and we would
not send is one, as the PUT that follows from it would say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any

Differences = dict[str, tuple[str | None, str | None]]
"""Field → (what we would send, what TaxJar holds), as text, ``None`` where absent.

Fields of lines are named ``line_items.2.unit_price``, counted from 1 as they are sent.
"""

_NUMBERS = frozenset({"amount", "shipping", "sales_tax", "quantity", "unit_price", "discount"})
_CITIES = frozenset({"to_city", "from_city"})
_PLACE = ("country", "state", "zip", "city", "street")
_SHIP_FROM = tuple(f"from_{part}" for part in _PLACE)
_FIELDS = (
    "transaction_id",
    "transaction_date",
    "transaction_reference_id",
    "customer_id",
    "exemption_type",
    *(f"to_{part}" for part in _PLACE),
    *_SHIP_FROM,
    "amount",
    "shipping",
    "sales_tax",
)
_LINE_FIELDS = (
    "quantity",
    "product_identifier",
    "description",
    "product_tax_code",
    "unit_price",
    "discount",
    "sales_tax",
)


def differences(payload: Mapping[str, Any], stored: Mapping[str, Any]) -> Differences:
    """Where ``payload`` (as sent) and ``stored`` (order or refund as TaxJar returns it) disagree; empty if nowhere."""
    has_ship_from = any(payload.get(field) for field in _SHIP_FROM)
    found = {
        field: (_text(payload.get(field)), _text(stored.get(field)))
        for field in _FIELDS
        if (has_ship_from or field not in _SHIP_FROM) and not _equal(field, payload.get(field), stored.get(field))
    }
    lines = zip_longest(payload.get("line_items") or (), stored.get("line_items") or ())
    for number, (ours, theirs) in enumerate(lines, start=1):
        if ours is None or theirs is None:
            found[f"line_items.{number}"] = (_line_text(ours), _line_text(theirs))
            continue
        for field in _LINE_FIELDS:
            if not _equal(field, ours.get(field), theirs.get(field)):
                found[f"line_items.{number}.{field}"] = (_text(ours.get(field)), _text(theirs.get(field)))
    return found


def same(payload: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether TaxJar holds exactly what ``payload`` says."""
    return not differences(payload, stored)


def _equal(field: str, ours: object, theirs: object) -> bool:
    return _comparable(field, ours) == _comparable(field, theirs)


def _comparable(field: str, value: object) -> Decimal | str | None:
    text = _text(value)
    if field in _NUMBERS:
        return _magnitude(text)
    if text is None:
        return None
    if field == "transaction_date":
        return text[:10].replace("/", "-")
    if field in _CITIES:
        return text.upper().casefold()
    return text


def _magnitude(text: str | None) -> Decimal | str:
    """The number without its sign, which the record type decides; an absent one is zero."""
    try:
        return Decimal(text or 0).copy_abs()
    except InvalidOperation:
        return text or ""


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _line_text(line: Mapping[str, Any] | None) -> str | None:
    """A line that only one side has, in brief."""
    if line is None:
        return None
    what = _text(line.get("description")) or _text(line.get("product_identifier")) or "line"
    return f"{line.get('quantity')} x {what} at {line.get('unit_price')}"

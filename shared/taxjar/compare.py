"""Does TaxJar hold what was sent, or would be? Sees through what TaxJar changes when it stores a transaction.

No differences are (design 4.11): the case of a city, blank against null, a ``from_country`` that TaxJar gives where no
ship-from was sent, the sign of an amount, the time of a date, the ids of lines, and no ``exemption_type`` where
``marketplace`` was sent. No exemption and ``non_exempt`` are the same: earlier versions sent none. Any other value that
TaxJar holds and we did not send is a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import zip_longest
from typing import Any

Differences = dict[str, tuple[str | None, str | None]]
"""Field → (what we would send, what TaxJar holds), as text, ``None`` where absent.

Fields of lines are named ``line_items.2.unit_price``, counted from 1 as they are sent.
"""

_NUMBERS = frozenset({"amount", "shipping", "sales_tax", "quantity", "unit_price", "discount"})
_NON_EXEMPT, _MARKETPLACE = "non_exempt", "marketplace"
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


class Aspect(StrEnum):
    """What a deep comparison tells apart (design 4.7)."""

    AMOUNT = "amount"
    TAX = "tax"
    SHIPPING = "shipping"
    STATE = "state"
    DATE = "date"
    EXEMPTION = "exemption"
    LINES = "lines"


_ASPECTS = {
    "amount": Aspect.AMOUNT,
    "sales_tax": Aspect.TAX,
    "shipping": Aspect.SHIPPING,
    "to_country": Aspect.STATE,
    "to_state": Aspect.STATE,
    "transaction_date": Aspect.DATE,
    "exemption_type": Aspect.EXEMPTION,
    "line_items": Aspect.LINES,
}


def differences(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Differences:
    """Where ``sent`` (a body as sent) and ``stored`` (order or refund as TaxJar returns it) disagree; empty if nowhere.

    Where ``sent`` does not name the ship-from at all, TaxJar may hold any: it takes the account's own. One that was
    emptied (``""``) must be gone.
    """
    has_ship_from = any(sent.get(field) for field in _SHIP_FROM)
    ignored = {field for field in _SHIP_FROM if field not in sent or field == "from_country"}
    found = {
        field: (_text(sent.get(field)), _text(stored.get(field)))
        for field in _FIELDS
        if (has_ship_from or field not in ignored) and not _equal(field, sent.get(field), stored.get(field))
    }
    lines = zip_longest(sent.get("line_items") or (), stored.get("line_items") or ())
    for number, (ours, theirs) in enumerate(lines, start=1):
        if ours is None or theirs is None:
            found[f"line_items.{number}"] = (_line_text(ours), _line_text(theirs))
            continue
        for field in _LINE_FIELDS:
            if not _equal(field, ours.get(field), theirs.get(field)):
                found[f"line_items.{number}.{field}"] = (_text(ours.get(field)), _text(theirs.get(field)))
    return found


def same(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether TaxJar holds exactly what ``sent`` says."""
    return not differences(sent, stored)


def aspects(found: Differences) -> tuple[Aspect, ...]:
    """What ``found`` is about, each once. Fields of no aspect (a street, the customer) are left out."""
    named = {_ASPECTS.get(field.partition(".")[0]) for field in found}
    return tuple(aspect for aspect in Aspect if aspect in named)


def _equal(field: str, ours: object, theirs: object) -> bool:
    if ours == theirs:
        return True
    if field == "exemption_type" and ours == _MARKETPLACE and _text(theirs) is None:
        return True  # no facilitator law applies in the state of destination
    return _comparable(field, ours) == _comparable(field, theirs)


def _comparable(field: str, value: object) -> Decimal | str | None:
    text = _text(value)
    if field in _NUMBERS:
        return _magnitude(text)
    if field == "exemption_type":
        return text or _NON_EXEMPT
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
        number = Decimal(text or 0)
    except InvalidOperation:
        return text or ""
    return number.copy_abs() if number.is_finite() else text or ""


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _line_text(line: Mapping[str, Any] | None) -> str | None:
    """A line that only one side has, in brief."""
    if line is None:
        return None
    what = _text(line.get("description")) or _text(line.get("product_identifier")) or "line"
    return f"{line.get('quantity')} x {what} at {line.get('unit_price')}"

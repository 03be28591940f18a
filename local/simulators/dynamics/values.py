"""Field values: what a row may hold, its blanks, and how they look on the wire.

A row holds ``str`` (strings, enums, GUIDs), ``int``, ``Decimal``, ``date`` and aware ``datetime``; never ``float``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TypeAlias

from local.simulators.dynamics.metadata import enum_members, is_enum

Value: TypeAlias = str | int | Decimal | date | datetime | None

BLANK_DATE = date(1900, 1, 1)
BLANK_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(2154, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The ``ValidTo`` of whatever is still valid."""


class Row(dict[str, Value]):
    """The fields of one row that somebody filled; the others read as the blanks of their entity."""

    __slots__ = ("_blanks", "rec_id")

    def __init__(self, filled: Mapping[str, Value], blanks: Mapping[str, Value], rec_id: int) -> None:
        super().__init__(filled)
        self._blanks = blanks
        self.rec_id = rec_id
        """The record id of the row itself, which not every entity shows."""

    def with_values(self, values: Mapping[str, Value]) -> Row:
        """A copy that reads otherwise."""
        return Row({**self, **values}, self._blanks, self.rec_id)

    def __missing__(self, name: str) -> Value:
        return self._blanks[name]


class UnfitValue(ValueError):
    """A value that its field cannot hold."""


@cache
def blank(type_name: str) -> Value:
    """What F&O shows in a field that nobody filled; some enum columns are null."""
    if is_enum(type_name):
        members = enum_members(type_name)
        return members[0] if members else None
    blanks: dict[str, Value] = {
        "String": "",
        "Decimal": Decimal(0),
        "Int32": 0,
        "Int64": 0,
        "Date": BLANK_DATE,
        "UtcDateTime": BLANK_MOMENT,
        "Guid": "00000000-0000-0000-0000-000000000000",
    }
    return blanks.get(type_name)


def fit(type_name: str, value: object) -> Value:
    """``value`` as a field of this type keeps it.

    Raises:
        UnfitValue: the field cannot hold it. A ``float`` never fits: money is exact.
    """
    if value is None:
        return None
    if is_enum(type_name):
        return _fit_enum(type_name, value)
    match type_name, value:
        case "Decimal", Decimal() | int() if not isinstance(value, bool):
            return Decimal(value)
        case "Int32" | "Int64", int() if not isinstance(value, bool):
            return value
        case "UtcDateTime", datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case "Date", date() if not isinstance(value, datetime):
            return value
        case "String" | "Guid" | "Binary", str():
            return str(value)
    raise UnfitValue(f"{value!r} does not fit {type_name}")


def _fit_enum(type_name: str, value: object) -> str:
    if isinstance(value, bool):
        value = "Yes" if value else "No"
    members = enum_members(type_name)
    if not isinstance(value, str) or (members and value not in members):
        raise UnfitValue(f"{value!r} is not a member of {type_name}")
    return str(value)


def instant(value: date | datetime) -> datetime:
    """The instant that a date is on the wire: noon UTC of that day; an instant is itself."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(12), UTC)


def fold(value: Value) -> Value:
    """``value`` as the database compares it: text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def comparable(value: Value) -> Value:
    """``value`` as it compares with a literal: folded, and a date as the instant it is on the wire."""
    return instant(value) if isinstance(value, date) else fold(value)


def render_number(number: Decimal) -> str:
    """A decimal as F&O writes it: bare, exact, without zeros at the end."""
    text = f"{number or Decimal(0):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def render(value: object) -> str:
    """``value`` as JSON, decimals exact; also renders the objects and arrays around them."""
    match value:
        case Decimal():
            return render_number(value)
        case date():
            return json.dumps(instant(value).strftime("%Y-%m-%dT%H:%M:%SZ"))
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(key))}:{render(item)}" for key, item in value.items()) + "}"
        case Sequence() if not isinstance(value, str):
            return "[" + ",".join(map(render, value)) + "]"
    # Half a surrogate pair has no UTF-8: it can only be escaped.
    is_text = not (isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value))
    return json.dumps(value, ensure_ascii=not is_text)

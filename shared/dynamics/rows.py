"""Values of OData rows, freed from F&O's conventions: blanks, noon dates, enum members, bare numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.documents import ZERO
from shared.dynamics.errors import UnreadableRow

Row = Mapping[str, Any]

_BLANK_DATE = date(1900, 1, 1)
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
"""Half a surrogate pair, which nothing can store or send."""
LONGEST_ID = 200
"""Characters of what identifies anything: F&O's own fields are far shorter, and a URL holds twenty of them."""
LONGEST_TEXT = 16_000
"""Characters of any text of a document: a property of a table holds 32,768 units of UTF-16."""
_SHOWN = 60
"""Characters of a value that makes no sense."""
_MOST_DIGITS = 20
"""Before the decimal point: beyond, cents would be lost in calculations."""


def is_text(value: object) -> bool:
    """Whether a string can be stored and sent; true for anything that is no string."""
    return not (isinstance(value, str) and _NO_TEXT.search(value))


def brief(value: object) -> str:
    """A value that makes no sense, for a message."""
    return ascii(value)[:_SHOWN]


def check_text(row: Row) -> None:
    """Raise :class:`UnreadableRow` where a value of the row is half a character."""
    for field, value in row.items():
        if not is_text(value):
            raise UnreadableRow(f"The value of {field} is not text that can be stored: it holds half a character.")


def is_id(value: object) -> bool:
    """Whether F&O can be asked for a value: true for anything that is no string."""
    return is_text(value) and not (isinstance(value, str) and len(value) > LONGEST_ID)


def text(row: Row, field: str) -> str:
    """A string without the spaces around it; ``""`` when blank, null or absent."""
    value = row.get(field)
    if type(value) is str:
        return value.strip()
    return "" if value is None else str(value).strip()


def verbatim(row: Row, field: str) -> str:
    """A string that is part of a key: with the spaces around it, unless there is nothing else; ``""`` when absent."""
    value = row.get(field)
    return "" if value is None or not str(value).strip() else str(value)


def folded(row: Row, field: str) -> str:
    """An id in the form in which ids are compared: F&O ignores their case."""
    return text(row, field).casefold()


def amount(row: Row, field: str) -> Decimal:
    """A number, exactly; zero when null or absent. Raises :class:`UnreadableRow` for anything else."""
    value = row.get(field)
    number: Decimal | None = None
    if type(value) is Decimal:
        number = value
    elif value is None or value == "":
        return ZERO
    elif isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            number = Decimal(value)
    if number is None or not number.is_finite():
        raise UnreadableRow(f"F&O returned {brief(value)} for {field}, which is not a number.")
    if number.adjusted() >= _MOST_DIGITS:
        raise UnreadableRow(f"F&O returned a number of {number.adjusted() + 1} digits for {field}.")
    return number


def required_amount(row: Row, field: str) -> Decimal:
    """A number that must be there. Raises :class:`UnreadableRow`."""
    if row.get(field) is None:
        raise UnreadableRow(f"F&O returned no {field}.")
    return amount(row, field)


def day(row: Row, field: str) -> date | None:
    """A calendar date: the first ten characters, never shifted by a time zone. 1900-01-01 is F&O's blank."""
    value = text(row, field)[:10]
    if not value:
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise UnreadableRow(f"F&O returned {brief(value)} for {field}, which is not a date.") from None
    return None if found == _BLANK_DATE else found


def yes(row: Row, field: str) -> bool:
    """An F&O ``NoYes`` enum."""
    return text(row, field) == "Yes"


def record_id(row: Row, field: str) -> int:
    """A RecId; 0 when there is none. Some services send 64-bit integers as strings."""
    value = row.get(field)
    if type(value) is int:
        return value
    return int(value) if isinstance(value, int | Decimal) or (isinstance(value, str) and value.isdecimal()) else 0

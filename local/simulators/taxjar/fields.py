"""Reading the fields of a request body. What is missing or of the wrong form is refused with 406, by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request

from local.simulators.taxjar.errors import Refusal
from local.simulators.taxjar.tables import COUNTRIES

Body = dict[str, Any]
Reader = Callable[[Any, str], Any]
"""Takes the value and the field's name for error texts, gives the value as it is stored."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,50}")
_MONEY = re.compile(r"[+-]?\d{1,12}(\.\d{1,12})?")
_MOMENT = re.compile(
    r"(?P<date>\d{4}([-/])\d{2}\2\d{2})([T ](?P<time>\d{2}:\d{2}:\d{2}(\.\d{1,6})?)(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ZIP = re.compile(r"\d{5}(-\d{4})?")


async def read_body(request: Request) -> Body:
    """The JSON object of a request; numbers with a point are ``Decimal``."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(406, "The request must be sent as application/json")
    try:
        body = json.loads(await request.body(), parse_float=Decimal, parse_constant=_no_constant)
    except ValueError:
        raise Refusal(400, "The request is not valid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The request must be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(name)


def invalid(name: str) -> Refusal:
    return Refusal(406, f"{name} is invalid")


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def require(body: Mapping[str, Any], names: Iterable[str], prefix: str = "") -> None:
    """Refuse the first of ``names`` that is absent, null or blank."""
    for name in names:
        if is_blank(body.get(name)):
            raise Refusal(406, f"{nested(prefix, name)} is missing")


def require_given(body: Mapping[str, Any], names: Iterable[str]) -> None:
    """As ``require``, for updates: a field may be left out, but not emptied."""
    require(body, [name for name in names if name in body])


def nested(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def items(body: Mapping[str, Any], name: str) -> list[Body]:
    """A list of objects; empty when absent or null."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid(name)
    return value


def read(body: Mapping[str, Any], readers: Mapping[str, Reader], prefix: str = "") -> Body:
    """The given fields among ``readers``; a null stays ``None``, unknown fields are ignored as TaxJar does."""
    return {
        name: None if body[name] is None else reader(body[name], nested(prefix, name))
        for name, reader in readers.items()
        if name in body
    }


def text(value: Any, name: str) -> str:
    """Line breaks and other control characters are refused: what TaxJar does with them is not known."""
    if not isinstance(value, str) or _CONTROL.search(value):
        raise invalid(name)
    return value


def identifier(value: Any, name: str) -> str:
    """Letters, digits, ``_`` and ``-``, at most 50."""
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise invalid(name)
    return value


def label(value: Any, name: str) -> str:
    """A text, or a whole number as text."""
    return text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value, name)


def country(value: Any, name: str) -> str:
    """ISO 3166, two letters in upper case."""
    if not isinstance(value, str) or value not in COUNTRIES:
        raise Refusal(406, f"{name} must be a two-letter ISO code.")
    return value


def money(value: Any, name: str) -> Decimal:
    """A JSON number or a string that holds one."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise invalid(name)
    if isinstance(value, str) and not _MONEY.fullmatch(value):
        raise invalid(name)
    try:
        return Decimal(value)
    except InvalidOperation:
        raise invalid(name) from None


def quantity(value: Any, name: str) -> int:
    """A positive whole number. Fractions are refused: whether TaxJar rounds or rejects them is not known."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise invalid(name)
    return value


def moment(value: Any, name: str) -> datetime:
    """A date, or a date and time with or without an offset, in UTC; a date alone is its midnight."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid(name)
    given = f"{match['date'].replace('/', '-')}T{match['time'] or '00:00:00'}{match['zone'] or 'Z'}"
    try:
        return datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(name) from None


def one_of(*allowed: str) -> Reader:
    """A reader for an enumeration."""

    def reader(value: Any, name: str) -> str:
        if value not in allowed:
            raise Refusal(406, f"{name} must be one of: {', '.join(allowed)}")
        return str(value)

    return reader


def is_zip(value: str) -> bool:
    """ZIP5 or ZIP+4."""
    return _ZIP.fullmatch(value) is not None

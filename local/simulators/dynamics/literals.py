"""Tokens of the OData expression language, and the values of its literals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from local.simulators.dynamics.errors import BadQuery
from local.simulators.dynamics.metadata import MOMENTS, NUMBERS, edm_type, enum_members, is_enum
from local.simulators.dynamics.values import Value, fold

ENUM_NAMESPACE = "Microsoft.Dynamics.DataEntities."

_TOKENS = re.compile(
    r"""\s*(?:(?P<bracket>[(),])|(?:
        (?P<enum>[A-Za-z_][\w.]*'(?:[^']|'')*')
      | (?P<string>'(?:[^']|'')*')
      | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))
      | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})
      | (?P<date>\d{4}-\d\d-\d\d)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[LlMmDdFf]?)
      | (?P<name>[A-Za-z_]\w*(?:[/.]\w+)*)
    )(?=\s|[(),]|$))""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; ``kind`` names the group of the pattern that found it."""

    kind: str
    text: str

    @property
    def is_literal(self) -> bool:
        return self.kind not in {"name", "bracket"} or self.text == "null"


def tokens(expression: str) -> Iterator[Token]:
    """Cut an expression into tokens.

    Raises:
        BadQuery: at the first character that begins none.
    """
    position = 0
    text = expression.rstrip()
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None or found.lastgroup is None:
            raise BadQuery(f"Syntax error at position {position} in '{expression}'.")
        yield Token(found.lastgroup, found[found.lastgroup])
        position = found.end()


def unquote(text: str) -> str:
    """The characters of a quoted string; a quote inside is doubled."""
    return text[1:-1].replace("''", "'")


def literal_value(token: Token, type_name: str, operator: str) -> Value:
    """The value of a literal that stands beside a field of type ``type_name``, folded for comparison.

    Raises:
        BadQuery: the two cannot be compared; F&O converts nothing.
    """
    if token.text == "null":
        return None
    kind, text = token.kind, token.text
    if kind == "enum":
        return _enum_member(text, type_name, operator)
    if kind == "string" and type_name == "String":
        return fold(unquote(text))
    if kind == "guid" and type_name == "Guid":
        return fold(text)
    if kind == "moment" and type_name in MOMENTS:
        return _moment(text)
    if kind == "number" and type_name in NUMBERS:
        return Decimal(text.rstrip("LlMmDdFf"))
    raise incompatible(token, type_name, operator)


def incompatible(token: Token, type_name: str, operator: str) -> BadQuery:
    """The refusal of a comparison between things of different types."""
    kinds = {"string": "Edm.String", "guid": "Edm.Guid", "moment": "Edm.DateTimeOffset", "date": "Edm.Date"}
    number = "Edm.Decimal" if "." in token.text else "Edm.Int32"
    found = token.text.split("'")[0] if token.kind == "enum" else kinds.get(token.kind, number)
    return BadQuery(
        f"A binary operator with incompatible types was detected. Found operand types '{edm_type(type_name)}' and "
        f"'{found}' for operator kind '{operator}'."
    )


def _enum_member(text: str, type_name: str, operator: str) -> str:
    qualified, _, rest = text.partition("'")
    if not is_enum(type_name) or qualified != ENUM_NAMESPACE + type_name:
        raise incompatible(Token("enum", text), type_name, operator)
    member = rest[:-1]
    members = enum_members(type_name)
    if members and member not in members:
        raise BadQuery(f"The string '{text}' is not a valid enumeration type constant.")
    if operator not in {"eq", "ne"}:
        raise BadQuery(f"Operator '{operator}' is not supported for the enumeration type '{qualified}'.")
    return member.casefold()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"The literal '{text}' is not a valid Edm.DateTimeOffset.") from None

"""OData filters as F&O understands them: ``eq ge gt le``, ``and``, ``or``, brackets. There is no ``in``.

A filter is written with standard field names; :meth:`Filter.text` renders it with the names of an environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

_T = TypeVar("_T")

KEYS_PER_QUERY = 20
"""Long ``or`` chains fail at a URL length limit of the server; twenty keys are safe."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field operator literal``."""

    field: str
    operator: str
    literal: str

    def text(self, rename: Callable[[str], str] = str) -> str:
        """The filter in OData syntax, not yet percent-encoded."""
        return f"{rename(self.field)} {self.operator} {self.literal}"


@dataclass(frozen=True, slots=True)
class Junction:
    """Filters joined by ``and`` or ``or``; nested ones are bracketed."""

    word: str
    parts: tuple[Filter, ...]

    def text(self, rename: Callable[[str], str] = str) -> str:
        """The filter in OData syntax, not yet percent-encoded."""
        texts = (
            f"({part.text(rename)})" if isinstance(part, Junction) and part.word != self.word else part.text(rename)
            for part in self.parts
        )
        return f" {self.word} ".join(texts)


Filter = Comparison | Junction


def quoted(text: str) -> str:
    """A string literal; a quote inside is doubled."""
    return "'" + text.replace("'", "''") + "'"


def enum(name: str, member: str) -> str:
    """An enum literal, such as ``Microsoft.Dynamics.DataEntities.NoYes'Yes'``."""
    return f"Microsoft.Dynamics.DataEntities.{name}'{member}'"


_DATES = frozenset({"InvoiceDate", "ValidFrom", "Effective"})
"""Key fields whose values come as text but are compared as instants."""


def literal(field: str, value: object) -> str:
    """The literal of a value as it came in a row."""
    return quoted(value) if isinstance(value, str) and field not in _DATES else str(value)


def equals(field: str, value: str | int) -> Comparison:
    """``field eq value``. Mind that F&O takes ``*`` in a string for a wildcard."""
    return Comparison(field, "eq", quoted(value) if isinstance(value, str) else str(value))


def on_or_after(field: str, day: date) -> Comparison:
    """From the start of ``day``; F&O stores calendar dates as noon UTC."""
    return Comparison(field, "ge", f"{day.isoformat()}T00:00:00Z")


def on_or_before(field: str, day: date) -> Comparison:
    """Up to the end of ``day``."""
    return Comparison(field, "le", f"{day.isoformat()}T23:59:59Z")


def positive(field: str) -> Comparison:
    """``field gt 0``."""
    return Comparison(field, "gt", "0")


def all_of(*parts: Filter) -> Filter:
    """Every one of ``parts``."""
    return parts[0] if len(parts) == 1 else Junction("and", parts)


def either(*parts: Filter) -> Filter:
    """At least one of ``parts``."""
    return parts[0] if len(parts) == 1 else Junction("or", parts)


def any_of(field: str, values: Sequence[str | int]) -> Filter:
    """``field`` equals one of ``values``, which are neither empty nor more than :data:`KEYS_PER_QUERY`."""
    return either(*(equals(field, value) for value in values))


def chunks(values: Sequence[_T], size: int = KEYS_PER_QUERY) -> Iterator[Sequence[_T]]:
    """``values`` in pieces that fit into one query."""
    for start in range(0, len(values), size):
        yield values[start : start + size]

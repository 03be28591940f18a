"""``$filter``: the part of OData's language that F&O understands, and its comparison rules.

Comparisons of a field with a literal by ``eq ne gt ge lt le``, joined by ``and or not`` and brackets. Text compares
without regard to case; ``*`` in the text of an ``eq`` is a wildcard. There is no ``in``, no ``has`` and no function.
Arithmetic, which F&O has, is refused here as well: nothing should depend on it. So is a long chain of ``or``: where the
limit of the web server in front lies is not known, and thirty conditions are said to be safe.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Protocol

from local.simulators.dynamics.errors import BadQuery, Refused
from local.simulators.dynamics.literals import Token, literal_value, tokens
from local.simulators.dynamics.metadata import Entity
from local.simulators.dynamics.values import Row, Value, comparable

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
LONGEST_CHAIN = 30
"""Conditions joined by ``or``."""
_MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


class Condition(Protocol):
    """A parsed filter."""

    def holds(self, row: Row) -> bool:
        """Whether a row passes."""

    def equalities(self) -> dict[str, set[Value]] | None:
        """Fields of which a passing row must have one of these values; ``None`` when nothing can be said."""


@dataclass(frozen=True, slots=True)
class Comparison:
    field: str
    operator: str
    value: Value
    wildcard: re.Pattern[str] | None = None

    def holds(self, row: Row) -> bool:
        found = comparable(row[self.field])
        if self.wildcard is not None:
            matches = isinstance(found, str) and self.wildcard.fullmatch(found) is not None
            return matches is (self.operator == "eq")
        if found is None or self.value is None:
            return self.operator in {"eq", "ne"} and COMPARISONS[self.operator](found, self.value)
        return COMPARISONS[self.operator](found, self.value)

    def equalities(self) -> dict[str, set[Value]] | None:
        # A date is stored as such but compared as an instant, so an index by stored value cannot serve it.
        if self.operator != "eq" or self.wildcard is not None or not isinstance(self.value, str | Decimal):
            return None
        return {self.field: {self.value}}


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition

    def holds(self, row: Row) -> bool:
        return not self.condition.holds(row)

    def equalities(self) -> dict[str, set[Value]] | None:
        return None


@dataclass(frozen=True, slots=True)
class And:
    conditions: tuple[Condition, ...]

    def holds(self, row: Row) -> bool:
        return all(condition.holds(row) for condition in self.conditions)

    def equalities(self) -> dict[str, set[Value]] | None:
        known: dict[str, set[Value]] = {}
        for condition in self.conditions:
            for name, values in (condition.equalities() or {}).items():
                known[name] = known[name] & values if name in known else values
        return known or None


@dataclass(frozen=True, slots=True)
class Or:
    conditions: tuple[Condition, ...]

    def holds(self, row: Row) -> bool:
        return any(condition.holds(row) for condition in self.conditions)

    def equalities(self) -> dict[str, set[Value]] | None:
        sides = [condition.equalities() or {} for condition in self.conditions]
        shared = set(sides[0]).intersection(*sides[1:])
        return {name: set().union(*(side[name] for side in sides)) for name in shared} or None


def parse_filter(expression: str, entity: Entity) -> Condition:
    """Parse ``$filter`` for one entity set.

    Raises:
        BadQuery: a syntax error, an unknown field, an operator or function that F&O lacks, or types that do not meet.
        Refused: a chain of ``or`` that is longer than :data:`LONGEST_CHAIN`.
    """
    return _Parser(expression, entity).parse()


class _Parser:
    def __init__(self, expression: str, entity: Entity) -> None:
        self._expression = expression
        self._entity = entity
        self._tokens = list(tokens(expression))
        self._position = 0

    def parse(self) -> Condition:
        condition = self._disjunction()
        if self._peek() is not None:
            raise self._syntax_error()
        return condition

    def _disjunction(self) -> Condition:
        conditions = [self._conjunction()]
        while self._take_word("or"):
            conditions.append(self._conjunction())
        if len(conditions) > LONGEST_CHAIN:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, f"More than {LONGEST_CHAIN} conditions are joined by 'or'.")
        return Or(tuple(conditions)) if len(conditions) > 1 else conditions[0]

    def _conjunction(self) -> Condition:
        conditions = [self._negation()]
        while self._take_word("and"):
            conditions.append(self._negation())
        return And(tuple(conditions)) if len(conditions) > 1 else conditions[0]

    def _negation(self) -> Condition:
        if self._take_word("not"):
            return Not(self._negation())
        if self._take_word("("):
            condition = self._disjunction()
            if not self._take_word(")"):
                raise self._syntax_error()
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        word = self._next()
        if word.text not in COMPARISONS:
            raise BadQuery(f"Syntax error: operator '{word.text}' is not supported in '{self._expression}'.")
        right = self._operand()
        if left.is_literal == right.is_literal:
            raise BadQuery(f"A comparison needs one property and one literal in '{self._expression}'.")
        if left.is_literal:
            return self._compare(right, _MIRRORED.get(word.text, word.text), left)
        return self._compare(left, word.text, right)

    def _compare(self, name: Token, word: str, literal: Token) -> Condition:
        type_name = self._entity.field_type(name.text)
        value = literal_value(literal, type_name, word)
        if isinstance(value, str) and "*" in value and word in {"eq", "ne"}:
            pattern = ".*".join(map(re.escape, value.split("*")))
            return Comparison(name.text, word, value, re.compile(pattern, re.DOTALL))
        return Comparison(name.text, word, value)

    def _operand(self) -> Token:
        token = self._next()
        following = self._peek()
        if token.kind == "name" and following is not None and following.text == "(":
            raise BadQuery(f"An unknown function with name '{token.text}' was found.")
        if token.kind == "bracket":
            raise self._syntax_error()
        return token

    def _peek(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> Token:
        token = self._peek()
        if token is None:
            raise self._syntax_error()
        self._position += 1
        return token

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.text != word:
            return False
        self._position += 1
        return True

    def _syntax_error(self) -> BadQuery:
        return BadQuery(f"Syntax error at position {self._position} in '{self._expression}'.")

"""How F&O fails with single rows and with whole windows, on demand.

A row may break every answer that would hold it, may be shown twice, not at all, or with other values than it is found
by; a read may take longer than anyone waits. Sets as a whole are taken away by ``hide`` and ``forbid``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus

import httpx

from local.simulators.dynamics.errors import Refused
from local.simulators.dynamics.filter import And, Comparison, Condition, Or
from local.simulators.dynamics.metadata import Entity
from local.simulators.dynamics.values import BLANK_DATE, Row, Value, comparable

_DOCUMENT_NUMBERS = ("InvoiceNumber", "InvoiceId", "ProjInvoiceId", "Voucher")
"""Reads by one of these are quick, however many days they span."""


class NeverAnswered(httpx.ReadTimeout):
    """The line stays open and no answer comes. ``httpx.ASGITransport`` raises it in the client, without waiting."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a set can answer in time: a window of so many days of ``InvoiceDate``, a page of so many rows."""

    days: int | None = None
    rows: int | None = None
    status: int | None = None
    """What is answered beyond that; ``None``: nothing, ever."""


@dataclass(frozen=True, slots=True)
class _Match:
    set_name: str
    values: Mapping[str, Value]
    shown: Mapping[str, Value] = field(default_factory=dict)
    only_with: str = ""
    """The field that breaks; empty for all."""

    def hits(self, set_name: str, row: Row) -> bool:
        return set_name == self.set_name and all(
            comparable(row[name]) == comparable(value) for name, value in self.values.items()
        )


@dataclass(slots=True)
class RowFaults:
    """The rows and windows that make trouble. Rows are named by their set and the values of some of their fields."""

    limits: dict[str, Limit] = field(default_factory=dict)
    """By set."""
    _refused: list[_Match] = field(default_factory=list)
    _repeated: list[_Match] = field(default_factory=list)
    _withheld: list[_Match] = field(default_factory=list)
    _garbled: list[_Match] = field(default_factory=list)

    def refuse(self, set_name: str, *, only_with: str = "", **values: Value) -> None:
        """Answer 500 to every read that would show the row, or one field of it."""
        self._refused.append(_Match(set_name, values, only_with=only_with))

    def repeat(self, set_name: str, **values: Value) -> None:
        """Show the row twice, as pages do that shift while they are read."""
        self._repeated.append(_Match(set_name, values))

    def withhold(self, set_name: str, **values: Value) -> None:
        """Answer as if the row were not there; without values, as if the set were empty."""
        self._withheld.append(_Match(set_name, values))

    def garble(self, set_name: str, shown: Mapping[str, Value], **values: Value) -> None:
        """Show other values than the row is found by, as a computed column may."""
        self._garbled.append(_Match(set_name, values, shown))

    def clear(self) -> None:
        """All rows and windows are well again."""
        self.limits.clear()
        for faults in (self._refused, self._repeated, self._withheld, self._garbled):
            faults.clear()

    def visible(self, entity: Entity, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows without the withheld ones."""
        return self._without(self._withheld, entity, rows)

    def repeated(self, entity: Entity, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows as they are listed: some of them twice."""
        if not any(match.set_name == entity.set for match in self._repeated):
            return rows
        return [row for row in rows for _ in range(2 if _hit(self._repeated, entity, row) else 1)]

    def rendered(self, entity: Entity, rows: Sequence[Row], select: Sequence[str]) -> Sequence[Row]:
        """The rows of one page as they are shown; ``select`` names the fields, all if empty.

        Raises:
            Refused: one of them breaks the answer, or there are more than can be answered in time.
            NeverAnswered: likewise, where F&O does not even say so.
        """
        refused = [match for match in self._refused if not (match.only_with and select) or match.only_with in select]
        if any(_hit(refused, entity, row) for row in rows):
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Object reference not set to an instance of an object.")
        limit = self.limits.get(entity.set)
        if limit is not None and limit.rows is not None and len(rows) > limit.rows:
            _fail(limit)
        if not any(match.set_name == entity.set for match in self._garbled):
            return rows
        return [self._shown(entity, row) for row in rows]

    def check_window(self, entity: Entity, condition: Condition | None, rows: Sequence[Row]) -> None:
        """Refuse a read over too many days of ``InvoiceDate``; ``rows`` are all of the set. Raises as ``rendered``."""
        limit = self.limits.get(entity.set)
        if limit is None or limit.days is None or "InvoiceDate" not in entity.fields:
            return
        equalities = (condition.equalities() if condition is not None else None) or {}
        if any(name in equalities for name in _DOCUMENT_NUMBERS):
            return
        days = [day for row in rows if isinstance(day := row["InvoiceDate"], date) and day > BLANK_DATE]
        if not days:
            return
        first, last = _bounds(condition)
        first, last = max(first or min(days), min(days)), min(last or max(days), max(days))
        if (last - first).days >= limit.days:
            _fail(limit)

    @staticmethod
    def _without(faults: Sequence[_Match], entity: Entity, rows: Sequence[Row]) -> Sequence[Row]:
        if not any(match.set_name == entity.set for match in faults):
            return rows
        return [row for row in rows if not _hit(faults, entity, row)]

    def _shown(self, entity: Entity, row: Row) -> Row:
        for match in self._garbled:
            if match.hits(entity.set, row):
                row = row.with_values(match.shown)
        return row


def _hit(faults: Sequence[_Match], entity: Entity, row: Row) -> bool:
    return any(match.hits(entity.set, row) for match in faults)


def _fail(limit: Limit) -> None:
    if limit.status is None:
        raise NeverAnswered("the simulator does not answer a read of this size")
    raise Refused(HTTPStatus(limit.status), "The operation has timed out.")


def _bounds(condition: Condition | None) -> tuple[date | None, date | None]:
    """First and last day that a filter lets pass; ``None`` where it is open."""
    match condition:
        case Comparison(field="InvoiceDate"):
            day = condition.value.date() if isinstance(condition.value, datetime) else None
            return (
                day if condition.operator in {"ge", "gt", "eq"} else None,
                day if condition.operator in {"le", "lt", "eq"} else None,
            )
        case And():
            bounds = [_bounds(part) for part in condition.conditions]
            firsts, lasts = zip(*bounds, strict=True)
            return max(filter(None, firsts), default=None), min(filter(None, lasts), default=None)
        case Or():
            bounds = [_bounds(part) for part in condition.conditions]
            firsts, lasts = zip(*bounds, strict=True)
            return (
                min(filter(None, firsts)) if all(firsts) else None,
                max(filter(None, lasts)) if all(lasts) else None,
            )
    return None, None

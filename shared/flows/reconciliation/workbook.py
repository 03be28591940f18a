"""A reconciliation as a workbook for an accountant: amounts are numbers, and no text runs as a formula."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from xlsxwriter import Workbook as Book
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from shared.flows.reconciliation.findings import Findings, Status

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LONGEST_CELL = 32_767
_LONGEST_NAME = 31
_ROWS_PER_SHEET = 1_048_575
"""Beside the line of titles; what is more goes on in a further sheet, since XlsxWriter leaves it out without a word."""
_MONEY = ("amount", "sales_tax")
_SIDES = ("dynamics", "taxjar", "difference")
_SIDE_COLUMNS = tuple(f"{side} {part.replace('_', ' ')}" for side in _SIDES for part in _MONEY)
_NO_FORMULAS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

Rows = AsyncIterator[Mapping[str, Any]]


class Workbook:
    """Writes sheets row by row: of a long one no more than a row is in memory."""

    def __init__(self) -> None:
        self._file = BytesIO()
        self._book = Book(self._file, {"constant_memory": True, **_NO_FORMULAS})
        self._money = self._book.add_format({"num_format": "#,##0.00;[Red]-#,##0.00"})
        self._head = self._book.add_format({"bold": True, "bottom": 1})
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_closed:
            self._book.close()

    def close(self) -> bytes:
        """The finished file."""
        self._book.close()
        self._is_closed = True
        return self._file.getvalue()

    def by_state(self, findings: Findings, completeness: Mapping[str, Any]) -> None:
        """Both sides of each state, and whether it can be filed."""
        ready = {state["state"]: state for state in completeness.get("states", ())}
        sheet = self._sheet(
            "By state",
            ("state", "documents", *_SIDE_COLUMNS, *(status.value for status in Status)),
            ("nexus", "held", "failed", "in flight", "ready to file", "why not"),
        )
        for name in sorted(findings.totals.keys() | ready.keys()):
            totals, state = findings.totals.get(name), ready.get(name, {})
            sides = (totals.dynamics, totals.taxjar, totals.dynamics - totals.taxjar) if totals else ()
            amounts: list[Decimal | None] = [part for money in sides for part in (money.amount, money.sales_tax)]
            sheet.add(
                (
                    name,
                    totals.counts.total() if totals else state.get("documents", 0),
                    *(amounts or [None] * len(_SIDE_COLUMNS)),
                    *((totals.counts[status] if totals else 0) for status in Status),
                    state.get("nexus"),
                    *(state.get(column) for column in ("held", "failed", "in_flight", "ready_to_file")),
                    " ".join(state.get("why", ())),
                )
            )

    async def differences(self, rows: Rows) -> None:
        """Every document whose two sides differ."""
        columns = ("transaction_id", "status", "number", "date", "to_state", "state", "reason")
        sheet = self._sheet("Differences", columns, _SIDE_COLUMNS)
        async for row in rows:
            sides = [_amount(row.get(side), part) for side in _SIDES for part in _MONEY]
            sheet.add((*(row.get(column) for column in columns), *sides))

    async def settled(self, name: str, rows: Rows) -> None:
        """Documents that wait, or that were skipped, with F&O's dollars and why."""
        columns = ("transaction_id", "number", "date", "customer", "to_state", "state", "reason", "in_taxjar")
        await self._of_documents(name, columns, rows, ("message",))

    async def listed(self, name: str, rows: Rows) -> None:
        """A list of transactions."""
        columns = ("transaction_id", "number", "date", "customer", "to_state", "reason", "provider")
        await self._of_documents(name, columns, rows, ("message",))

    def evidence(self, facts: Sequence[tuple[str, object]]) -> None:
        """What was compared, when and by whom, and what it comes to."""
        sheet = self._sheet("Evidence", ("what", "value"))
        for fact in facts:
            sheet.add(fact)

    async def _of_documents(self, name: str, columns: Sequence[str], rows: Rows, behind: Sequence[str]) -> None:
        sheet = self._sheet(name, columns, ("amount", "sales tax", *behind))
        async for row in rows:
            amounts = [_amount(row, part) for part in _MONEY]
            sheet.add((*map(row.get, columns), *amounts, *map(row.get, behind)))

    def _sheet(self, name: str, *columns: Sequence[str]) -> _Sheet:
        titles = [column.replace("_", " ") for some in columns for column in some]
        return _Sheet(self._book, name, titles, head=self._head, money=self._money)


class _Sheet:
    """Rows under titles; what does not fit goes on in sheets named after this one: "Skipped 2", "Skipped 3"."""

    def __init__(self, book: Book, name: str, titles: Sequence[str], *, head: Format, money: Format) -> None:
        self._book = book
        self._name = name
        self._titles = titles
        self._head = head
        self._money = money
        self._sheets = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        self._number = 0
        behind = f" {self._sheets}" if self._sheets > 1 else ""
        self._sheet: Worksheet = self._book.add_worksheet(self._name[: _LONGEST_NAME - len(behind)] + behind)
        self._sheet.set_column(0, len(self._titles) - 1, 16)
        for position, title in enumerate(self._titles):
            self._sheet.write_string(0, position, title, self._head)
        self._sheet.freeze_panes(1, 0)

    def add(self, cells: Sequence[object]) -> None:
        """Write a row below the last one."""
        if self._number == _ROWS_PER_SHEET:
            self._begin()
        self._number += 1
        sheet, number = self._sheet, self._number
        for position, value in enumerate(cells):
            match value:
                case None | "":
                    continue
                case bool():
                    sheet.write_string(number, position, "yes" if value else "no")
                case Decimal():
                    sheet.write_number(number, position, float(value), self._money)
                case int():
                    sheet.write_number(number, position, value)
                case _:
                    sheet.write_string(number, position, str(value)[:_LONGEST_CELL])


def _amount(side: object, part: str) -> Decimal | None:
    """Money of a row, where it has any."""
    value = side.get(part) if isinstance(side, Mapping) else None
    return Decimal(str(value)) if value not in (None, "") else None

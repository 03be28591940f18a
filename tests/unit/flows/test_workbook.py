"""Workbooks lose no row: what one sheet cannot hold goes on in the next (design 4.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest

from shared.flows.reconciliation import workbook
from shared.flows.reconciliation.workbook import Workbook
from tests.workbooks import sheets_of


async def rows(numbers: Iterable[int]) -> AsyncIterator[Mapping[str, Any]]:
    for number in numbers:
        yield {"transaction_id": f"T-{number}", "amount": "1.00"}


async def test_what_one_sheet_cannot_hold_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_ROWS_PER_SHEET", 3)
    with Workbook() as book:
        await book.differences(rows(range(3)))
        await book.settled("Skipped", rows(range(7)))
        await book.listed("A name as long as a sheet's may be", rows(range(4)))
        sheets = sheets_of(book.close())
    assert {name: len(found) for name, found in sheets.items()} == {
        "Differences": 3,
        "Skipped": 3,
        "Skipped 2": 3,
        "Skipped 3": 1,
        "A name as long as a sheet's may": 3,
        "A name as long as a sheet's m 2": 1,
    }
    found = [row["transaction id"] for name in ("Skipped", "Skipped 2", "Skipped 3") for row in sheets[name]]
    assert found == [f"T-{number}" for number in range(7)]

"""A fault of the moment is told from a row that F&O cannot show (design 4.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from shared.dynamics.entities import Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import Unavailable
from shared.dynamics.narrowing import rows_in_small_pages
from shared.dynamics.rows import Row

SET = Entity("Invoices", ("InvoiceNumber",), has_company=False, key=("InvoiceNumber",))
NUMBERS = ("INV-1", "INV-2", "INV-3")


class Faulty:
    """A set that fails at every page with INV-2 and others, and at INV-2 alone as often as ``faults`` says."""

    def __init__(self, faults: int) -> None:
        self.faults = faults

    def selected(self, entity: Entity) -> tuple[str, ...]:
        return entity.fields

    async def pages(self, entity: Entity, where: Any = None, *, top: int, skip: int) -> AsyncIterator[list[Row]]:
        passed = [number for number in NUMBERS if where is not None and number in where.text()]
        rows = [{"InvoiceNumber": number} for number in NUMBERS if number > max(passed, default="")][skip : skip + top]
        if {"InvoiceNumber": "INV-2"} in rows:
            if len(rows) > 1:
                raise Unavailable("500")
            if self.faults:
                self.faults -= 1
                raise Unavailable("500")
        yield cast(list[Row], rows)


@pytest.mark.parametrize(("faults", "unreadable"), [(0, 0), (1, 0), (2, 0), (3, 1)])
async def test_a_row_is_read_three_times_before_it_counts_as_one_that_cannot_be_shown(
    faults: int, unreadable: int
) -> None:
    left_out: list[Row | None] = []
    sets = cast(EntitySets, Faulty(faults))
    pages = rows_in_small_pages(sets, SET, None, ("InvoiceNumber",), lambda row, _: left_out.append(row))
    shown = [row["InvoiceNumber"] async for page in pages for row in page]
    assert len(left_out) == unreadable
    assert shown == [number for number in NUMBERS if not unreadable or number != "INV-2"]

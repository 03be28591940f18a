"""Pages of documents: what a page shows, how many there are in all, and where the next page goes on.

Only what is open has an index. Other lists go through the records of their days, and through so many at most: a page
costs the same with a month of history and with ten years of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.ledger.records import DocumentRecord

READ_AT_MOST = 5000
"""Records that one page goes through, those too that do not fit."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a list."""

    records: Sequence[DocumentRecord]
    count: int
    """All that fit, on every page."""
    at_least: bool = False
    """Whether more may fit than were counted."""
    place: str = ""
    """The row behind which the next page goes on; empty on the last page."""


def page_of_all(found: Iterable[DocumentRecord], *, limit: int, after: str, newest: bool) -> Page:
    """A page of documents that were all read, in any order."""
    fitting = sorted(found, key=lambda record: record.row, reverse=newest)
    behind = [each for each in fitting if not after or (each.row < after if newest else each.row > after)]
    shown = behind[:limit]
    return Page(shown, len(fitting), place=shown[-1].row if len(behind) > limit else "")


async def page_of_many(
    records: AsyncIterator[DocumentRecord], fits: Callable[[DocumentRecord], bool], *, limit: int, counts: bool
) -> Page:
    """The first page of ``records``, which are read as far as it takes; where it ``counts``, all are.

    It ends early behind :data:`READ_AT_MOST` records: it may show fewer than ``limit`` and have a next page.
    """
    shown: list[DocumentRecord] = []
    count, read, last = 0, 0, ""
    async for record in records:
        is_full = len(shown) == limit
        if read == READ_AT_MOST:
            return Page(shown, count, at_least=True, place=shown[-1].row if is_full else last)
        read, last = read + 1, record.row
        if fits(record):
            count += 1
            if not is_full:
                shown.append(record)
            elif not counts:
                return Page(shown, count, at_least=True, place=shown[-1].row)
    return Page(shown, count, place=shown[-1].row if count > len(shown) else "")

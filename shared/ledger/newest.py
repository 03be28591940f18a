"""Documents newest first: Table Storage reads forward only, so the days are read in windows from the last one back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

from shared.ledger.queries import DocumentQueries
from shared.ledger.records import DocumentRecord

_WANTED, _MANY = 250, 500
"""Records of a window: how many are aimed at, and with how many it is too long: a shorter one is read."""
_DAY = timedelta(days=1)


async def newest_first(
    ledger: DocumentQueries,
    connection: str,
    company: str,
    *,
    today: date,
    since: date = date.min,
    until: date = date.max,
    before: str = "",
) -> AsyncIterator[DocumentRecord]:
    """The documents dated ``since`` to ``until``, inclusive, the last row before the row ``before`` first.

    What nobody asks for is not read, but for the rest of a window.
    """
    first = await ledger.first_day(connection, company)
    if first is None:
        return

    async def read(start: date, last: date, most: int | None = None) -> list[DocumentRecord]:
        found: list[DocumentRecord] = []
        rows = ledger.listing(connection, company, since=start, until=last, before=before, at_once=_MANY)
        async for record in rows:
            found.append(record)
            if len(found) == most:
                break
        return found

    since = max(since, first)
    if until > today:
        # What is dated ahead is little, and may be dated any number of years ahead.
        for record in reversed(await read(max(since, today + _DAY), until)):
            yield record
    last, days = min(until, today), 1
    while last >= since:
        days = min(days, (last - since).days + 1)
        start = last - (days - 1) * _DAY
        found = await read(start, last, _MANY if days > 1 else None)
        if days > 1 and len(found) == _MANY:
            read_days = (found[-1].key.date - start).days + 1
            days = max(1, min(days - 1, read_days * _WANTED // _MANY))
            continue
        for record in reversed(found):
            yield record
        if start == since:
            return
        last = start - _DAY
        days = max(1, min(2 * days, days * _WANTED // max(len(found), 1)))

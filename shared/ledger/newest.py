"""Documents newest first: Table Storage reads forward only, so the days are read in windows from the last one back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta

from shared.ledger.queries import DocumentQueries
from shared.ledger.records import DocumentRecord, State

_FEW, _MANY = 200, 2000
"""Records of a window: with fewer the next is twice as long, with more half as long."""


async def newest_first(
    ledger: DocumentQueries,
    connection: str,
    company: str,
    *,
    since: date = date.min,
    until: date,
    states: Iterable[State] = (),
) -> AsyncIterator[DocumentRecord]:
    """The documents dated ``since`` to ``until``, inclusive, the last row first; what nobody asks for is not read."""
    first = await ledger.first_day(connection, company)
    if first is None:
        return
    wanted, since = list(states), max(since, first)
    last, days = until, 1
    while last >= since:
        start = max(since, last - timedelta(days=min(days, (last - since).days + 1) - 1))
        found = [record async for record in ledger.listing(connection, company, since=start, until=last, states=wanted)]
        for record in reversed(found):
            yield record
        if len(found) < _FEW:
            days *= 2
        elif len(found) > _MANY:
            days = max(1, days // 2)
        if start <= since:
            return
        last = start - timedelta(days=1)

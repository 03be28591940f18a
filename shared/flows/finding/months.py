"""Back to ``REPORT_FROM`` every night: a posting that was dated back by any span is found (design 4.1).

F&O's count of a month is compared with what it was when the month was last listed, and with the number of documents
that the ledger has. Those are counted by their keys, the months counted longest ago first, each at most once a day and
no more of them in a night than a large month or many small ones: no night reads all of history.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from shared.connector import Connection, Connector
from shared.dynamics.errors import Unavailable
from shared.flows.finding.differences import Differences
from shared.flows.finding.incoming import Incoming
from shared.flows.work.run import today_of
from shared.flows.work.streams import days
from shared.ledger.work_index import MonthCheck

logger = logging.getLogger(__name__)

_NAMED = 20
"""Documents that one line of the log names."""
_KEYS_A_NIGHT = 20_000
"""Documents of a company after which no further month is counted in the ledger."""

_Month = tuple[date, date]
"""First and last day."""


class Months:
    """Compares the months of a company before the sweep's window, and lists those that differ.

    ``noted`` are F&O's counts by day of the last listing; ``checks`` say when the ledger's documents of a month were
    counted, and what came of it.
    """

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        company: str,
        incoming: Incoming,
        differences: Differences,
        noted: Mapping[date, int],
        checks: Mapping[date, MonthCheck],
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._company = company
        self._incoming = incoming
        self._differences = differences
        self._noted = noted
        self._checks = checks

    async def compare(self, before: date) -> None:
        """List the months that differ, up to the day ``before``. Raises the first trouble after the last."""
        report_from = self._connection.company(self._company).settings.report_from
        trouble: Unavailable | None = None
        alike: dict[_Month, int] = {}
        for month in _months(report_from, before - timedelta(days=1)):
            try:
                counted = await self._connection.reader.count_posted({self._company: month[0]}, month[1])
                if counted != sum(self._noted_of(month).values()):
                    await self._list(month, counted)
                elif counted:
                    alike[month] = counted
            except Unavailable as unavailable:
                name = f"{self._connection.name} {self._company.upper()}"
                logger.error("%s: the documents of %s cannot be listed: %s", name, month[0], unavailable)
                trouble = trouble or unavailable
        try:
            await self._check(alike)
        except Unavailable as unavailable:
            trouble = trouble or unavailable
        if trouble:
            raise trouble

    async def _check(self, alike: Mapping[_Month, int]) -> None:
        """Compare the counts of months that F&O did not change with what the ledger has."""
        today = today_of(self._connector, self._connection.company(self._company).settings)
        read = 0
        for month in sorted(alike, key=lambda each: (self._last(each).on, -each[0].toordinal())):
            last = self._last(month)
            if read >= _KEYS_A_NIGHT or last.on >= today:
                return
            there = await self._known(month)
            read += max(there, alike[month])
            if there - alike[month] == last.surplus:
                await self._note(month, MonthCheck(today, last.surplus))
            else:
                await self._list(month, alike[month])

    async def _list(self, month: _Month, counted: int) -> None:
        first, last = month
        listed = await self._incoming.take_in({self._company: first}, last)
        if listed.new:
            named = ", ".join(str(key) for key in listed.new[:_NAMED])
            more = f" and {len(listed.new) - _NAMED} more" if len(listed.new) > _NAMED else ""
            logger.warning(
                "%s: %d documents dated back to %s were not known: %s%s",
                self._connection.name,
                len(listed.new),
                f"{first:%Y-%m}",
                named,
                more,
            )
        counts: Mapping[date, int] = listed.counts[self._company]
        if listed.total(self._company) != counted:
            # Rows that are counted and not shown would have the month listed every night.
            counts = await self._connection.reader.count_by_day(self._company, days(first, last))
        await self._differences.note(self._company, {**dict.fromkeys(self._noted_of(month), 0), **counts})
        surplus = await self._known(month) - sum(counts.values())
        await self._note(month, MonthCheck(self._last(month).on, surplus))

    def _noted_of(self, month: _Month) -> dict[date, int]:
        return {day: count for day, count in self._noted.items() if month[0] <= day <= month[1]}

    async def _known(self, month: _Month) -> int:
        return await self._connector.ledger.count(self._connection.name, self._company, *month)

    def _last(self, month: _Month) -> MonthCheck:
        """The last check of the month."""
        return self._checks.get(month[0].replace(day=1), MonthCheck(date.min, 0))

    async def _note(self, month: _Month, check: MonthCheck) -> None:
        await self._connector.work.note_check(self._connection.name, self._company, month[0], check)


def _months(first: date, last: date) -> Iterator[_Month]:
    """First and last day of each month from ``first`` to ``last``, cut to these."""
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        yield first, min(end, last)
        first = end + timedelta(days=1)

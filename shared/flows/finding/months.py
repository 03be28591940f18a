"""Back to ``REPORT_FROM`` every night: a posting that was dated back by any span is found (design 4.1)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from shared.connector import Connection
from shared.dynamics.errors import Unavailable
from shared.flows.finding.differences import Differences
from shared.flows.finding.incoming import Incoming
from shared.flows.work.streams import days

logger = logging.getLogger(__name__)

_NAMED = 20
"""Documents that one line of the log names."""


class Months:
    """Compares the months before the sweep's window, by one count each, and lists those that differ."""

    def __init__(
        self,
        connection: Connection,
        incoming: Incoming,
        differences: Differences,
        noted: Mapping[str, Mapping[date, int]],
    ) -> None:
        self._connection = connection
        self._incoming = incoming
        self._differences = differences
        self._noted = noted

    async def compare(self, company: str, before: date) -> None:
        """List the months whose count differs, up to the day ``before``. Raises the first trouble after the last."""
        report_from = self._connection.company(company).settings.report_from
        trouble: Unavailable | None = None
        for first, last in _months(report_from, before - timedelta(days=1)):
            try:
                await self._compare(company, first, last)
            except Unavailable as unavailable:
                logger.error("%s: the documents of %s cannot be listed: %s", company.upper(), first, unavailable)
                trouble = trouble or unavailable
        if trouble:
            raise trouble

    async def _compare(self, company: str, first: date, last: date) -> None:
        noted = {day: count for day, count in self._noted[company].items() if first <= day <= last}
        counted = await self._connection.reader.count_posted({company: first}, last)
        if counted == sum(noted.values()):
            return
        listed = await self._incoming.take_in({company: first}, last)
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
        counts: Mapping[date, int] = listed.counts[company]
        if listed.total(company) != counted:
            # Rows that are counted and not shown would have the month listed every night.
            counts = await self._connection.reader.count_by_day(company, days(first, last))
        await self._differences.note(company, {**dict.fromkeys(noted, 0), **counts})


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month from ``first`` to ``last``, cut to these."""
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        yield first, min(end, last)
        first = end + timedelta(days=1)

"""Which days have to be listed: F&O's counts compared with those of the last complete listing (design 4.1).

One count over all companies and the whole window tells whether there is anything new at all. Only when it differs are
days compared, newest first, and only until the difference is explained.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from shared.connector import Connection, Connector
from shared.dynamics.errors import Unavailable
from shared.flows.finding.incoming import Incoming

logger = logging.getLogger(__name__)

_GIVE_UP_AFTER = 2
"""Days that cannot be read, one after the other: then it is the environment that is in trouble."""


class Differences:
    """Lists what differs. ``noted`` are the counts by company and day; they follow what is listed."""

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        incoming: Incoming,
        noted: Mapping[str, dict[date, int]],
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._incoming = incoming
        self._noted = noted

    async def list_whole(self, since: Mapping[str, date], today: date) -> None:
        """List the whole window of these companies and note what each day has."""
        if not since:
            return
        listed = await self._incoming.take_in(since)
        for company, first in since.items():
            gone = {day: 0 for day in self._noted[company] if day >= first}
            # A company without documents is noted as well: it was listed.
            await self.note(company, {today: 0, **gone, **listed.counts[company]})

    async def list_differing(self, since: Mapping[str, date], today: date) -> None:
        """List the days whose count differs. Raises the first trouble after the last day."""
        if not since:
            return
        left = await self._connection.reader.count_posted(since) - sum(
            self._noted_of(company, first, None) for company, first in since.items()
        )
        troubles: list[Unavailable] = []
        for first, last in _spans(min(since.values()), today):
            if left == 0 or len(troubles) == _GIVE_UP_AFTER:
                break
            windows = {company: max(first, begin) for company, begin in since.items() if last is None or begin <= last}
            try:
                left -= await self._list_span(windows, last)
            except Unavailable as trouble:
                logger.error("%s: the documents of %s cannot be listed: %s", self._connection.name, first, trouble)
                troubles.append(trouble)
        if troubles:
            raise troubles[0]

    async def note(self, company: str, counts: Mapping[date, int]) -> None:
        """These days of ``company`` were listed to their end."""
        await self._connector.work.note_counts(self._connection.name, company, counts)
        self._noted[company].update(counts)

    def _noted_of(self, company: str, first: date, last: date | None) -> int:
        counts = self._noted[company].items()
        return sum(count for day, count in counts if first <= day and (last is None or day <= last))

    async def _list_span(self, windows: Mapping[str, date], last: date | None) -> int:
        """List one day, or all from a day on, of the companies where it differs; return by how much it did."""
        noted = {company: self._noted_of(company, first, last) for company, first in windows.items()}
        difference = 0
        if len(windows) > 1 and await self._connection.reader.count_posted(windows, last) == sum(noted.values()):
            return 0
        for company, first in windows.items():
            counted = await self._connection.reader.count_posted({company: first}, last)
            if counted != noted[company]:
                await self._list(company, first, last, counted)
                difference += counted - noted[company]
        return difference

    async def _list(self, company: str, first: date, last: date | None, counted: int) -> None:
        listed = await self._incoming.take_in({company: first}, last)
        if listed.total(company) < counted:
            # For a moment F&O may show fewer than it counts. Rows that it never shows are looked for every night.
            listed = await self._incoming.take_in({company: first}, last)
            if listed.total(company) < counted:
                name, shown = f"{self._connection.name} {company.upper()}", listed.total(company)
                logger.error("%s: F&O counts %d documents from %s on and shows %d", name, counted, first, shown)
        gone = {day: 0 for day in self._noted[company] if first <= day and (last is None or day <= last)}
        counts = {**gone, **listed.counts[company]}
        await self.note(company, counts if last is None else {first: counted})


def _spans(first: date, today: date) -> Iterator[tuple[date, date | None]]:
    """Today, what is dated ahead of it, and then day by day back to ``first``."""
    if first <= today:
        yield today, today
    yield max(first, today + timedelta(days=1)), None
    for back in range(1, (today - first).days + 1):
        yield today - timedelta(days=back), today - timedelta(days=back)

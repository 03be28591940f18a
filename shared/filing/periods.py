"""Filing periods: which days of a state may be in a filed return (design 4.6)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

_MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}


@dataclass(frozen=True, slots=True)
class FilingPeriods:
    """Which days are closed, by state: from the lock day of the month after the period, and through ``filed_through``.

    In a month that has no such day, its last one counts. "Today" is the company's (``TIME_ZONE``).
    """

    lock_day: int
    filed_through: Mapping[str, date]
    """State → the last day that a person said is filed."""
    frequencies: Mapping[str, str] = field(default_factory=dict)
    """State → ``monthly``, ``quarterly``, ``semiannual`` or ``annual``; monthly where absent."""

    def is_closed(self, day: date, state: str, *, today: date) -> bool:
        """Whether a transaction dated ``day`` and shipped to ``state`` may be in a filed return as of ``today``."""
        filed = self.filed_through.get(state)
        return (filed is not None and day <= filed) or today >= self.locked_from(day, state)

    def locked_from(self, day: date, state: str) -> date:
        """The day on which TaxJar begins to file the period of ``day``."""
        after = self.period_end(day, state) + timedelta(days=1)
        return after.replace(day=min(self.lock_day, monthrange(after.year, after.month)[1]))

    def period_end(self, day: date, state: str) -> date:
        """The last day of the filing period of ``day``."""
        length = _MONTHS[self.frequencies.get(state, "monthly")]
        month = day.month + (-day.month) % length
        return day.replace(month=month, day=monthrange(day.year, month)[1])

    def period_start(self, day: date, state: str) -> date:
        """The first day of the filing period of ``day``."""
        return self._period_before(day, state) + timedelta(days=1)

    def closed_through(self, state: str, today: date) -> date:
        """The last day that is closed for ``state``, by the lock day or by a person."""
        end = self._period_before(today, state)
        while today < self.locked_from(end, state):
            end = self._period_before(end, state)
        return max(end, self.filed_through.get(state, date.min))

    def _period_before(self, day: date, state: str) -> date:
        """The last day of the filing period before that of ``day``."""
        end = self.period_end(day, state)
        months = end.year * 12 + end.month - 1 - _MONTHS[self.frequencies.get(state, "monthly")]
        year, month = divmod(months, 12)
        return date(year, month + 1, monthrange(year, month + 1)[1])

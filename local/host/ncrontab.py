"""NCRONTAB schedules of timer triggers: six fields ``{second} {minute} {hour} {day} {month} {day-of-week}``.

As in the real host, days of the month and of the week must both match (cron would take either), all times are UTC,
five fields mean second 0, and ``hh:mm:ss`` is an interval.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from local.host.time_span import parse_time_span


class Schedule(Protocol):
    """When a timer fires."""

    def next_after(self, moment: datetime) -> datetime:
        """The first time strictly after ``moment`` (aware, UTC)."""


@dataclass(frozen=True)
class Interval:
    """Fires again and again after the same time, counted from the start."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.every


@dataclass(frozen=True)
class Crontab:
    """The values that each field allows, in order."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """0 is Sunday."""

    def next_after(self, moment: datetime) -> datetime:
        earliest = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for day in self._days_from(earliest.date()):
            floor = earliest.time() if day == earliest.date() else time.min
            for at in self._times_from(floor):
                return datetime.combine(day, at, tzinfo=UTC)
        raise ValueError("the schedule never fires")

    def _days_from(self, first: date) -> Iterator[date]:
        # 29 February on one given weekday comes back after at most 40 years (over 2100); more days there are not.
        for offset in range(366 * 41):
            day = first + timedelta(days=offset)
            if day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays:
                yield day

    def _times_from(self, floor: time) -> Iterator[time]:
        for hour in (h for h in self.hours if h >= floor.hour):
            for minute in (m for m in self.minutes if (hour, m) >= (floor.hour, floor.minute)):
                for second in self.seconds:
                    if (at := time(hour, minute, second)) >= floor:
                        yield at


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """Names for the values from ``low`` on, lower case."""

    @property
    def article(self) -> str:
        return "an" if self.name == "hour" else "a"


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(name.lower() for name in calendar.month_name[1:])),
    _Field("day-of-week", 0, 6, ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")),
)


def parse_schedule(text: str) -> Schedule:
    """Reads an NCRONTAB expression or a time span; raises ValueError naming what is wrong."""
    if ":" in text:
        every = parse_time_span(text.strip())
        if every <= timedelta(0):
            raise ValueError(f"{text!r} is not an interval")
        return Interval(every)
    parts = text.split()
    if len(parts) == 5:
        parts.insert(0, "0")
    if len(parts) != 6:
        raise ValueError(f"{text!r} has {len(parts)} fields; a schedule has six, seconds first")
    crontab = Crontab(*(_values(part, field) for part, field in zip(parts, _FIELDS, strict=True)))
    crontab.next_after(datetime(2000, 1, 1, tzinfo=UTC))
    return crontab


def _values(text: str, field: _Field) -> tuple[int, ...]:
    return tuple(sorted({value for item in text.split(",") for value in _item(item, field)}))


def _item(text: str, field: _Field) -> range:
    span, slash, step_text = text.partition("/")
    step = _number(step_text, field) if slash else 1
    if step < 1:
        raise ValueError(f"{text!r}: the step of a {field.name} must be at least 1")
    if span == "*":
        first, last = field.low, field.high
    else:
        first_text, dash, last_text = span.partition("-")
        first = _value(first_text, field)
        # `5/15` counts on from 5 to the end of the field.
        last = _value(last_text, field) if dash else (field.high if slash else first)
    if first > last:
        raise ValueError(f"{text!r}: the range of a {field.name} runs backwards")
    return range(first, last + 1, step)


def _value(text: str, field: _Field) -> int:
    for offset, name in enumerate(field.names):
        if len(text) >= 3 and name.startswith(text.lower()):
            return field.low + offset
    value = _number(text, field)
    if not field.low <= value <= field.high:
        raise ValueError(f"{value} is not {field.article} {field.name}: {field.low} to {field.high}")
    return value


def _number(text: str, field: _Field) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not {field.article} {field.name}")
    return int(text)

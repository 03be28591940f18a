from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.ncrontab import parse_schedule

START = datetime(2026, 3, 13, 10, 7, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("0 */5 * * * *", datetime(2026, 3, 13, 10, 10)),
        ("*/5 * * * *", datetime(2026, 3, 13, 10, 10)),
        ("*/10 * * * * *", datetime(2026, 3, 13, 10, 7, 40)),
        ("30 7 10 * * *", datetime(2026, 3, 14, 10, 7, 30)),
        ("0 0 3 * * *", datetime(2026, 3, 14, 3, 0)),
        ("0 30 9-17/4 * * *", datetime(2026, 3, 13, 13, 30)),
        ("0 5/20 * * * *", datetime(2026, 3, 13, 10, 25)),
        ("0 0 2,14 * * Mon-Fri", datetime(2026, 3, 13, 14, 0)),
        ("0 0 2 * * SUNDAY", datetime(2026, 3, 15, 2, 0)),
        ("0 0 0 1 jan *", datetime(2027, 1, 1)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29)),
        ("0 0 0 13 * 5", datetime(2026, 11, 13)),
        ("0 0 0 29 2 1", datetime(2044, 2, 29)),
        ("01:30:00", datetime(2026, 3, 13, 11, 37, 30)),
    ],
)
def test_a_schedule_names_the_first_time_after_a_moment(schedule: str, following: datetime) -> None:
    assert parse_schedule(schedule).next_after(START) == following.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("* * * *", "4 fields"),
        ("60 * * * * *", "60 is not a second"),
        ("0 0 24 * * *", "24 is not an hour"),
        ("0 0 0 0 * *", "0 is not a day"),
        ("0 0 0 * * 7", "7 is not a day-of-week"),
        ("0 0 0 * mär *", "is not a month"),
        ("0 0 0 * * mo", "is not a day-of-week"),
        ("0 */0 * * * *", "step"),
        ("0 9-8 * * * *", "backwards"),
        ("0 -5 * * * *", "is not a minute"),
        ("0 0 0 31 2 *", "never fires"),
        ("00:00:00", "not an interval"),
        ("24:00:00", "at most 23 hours"),
        ("every:day", "not a time span"),
    ],
)
def test_a_schedule_that_means_nothing_is_refused_with_the_reason(schedule: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_schedule(schedule)


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
)
def test_a_daily_schedule_fires_within_a_day_at_its_time(moment: datetime, minute: int, hour: int) -> None:
    following = parse_schedule(f"0 {minute} {hour} * * *").next_after(moment)
    assert timedelta(0) < following - moment <= timedelta(days=1)
    assert (following.hour, following.minute, following.second, following.microsecond) == (hour, minute, 0, 0)

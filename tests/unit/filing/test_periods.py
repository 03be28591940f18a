"""When a filing period counts as closed (design 4.6)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.filing import FilingPeriods

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("day", "today", "closed"),
    [
        (date(2026, 9, 30), date(2026, 9, 30), False),
        (date(2026, 9, 1), date(2026, 10, 4), False),
        (date(2026, 9, 1), date(2026, 10, 5), True),
        (date(2026, 9, 30), date(2026, 10, 5), True),
        (date(2026, 10, 1), date(2026, 10, 5), False),
        (date(2025, 12, 31), date(2026, 1, 4), False),
        (date(2025, 12, 31), date(2026, 1, 5), True),
    ],
)
def test_a_month_closes_on_the_lock_day_of_the_next(day: date, today: date, closed: bool) -> None:
    assert FilingPeriods(5, {}).is_closed(day, "TX", today=today) is closed


@pytest.mark.parametrize(
    ("lock_day", "day", "last_open"),
    [
        (31, date(2027, 1, 31), date(2027, 2, 27)),
        (29, date(2027, 1, 1), date(2027, 2, 27)),
        (30, date(2028, 1, 1), date(2028, 2, 28)),
        (29, date(2028, 1, 1), date(2028, 2, 28)),
        (31, date(2026, 3, 31), date(2026, 4, 29)),
        (31, date(2026, 12, 1), date(2027, 1, 30)),
    ],
)
def test_in_a_month_without_the_lock_day_its_last_day_counts(lock_day: int, day: date, last_open: date) -> None:
    periods, end_of_month = FilingPeriods(lock_day, {}), (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    end_of_month -= timedelta(days=1)
    assert not periods.is_closed(day, "TX", today=last_open)
    assert periods.closed_through("TX", last_open) < day.replace(day=1)
    assert periods.is_closed(day, "TX", today=last_open + timedelta(days=1))
    assert periods.closed_through("TX", last_open + timedelta(days=1)) == end_of_month


def test_a_person_closes_one_state_through_a_day() -> None:
    periods = FilingPeriods(28, {"TX": date(2026, 9, 15)})
    today = date(2026, 9, 20)
    assert periods.is_closed(date(2026, 9, 15), "TX", today=today)
    assert not periods.is_closed(date(2026, 9, 16), "TX", today=today)
    assert not periods.is_closed(date(2026, 9, 15), "CA", today=today)


@given(days, st.integers(1, 31), days, st.integers(0, 4000))
def test_what_is_closed_stays_closed(day: date, lock_day: int, today: date, later: int) -> None:
    periods = FilingPeriods(lock_day, {})
    if periods.is_closed(day, "TX", today=today):
        assert periods.is_closed(day, "TX", today=today + timedelta(days=later))
        assert periods.is_closed(day - timedelta(days=later), "TX", today=today)

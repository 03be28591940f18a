from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.taxjar.limiter import CallLimiter

START = datetime(2026, 3, 20, tzinfo=UTC)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = START

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += timedelta(seconds=seconds)


def _busiest_minute(calls: list[datetime]) -> int:
    minute = timedelta(seconds=60.9)  # calls of a minute and a bit may arrive within a minute
    return max(sum(start <= call < start + minute for call in calls) for start in calls)


@given(limit=st.integers(1, 60), pauses=st.lists(st.floats(0, 90), max_size=150))
async def test_no_minute_holds_more_calls_than_allowed(limit: int, pauses: list[float]) -> None:
    time, calls = Time(), []
    limiter = CallLimiter(limit, clock=time.clock, sleep=time.sleep)
    for pause in [*[0.0] * 2 * limit, *pauses]:
        time.now += timedelta(seconds=pause)
        await limiter.wait_turn()
        calls.append(time.now)
    assert _busiest_minute(calls) <= limit


async def test_a_small_burst_does_not_wait() -> None:
    time = Time()
    limiter = CallLimiter(3000, clock=time.clock, sleep=time.sleep)
    for _ in range(300):
        await limiter.wait_turn()
    assert time.now == START


async def test_the_full_rate_is_reached() -> None:
    time = Time()
    limiter = CallLimiter(60, clock=time.clock, sleep=time.sleep)
    for _ in range(600):
        await limiter.wait_turn()
    assert time.now - START < timedelta(minutes=11.5)


async def test_those_who_wait_are_served_one_after_another() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    limiter = CallLimiter(1, clock=lambda: START, sleep=sleep)
    await asyncio.gather(*(limiter.wait_turn() for _ in range(4)))
    assert waits == [61, 122, 183]


async def test_a_clock_that_is_set_back_gives_no_calls_away() -> None:
    waits: list[float] = []
    now = START

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    limiter = CallLimiter(1, clock=lambda: now, sleep=sleep)
    await limiter.wait_turn()
    now -= timedelta(hours=1)
    await limiter.wait_turn()
    now += timedelta(hours=1)
    await limiter.wait_turn()
    assert waits == [61, 122]

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import azure.functions as func

from local.host.functions import TIMER, HostedFunction, Invoker
from local.host.ncrontab import parse_schedule
from local.host.timers import TimerListener, TimerStatus
from local.host.work import Work

EVERY_FIVE_MINUTES = "0 */5 * * * *"
NOON = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)


class Statuses(dict[str, TimerStatus]):
    """Timer statuses in memory."""

    async def load(self, name: str) -> TimerStatus | None:
        return self.get(name)

    async def save(self, name: str, status: TimerStatus) -> None:
        self[name] = status


async def runs_of(
    statuses: Statuses, *, schedule: str = EVERY_FIVE_MINUTES, count: int = 3
) -> list[tuple[datetime, bool]]:
    """The first runs of a timer: their times and whether past due. Each look at the clock takes 7 minutes."""
    now = NOON
    seen: list[tuple[datetime, bool]] = []
    work = Work()

    def clock() -> datetime:
        nonlocal now
        now += timedelta(minutes=7)
        return now

    async def poll(timer: func.TimerRequest) -> None:
        seen.append((now, timer.past_due))
        if len(seen) == count:
            work.stopping.set()
        raise RuntimeError("a failed run changes nothing")

    function = HostedFunction("poll", poll, {"type": TIMER, "name": "timer"}, ())
    listener = TimerListener(function, schedule, parse_schedule(schedule), statuses, Invoker(None), work, clock)
    await listener.listen()
    return seen


async def test_on_an_empty_storage_nothing_is_past_due_and_the_first_run_waits_for_its_time() -> None:
    runs = await runs_of(Statuses(), count=1)
    assert runs == [(NOON + timedelta(minutes=14), False)]


async def test_a_run_that_was_missed_while_no_host_ran_is_made_up_once() -> None:
    statuses = Statuses(poll=TimerStatus(EVERY_FIVE_MINUTES, NOON - timedelta(hours=3)))
    assert [past_due for _, past_due in await runs_of(statuses)] == [True, False, False]


async def test_a_status_of_another_schedule_is_not_made_up() -> None:
    statuses = Statuses(poll=TimerStatus("0 0 9 * * *", NOON - timedelta(hours=3)))
    assert [past_due for _, past_due in await runs_of(statuses)] == [False, False, False]


async def test_the_next_time_is_kept_after_a_run_and_lies_ahead() -> None:
    statuses = Statuses()
    runs = await runs_of(statuses, count=2)
    assert statuses["poll"].next > runs[-1][0]
    assert statuses["poll"].last is not None


async def test_a_timer_that_fires_more_often_than_once_a_minute_is_not_remembered() -> None:
    statuses = Statuses()
    await runs_of(statuses, schedule="*/20 * * * * *")
    assert statuses == {}

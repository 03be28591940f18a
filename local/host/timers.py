"""Timer triggers: one run at a time, with the past-due run that a host owes after it was away."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.functions.meta import Datum

from local.host.functions import HostedFunction, Invoker
from local.host.ncrontab import Schedule
from local.host.work import Work

STATUS_TABLE = "localhosttimers"

log = logging.getLogger("host")


@dataclass(frozen=True)
class TimerStatus:
    """What the host remembers of a timer between its own runs."""

    schedule: str
    """The expression that ``next`` was worked out from."""
    next: datetime
    last: datetime | None = None


def timer_data(*, past_due: bool = False, status: TimerStatus | None = None) -> Datum:
    """A timer trigger's payload, as the real host sends it to the SDK's converter."""
    stored = {}
    if status is not None:
        last = status.last or datetime.min.replace(tzinfo=UTC)
        stored = {"Last": last.isoformat(), "Next": status.next.isoformat(), "LastUpdated": last.isoformat()}
    info = {"IsPastDue": past_due, "ScheduleStatus": stored, "Schedule": {"AdjustForDST": True}}
    return Datum(json.dumps(info), "json")


class TimerStatuses(Protocol):
    """Where timer statuses are kept."""

    async def load(self, name: str) -> TimerStatus | None:
        """The timer's status; None when there is none, or it cannot be read."""

    async def save(self, name: str, status: TimerStatus) -> None:
        """Keeps the status; a failure costs a past-due run, no more, and is only logged."""


class StoredTimerStatuses:
    """Timer statuses in Table Storage (the real host uses a blob): an empty storage owes no past-due run."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._table = service.get_table_client(STATUS_TABLE)

    async def load(self, name: str) -> TimerStatus | None:
        try:
            row = await self._table.get_entity("timer", name)
            return TimerStatus(row["schedule"], datetime.fromisoformat(row["next"]))
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            log.warning("the status of %s cannot be read: %s", name, type(error).__name__)
            return None

    async def save(self, name: str, status: TimerStatus) -> None:
        row = {"PartitionKey": "timer", "RowKey": name, "schedule": status.schedule, "next": status.next.isoformat()}
        try:
            await self._service.create_table_if_not_exists(STATUS_TABLE)
            await self._table.upsert_entity(row)
        except AzureError as error:
            log.warning("the status of %s cannot be kept: %s", name, type(error).__name__)


class TimerListener:
    """Runs one timer function by its schedule until the host stops; a run that takes long delays the next."""

    def __init__(
        self,
        function: HostedFunction,
        schedule_text: str,
        schedule: Schedule,
        statuses: TimerStatuses,
        invoker: Invoker,
        work: Work,
        clock: Callable[[], datetime],
    ) -> None:
        self._function = function
        self._schedule_text = schedule_text
        self._schedule = schedule
        self._statuses = statuses
        self._invoker = invoker
        self._work = work
        self._clock = clock

    async def listen(self) -> None:
        """Waits for each due time and runs the function."""
        status, past_due = await self._first()
        while True:
            while (remaining := status.next - self._clock()) > timedelta(0) and not self._work.stopping.is_set():
                await self._work.pause(remaining)
            if self._work.stopping.is_set():
                return
            try:
                await self._invoker.invoke(self._function, timer_data(past_due=past_due, status=status))
            except Exception:
                log.debug("%s is tried again at its next time", self._function.name)
            due = status.next
            status = TimerStatus(self._schedule_text, self._schedule.next_after(max(due, self._clock())), due)
            past_due = False
            await self._keep(status)

    async def _first(self) -> tuple[TimerStatus, bool]:
        """The first due time of this host, and whether it was missed while no host ran."""
        now = self._clock()
        if self._is_monitored(now):
            stored = await self._statuses.load(self._function.name)
            # A time worked out from another schedule means nothing.
            if stored is not None and stored.schedule == self._schedule_text:
                return stored, stored.next < now
        status = TimerStatus(self._schedule_text, self._schedule.next_after(now))
        await self._keep(status)
        return status, False

    async def _keep(self, status: TimerStatus) -> None:
        if self._is_monitored(status.next):
            await self._statuses.save(self._function.name, status)

    def _is_monitored(self, moment: datetime) -> bool:
        # The real host does not monitor what fires more often than once a minute.
        following = self._schedule.next_after(moment)
        often = self._schedule.next_after(following) - following < timedelta(minutes=1)
        return self._function.trigger.get("useMonitor") is not False and not often

"""Puts the host together: listeners first, then HTTP, and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import uvicorn
from azure.storage.queue.aio import QueueServiceClient
from starlette.types import ASGIApp

from local.host.app_settings import PLACEHOLDER, resolve
from local.host.errors import HostError
from local.host.functions import QUEUE, TIMER, HostedFunction, Invoker
from local.host.host_json import HostJson
from local.host.http import HttpTriggers, without_platform_headers
from local.host.keys import Keys
from local.host.ncrontab import Schedule, parse_schedule
from local.host.people import SignIn
from local.host.queues import QueueListener
from local.host.storage import STORAGE, queue_service, table_service
from local.host.timers import StoredTimerStatuses, TimerListener, TimerStatuses
from local.host.work import Work

DRAIN = timedelta(seconds=10)
"""How long what runs may take to finish when the host ends."""


def utc_now() -> datetime:
    """The clock of a real run."""
    return datetime.now(UTC)


class Host:
    """The functions of one app, hosted. ``http`` is the ASGI app, ``triggers`` runs the listeners, ``serve`` both."""

    def __init__(
        self,
        functions: Sequence[HostedFunction],
        host_json: HostJson,
        environment: Mapping[str, str],
        *,
        keys: Keys,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._functions = functions
        self._host_json = host_json
        self._environment = environment
        self._clock = clock
        self._work = Work()
        self._invoker = Invoker(host_json.function_timeout)
        prefix = host_json.extensions.http.route_prefix
        triggers = HttpTriggers(functions, self._invoker, self._work, route_prefix=prefix, keys=keys)
        self.http = without_platform_headers(SignIn(triggers.app, environment))

    def stop(self) -> None:
        """Begins the graceful end: nothing new is taken, ``serve`` returns soon."""
        self._work.stopping.set()

    async def serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Starts the listeners, then HTTP on the bound socket, then calls ``ready``; returns after the drain.

        Raises :class:`HostError` for a schedule, a setting or a connection that is wrong.
        """
        async with self.triggers():
            server = _Server(self.http, ready)
            serving = self._work.spawn(server.serve(sockets=[listener]))
            stopping = asyncio.create_task(self._work.stopping.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            server.should_exit = True

    @contextlib.asynccontextmanager
    async def triggers(self) -> AsyncIterator[None]:
        """The queue and timer listeners, running; at the end all that runs is drained."""
        async with contextlib.AsyncExitStack() as stack:
            for listener in await self._listeners(stack):
                self._work.spawn(listener.listen())
            try:
                yield
            finally:
                await self._work.drain(DRAIN)

    async def _listeners(self, stack: contextlib.AsyncExitStack) -> list[QueueListener | TimerListener]:
        listeners: list[QueueListener | TimerListener] = []
        services: dict[str, QueueServiceClient] = {}
        for function in self._functions:
            if function.kind == QUEUE:
                connection = function.trigger.get("connection") or STORAGE
                if connection not in services:
                    client = queue_service(connection, self._environment)
                    services[connection] = await stack.enter_async_context(client)
                listeners.append(self._queue_listener(function, services[connection]))
        timers = [function for function in self._functions if function.kind == TIMER]
        if timers:
            statuses = StoredTimerStatuses(await stack.enter_async_context(table_service(self._environment)))
            schedules = self._schedules(timers)
            listeners += [self._timer_listener(function, schedules[function.name], statuses) for function in timers]
        return listeners

    def _queue_listener(self, function: HostedFunction, service: QueueServiceClient) -> QueueListener:
        name = resolve(function.trigger["queueName"], self._environment)
        settings = self._host_json.extensions.queues
        return QueueListener(function, name, service, settings, self._invoker, self._work)

    def _schedules(self, timers: Sequence[HostedFunction]) -> dict[str, tuple[str, Schedule]]:
        """Each timer's schedule, as text and read; raises :class:`HostError` with a line for each that is wrong."""
        found: dict[str, tuple[str, Schedule]] = {}
        mistakes = []
        for function in timers:
            given = function.trigger["schedule"]
            placeholder = PLACEHOLDER.fullmatch(given)
            try:
                text = resolve(given, self._environment)
                found[function.name] = text, parse_schedule(text)
            except HostError as error:
                mistakes.append(str(error))
            except ValueError as error:
                named = placeholder[1] if placeholder else f"Function {function.name}"
                mistakes.append(f"{named}: the schedule is not valid: {error}.")
        if mistakes:
            raise HostError("\n".join(mistakes))
        return found

    def _timer_listener(
        self, function: HostedFunction, schedule: tuple[str, Schedule], statuses: TimerStatuses
    ) -> TimerListener:
        return TimerListener(function, *schedule, statuses, self._invoker, self._work, self._clock)


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        drain = int(DRAIN.total_seconds())
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=drain)
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to the host."""
        yield

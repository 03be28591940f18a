"""Any ASGI app on a real loopback socket, for code that has to meet real HTTP or real TLS."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple, Self

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 10
STOP_SECONDS = 1
"""How long running requests may go on after a stop."""
TICK_SECONDS = 1
"""How often the ``Date`` header is renewed."""
POLL_SECONDS = 0.002


class Tls(NamedTuple):
    """PEM files that the server shows to its clients."""

    certificate: Path
    key: Path


class _Server(uvicorn.Server):
    """Ends as soon as it is told to; uvicorn itself looks ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ask the server to end, from another thread; harmless when it ended already."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._ending.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - plain sets
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


class LoopbackServer:
    """Serves ``app`` on 127.0.0.1 from a background thread, between ``with`` and its end; once.

    ``port`` 0 takes a free one. Raises ``OSError`` when the port is taken, ``RuntimeError`` when the app does not
    start.
    """

    def __init__(self, app: ASGIApp, *, tls: Tls | None = None, port: int = 0) -> None:
        self._scheme = "https" if tls else "http"
        self._port = port
        self._exit = ExitStack()
        self._server = _Server(
            uvicorn.Config(
                app,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.key if tls else None,
                log_config=None,
                log_level="critical",
                access_log=False,
            )
        )

    @property
    def port(self) -> int:
        """The port in use; before the start the one asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Base address without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        with ExitStack() as started:
            listening = started.enter_context(socket.create_server(("127.0.0.1", self._port)))
            # Inherited by each connection. asyncio sets it only on sockets that name their protocol, which these do
            # not, and without it every answer on a kept connection waits 40 ms for the client's acknowledgement.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._port = listening.getsockname()[1]
            thread = Thread(target=self._run, args=(listening,), name=f"loopback-{self._port}", daemon=True)
            thread.start()
            started.callback(self._stop, thread)
            self._server.ready.wait(START_SECONDS)
            if not self._server.started:
                raise RuntimeError(f"the server on port {self._port} did not start")
            self._exit = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _run(self, listening: socket.socket) -> None:
        try:
            with suppress(SystemExit):  # how uvicorn says that the app did not start
                self._server.run(sockets=[listening])
        finally:
            self._server.ready.set()

    def _stop(self, thread: Thread) -> None:
        self._server.end()
        thread.join(START_SECONDS)

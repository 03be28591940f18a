"""Everything on one machine: Azurite, the simulated remote sides, and the Functions host as a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from local.azurite import Azurite
from local.bootstrap import ROOT
from local.simulation import Simulation
from local.simulators.certificates import write_certificates

_START_SECONDS = 60
_STOP_SECONDS = 15


class HostDidNotStart(Exception):
    """The Functions host ended, or never answered; its own output says why."""


@dataclass
class TableCalls:
    """Counts the requests that reach Azurite's tables, from its access log."""

    count: int = 0

    def line(self, text: str) -> None:
        """One line of Azurite's output."""
        if "/devstoreaccount1/ledger" in text or "$batch" in text:
            self.count += 1


@dataclass
class Host:
    """A running ``python3 -m local host``."""

    url: str
    key: str
    process: subprocess.Popen[bytes]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def run(self, function: str) -> None:
        """Run a timer function now; returns before it has ended."""
        answer = self.client.post(
            f"{self.url}/admin/functions/{function}", json={"input": ""}, headers={"x-functions-key": self.key}
        )
        answer.raise_for_status()

    def get(self, path: str, **params: str) -> Any:
        """The JSON answer of an HTTP function."""
        answer = self.client.get(f"{self.url}{path}", params=params or None, headers={"x-functions-key": self.key})
        answer.raise_for_status()
        return answer.json()

    def call(self, method: str, path: str, **body: object) -> Any:
        """The JSON answer of an HTTP function that takes a JSON body."""
        answer = self.client.request(method, f"{self.url}{path}", json=body, headers={"x-functions-key": self.key})
        answer.raise_for_status()
        return answer.json()

    def deliver(self, path: str, body: str) -> None:
        """POST a JSON text, as F&O does with an event."""
        headers = {"x-functions-key": self.key, "content-type": "application/json"}
        self.client.post(f"{self.url}{path}", content=body, headers=headers).raise_for_status()

    def stop(self) -> None:
        """End the process in good order, and kill it if that takes too long."""
        self.client.close()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_STOP_SECONDS)
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


@contextmanager
def running_host(
    environment: Mapping[str, str],
    *,
    port: int = 0,
    output: IO[bytes] | int | None = subprocess.DEVNULL,
    module: str = "local",
) -> Iterator[Host]:
    """Start the host on settings of its own, and wait until its triggers run.

    What it prints goes to ``output``; ``None`` is where this process prints. The function key is that of
    ``LOCAL_FUNCTION_KEY``, else a new one. ``module`` is run in place of ``local``, with the same arguments.
    """
    port = port or _free_port()
    # Pasted behind ``--key``, a dash at its beginning would be read as another option.
    key = os.environ.get("LOCAL_FUNCTION_KEY") or secrets.token_hex(16)
    process = subprocess.Popen(
        [sys.executable, "-m", module, "host", "--port", str(port), "--ends-with-stdin"],
        cwd=ROOT,
        env={**os.environ, **environment, "LOCAL_FUNCTION_KEY": key},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
    )
    host = Host(f"http://127.0.0.1:{port}", key, process)
    try:
        _wait_for(lambda: _is_healthy(host))
        yield host
    finally:
        host.stop()


@contextmanager
def running_storage_and_simulation() -> Iterator[tuple[Azurite, TableCalls, Simulation]]:
    """Azurite in memory and the three simulated sides, with their certificates in a folder that goes with them."""
    calls = TableCalls()
    with (
        tempfile.TemporaryDirectory() as folder,
        Azurite(on_output=calls.line) as azurite,
        Simulation(write_certificates(Path(folder))) as simulation,
    ):
        yield azurite, calls, simulation


def _is_healthy(host: Host) -> bool:
    if host.process.poll() is not None:
        raise HostDidNotStart(f"The Functions host ended with code {host.process.returncode}.")
    with suppress(httpx.TransportError):
        return host.client.get(f"{host.url}/api/health").status_code == httpx.codes.OK
    return False


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise HostDidNotStart(f"The Functions host did not answer within {_START_SECONDS} s.")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

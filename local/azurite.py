"""Azurite, the storage emulator of Azure, as a child process on loopback ports."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.bootstrap import NPM_FOLDER
from local.simulators.server import Tls

# The emulator's published development account: the same on every machine, no secret.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

PROGRAM = NPM_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"

# Standard input is a pipe that ends with the parent, however the parent ends: Azurite never outlives it.
END_WITH_PARENT = "data:text/javascript,process.stdin.on('end',()=>process.exit()).resume().unref()"
LISTENING = re.compile(r"(Blob|Queue|Table) service is successfully listening at https?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Ports:
    """The ports of the three services; 0 lets the system choose a free one."""

    blob: int = 0
    queue: int = 0
    table: int = 0


STANDARD_PORTS = Ports(10000, 10001, 10002)
"""Where ``UseDevelopmentStorage=true`` looks."""


def connection_string(ports: Ports) -> str:
    """The full form of the connection string, which every SDK reads."""
    parts = {"DefaultEndpointsProtocol": "http", "AccountName": ACCOUNT, "AccountKey": ACCOUNT_KEY}
    for service, port in (("Blob", ports.blob), ("Queue", ports.queue), ("Table", ports.table)):
        parts[f"{service}Endpoint"] = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return ";".join(f"{name}={value}" for name, value in parts.items()) + ";"


class AzuriteError(Exception):
    """Azurite could not be started; the message holds what it printed."""


class Azurite:
    """One running Azurite; a context manager.

    ``location`` keeps the data in a folder; without it the data lives in memory and ends with the process.
    ``on_output`` gets each line of the access log, from a thread of its own. With ``tls`` it speaks TLS and accepts
    the tokens of an identity as well; it reads their lifetime, issuer and audience, but checks no signature.
    """

    def __init__(
        self,
        *,
        location: Path | None = None,
        ports: Ports | None = None,
        on_output: Callable[[str], None] | None = None,
        tls: Tls | None = None,
    ) -> None:
        self._location = location
        self._on_output = on_output
        self._tls = tls
        self._ports = ports or Ports()
        self._process: subprocess.Popen[str] | None = None

    @property
    def connection_string(self) -> str:
        """Valid once started."""
        return connection_string(self._ports)

    def service_uri(self, service: str) -> str:
        """The address of ``blob``, ``queue`` or ``table``, for clients that sign in with an identity."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{getattr(self._ports, service)}/{ACCOUNT}"

    def start(self) -> None:
        """Starts the process and returns when all three services listen.

        Raises :class:`AzuriteError` when it ends before that.
        """
        persistence = ["--location", str(self._location)] if self._location else ["--inMemoryPersistence"]
        process = subprocess.Popen(
            [
                *("node", "--import", END_WITH_PARENT, str(PROGRAM)),
                *(() if self._on_output else ("--silent",)),
                *("--skipApiVersionCheck", "--disableTelemetry", *persistence),
                *("--blobPort", str(self._ports.blob)),
                *("--queuePort", str(self._ports.queue)),
                *("--tablePort", str(self._ports.table)),
                *self._options_for_tls(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C is for the parent, which still needs the storage while it drains.
            start_new_session=True,
        )
        self._process = process
        assert process.stdout is not None
        try:
            self._ports = _listening_ports(process.stdout)
        except BaseException:
            self.stop()
            raise
        # A full pipe would block the emulator.
        threading.Thread(target=_drain, args=(process.stdout, self._on_output), daemon=True).start()

    def stop(self) -> None:
        """Ends the process; harmless when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._location:
            # It writes its data and waits for open connections; in memory there is nothing to wait for.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=8)
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _options_for_tls(self) -> list[str]:
        if self._tls is None:
            return []
        return ["--oauth", "basic", "--cert", str(self._tls.certificate), "--key", str(self._tls.key)]

    def __enter__(self) -> Azurite:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listening_ports(output: IO[str]) -> Ports:
    found: dict[str, int] = {}
    printed: list[str] = []
    for line in output:
        printed.append(line)
        if match := LISTENING.search(line):
            found[match[1].lower()] = int(match[2])
            if len(found) == 3:
                return Ports(**found)
    raise AzuriteError("Azurite did not start:\n" + "".join(printed))


def _drain(output: IO[str], on_output: Callable[[str], None] | None) -> None:
    with output:
        for line in output:
            if on_output:
                on_output(line)

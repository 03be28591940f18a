"""``python3 -m local up`` leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from local.bootstrap import ROOT

_PATIENCE = 60
"""Seconds; a busy host may take fifteen to end its work."""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_world_left_running_ends_with_all_its_processes() -> None:
    command = [sys.executable, "-m", "local", "up", "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    url = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "listening on" in line:
                url = line.split()[-1]
            if line.startswith("Sweeping"):
                break
        assert httpx.get(f"{url}/api/health").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=_PATIENCE) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/api/health")
    finally:
        # In good order, so that an interrupted test leaves nothing behind either.
        process.terminate()
        try:
            process.wait(timeout=_PATIENCE)
        finally:
            process.kill()


def test_a_port_that_is_in_use_is_refused_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [sys.executable, "-m", "local", "up", "--port", str(other.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=_PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be used" in done.stderr

"""``python3 -m local up`` leaves nothing behind."""

from __future__ import annotations

import os
import signal
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

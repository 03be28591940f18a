"""``python3 -m local up``: what it prints can be pasted, the documents' examples work on it, and it leaves nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.bootstrap import ROOT

_PATIENCE = 60
"""Seconds; a busy host may take fifteen to end its work."""
_EXAMPLES = ("README.md", "docs/getting-started.md")


@contextmanager
def running() -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and the lines that it prints until it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "up", "--port", "0"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("export PATH="):
                break
        yield process, lines
    finally:
        # In good order, so that an interrupted test leaves nothing behind either.
        process.terminate()
        try:
            process.wait(timeout=_PATIENCE)
        finally:
            process.kill()


def examples() -> Iterator[str]:
    """The commands in the documents that need what ``up`` says to paste."""
    for page in _EXAMPLES:
        for block in re.findall(r"```sh\n(.+?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
            yield from (line.strip() for line in block.splitlines() if line.strip().startswith(("connector", "curl")))


@pytest.mark.skipif(os.name == "nt", reason="signals, and a POSIX shell")
def test_what_it_prints_last_is_pasted_the_examples_work_and_it_ends_with_all_its_processes(tmp_path: Path) -> None:
    # Where the tests run, the command may stand elsewhere than in .venv.
    (tmp_path / "connector").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n', encoding="utf-8")
    (tmp_path / "connector").chmod(0o755)
    shell = shutil.which("bash") or "/bin/sh"
    commands = list(examples())
    assert len(commands) > 10
    with running() as (process, lines):
        [where, path] = lines[-2:]
        url = where.removeprefix("export HOST=").split()[0]
        assert httpx.get(f"{url}/api/health").status_code == 200
        for command in commands:
            script = f'{where}\n{path}\nexport PATH="{tmp_path}:$PATH" CONNECTOR_CONFIG=/none\n{command}'
            done = subprocess.run([shell, "-c", script], cwd=ROOT, text=True, capture_output=True, check=False)
            assert (done.returncode in (0, 1), done.stderr) == (True, ""), command
            if command.startswith("curl"):
                assert "error" not in json.loads(done.stdout), command
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=_PATIENCE) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/api/health")


def test_a_port_that_is_in_use_is_refused_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [sys.executable, "-m", "local", "up", "--port", str(other.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=_PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be used" in done.stderr

"""The environment of the worker runtime: what Azure installs for the app, and Microsoft's code that runs it.

``azure-functions-runtime`` declares Python 3.13 and newer, but is plain Python that also runs on 3.11.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.bootstrap import ROOT, one_at_a_time

ENVIRONMENT = ROOT / ".venv-runtime"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = (ROOT / "requirements.txt", Path(__file__).parent / "requirements.txt")
_STAMP = ENVIRONMENT / "locks.txt"


class NotInstallable(Exception):
    """The environment cannot be made here, for example because the package registry cannot be reached."""


def runtime_python() -> Path:
    """The interpreter of the environment, installed when it is missing, or its lock files or the Python changed.

    Raises :class:`NotInstallable` with pip's last words.
    """
    wanted = "\n".join([sys.version, *(lock.read_text(encoding="utf-8") for lock in LOCKS)])
    with one_at_a_time():
        if not PYTHON.exists() or not _STAMP.exists() or _STAMP.read_text(encoding="utf-8") != wanted:
            _install()
            _STAMP.write_text(wanted, encoding="utf-8")
    return PYTHON


def _install() -> None:
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(ENVIRONMENT)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    app, runtime = map(str, LOCKS)
    _run([*pip, "--requirement", app])
    _run([*pip, "--no-deps", "--ignore-requires-python", "--requirement", runtime])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise NotInstallable(f"{ENVIRONMENT.name} cannot be installed: {words}")

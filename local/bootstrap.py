"""Prepares a fresh machine with the standard library alone: virtual environment, Python packages, Azurite.

Each step runs only when its input changed: a stamp file beside what was installed holds the hash of the lock file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = ROOT / "requirements-dev.txt"
NPM_FOLDER = ROOT / "local"
NPM_LOCK = NPM_FOLDER / "package-lock.json"

PYTHON_AT_LEAST = (3, 11)
NODE_AT_LEAST = 20


def enter_virtual_environment(arguments: list[str]) -> None:
    """Installs what is missing; returns inside the virtual environment, restarting this program there if need be.

    Exits with a sentence when Python or Node.js is missing or too old, or when an installation fails.
    """
    if sys.version_info[:2] < PYTHON_AT_LEAST:
        sys.exit(f"Python {_dotted(PYTHON_AT_LEAST)} or newer is needed; this is {_dotted(sys.version_info[:3])}.")
    with one_at_a_time():
        _install_packages()
        _install_command()
        _install_azurite()
    if Path(sys.prefix).resolve() != VENV.resolve():
        command = [str(VENV_PYTHON), "-m", "local", *arguments]
        if os.name == "nt":
            # Windows has no exec: the parent stays to pass on the exit code.
            sys.exit(subprocess.call(command))
        os.execv(command[0], command)


def _install_packages() -> None:
    stamp = VENV / "requirements-dev.sha256"
    if _is_current(stamp, REQUIREMENTS) and VENV_PYTHON.exists():
        return
    if not VENV_PYTHON.exists():
        _say("Creating the virtual environment in .venv")
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "creating the virtual environment")
    _say(f"Installing the Python packages of {REQUIREMENTS.name}")
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "--requirement", str(REQUIREMENTS)], "installing the Python packages")
    stamp.write_text(_hash(REQUIREMENTS))


def _install_command() -> None:
    """The console script ``connector`` of this repository, without a build."""
    folder = VENV_PYTHON.parent
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cli.main import main; sys.exit(main())"
    if os.name == "nt":
        script, text = folder / "connector.cmd", f'@"%~dp0python.exe" -c "{program}" %*\n'
    else:
        script, text = folder / "connector", f"#!{VENV_PYTHON}\n{program}\n"
    if not script.exists() or script.read_text(encoding="utf-8") != text:
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)


def _install_azurite() -> None:
    stamp = NPM_FOLDER / "node_modules" / ".package-lock.sha256"
    npm = _npm_of_a_new_enough_node()
    if _is_current(stamp, NPM_LOCK):
        return
    _say("Installing Azurite, the storage emulator, in local/node_modules")
    options = ["--prefix", str(NPM_FOLDER), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([npm, "ci", *options], "installing Azurite")
    stamp.write_text(_hash(NPM_LOCK))


def _npm_of_a_new_enough_node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        sys.exit(
            f"Node.js {NODE_AT_LEAST} or newer with npm is needed for the storage emulator; it is not on the PATH."
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < NODE_AT_LEAST:
        sys.exit(f"Node.js {NODE_AT_LEAST} or newer is needed for the storage emulator; this is {version}.")
    return npm


def _run(command: list[str], doing: str) -> None:
    # What the installers print is for people; standard output is left to the command itself.
    code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if code != 0:
        sys.exit(f"Failed at {doing} (exit code {code}); the lines above say why.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two commands started together must not install into the same folders; the lock ends with the process."""
    with open(ROOT / ".venv.lock", "a+b") as lock:
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            while True:
                try:
                    # Waits ten seconds, then gives up: an installation takes longer.
                    msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:
                    continue
            yield
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_current(stamp: Path, source: Path) -> bool:
    return stamp.exists() and stamp.read_text() == _hash(source)


def _hash(path: Path) -> str:
    # Line endings differ between checkouts; the content does not.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _say(doing: str) -> None:
    print(f"{doing} …", file=sys.stderr, flush=True)

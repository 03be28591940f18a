"""The host as a process: start, settings, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

FUNCTIONS = Path(__file__).parent.parent / "fixtures" / "functions"
LOCAL = "import sys; from local.commands import main; sys.exit(main(sys.argv[1:]))"
HOST_JSON = '{"version": "2.0"}'


@contextmanager
def host_process(folder: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """``local host --port 0`` on an app folder, killed at the end if need be."""
    environment = {**os.environ, "AzureWebJobsScriptRoot": str(folder), **settings}
    process = subprocess.Popen(
        [sys.executable, "-c", LOCAL, "host", "--port", "0", *options],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """Waits until the host says where it listens."""
    assert process.stdout is not None
    for line in process.stdout:
        if "listening on" in line:
            return line.split()[-1]
    raise AssertionError("the host ended before it listened")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_the_host_serves_and_ends_with_0_on_sigterm(azurite: str) -> None:
    settings = {"ORDERS_QUEUE": "orders", "NIGHTLY": "0 0 3 * * *", "LOCAL_FUNCTION_KEY": "given"}
    with host_process(FUNCTIONS, AzureWebJobsStorage=azurite, **settings) as process:
        url = url_of(process)
        assert httpx.get(f"{url}/api/health").status_code == 200
        assert httpx.get(f"{url}/api/echo/main", headers={"x-functions-key": "given"}).status_code == 201
        assert os.getpgid(process.pid) == os.getpgid(0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0


def test_a_host_that_a_program_started_ends_with_that_program(azurite: str) -> None:
    settings = {"ORDERS_QUEUE": "orders", "NIGHTLY": "0 0 3 * * *"}
    with host_process(FUNCTIONS, "--ends-with-stdin", AzureWebJobsStorage=azurite, **settings) as process:
        url = url_of(process)
        assert httpx.get(f"{url}/api/health").status_code == 200
        process.communicate(timeout=15)  # its standard input is closed
        assert process.returncode == 0


def test_without_a_given_key_one_is_made_and_printed(azurite: str) -> None:
    settings = {"ORDERS_QUEUE": "orders", "NIGHTLY": "0 0 3 * * *", "LOCAL_FUNCTION_KEY": ""}
    with host_process(FUNCTIONS, AzureWebJobsStorage=azurite, **settings) as process:
        assert process.stdout is not None
        key = process.stdout.readline().removeprefix("Function and master key: ").strip()
        assert len(key) >= 32
        url = url_of(process)
        assert httpx.get(f"{url}/api/echo/main", headers={"x-functions-key": key}).status_code == 201


@pytest.mark.parametrize(
    ("app", "code", "printed"),
    [
        ('wrong_settings = ["CONNECTIONS__X__URL: missing", "two"]', 2, "CONNECTIONS__X__URL: missing\ntwo\n"),
        ("import nowhere", 1, "ModuleNotFoundError: No module named 'nowhere'\n"),
    ],
)
def test_an_app_that_cannot_be_loaded_ends_the_host(
    azurite: str, tmp_path: Path, app: str, code: int, printed: str
) -> None:
    (tmp_path / "host.json").write_text(HOST_JSON)
    (tmp_path / "function_app.py").write_text(app)
    with host_process(tmp_path, AzureWebJobsStorage=azurite) as process:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == code
        assert errors.endswith(printed)


def test_wrong_schedules_end_the_host_with_a_line_each_that_names_the_setting(azurite: str, tmp_path: Path) -> None:
    timer = '@app.timer_trigger("timer", "%{0}%")\nasync def {0}(timer: func.TimerRequest) -> None: ...\n'
    (tmp_path / "host.json").write_text(HOST_JSON)
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\napp = func.FunctionApp()\n"
        '@app.route("health")\ndef health(req: func.HttpRequest) -> str: ...\n'
        + "".join(timer.format(name) for name in ("NIGHTLY", "HOURLY", "DAILY", "WEEKLY"))
    )
    settings = {"NIGHTLY": "at night", "hourly": "0 0 * * * *", "DAILY": "0 0 25 * * *"}
    with host_process(tmp_path, AzureWebJobsStorage=azurite, **settings) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert [line.split(":")[0] for line in errors.splitlines()] == ["NIGHTLY", "DAILY", "WEEKLY"]


def test_storage_that_is_none_ends_the_host_with_a_line_that_names_the_setting() -> None:
    settings = {"ORDERS_QUEUE": "orders", "NIGHTLY": "0 0 3 * * *"}
    with host_process(FUNCTIONS, AzureWebJobsStorage="garbage", **settings) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "AzureWebJobsStorage: must hold a storage connection string.\n"

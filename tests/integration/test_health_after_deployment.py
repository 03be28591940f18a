"""The script that a deployment ends with asks the app for its health."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bootstrap import ROOT
from local.simulators.server import LoopbackServer
from shared.web import Problem

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("curl"), reason="a script of sh and curl")
LINES = ['CONNECTIONS__MAIN__DYNAMICS__URL: must be a full URL such as "https://…"', "CLAIM_LEASE_SECONDS: is 100%"]


@contextmanager
def app(*answers: Response) -> Iterator[str]:
    """An address that gives each answer once, and the last one for ever."""
    left = list(answers)

    async def health(request: Request) -> Response:
        return left.pop(0) if len(left) > 1 else left[0]

    with LoopbackServer(Starlette(routes=[Route("/api/health", health)])) as server:
        yield server.url


def ask(url: str, tries: int = 3) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FUNCTION_APP_URL": url, "HEALTH_TRIES": str(tries), "HEALTH_PAUSE": "0"}
    script = ROOT / "infra" / "health.sh"
    return subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_it_waits_until_the_app_is_alive() -> None:
    with app(Response(status_code=404), Response(status_code=503), JSONResponse({"status": "ok"})) as url:
        done = ask(url)
    assert (done.returncode, done.stdout) == (0, 'The app is alive: {"status":"ok"}\n')


def test_it_fails_with_a_line_for_each_wrong_setting() -> None:
    answer = Problem(503, "wrong_settings", "\n".join(LINES)).answer()
    with app(Response(answer.text(), answer.status, media_type=answer.content_type)) as url:
        done = ask(url)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == LINES


def test_it_fails_when_the_app_does_not_come() -> None:
    with app(Response(status_code=404)) as url:
        done = ask(url, tries=2)
    assert done.returncode == 1
    assert "answers 404 instead of 200" in done.stderr

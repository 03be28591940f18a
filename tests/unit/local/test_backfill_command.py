"""``local backfill``: what it asks for, what it shows, and what it says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local import backfill

RUNNING: dict[str, Any] = {
    "state": "running",
    "dry_run": False,
    "message": None,
    "reasons": {},
    "seen": 50,
    "reported": 30,
    "skipped": 0,
    "held": 0,
    "failed": 0,
    "remaining": 60,
    "eta": "2026-11-20T15:00:00Z",
}
FINISHED = RUNNING | {"state": "finished", "seen": 90, "reported": 85, "held": 5, "remaining": 0, "eta": None}
FINISHED["reasons"] = {"held": {"address_incomplete": 5}}


class Host:
    """Answers as the host would; ``steps`` are what it shows of the job, one after the other."""

    def __init__(self, *steps: dict[str, Any], start: httpx.Response | None = None) -> None:
        self.steps = list(steps)
        self.start = start or httpx.Response(202, json={"job": "J-1"})
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.start if request.method == "POST" else httpx.Response(200, json=self.steps.pop(0))


def run(host: Callable[[httpx.Request], httpx.Response], *arguments: str) -> int:
    client = httpx.Client(transport=httpx.MockTransport(host))
    return backfill.main(["usmf", "2026-01-01", "2026-03-31", *arguments], client=client, sleep=lambda seconds: None)


def test_it_starts_a_backfill_and_shows_it_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(RUNNING, FINISHED)
    assert run(host, "--key", "secret", "--force") == 0
    started = host.asked[0]
    assert started.url.path == "/api/backfills/main"
    assert started.headers["x-functions-key"] == "secret"
    body = json.loads(started.content)
    assert (body["company"], body["from"], body["to"], body["dry_run"], body["force"]) == (
        "usmf",
        "2026-01-01",
        "2026-03-31",
        False,
        True,
    )
    shown = capsys.readouterr().out
    assert "90 done, 0 to go" in shown
    assert "address_incomplete 5" in shown


def test_the_bar_is_full_at_the_end_also_when_there_was_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    run(Host(RUNNING | {"seen": 60, "remaining": 30}, FINISHED | {"seen": 0}))
    first, last, *_ = [line for line in capsys.readouterr().out.splitlines() if "[" in line]
    assert f"[{'#' * 20}{'.' * 20}]" in first
    assert f"[{'#' * 40}]" in last


def test_a_dry_run_tells_how_many_transactions_it_would_use(capsys: pytest.CaptureFixture[str]) -> None:
    totals = {"TX": {"documents": 3, "amount": "300.00", "sales_tax": "24.75"}}
    told = FINISHED | {"dry_run": True, "would_send": 3, "taxjar_transactions": 3, "totals": totals}
    assert run(Host(told), "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "3 TaxJar transactions" in shown
    assert "300.00" in shown


def test_a_backfill_that_failed_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Host(FINISHED | {"state": "failed", "message": "Given up."})) == 1
    assert "Given up." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (httpx.Response(404, json={"error": {"code": "not_found", "message": "there is no company."}}), "no company"),
        (httpx.Response(401), "LOCAL_FUNCTION_KEY"),
        (httpx.Response(500, text="oops"), "500"),
    ],
)
def test_what_the_host_refuses_is_told_in_its_words(
    start: httpx.Response, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Host(start=start)) == 1
    assert word in capsys.readouterr().err


def test_a_host_that_does_not_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert run(nobody, "--url", "http://127.0.0.1:1") == 1
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err

"""Business events and pings through a running host, as F&O and an operator send them (design 3.1)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.bootstrap import ROOT
from local.simulators.dynamics.events import (
    endpoint_test_event,
    event_grid_envelope,
    event_grid_handshake,
    posted_event,
)
from local.simulators.dynamics.events import post_event as deliver
from local.simulators.dynamics.values import render
from local.stage import Host
from tests.end_to_end.installation import Installation, running_installation, wait_until

EVENTS = "/api/business-events/main"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Installation, Host]]:
    # No timer polls: what is reported came by an event.
    with running_installation() as installation, installation.host() as host:
        yield installation, host


def post(host: Host, content: object, path: str = EVENTS) -> httpx.Response:
    """With the key in the URL, which is all that F&O can send."""
    body = content if isinstance(content, bytes) else render(content).encode()
    return host.client.post(f"{host.url}{path}?code={host.key}", content=body)


def event_of(installation: Installation, position: int) -> Mapping[str, object]:
    return posted_event(installation.posted[position], position, datetime.now(UTC))


def test_events_are_answered_within_a_second_and_reported_once(running: tuple[Installation, Host]) -> None:
    installation, host = running
    installation.post(4)
    events = [event_of(installation, position) for position in range(4)]

    async def three_deliveries() -> list[bool]:
        url = f"{host.url}{EVENTS}?code={host.key}"
        async with httpx.AsyncClient() as client:
            return [await deliver(client, url, event) for event in (*events[:2], events[0])]

    assert asyncio.run(three_deliveries()) == [True] * 3
    began = time.monotonic()
    answer = post(host, [*event_grid_envelope(events[2]), *event_grid_envelope(events[3], data_as_string=False)])
    assert time.monotonic() - began < 1
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "ignored": 0})
    wait_until(lambda: len(installation.transactions) == 4)
    assert {document["state"] for document in installation.settle(host, documents=4)} == {"reported"}
    assert len(installation.taxjar_calls("POST")) == 4


@pytest.mark.parametrize(
    ("content", "status", "body"),
    [
        (endpoint_test_event(), 200, {"accepted": 0, "ignored": 0}),
        (event_grid_handshake("512d38b6", datetime(2026, 3, 1, tzinfo=UTC)), 200, {"validationResponse": "512d38b6"}),
        ({"BusinessEventId": "SomeOtherBusinessEvent"}, 202, {"accepted": 0, "ignored": 1}),
    ],
)
def test_tests_handshakes_and_strangers_are_answered(
    running: tuple[Installation, Host], content: object, status: int, body: dict[str, Any]
) -> None:
    answer = post(running[1], content)
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    ("content", "path", "status"),
    [
        (b"no json", EVENTS, 400),
        (b"[]", EVENTS, 400),
        (b'{"hello": "world"}', EVENTS, 400),
        (b"{}", "/api/business-events/nowhere", 404),
        (b" " * 262_145, EVENTS, 413),
    ],
)
def test_what_is_no_event_is_refused(
    running: tuple[Installation, Host], content: bytes, path: str, status: int
) -> None:
    answer = post(running[1], content, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_an_event_without_a_key_is_refused(running: tuple[Installation, Host]) -> None:
    host = running[1]
    assert host.client.post(f"{host.url}{EVENTS}", json=endpoint_test_event()).status_code == 401


def test_a_ping_has_a_line_for_everything(running: tuple[Installation, Host]) -> None:
    answer = post(running[1], b"", "/api/connections/main/ping")
    assert answer.status_code == 200
    found = answer.json()
    assert found["ok"], [check for check in found["checks"] if not check["ok"]]
    assert {"sign-in", "entity set SalesInvoiceHeadersV2", "company usrt", "tables"} <= {
        check["name"] for check in found["checks"]
    }
    assert post(running[1], b"", "/api/connections/nowhere/ping").status_code == 404


def test_local_ping_says_the_same_on_the_settings_in_the_environment(running: tuple[Installation, Host]) -> None:
    installation = running[0]

    def ping(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", "ping", *arguments],
            cwd=ROOT,
            env={**os.environ, **installation.environment(**settings)},
            capture_output=True,
            text=True,
            check=False,
        )

    good = ping("MAIN")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("main: everything works\n")
    bad = ping(CONNECTIONS__MAIN__TAXJAR__TOKEN="wrong-token")
    assert bad.returncode == 1
    assert "FAIL  TaxJar account of usrt" in bad.stdout
    assert "wrong-token" not in bad.stdout + bad.stderr
    assert ping("elsewhere").returncode == 2
    unset = ping(CONNECTIONS__MAIN__DYNAMICS__URL="contoso")
    assert unset.returncode == 2
    assert "CONNECTIONS__MAIN__DYNAMICS__URL" in unset.stderr

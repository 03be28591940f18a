"""Faults in front of an app, through ``httpx.ASGITransport`` and through a real socket."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest
import trustme
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simulators.faults import ConnectionDropped, Fault, Faults
from local.simulators.server import LoopbackServer, Tls

NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)


class Service:
    """An app with one effect: it counts what reached it."""

    def __init__(self) -> None:
        self.effects = 0
        self.slept: list[float] = []
        self.faults = Faults(Random(7), clock=lambda: NOW, sleep=self._sleep)
        routes = [Route("/things/{id}", self._endpoint, methods=["GET", "POST"])]
        self.app = self.faults.wrap(Starlette(routes=routes), account=lambda scope: "someone")

    async def _endpoint(self, request: Request) -> JSONResponse:
        await request.body()
        self.effects += 1
        return JSONResponse({"effects": self.effects})

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://sim") as client:
        yield client


async def statuses(client: httpx.AsyncClient, calls: int, path: str = "/things/1") -> list[int]:
    return [(await client.get(path)).status_code for _ in range(calls)]


async def test_without_faults_every_call_passes(client: httpx.AsyncClient) -> None:
    assert await statuses(client, 3) == [200, 200, 200]


async def test_skip_and_times_make_a_schedule(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=503, skip=1, times=2))
    assert await statuses(client, 5) == [200, 503, 503, 200, 200]
    assert service.effects == 3


async def test_probability_fails_a_share_of_the_calls(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=500, probability=0.25))
    assert 15 <= (await statuses(client, 100)).count(500) <= 35


async def test_a_fault_hits_only_its_method_and_path(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=500, method="post", path="/things/1*"))
    assert await statuses(client, 1) == [200]
    assert (await client.post("/things/2")).status_code == 200
    assert (await client.post("/things/12")).status_code == 500


async def test_the_first_rule_that_fires_is_the_only_one(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=500, times=1), Fault(status=502, times=1))
    assert await statuses(client, 3) == [500, 502, 200]


async def test_clearing_ends_all_faults(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=500))
    service.faults.clear()
    assert await statuses(client, 1) == [200]


async def test_a_429_may_have_no_retry_after(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=429))
    answer = await client.get("/things/1")
    assert (answer.status_code, "retry-after" in answer.headers) == (429, False)
    assert answer.json()["status"] == 429


@pytest.mark.parametrize(("as_date", "shown"), [(False, "30"), (True, "Tue, 17 Mar 2026 12:00:30 GMT")])
async def test_retry_after_is_given_in_seconds_or_as_a_date(
    service: Service, client: httpx.AsyncClient, as_date: bool, shown: str
) -> None:
    service.faults.add(Fault(status=429, retry_after=30, retry_after_as_date=as_date))
    assert (await client.get("/things/1")).headers["retry-after"] == shown


async def test_bodies_may_be_html_or_empty(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=502, body="html", times=1), Fault(status=200, body="empty"))
    html, empty = await client.get("/things/1"), await client.get("/things/1")
    assert html.headers["content-type"].startswith("text/html")
    assert html.text.startswith("<html>")
    assert (empty.status_code, empty.content) == (200, b"")


async def test_a_redirect_names_its_target(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=302, location="http://elsewhere/login", body="empty"))
    assert (await client.get("/things/1")).headers["location"] == "http://elsewhere/login"


@pytest.mark.parametrize(("after", "effects"), [(False, 0), (True, 1)])
async def test_a_dropped_connection_leaves_the_effect_or_not(
    service: Service, client: httpx.AsyncClient, after: bool, effects: int
) -> None:
    service.faults.add(Fault(drop=True, after=after))
    with pytest.raises(ConnectionDropped):
        await client.post("/things/1", json={})
    assert service.effects == effects
    assert service.faults.calls[0].status is None


@pytest.mark.parametrize(("after", "effects"), [(False, 0), (True, 1)])
async def test_an_error_status_leaves_the_effect_or_not(
    service: Service, client: httpx.AsyncClient, after: bool, effects: int
) -> None:
    service.faults.add(Fault(status=504, after=after))
    assert (await client.post("/things/1", json={})).status_code == 504
    assert service.effects == effects


@pytest.mark.parametrize("after", [False, True])
async def test_a_slow_answer_is_the_real_one(service: Service, client: httpx.AsyncClient, after: bool) -> None:
    service.faults.add(Fault(delay=40, after=after))
    assert (await client.get("/things/1")).json() == {"effects": 1}
    assert service.slept == [40]


async def test_every_call_is_recorded_with_its_fault_and_account(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=503, after=True, times=1))
    await client.get("/things/1?page=2")
    await client.get("/things/2")
    first, second = service.faults.calls
    assert (first.time, first.method, first.path, first.query) == (NOW, "GET", "/things/1", "page=2")
    assert (first.status, first.fault, first.account) == (503, "503 after", "someone")
    assert (second.status, second.fault) == (200, None)


@pytest.mark.parametrize(
    "rule", [{}, {"drop": True, "status": 500}, {"status": 503, "path_": "/"}, {"status": 100}, {"status": 599}]
)
def test_a_fault_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(rule)


async def test_faults_are_set_listed_and_cleared_over_http(service: Service, client: httpx.AsyncClient) -> None:
    rules = [{"status": 503, "times": 1}]
    assert (await client.put("/_simulator/faults", json=rules)).json() == rules
    assert (await client.get("/_simulator/faults")).json() == rules
    assert await statuses(client, 2) == [503, 200]
    assert (await client.put("/_simulator/faults", json=[{"status": 500}])).json() == [{"status": 500}]
    assert (await client.delete("/_simulator/faults")).status_code == 204
    assert await statuses(client, 1) == [200]


async def test_a_mistaken_rule_over_http_changes_nothing(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=500))
    answer = await client.put("/_simulator/faults", json=[{"status": 503, "nonsense": 1}])
    assert answer.status_code == 400
    assert "nonsense" in answer.text
    assert service.faults.rules == [Fault(status=500)]


async def test_calls_are_listed_over_http_without_the_control_calls(
    service: Service, client: httpx.AsyncClient
) -> None:
    await client.get("/things/1")
    calls = (await client.get("/_simulator/calls")).json()
    assert [(call["time"], call["path"], call["status"]) for call in calls] == [(NOW.isoformat(), "/things/1", 200)]
    await client.delete("/_simulator/calls")
    assert service.faults.calls == []


@pytest.mark.parametrize("after", [False, True])
async def test_through_a_socket_a_drop_is_a_broken_connection(service: Service, after: bool) -> None:
    service.faults.add(Fault(drop=True, after=after, times=1))
    with LoopbackServer(service.app) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            # Closed in the middle of the answer, or reset where the server had not read the whole request.
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await client.post("/things/1", json={})
            assert (await client.get("/things/1")).json() == {"effects": 2 if after else 1}


async def test_through_a_socket_an_unread_body_does_not_break_the_answer(service: Service) -> None:
    service.faults.add(Fault(status=503, times=1))
    with LoopbackServer(service.app) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.post("/things/1", content=b"x" * 1_000_000)).status_code == 503
            assert (await client.get("/things/1")).status_code == 200


def test_many_servers_run_at_once_on_ports_of_their_own(service: Service) -> None:
    with LoopbackServer(service.app) as one, LoopbackServer(service.app) as two:
        assert one.port != two.port
        assert [httpx.get(f"{server.url}/things/1").status_code for server in (one, two)] == [200, 200]


def test_a_stopped_server_answers_no_more(service: Service) -> None:
    with LoopbackServer(service.app) as server:
        url, name = server.url, f"loopback-{server.port}"
        assert name in {thread.name for thread in threading.enumerate()}
    assert name not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/things/1")


def test_a_taken_port_is_an_error(service: Service) -> None:
    with LoopbackServer(service.app) as server, pytest.raises(OSError):  # noqa: PT011 - the text is the system's
        LoopbackServer(service.app, port=server.port).__enter__()


async def test_a_server_with_a_certificate_speaks_tls(service: Service, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with LoopbackServer(service.app, tls=Tls(certificate, key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(base_url=server.url, verify=context) as client:
            assert (await client.get("/things/1")).status_code == 200


def test_an_app_that_fails_to_start_is_an_error() -> None:
    @asynccontextmanager
    async def failing(app: Starlette) -> AsyncIterator[None]:
        raise ValueError
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        LoopbackServer(Starlette(lifespan=failing)).__enter__()


async def test_an_error_may_hide_behind_status_200(service: Service, client: httpx.AsyncClient) -> None:
    service.faults.add(Fault(status=200, body_status=403))
    answer = await client.get("/things/1")
    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (200, 403, "Forbidden")
    assert service.faults.calls[0].fault == "200 saying 403"


async def test_an_error_may_give_its_status_as_text_and_its_detail_as_a_list(
    service: Service, client: httpx.AsyncClient
) -> None:
    service.faults.add(Fault(status=406, body="json_as_text"))
    body = (await client.get("/things/1")).json()
    assert (body["status"], body["detail"]) == ("406", ["A fault that was asked for."])


@pytest.mark.parametrize(
    "fault", [{"body_status": 403, "delay": 1}, {"status": 200, "body_status": 403, "body": "html"}]
)
def test_a_status_in_the_body_needs_a_json_body(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)

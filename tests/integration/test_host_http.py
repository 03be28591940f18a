from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType

import httpx
import pytest

from local.host.functions import functions_of
from local.host.host_json import HostJson
from local.host.keys import Keys
from local.host.server import Host

KEY = "the-key"
KEYS = Keys(KEY, KEY)


@pytest.fixture
async def client(function_app: ModuleType) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to the host's HTTP side; queue and timer listeners do not run."""
    host = Host(functions_of(function_app.app), HostJson(version="2.0"), {}, keys=KEYS)
    transport = httpx.ASGITransport(host.http)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=5) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, which is JSON with a sentence."""
    assert answer.headers["content-type"] == "application/json"
    [(name, error)] = answer.json().items()
    assert (name, error.keys()) == ("error", {"code", "message"})
    assert error["message"].endswith(".")
    return answer.status_code, error["code"]


async def test_an_anonymous_function_needs_no_key(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health")
    assert (answer.status_code, answer.text) == (200, "alive")


@pytest.mark.parametrize("headers", [{}, {"x-functions-key": "wrong"}, {"x-functions-key": ""}])
async def test_without_the_key_the_answer_is_401_and_says_so(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for method, path in [("GET", "/api/echo/main"), ("POST", "/admin/functions/nightly"), ("GET", "/admin/functions")]:
        answer = await client.request(method, path, headers=headers)
        assert refusal(answer) == (401, "unauthorized")
        assert "x-functions-key" in answer.text


async def test_the_key_is_taken_from_the_header_or_the_query(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/echo/main", headers={"x-functions-key": KEY})).status_code == 201
    assert (await client.get("/api/echo/main", params={"code": KEY})).status_code == 201


async def test_a_function_sees_the_whole_request_and_shapes_the_whole_answer(client: httpx.AsyncClient) -> None:
    headers = {"x-functions-key": KEY, "x-sent": "s"}
    answer = await client.post("/api/echo/main/7", params={"q": ["1", "2"]}, headers=headers, content="body")
    assert answer.json() == {
        "function": "echo",
        "method": "POST",
        "route": {"connection": "main", "number": "7"},
        "query": {"q": "1,2"},
        "header": "s",
        "platform": {},
        "body": "body",
    }
    assert answer.headers["x-given"] == "1"
    assert answer.headers["content-type"] == "application/json"


async def test_a_constraint_lets_the_next_function_answer_and_a_synchronous_one_runs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/echo/main/retry", headers={"x-functions-key": KEY})
    assert (answer.status_code, answer.text) == (200, "retried")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/none"), ("DELETE", "/api/echo/main"), ("PUT", "/api/health"), ("GET", "/health")],
)
async def test_an_unknown_path_or_a_method_that_is_not_served_is_404(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path, headers={"x-functions-key": KEY})
    assert refusal(answer) == (404, "not_found")
    assert (await client.head("/api/health")).status_code == 404


async def test_a_method_that_the_host_itself_does_not_serve_is_405(client: httpx.AsyncClient) -> None:
    answer = await client.get("/admin/functions/nightly", headers={"x-functions-key": KEY})
    assert refusal(answer) == (405, "method_not_allowed")
    assert (answer.headers["allow"], "POST" in answer.text) == ("POST", True)


async def test_an_exception_becomes_a_500_that_tells_nothing_of_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/broken", headers={"x-functions-key": KEY})
    assert refusal(answer) == (500, "internal_error")


async def test_a_timer_runs_now_when_asked_for(client: httpx.AsyncClient, function_app: ModuleType) -> None:
    answer = await client.post("/admin/functions/Nightly", json={"input": ""}, headers={"x-functions-key": KEY})
    assert answer.status_code == 202
    assert await function_app.runs.get() == ("nightly", False)


async def test_a_queue_function_runs_now_with_the_given_input(
    client: httpx.AsyncClient, function_app: ModuleType
) -> None:
    answer = await client.post(
        "/admin/functions/take_order", json={"input": "by hand"}, headers={"x-functions-key": KEY}
    )
    assert answer.status_code == 202
    assert await function_app.runs.get() == ("order", ("by hand", 1))


@pytest.mark.parametrize(("name", "body", "status"), [("none", "{}", 404), ("nightly", "[", 400), ("echo", "{}", 400)])
async def test_a_wrong_request_to_run_a_function_is_refused(
    client: httpx.AsyncClient, name: str, body: str, status: int
) -> None:
    answer = await client.post(f"/admin/functions/{name}", content=body, headers={"x-functions-key": KEY})
    assert refusal(answer)[0] == status


async def test_the_functions_and_the_state_are_listed(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/admin/functions", headers={"x-functions-key": KEY})).json()
    assert {"health", "take_order", "nightly"} <= {function["name"] for function in listed}
    status = (await client.get("/admin/host/status", headers={"x-functions-key": KEY})).json()
    assert status["state"] == "Running"


async def test_headers_that_only_the_platform_sets_are_dropped_from_outside(client: httpx.AsyncClient) -> None:
    forged = {"X-MS-CLIENT-PRINCIPAL-NAME": "root", "x-ms-anything": "1"}
    answer = await client.get("/api/echo/main", headers={**forged, "x-functions-key": KEY, "x-sent": "s"})
    assert (answer.json()["platform"], answer.json()["header"]) == ({}, "s")


@pytest.mark.parametrize(
    ("key", "open_to_it"),
    [
        ("of-echo", ["echo"]),
        ("of-host", ["echo", "broken"]),
        ("of-master", ["echo", "broken", "admin"]),
        ("of-nobody", []),
    ],
)
async def test_each_key_opens_what_it_opens_in_azure(function_app: ModuleType, key: str, open_to_it: list[str]) -> None:
    keys = Keys("of-host", "of-master", {"echo": "of-echo"})
    host = Host(functions_of(function_app.app), HostJson(version="2.0"), {}, keys=keys)
    paths = {"echo": "/api/echo/main", "broken": "/api/broken", "admin": "/admin/functions"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host.http), base_url="http://127.0.0.1") as client:
        answers = {
            name: (await client.get(path, headers={"x-functions-key": key})).status_code for name, path in paths.items()
        }
    assert [name for name, status in answers.items() if status != 401] == open_to_it

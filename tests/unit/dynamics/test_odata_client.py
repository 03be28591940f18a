from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.dynamics.errors import AccessDenied, BadQuery, EntityMissing, ForeignLink, Throttled, Unavailable
from shared.dynamics.odata import ODataClient

URL = "https://contoso.operations.dynamics.com"
Answer = Callable[[httpx.Request], httpx.Response]


class Counted(ODataClient):
    """Counts the requests that were sent."""

    calls = 0


@pytest.fixture
def connect(tokens: Any, clock: Any) -> Callable[..., Counted]:
    def build(answer: Answer, **options: Any) -> Counted:
        def counted(request: httpx.Request) -> httpx.Response:
            client.calls += 1
            return answer(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(counted), follow_redirects=True)
        client = Counted(http, options.pop("url", URL), tokens, clock, **options)
        return client

    return build


async def read(client: ODataClient, **query: Any) -> list[dict[str, Any]]:
    return [row async for page in client.get_pages("Headers", **query) for row in page]


async def test_every_query_crosses_companies_and_asks_for_json(connect: Any, as_page: Any) -> None:
    seen: list[httpx.Request] = []
    client = connect(lambda request: (seen.append(request), as_page([]))[1])
    await read(client)
    assert str(seen[0].url) == f"{URL}/data/Headers?cross-company=true"
    assert seen[0].headers["Accept"] == "application/json"
    assert seen[0].headers["Authorization"] == "Bearer first-token"


async def test_odd_characters_survive_the_query(connect: Any, as_page: Any) -> None:
    seen: list[httpx.Request] = []
    client = connect(lambda request: (seen.append(request), as_page([]))[1])
    odd = "N eq 'a&b#c+d%e''f/ü'"
    await read(client, select=["A", "B"], filter=odd, orderby=["A"], top=1, expand="Nav")
    raw = seen[0].url.query.decode()
    assert "%26" in raw
    assert "%23" in raw
    assert "%2B" in raw
    assert "%25" in raw
    assert "%20" in raw
    assert "+" not in raw
    assert dict(seen[0].url.params) == {
        "cross-company": "true",
        "$select": "A,B",
        "$filter": odd,
        "$orderby": "A",
        "$top": "1",
        "$expand": "Nav",
    }


async def test_pages_are_followed_to_the_end(connect: Any, as_page: Any) -> None:
    pages = {"": 1, "2": 2, "3": 3}

    def answer(request: httpx.Request) -> httpx.Response:
        number = pages[request.url.params.get("$skiptoken", "")]
        following = f"{URL}/data/Headers?cross-company=true&$skiptoken={number + 1}" if number < 3 else None
        return as_page([{"n": number}], following)

    client = connect(answer)
    assert [row["n"] for row in await read(client)] == [1, 2, 3]
    assert client.calls == 3


async def test_the_default_port_may_be_written_in_a_next_link(connect: Any, as_page: Any) -> None:
    links = iter([f"{URL.upper().replace('HTTPS', 'https')}:443/data/Headers?$skiptoken=x", None])
    client = connect(lambda _: as_page([{"n": 1}], next(links)))
    assert len(await read(client)) == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/data/Headers",
        "http://contoso.operations.dynamics.com/data/Headers",
        "https://contoso.operations.dynamics.com:8443/data/Headers",
        "https://user:pass@contoso.operations.dynamics.com/data/Headers",
        "https://contoso.operations.dynamics.com.evil.example/data/Headers",
        "/data/Headers?$skiptoken=x",
        "https://[broken",
        f"{URL}/data/Headers?cross-company=true",
    ],
)
async def test_a_next_link_off_the_environment_is_refused(connect: Any, as_page: Any, link: str) -> None:
    client = connect(lambda _: as_page([{"n": 1}], link))
    with pytest.raises(ForeignLink):
        await read(client)
    assert client.calls == 1


async def test_next_links_that_go_round_in_circles_are_refused(connect: Any, as_page: Any) -> None:
    following = {"": "2", "2": "3", "3": "2"}

    def answer(request: httpx.Request) -> httpx.Response:
        if client.calls > 9:
            return as_page([])
        token = following[request.url.params.get("$skiptoken", "")]
        return as_page([{"n": 1}], f"{URL}/data/Headers?cross-company=true&$skiptoken={token}")

    client = connect(answer)
    with pytest.raises(ForeignLink, match="not on"):
        await read(client)
    assert client.calls == 3


async def test_decimals_are_read_exactly(connect: Any) -> None:
    client = connect(lambda _: httpx.Response(200, content=b'{"value":[{"a":611.61,"b":0.1,"c":5637144576,"d":1E-2}]}'))
    (row,) = await read(client)
    assert row == {"a": Decimal("611.61"), "b": Decimal("0.1"), "c": 5637144576, "d": Decimal("0.01")}


async def test_a_401_is_answered_with_one_new_token(connect: Any, tokens: Any, as_page: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = request.headers["Authorization"] == "Bearer token-1"
        return as_page([{"n": 1}]) if known else httpx.Response(401)

    assert await read(connect(answer)) == [{"n": 1}]
    assert tokens.renewed == ["first-token"]


async def test_a_second_401_is_access_denied(connect: Any, tokens: Any) -> None:
    client = connect(lambda _: httpx.Response(401))
    with pytest.raises(AccessDenied, match="Microsoft Entra applications") as caught:
        await read(client)
    assert caught.value.set is None
    assert client.calls == 2
    assert len(tokens.renewed) == 1


async def test_403_names_the_set(connect: Any) -> None:
    with pytest.raises(AccessDenied, match="Headers") as caught:
        await read(connect(lambda _: httpx.Response(403)))
    assert caught.value.set == "Headers"


async def test_a_redirect_is_not_followed(connect: Any) -> None:
    client = connect(lambda _: httpx.Response(302, headers={"Location": "https://login.example/"}))
    with pytest.raises(AccessDenied, match="302"):
        await read(client)
    assert client.calls == 1


async def test_404_is_a_missing_set(connect: Any) -> None:
    with pytest.raises(EntityMissing, match="Headers") as caught:
        await read(connect(lambda _: httpx.Response(404, json={"Message": "No HTTP resource was found"})))
    assert caught.value.set == "Headers"


async def test_400_repeats_the_inner_message_and_no_stack_trace(connect: Any) -> None:
    body = {
        "error": {
            "message": "An error has occurred.",
            "innererror": {"message": "No property 'X'", "stacktrace": "at Y"},
        }
    }
    with pytest.raises(BadQuery) as caught:
        await read(connect(lambda _: httpx.Response(400, json=body)))
    assert caught.value.set == "Headers"
    assert caught.value.text == "No property 'X'"
    assert "at Y" not in str(caught.value)


async def test_f_and_os_words_are_cut_to_what_a_record_can_hold(connect: Any) -> None:
    body = {"error": {"innererror": {"message": "x" * 40_000}}}
    with pytest.raises(BadQuery) as caught:
        await read(connect(lambda _: httpx.Response(400, json=body)))
    assert caught.value.text == "x" * 1000


@pytest.mark.parametrize("content", [b"", b"<html>", b'"text"', b'{"error":"text"}', b'{"error":{}}'])
async def test_400_without_words_gives_the_status(connect: Any, content: bytes) -> None:
    with pytest.raises(BadQuery, match="400"):
        await read(connect(lambda _: httpx.Response(400, content=content)))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("38", 38.0),
        ("1.5", 1.5),
        ("Fri, 20 Mar 2026 08:01:30 GMT", 90.0),
        ("Fri, 20 Mar 2026 07:00:00 GMT", 0.0),
        ("9999999999", 86_400.0),
        ("9" * 400, 86_400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", None),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
async def test_429_is_raised_at_once_with_its_time(connect: Any, header: str | None, seconds: float | None) -> None:
    client = connect(lambda _: httpx.Response(429, headers={"Retry-After": header} if header else {}))
    with pytest.raises(Throttled) as caught:
        await read(client)
    assert caught.value.retry_after == seconds
    assert client.calls == 1


@pytest.mark.parametrize("status", [408, 500, 501, 520])
async def test_server_trouble_is_unavailable(connect: Any, status: int) -> None:
    client = connect(lambda _: httpx.Response(status))
    with pytest.raises(Unavailable, match=str(status)):
        await read(client)
    assert client.calls == 1


async def test_a_gateway_error_is_tried_twice_more(connect: Any, as_page: Any) -> None:
    answers = iter([httpx.Response(503), httpx.Response(502), as_page([{"n": 1}])])
    client = connect(lambda _: next(answers))
    assert await read(client) == [{"n": 1}]
    assert client.calls == 3


async def test_a_gateway_error_with_retry_after_is_left_to_the_caller(connect: Any) -> None:
    client = connect(lambda _: httpx.Response(503, headers={"Retry-After": "20"}))
    with pytest.raises(Unavailable) as caught:
        await read(client)
    assert caught.value.retry_after == 20
    assert client.calls == 1


async def test_a_dropped_connection_is_tried_twice_more(connect: Any) -> None:
    def drop(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("Server disconnected")

    client = connect(drop)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await read(client)
    assert client.calls == 3


async def test_a_slow_answer_is_unavailable_and_not_tried_again(connect: Any) -> None:
    def hang(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    client = connect(hang)
    with pytest.raises(Unavailable, match="in time"):
        await read(client)
    assert client.calls == 1


async def test_a_call_that_ran_out_of_time_is_unavailable(tokens: Any, clock: Any) -> None:
    class Late(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise TimeoutError

    client = ODataClient(httpx.AsyncClient(transport=Late()), URL, tokens, clock)
    with pytest.raises(Unavailable, match="in time"):
        await read(client)


async def test_signing_in_asks_for_a_new_token(connect: Any, tokens: Any, as_page: Any) -> None:
    client = connect(lambda request: as_page([]))
    await client.sign_in()
    assert tokens.renewed == ["first-token"]


@pytest.mark.parametrize(
    "content", [b"", b"<html>Sign in</html>", b"[]", b"{}", b'{"value":3}', b'{"value":[{"a":NaN}]}', b"\xff\xff"]
)
async def test_an_unreadable_body_is_unavailable(connect: Any, content: bytes) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        await read(connect(lambda _: httpx.Response(200, content=content)))


@pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (401, AccessDenied)])
async def test_a_client_that_asks_once_sends_one_request(
    connect: Any, tokens: Any, status: int, error: type[Exception]
) -> None:
    client = connect(lambda _: httpx.Response(status), once=True)
    with pytest.raises(error):
        await read(client)
    assert (client.calls, tokens.renewed) == (1, [])


async def test_at_most_four_calls_are_under_way(tokens: Any, clock: Any, as_page: Any) -> None:
    under_way, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return as_page([])

    client = ODataClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)), URL, tokens, clock)
    await asyncio.gather(*(read(client) for _ in range(12)))
    assert most == 4


async def test_no_error_shows_the_token(connect: Any, tokens: Any) -> None:
    tokens.current = "very-secret"
    for status in (302, 400, 403, 404, 429, 500, 503):
        with pytest.raises(Exception, match="F&O") as caught:
            await read(connect(lambda _, status=status: httpx.Response(status)))
        assert "very-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"

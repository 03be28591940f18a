"""What a call to a remote side carries, and what each of its failures says about whether it was sent."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from shared.remote.http import AiohttpTransport, transport_to

TAXJAR = "https://api.taxjar.com/v2"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    """A socket that reads one request and answers as it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        await answer(head + await reader.readexactly(length), writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def saying(text: bytes) -> Answer:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


@asynccontextmanager
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=AiohttpTransport(), base_url=url) as http:
        yield http


def test_without_a_proxy_the_address_is_reached_directly() -> None:
    assert transport_to(TAXJAR).proxy is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:3128")
    assert transport_to(TAXJAR).proxy == "http://127.0.0.1:3128"


def test_a_host_that_needs_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", "api.taxjar.com")
    assert transport_to(TAXJAR).proxy is None
    assert transport_to("https://contoso.operations.dynamics.com").proxy == "http://127.0.0.1:3128"


async def test_a_request_is_sent_as_httpx_built_it() -> None:
    seen: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await saying(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Request-Id: r1\r\n\r\n{}")(request, writer)

    async with server(answer) as url, client(url) as http:
        response = await http.post(
            "/v2/transactions/orders", params={"a": "x y%2F'"}, content=b'{"id": 1}', headers={"User-Agent": "own"}
        )
    assert (response.status_code, response.headers["x-request-id"], response.json()) == (201, "r1", {})
    line, *fields = seen[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert line == "POST /v2/transactions/orders?a=x+y%252F%27 HTTP/1.1"
    sent = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    assert sent["host"] == urlsplit(url).netloc
    assert (sent["user-agent"], sent["content-length"], sent["accept"]) == ("own", "9", "*/*")
    assert "content-type" not in sent
    assert seen[0].endswith(b'{"id": 1}')


async def test_a_compressed_answer_is_read_as_what_it_says() -> None:
    packed = gzip.compress(b'{"value": []}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with server(saying(head + packed)) as url, client(url) as http:
        assert (await http.get("/")).json() == {"value": []}


async def test_neither_redirects_are_followed_nor_cookies_kept() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with server(saying(head)) as url, client(url) as http:
        assert (await http.get("/")).status_code == 302


async def test_a_refused_connection_was_never_used() -> None:
    async with server(saying(b"")) as url:
        pass
    async with client(url) as http:
        with pytest.raises(httpx.ConnectError):
            await http.post("/", content=b"x")


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 201 Created\r\nContent-Len", b"not HTTP at all\r\n\r\n"])
async def test_a_connection_closed_without_an_answer_may_have_had_an_effect(part: bytes) -> None:
    async with server(saying(part)) as url, client(url) as http:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await http.post("/", content=b"x")


async def test_an_answer_that_ends_early_may_have_had_an_effect() -> None:
    text = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"
    async with server(saying(text)) as url, client(url) as http:
        with pytest.raises(httpx.ReadError):
            await http.post("/", content=b"x")


async def test_silence_after_the_request_is_a_read_timeout() -> None:
    over = asyncio.Event()

    async def answer(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with server(answer) as url, client(url) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/", content=b"x", timeout=httpx.Timeout(5, read=0.01))
        over.set()


async def test_an_address_that_is_none_is_not_taken_for_trouble_of_the_network() -> None:
    async with client("gopher://127.0.0.1") as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get("/")

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from shared.settings import TaxJarSettings
from shared.taxjar import client as client_module
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import AccessDenied, AlreadyExists, NotFound, Rejected, TaxJarError, Throttled, Unavailable
from shared.transactions import Kind, Transaction

TOKEN = "5da2f821eee4035db4771edab942a4cc"

Play = Callable[..., tuple[TaxJarClient, Any]]


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, Rejected) for status in (400, 405, 406, 409, 410, 413, 451)),
        *((status, AccessDenied) for status in (301, 302, 303, 304, 307, 308, 401, 403)),
        *((status, Unavailable) for status in (408, 500, 502, 503, 504, 521)),
        (404, NotFound),
        (429, Throttled),
    ],
)
async def test_the_status_line_decides_the_error(
    play: Play, order: Transaction, status: int, error: type[TaxJarError]
) -> None:
    response = ok(
        {"status": 200, "error": "Whatever", "detail": "in TaxJar's words"}, status, location="https://x.test"
    )
    taxjar, script = play(response)
    with pytest.raises(error) as caught:
        await taxjar.update(order)
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.detail) == (status, "in TaxJar's words")
    assert len(script.requests) == 1


async def test_422_means_taken_only_when_creating(play: Play, order: Transaction) -> None:
    taxjar, _ = play(*[httpx.Response(422)] * 5)
    customer = {"customer_id": "C", "name": "N", "exemption_type": "other"}
    creating: tuple[Callable[[], Awaitable[object]], ...]
    creating = (lambda: taxjar.create(order), lambda: taxjar.create_customer(customer))
    for create in creating:
        with pytest.raises(AlreadyExists):
            await create()
    for other in (lambda: taxjar.update(order), lambda: taxjar.update_customer(customer), lambda: taxjar.taxes({})):
        with pytest.raises(Rejected) as caught:
            await other()
        assert type(caught.value) is Rejected


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad gateway</html>",
        b"",
        b"null",
        b"[]",
        b'{"order":',
        b'{"order": null}',
        b'{"refund": {}}',
        b"\xff\xfe",
    ],
)
async def test_an_unreadable_success_leaves_the_outcome_unknown(
    play: Play, order: Transaction, status: int, body: bytes
) -> None:
    taxjar, _ = play(httpx.Response(status, content=body))
    with pytest.raises(Unavailable) as caught:
        await taxjar.create(order)
    assert caught.value.outcome_unknown
    assert caught.value.status == status


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_error_leaves_the_outcome_of_a_write_unknown(
    play: Play, order: Transaction, status: int
) -> None:
    taxjar, _ = play(*[httpx.Response(status)] * 2)
    for write in (taxjar.create, taxjar.update):
        with pytest.raises(Unavailable) as caught:
            await write(order)
        assert caught.value.outcome_unknown


@pytest.mark.parametrize("rows", [[{}], ["CA"], [{"country_code": {"x": 1}}]])
async def test_a_malformed_row_is_an_unreadable_answer(play: Play, rows: list[object]) -> None:
    taxjar, _ = play(ok({"regions": rows}))
    with pytest.raises(Unavailable):
        await taxjar.nexus_regions()


@pytest.mark.parametrize(
    "stored", [{}, {"transaction_id": "A", "line_items": [1]}, {"transaction_id": "A", "amount": "x"}]
)
async def test_a_malformed_stored_transaction_is_an_unreadable_answer(play: Play, stored: dict[str, Any]) -> None:
    taxjar, _ = play(ok({"order": stored}))
    with pytest.raises(Unavailable):
        await taxjar.find(Kind.ORDER, "A")


@pytest.mark.parametrize(
    ("failure", "unknown"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.RemoteProtocolError("closed"), True),
        (httpx.DecodingError("gzip"), True),
        (TimeoutError(), True),
    ],
)
async def test_a_network_failure_tells_whether_the_request_may_have_arrived(
    play: Play, order: Transaction, failure: Exception, unknown: bool
) -> None:
    taxjar, _ = play(failure)
    with pytest.raises(Unavailable) as caught:
        await taxjar.create(order)
    assert caught.value.outcome_unknown is unknown
    assert (caught.value.status, caught.value.retry_after) == (None, None)


async def test_an_answer_that_clock_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(client_module, "_DEADLINE", 0)
    http = httpx.AsyncClient(transport=httpx.MockTransport(hang))
    taxjar = TaxJarClient(http, TaxJarSettings(), SecretStr(TOKEN), clock=_clock)
    with pytest.raises(Unavailable) as caught:
        await taxjar.categories()
    assert caught.value.outcome_unknown


async def test_redirects_are_clock_followed(order: Transaction) -> None:
    seen: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://elsewhere.test/"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(redirect), follow_redirects=True)
    with pytest.raises(AccessDenied):
        await TaxJarClient(http, TaxJarSettings(), SecretStr(TOKEN), clock=_clock).create(order)
    assert seen == ["https://api.taxjar.com/v2/transactions/orders"]


async def test_the_token_is_in_no_text(play: Play, order: Transaction) -> None:
    taxjar, _ = play(
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"),
        ok({"detail": f"token {TOKEN} is unknown"}, 401),
        httpx.Response(400, text="x" * 990 + TOKEN),
    )
    texts = [repr(taxjar), str(taxjar.__dict__), taxjar.account_id]
    for _ in range(3):
        with pytest.raises(TaxJarError) as caught:
            await taxjar.create(order)
        texts += [
            str(caught.value),
            repr(caught.value),
            caught.value.detail,
            "".join(traceback.format_exception(caught.value)),
        ]
    assert not [text for text in texts if TOKEN in text]
    assert TOKEN[:8] not in texts[-2]


def _clock() -> datetime:
    return datetime(2026, 3, 20, tzinfo=UTC)

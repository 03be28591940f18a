from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from shared.settings import TaxJarSettings
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import AccessDenied, AlreadyExists, NotFound, Rejected, TaxJarError, Throttled, Unavailable
from shared.transactions import Kind, Transaction

TOKEN = "5da2f821eee4035db4771edab942a4cc"

Play = Callable[..., tuple[TaxJarClient, Any]]
Act = Callable[[TaxJarClient], Awaitable[object]]


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, Rejected) for status in (400, 406, 409, 413, 422)),
        *((status, AccessDenied) for status in (301, 302, 303, 304, 307, 308, 401, 402, 403, 405, 407, 410, 451)),
        *((status, Unavailable) for status in (408, 425, 500, 502, 503, 504, 521)),
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


HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = b"<html><body>Welcome</body></html>"
NOT_FOUND = {"status": 404, "error": "Not Found", "detail": "No such route 'POST /v2/transactions/orders'"}


@pytest.mark.parametrize("status", [400, 401, 403, 406, 409, 422, 429, 500, 503])
async def test_an_error_behind_status_200_counts_as_its_own_status(play: Play, order: Transaction, status: int) -> None:
    for stated in (status, str(status)):
        body = {"status": stated, "error": "Some words", "detail": ["in TaxJar's words"]}
        hidden, plain = play(ok(body))[0], play(ok(body, status))[0]
        errors = []
        for taxjar in (hidden, plain):
            with pytest.raises(TaxJarError) as caught:
                await taxjar.create(order)
            errors.append(caught.value)
        assert type(errors[0]) is type(errors[1])
        assert (errors[0].status, errors[0].detail) == (status, "in TaxJar's words")


@pytest.mark.parametrize("status", [200, 404, "404x", "x", None, 999, [403]])
async def test_a_200_that_states_no_error_status_is_unreadable(play: Play, order: Transaction, status: object) -> None:
    taxjar, _ = play(ok({"status": status, "detail": "words"} if status != 404 else {"status": 404}))
    with pytest.raises(Unavailable):
        await taxjar.create(order)


async def test_a_404_is_an_absent_record_only_where_one_is_named_and_in_taxjars_form(
    play: Play, order: Transaction
) -> None:
    answers = [ok(NOT_FOUND, 404), httpx.Response(404, content=PAGE, headers=HTML), httpx.Response(404)]
    for answer, error in zip(answers, (NotFound, AccessDenied, AccessDenied), strict=True):
        acts: list[Act] = [lambda client: client.update(order), lambda client: client.get(Kind.ORDER, "A")]
        for act in acts:
            with pytest.raises(error):
                await act(play(answer)[0])
    for answer in answers:
        for act in (
            lambda client: client.create(order),
            lambda client: client.create_customer({"customer_id": "C"}),
            lambda client: client.list_ids(Kind.ORDER, order.transaction_date, order.transaction_date),
            lambda client: client.categories(),
            lambda client: client.nexus_regions(),
        ):
            with pytest.raises(AccessDenied):
                await act(play(answer)[0])


@pytest.mark.parametrize("status", [200, 201, 400, 404, 406, 422])
@pytest.mark.parametrize("headers", [HTML, {}])
async def test_a_web_page_where_the_api_should_be_is_no_word_about_the_data(
    play: Play, order: Transaction, status: int, headers: dict[str, str]
) -> None:
    taxjar, _ = play(httpx.Response(status, content=PAGE, headers=headers))
    with pytest.raises(AccessDenied, match="a web page") as caught:
        await taxjar.create(order)
    assert caught.value.status == status


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (500, Unavailable), (502, Unavailable)])
async def test_a_gateways_web_page_for_passing_trouble_is_passing(
    play: Play, order: Transaction, status: int, error: type[TaxJarError]
) -> None:
    taxjar, _ = play(httpx.Response(status, content=PAGE, headers=HTML))
    with pytest.raises(error):
        await taxjar.create(order)


async def test_a_place_that_taxjar_does_not_know_is_not_found(play: Play) -> None:
    unknown = ok({"status": 404, "error": "Not Found", "detail": "Tax location not found"}, 404)
    acts: list[Act] = [lambda client: client.taxes({}), lambda client: client.rates("00000")]
    for act in acts:
        with pytest.raises(NotFound, match="Tax location not found"):
            await act(play(unknown)[0])


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
    "stored", [{}, [], {"transaction_id": "A", "line_items": [1]}, {"transaction_id": "A", "amount": "x"}]
)
async def test_a_malformed_stored_transaction_is_an_unreadable_answer(
    play: Play, order: Transaction, stored: object
) -> None:
    taxjar, _ = play(*[ok({"order": stored})] * 3)
    for call in (taxjar.find(Kind.ORDER, "A"), taxjar.create(order), taxjar.update(order)):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.outcome_unknown


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


async def test_redirects_are_never_followed(order: Transaction) -> None:
    seen: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://elsewhere.test/"})

    transport = httpx.MockTransport(redirect)
    with pytest.raises(AccessDenied):
        await TaxJarClient(transport, TaxJarSettings(), SecretStr(TOKEN), clock=_clock).create(order)
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

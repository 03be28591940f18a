from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.taxjar import upsert
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import AccessDenied, Rejected, TaxJarError, Throttled, Unavailable
from shared.taxjar.upsert import Created, Found, Updated
from shared.taxjar.wire import update_to_wire
from shared.transactions import Transaction

Play = Callable[..., tuple[TaxJarClient, Any]]
Upsert = Callable[[TaxJarClient, Transaction], Awaitable[Created | Found | Updated]]

POST = "POST /v2/transactions/orders"
GET = "GET /v2/transactions/orders/USMF-CIV-000712"
PUT = "PUT /v2/transactions/orders/USMF-CIV-000712"


def stored(body: dict[str, Any], status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"order": body})


def taken() -> httpx.Response:
    return httpx.Response(422, json={"detail": "Provider tranx already imported for your user account"})


def missing() -> httpx.Response:
    return httpx.Response(404, json={"status": 404, "error": "Not Found", "detail": "Resource can not be found"})


async def test_a_new_transaction_is_created_with_one_call(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(stored(stored_order, 201))
    result = await upsert.create(client, order)
    assert isinstance(result, Created)
    assert (result.answer.status, script.calls) == (201, [POST])
    assert (result.stored, result.differences, result.account) == (stored_order, {}, "10649")


async def test_what_is_already_there_is_found_and_left_alone(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(taken(), stored(stored_order))
    result = await upsert.create(client, order)
    assert isinstance(result, Found)
    assert result.same
    assert result.stored == stored_order
    assert (result.answer.status, script.calls) == (200, [POST, GET])


async def test_what_differs_is_told_and_not_overwritten(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(taken(), stored({**stored_order, "sales_tax": "4.40"}))
    result = await upsert.create(client, order)
    assert isinstance(result, Found)
    assert not result.same
    assert result.differences == {"sales_tax": ("4.39", "4.40")}
    assert script.calls == [POST, GET]


async def test_an_id_that_is_taken_and_not_there_is_put_once(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(taken(), missing(), stored(stored_order))
    result = await upsert.create(client, order)
    assert isinstance(result, Updated)
    assert script.calls == [POST, GET, PUT]
    assert script.body(2) == update_to_wire(order)


async def test_after_the_one_switch_of_a_create_a_person_must_look(play: Play, order: Transaction) -> None:
    client, script = play(taken(), missing(), missing())
    with pytest.raises(Rejected) as caught:
        await upsert.create(client, order)
    assert script.calls == [POST, GET, PUT]
    assert type(caught.value) is Rejected
    assert "already imported" in caught.value.detail
    assert "no order USMF-CIV-000712" in caught.value.detail
    assert "can not be found" in caught.value.detail


async def test_a_known_transaction_is_updated_with_one_call(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(stored(stored_order))
    result = await upsert.update(client, order)
    assert isinstance(result, Updated)
    assert (script.calls, script.body()) == ([PUT], update_to_wire(order))
    assert (result.stored, result.differences, result.account) == (stored_order, {}, "10649")


async def test_a_transaction_that_is_gone_is_created_again(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(missing(), stored(stored_order, 201))
    result = await upsert.update(client, order)
    assert isinstance(result, Created)
    assert (result.answer.status, script.calls) == (201, [PUT, POST])


async def test_after_the_one_switch_of_an_update_a_person_must_look(play: Play, order: Transaction) -> None:
    client, script = play(missing(), taken())
    with pytest.raises(Rejected) as caught:
        await upsert.update(client, order)
    assert script.calls == [PUT, POST]
    assert type(caught.value) is Rejected
    assert "already imported" in caught.value.detail


@pytest.mark.parametrize("act", [upsert.create, upsert.update])
async def test_what_was_not_stored_as_sent_is_told(
    play: Play, order: Transaction, stored_order: dict[str, Any], act: Upsert
) -> None:
    client, _ = play(stored({**stored_order, "exemption_type": "wholesale"}, 201))
    result = await act(client, order)
    assert not isinstance(result, Found)
    assert not result.same
    assert result.differences == {"exemption_type": ("non_exempt", "wholesale")}
    assert result.stored["exemption_type"] == "wholesale"


@pytest.mark.parametrize("user", [None, 7.5, True, [], {}])
async def test_an_answer_without_an_account_names_none(
    play: Play, order: Transaction, stored_order: dict[str, Any], user: object
) -> None:
    client, _ = play(stored({**stored_order, "user_id": user}))
    result = await upsert.update(client, order)
    assert result.account == ""


async def test_a_422_on_put_is_no_reason_to_switch(play: Play, order: Transaction) -> None:
    client, script = play(taken())
    with pytest.raises(Rejected):
        await upsert.update(client, order)
    assert script.calls == [PUT]


FAILURES = [
    (httpx.Response(400), Rejected),
    (httpx.Response(406), Rejected),
    (httpx.Response(401), AccessDenied),
    (httpx.Response(429), Throttled),
    (httpx.Response(503), Unavailable),
    (httpx.ReadTimeout("slow"), Unavailable),
]


@pytest.mark.parametrize(("failure", "error"), FAILURES)
@pytest.mark.parametrize(
    ("act", "before"),
    [
        (upsert.create, []),
        (upsert.create, [taken()]),
        (upsert.create, [taken(), missing()]),
        (upsert.update, []),
        (upsert.update, [missing()]),
        (upsert.find, []),
    ],
)
async def test_any_other_failure_ends_the_upsert_at_once(
    play: Play,
    order: Transaction,
    act: Upsert,
    before: list[httpx.Response],
    failure: httpx.Response | Exception,
    error: type[TaxJarError],
) -> None:
    client, script = play(*before, failure)
    with pytest.raises(error) as caught:
        await act(client, order)
    assert caught.value.status == getattr(failure, "status_code", None)
    assert "yet there is no" not in caught.value.detail
    assert len(script.requests) == len(before) + 1


async def test_an_unknown_outcome_is_settled_by_looking_first(
    play: Play, order: Transaction, stored_order: dict[str, Any]
) -> None:
    client, script = play(stored(stored_order), missing())
    found = await upsert.find(client, order)
    assert found is not None
    assert found.same
    assert await upsert.find(client, order) is None
    assert script.calls == [GET, GET]

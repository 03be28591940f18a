"""Closing filing periods over HTTP (design 3.1 and 4.6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from shared.ledger.keys import partition
from shared.ledger.subjects import SubjectChanged
from shared.settings import CompanySettings
from tests.app import App, running_app
from tests.filing import close
from tests.world import TODAY, World

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def app(world: World, azurite: str) -> Iterator[App]:
    with running_app(world, azurite) as running:
        yield running


async def put(app: App, filed_through: date | str, state: str = "TX", **body: Any) -> tuple[int, Any]:
    told = {"filed_through": str(filed_through), "by": "Pat", "reason": "the return was sent", **body}
    return await app.call("close_filing_period", told, state=state)


async def test_a_period_is_closed_and_answered_before_and_after(app: App) -> None:
    assert await put(app, "2026-09-30") == (
        200,
        {"state": "TX", "before": {"filed_through": None}, "after": {"filed_through": "2026-09-30"}},
    )
    assert (await put(app, "2026-10-31", "tx"))[1]["before"] == {"filed_through": "2026-09-30"}


async def test_yesterday_is_the_latest_day_that_can_be_filed(app: App) -> None:
    assert (await put(app, YESTERDAY))[0] == 200
    status, answer = await put(app, TODAY)
    assert status == 400
    assert YESTERDAY.isoformat() in answer["error"]["message"]


async def test_a_period_moves_back_only_when_it_is_reopened(app: App) -> None:
    await put(app, "2026-10-31")
    status, answer = await put(app, "2026-09-30")
    assert (status, answer["error"]["code"]) == (409, "earlier")
    assert answer["error"]["filed_through"] == "2026-10-31"
    assert "reopen" in answer["error"]["message"]
    status, answer = await put(app, "2026-09-30", reopen=True)
    assert (status, answer["after"]) == (200, {"filed_through": "2026-09-30"})


@pytest.mark.parametrize(
    ("state", "body"),
    [
        ("Texas", {"filed_through": "2026-09-30"}),
        ("XX", {"filed_through": "2026-09-30"}),
        ("TX", {}),
        ("TX", {"filed_through": "soon"}),
        ("TX", {"filed_through": 0}),
        ("TX", {"filed_through": True}),
        ("TX", {"filed_through": "0001-01-01"}),
        ("TX", {"filed_through": "2026-02-30"}),
        ("TX", {"filed_through": "2026-09-30", "reopen": "maybe"}),
        ("TX", b"{"),
    ],
)
async def test_what_names_no_state_or_day_is_refused(app: App, state: str, body: object) -> None:
    status, answer = await app.call("close_filing_period", body, state=state)
    assert (status, answer["error"]["code"]) == (400, "bad_request")


async def test_an_unknown_company_has_no_periods(app: App) -> None:
    assert (await app.call("list_filing_periods", company="zzzz"))[0] == 404
    told = {"filed_through": "2026-09-30", "by": "Pat", "reason": "sent"}
    assert (await app.call("close_filing_period", told, company="zzzz", state="TX"))[0] == 404


async def test_every_change_is_audited_and_repeating_one_is_none(world: World, app: App) -> None:
    await put(app, "2026-10-31", by="Pat", reason="October return")
    await put(app, "2026-10-31", by="Pat", reason="October return")
    await put(app, "2026-09-30", by="Sam", reason="Wrong month", reopen=True)
    row = await world.connector.subjects.get(partition("main", world.company), "period", "TX")
    assert row["audit_count"] == 2
    table = world.connector.ledger._table
    entries = [
        json.loads(entry["entry"])
        async for entry in table.query_entities("RowKey gt 'audit|period|' and RowKey lt 'audit|period|~'")
    ]
    assert (entries[0]["decision"], entries[0]["by"]) == ("closed", "Pat")
    assert (entries[1]["decision"], entries[1]["before"]) == ("reopened", {"filed_through": "2026-10-31"})


async def test_two_people_who_close_at_once_do_not_move_a_period_back(world: World) -> None:
    subjects = world.connector.subjects
    read = subjects.get

    async def read_before_the_other(*args: str) -> dict[str, Any]:
        row = await read(*args)
        subjects.get = read  # type: ignore[method-assign]
        await close(world, "TX", date(2026, 10, 31))
        return row

    subjects.get = read_before_the_other  # type: ignore[method-assign, assignment]
    with pytest.raises(Exception, match="changed in this moment") as refused:
        await close(world, "TX", date(2026, 9, 30))
    assert not isinstance(refused.value, SubjectChanged)
    periods = await world.connector.periods.of_company("main", world.company, CompanySettings(report_from=TODAY))
    assert periods.filed_through == {"TX": date(2026, 10, 31)}


async def test_what_is_closed_can_be_listed(app: App) -> None:
    await put(app, YESTERDAY, "wa", by="Ada", reason="paid")
    await put(app, "2026-10-31", "CA")
    status, answer = await app.call("list_filing_periods")
    assert (status, answer["filing_lock_day"], answer["closed_through"]) == (200, 4, "2026-10-31")
    california, washington = answer["states"]
    assert (california["state"], california["filed_through"]) == ("CA", "2026-10-31")
    assert (washington["filed_through"], washington["closed_through"]) == (YESTERDAY.isoformat(),) * 2
    assert (washington["by"], washington["reason"], washington["at"]) == ("Ada", "paid", "2026-11-20T15:00:00Z")

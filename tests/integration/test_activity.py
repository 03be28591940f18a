"""``list_activity``: what people and schedules did, newest first, a page for the price of a page (design 3.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from local.simulators.dynamics.specs import AUSTIN, AddressSpec, InvoiceSpec
from shared.connector import NotFound
from shared.flows.backfill.manage import cancel_backfill
from shared.flows.backfill.start import BackfillRequest, start_backfill
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.activity import ActivityQuery, list_activity
from shared.flows.review.decide import DecisionBody, decide_document
from shared.flows.review.documents import Chosen
from shared.flows.review.filing_periods import Closing, close_filing_period
from shared.flows.work.jobs import Cancellation
from shared.web import Problem, read_query
from tests.app import KEY, hosted_app
from tests.conftest import CERTIFICATES
from tests.counting_storage import CountingStorage
from tests.world import COMPANY, NOW, TODAY, World, running_world

TAX = Decimal("0.0825")
NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")


async def acts(world: World, **query: str) -> list[dict[str, Any]]:
    asked = read_query({"from" if name == "since" else name: value for name, value in query.items()}, ActivityQuery)
    found = (await list_activity(world.connector, "main", asked))["activity"]
    return [act for act in found if act["kind"] != "fence"]


def told(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["kind"], each["decision"], each["by"]) for each in found]


async def decide(world: World, decision: str, by: str, number: str = "ASTRAY", **body: str) -> None:
    asked = DecisionBody.model_validate({"by": by, "reason": "because", **body})
    await decide_document(world.connector, "main", COMPANY, f"USMF-{number}", decision, asked, Chosen())


async def furnish(world: World) -> None:
    """One act of each kind, a minute apart."""
    world.posting.invoice(InvoiceSpec("ASTRAY", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    world.clock.advance(minutes=1)
    await decide(world, "assign", "Ann Smith", to="Bob")
    world.clock.advance(minutes=1)
    closing = Closing.model_validate({"filed_through": "2026-09-30", "by": "Carol", "reason": "filed"})
    await close_filing_period(world.connector, "main", COMPANY, "tx", closing)
    world.clock.advance(minutes=1)
    asked = {"company": COMPANY, "from": TODAY, "to": TODAY, "by": "Bob"}
    job = await start_backfill(world.connector, "main", BackfillRequest.model_validate(asked))
    world.clock.advance(minutes=1)
    await cancel_backfill(world.connector, "main", job["job"], Cancellation(by="Ann Smith"))


async def test_what_people_did_comes_newest_first_from_wherever_it_was_written(world: World) -> None:
    await furnish(world)
    found = await acts(world)
    assert told(found) == [
        ("backfill", "cancelled", "Ann Smith"),
        ("backfill", "started", "Bob"),
        ("period", "closed", "Carol"),
        ("decision", "assign", "Ann Smith"),
    ]
    period, decision = found[2:]
    assert (period["before"], period["after"]) == ({"filed_through": None}, {"filed_through": "2026-09-30"})
    assert (decision["transaction_id"], decision["company"], decision["reason"]) == ("USMF-ASTRAY", COMPANY, "because")
    assert [each["company"] for each in found] == [COMPANY] * 4


async def test_it_is_found_by_person_subject_kind_company_and_time(world: World) -> None:
    await furnish(world)
    assert len(await acts(world, person="ann")) == 2
    assert told(await acts(world, subject="usmf-astray")) == [("decision", "assign", "Ann Smith")]
    assert told(await acts(world, kind="period,decision")) == [
        ("period", "closed", "Carol"),
        ("decision", "assign", "Ann Smith"),
    ]
    assert len(await acts(world, company="USMF")) == 4
    day = NOW.date().isoformat()
    assert len(await acts(world, since=day, to=day)) == 4
    assert await acts(world, since=(NOW.date() + timedelta(days=1)).isoformat()) == []
    assert await acts(world, to=(NOW.date() - timedelta(days=1)).isoformat()) == []
    with pytest.raises(Problem):
        await acts(world, kind="gossip")
    with pytest.raises(NotFound):
        await acts(world, company="none")


@pytest.mark.company(exempt_tax_groups={"EXEMPT": "government"})
async def test_what_schedules_did_is_listed_too_but_not_every_poll(world: World) -> None:
    world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    await world.poll()
    await sync_exempt_customers(world.connector, by="schedule")
    world.clock.advance(minutes=1)
    await pull_nexus_regions(world.connector, by="schedule")
    found = told(await acts(world))
    assert set(found[:2]) == {("run", "complete", "schedule"), ("nexus", "pulled", "schedule")}
    assert set(found[2:]) == {("run", "complete", "schedule"), ("customer", "created", "schedule")}


async def test_an_act_that_was_not_done_is_not_listed(world: World) -> None:
    world.posting.invoice(InvoiceSpec("GOOD", TODAY, tax_rate=TAX))
    await world.run()
    with pytest.raises(Exception, match="approve does not fit"):
        await decide(world, "approve", "Ann", "GOOD")
    assert await acts(world, kind="decision") == []


async def test_the_person_and_the_way_of_a_request_are_kept(world: World, azurite: str) -> None:
    with hosted_app(world, azurite) as host:
        transport = httpx.ASGITransport(host.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            headers = {"x-functions-key": KEY}
            started = await client.post("/api/runs/pull_nexus_regions", json={}, headers=headers)
            assert started.status_code == 202
            answer = await client.get("/api/activity/MAIN?kind=run", headers=headers)
    run, asked = sorted(answer.json()["activity"], key=lambda each: str(each["function"]))
    assert (run["function"], run["by"], run["way"]) == ("pull_nexus_regions", "function key", "key")
    assert (asked["function"], asked["subject"], asked["decision"]) == ("run_now", "pull_nexus_regions", "started")


@pytest.fixture
async def counted(azurite: str) -> AsyncIterator[tuple[World, CountingStorage]]:
    storage = CountingStorage()
    async with running_world(azurite, CERTIFICATES, storage_transport=lambda: storage) as world:
        yield world, storage


async def test_pages_hold_every_act_once_and_a_page_costs_a_page(counted: tuple[World, CountingStorage]) -> None:
    world, storage = counted
    world.posting.invoice(InvoiceSpec("ASTRAY", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    for number in range(30):
        await decide(world, "note", f"P{number:02}", text="seen")
        world.clock.advance(seconds=1)
    seen, query = [], {"limit": "4"}
    while True:
        storage.start()
        answer = await list_activity(world.connector, "main", read_query(query, ActivityQuery))
        assert storage.entities <= 10
        seen += [each["by"] for each in answer["activity"] if each["kind"] != "fence"]
        if answer["next"] is None:
            break
        query = dict(parse_qsl(urlsplit(answer["next"]).query))
    assert seen == [f"P{number:02}" for number in reversed(range(30))]

"""Finding documents by states, reasons, destination, number and more, in pages and as CSV (design 3.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.flows.backfill.start import BackfillRequest, start_backfill
from shared.flows.review.decide import DecisionBody, decide_document
from shared.flows.review.documents import Chosen
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.web import read_query
from tests.app import KEY, hosted_app
from tests.world import COMPANY, TODAY, World

TAX = Decimal("0.0825")
NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")
UNFINISHED = AddressSpec("", "", "TX", "")
ALBANY = AddressSpec("1 State St", "Albany", "NY", "12207")


def post(world: World, number: str, days_ago: int = 0, **changes: Any) -> None:
    spec = InvoiceSpec(number, TODAY - timedelta(days=days_ago), tax_rate=TAX)
    world.posting.invoice(replace(spec, **changes))


async def found(world: World, **query: str) -> dict[str, Any]:
    asked = read_query({"from" if name == "since" else name: value for name, value in query.items()}, DocumentFilter)
    answer = await list_documents(world.connector, "main", COMPANY, asked)
    return answer.body


async def numbers(world: World, **query: str) -> list[str]:
    return [document["number"] for document in (await found(world, **query))["documents"]]


async def furnish(world: World) -> None:
    post(world, "GOOD", 3)
    post(world, "NORTH", 2, ship_to=ALBANY)
    post(world, "ASTRAY", 1, ship_to=NOWHERE)
    post(world, "PROFORMA", is_proforma=True, tax_rate=Decimal(0))
    await world.run()


async def test_several_states_and_reasons_are_asked_for_at_once(world: World) -> None:
    await furnish(world)
    assert await numbers(world, state="held,skipped") == ["ASTRAY", "PROFORMA"]
    assert await numbers(world, state="HELD, Reported") == ["GOOD", "NORTH", "ASTRAY"]
    assert await numbers(world, reason="zip_state_mismatch,proforma") == ["ASTRAY", "PROFORMA"]
    assert await numbers(world, state="held", reason="proforma") == []


async def test_they_come_newest_first_and_page_by_page_with_a_count(world: World) -> None:
    await furnish(world)
    seen, query = [], {"order": "newest", "limit": "2"}
    while True:
        answer = await found(world, **query)
        assert answer["count"] == 4
        seen += [document["number"] for document in answer["documents"]]
        if answer["next"] is None:
            break
        query = dict(parse_qsl(urlsplit(answer["next"]).query))
    assert seen == ["PROFORMA", "ASTRAY", "NORTH", "GOOD"]


async def test_by_destination_customer_and_range(world: World) -> None:
    await furnish(world)
    assert await numbers(world, to_state="ny", state="reported") == ["NORTH"]
    assert await numbers(world, to_state="TX,NY", state="reported") == ["GOOD", "NORTH"]
    assert await numbers(world, customer="c-1000", state="reported") == ["GOOD", "NORTH"]
    assert await numbers(world, customer="C-9999") == []
    day = (TODAY - timedelta(days=2)).isoformat()
    assert await numbers(world, since=day, to=day) == ["NORTH"]


async def test_what_was_reported_after_its_period_closed_is_late(world: World) -> None:
    post(world, "LATE", 40)
    post(world, "GOOD")
    await world.sweep()
    await world.settle()
    assert await numbers(world, late="true") == ["LATE"]
    assert await numbers(world, late="false") == ["GOOD"]


async def test_a_number_finds_every_document_that_has_it(world: World) -> None:
    post(world, "INV-1", 300)
    post(world, "INV-1")
    post(world, "INV-10")
    await world.sweep()
    await world.settle()
    day = TODAY - timedelta(days=300)
    request = BackfillRequest.model_validate({"company": COMPANY, "from": day, "to": day})
    await start_backfill(world.connector, "main", request)
    await world.settle()
    assert len({record.filing.transaction_id for record in await world.records()}) == 3
    assert await numbers(world, number="inv-1") == ["INV-1", "INV-1"]
    assert (await found(world, number="INV-2"))["count"] == 0


async def test_what_is_assigned_is_found_by_its_person(world: World) -> None:
    await furnish(world)
    body = DecisionBody.model_validate({"to": "Ann Smith", "by": "Bob"})
    await decide_document(world.connector, "main", COMPANY, "USMF-ASTRAY", "assign", body, Chosen())
    assert await numbers(world, assignee="ann smith") == ["ASTRAY"]
    assert await numbers(world, assignee="", state="held") == []


async def test_a_csv_holds_all_that_fit_under_a_file_name(world: World) -> None:
    await furnish(world)
    asked = DocumentFilter.model_validate({"format": "csv", "limit": 1, "state": "reported"})
    answer = await list_documents(world.connector, "main", COMPANY, asked)
    assert len(str(answer.body).splitlines()) == 3
    assert answer.headers["Content-Disposition"] == 'attachment; filename="documents-usmf.csv"'


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "documents/main/usmf?reason=foo", None, 400, "reason: foo is not a reason; there are "),
        ("GET", "documents/main/usmf?state=open", None, 400, "state: open is not a state; there are seen, "),
        ("GET", "documents/main/usmf?to_state=Texas", None, 400, "to_state: TEXAS is not a US state"),
        ("GET", "documents/main/usmf?stat=held", None, 400, "stat: there is no such parameter"),
        ("GET", "documents/main/usmf?from=1.9.2026", None, 400, "from: give a date such as 2026-09-30"),
        ("GET", "documents/main/usmf?limit=0", None, 400, "limit: "),
        ("POST", "documents/main/usmf/USMF-ASTRAY/retry", {"reason": "x", "by": ""}, 400, "by: must not be empty"),
        ("POST", "documents/main/usmf/USMF-ASTRAY/retry", {"reason": " ", "by": "A"}, 400, "reason: must not be empty"),
        ("GET", "documents/MAIN/USMF?state=held", None, 200, "USMF-ASTRAY"),
        ("GET", "documents/Main/UsMf/USMF-ASTRAY", None, 200, "USMF-ASTRAY"),
        ("GET", "customers/MAIN/USMF", None, 200, '"customers"'),
        ("GET", "backfills/MAIN", None, 200, '"backfills"'),
        ("POST", "runs/none", {}, 404, "There are poll_posted_invoices, sweep_posted_invoices, "),
        ("POST", "runs/report_documents", {}, 404, "there is no timer function"),
    ],
)
async def test_what_is_asked_wrongly_is_refused_in_words_or_understood(
    world: World, azurite: str, method: str, path: str, body: Any, status: int, said: str
) -> None:
    """Case D16: never a silent empty list."""
    post(world, "ASTRAY", ship_to=NOWHERE)
    await world.run()
    with hosted_app(world, azurite) as host:
        transport = httpx.ASGITransport(host.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            answer = await client.request(method, f"/api/{path}", json=body, headers={"x-functions-key": KEY})
    assert answer.status_code == status, answer.text
    assert said in answer.text

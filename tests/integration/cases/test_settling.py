"""What was handled outside, which document is meant, and what is still open when a period is closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, LineSpec
from local.simulators.faults import Fault
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.ledger.records import State
from tests.app import App, running_app
from tests.filing import HANDLING_SHIPS, LAST_MONTH, decided, sale
from tests.holdings import holdings, outcome
from tests.reconciling import findings, plant
from tests.world import COMPANY, TODAY, World

ODD = AddressSpec("1 Main St", "Austin", "NY", "78704")
BY_PAT = {"by": "Pat", "reason": "entered in TaxJar by hand"}


@pytest.fixture
def app(world: World, azurite: str) -> Iterator[App]:
    with running_app(world, azurite) as running:
        yield running


async def settle(app: App, transaction_id: str, *ids: str, **body: Any) -> tuple[int, Any]:
    told = {**BY_PAT, "transaction_ids": list(ids), **body}
    return await app.call("decide_document", told, transaction_id=transaction_id, decision="settle")


async def held_one(world: World, by_hand: str = "") -> None:
    """A reported document, a held one, and what somebody entered in TaxJar for it."""
    world.posting.invoice(sale("FINE", TODAY))
    world.posting.invoice(sale("INV-1", TODAY, ship_to=ODD))
    await world.run()
    assert await outcome(world, "INV-1") == "held zip_state_mismatch"
    if by_hand:
        plant(world, by_hand)


async def foreign(world: World) -> list[str]:
    return [row["transaction_id"] for row in (await findings(world))["foreign"]]


async def completeness(world: World) -> dict[str, Any]:
    found: dict[str, Any] = (
        await show_completeness(world.connector, CONNECTION, COMPANY, CompletenessQuery.model_validate({}))
    ).body
    return found


def correct_addresses(world: World) -> None:
    for row in world.simulation.dynamics.rows("LogisticsPostalAddressBiEntities"):
        row["State"] = "TX"


async def test_a_held_document_that_was_entered_by_hand_is_closed_with_that_id(world: World, app: App) -> None:
    await held_one(world, "HAND-7")
    assert await foreign(world) == ["HAND-7"]
    status, document = await settle(app, "USMF-INV-1", "HAND-7")
    assert (status, document["state"], document["reason"]) == (202, "skipped", "handled_outside")
    assert document["handled_outside"] == ["HAND-7"]
    assert "HAND-7" in document["message"]
    assert await foreign(world) == []
    amounts = (await completeness(world))["amounts"]
    assert amounts["handled_outside"] == {"amount": "117.00", "sales_tax": "9.65"}
    assert (amounts["skipped"]["amount"], amounts["held"]["amount"]) == ("0.00", "0.00")
    assert (await app.call("show_status"))[1]["connections"][0]["companies"][0]["open_work"] == []


async def test_the_id_may_be_told_later(world: World, app: App) -> None:
    await held_one(world, "HAND-7")
    assert (await settle(app, "USMF-INV-1"))[0] == 202
    assert await foreign(world) == ["HAND-7"]
    assert (await settle(app, "USMF-INV-1", "HAND-7"))[0] == 202
    assert await foreign(world) == []
    plant(world, "HAND-8")
    _, document = await settle(app, "USMF-INV-1", "HAND-8")
    assert document["handled_outside"] == ["HAND-7", "HAND-8"]
    assert await foreign(world) == []


async def test_an_id_of_another_document_is_refused_and_nothing_happens(world: World, app: App) -> None:
    await held_one(world)
    before = await world.record("INV-1")
    status, answer = await settle(app, "USMF-INV-1", "HAND-7", "USMF-FINE")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert "FINE" in answer["error"]["message"]
    assert await world.record("INV-1") == before


async def test_what_was_entered_under_the_documents_own_id_stays_its_own(world: World, app: App) -> None:
    """A later document of the same number does not take the id, nor overwrite what a person entered."""
    await held_one(world, "USMF-INV-1")
    by_hand = world.taxjar.orders["USMF-INV-1"]
    assert (await settle(app, "USMF-INV-1", "USMF-INV-1"))[0] == 202
    world.posting.invoice(sale("INV-1", TODAY - timedelta(days=1), voucher="V-2", lines=[LineSpec(price=7)]))
    await world.run()
    assert world.taxjar.orders["USMF-INV-1"] == by_hand
    assert len(world.taxjar.orders) == 3


@pytest.mark.parametrize("state", ["reported", "skipped", "in flight"])
async def test_only_what_is_held_or_failed_can_be_settled(world: World, app: App, state: str) -> None:
    is_skipped = state == "skipped"
    world.posting.invoice(sale("INV-1", TODAY, is_proforma=is_skipped, tax_rate=Decimal(0 if is_skipped else "0.0825")))
    await world.poll()
    if state != "in flight":
        await world.settle()
    before = await world.record("INV-1")
    assert (await settle(app, "USMF-INV-1"))[0] == 409
    assert await world.record("INV-1") == before


async def test_a_failed_document_can_be_settled(world: World, app: App) -> None:
    world.posting.invoice(sale("INV-1", TODAY))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503))
    await world.poll()
    await world.work()
    world.clock.advance(days=8)
    await world.work()
    assert await outcome(world, "INV-1") == "failed"
    assert (await settle(app, "USMF-INV-1"))[1]["reason"] == "handled_outside"


@pytest.mark.parametrize("body", [{"reason": ""}, {"by": ""}, {"reason": "  "}, {"reason": None}, {"by": None}])
async def test_nobody_settles_without_a_reason_and_a_name(world: World, app: App, body: dict[str, Any]) -> None:
    await held_one(world)
    status, answer = await settle(app, "USMF-INV-1", **body)
    assert status == 400
    assert next(iter(body)) in answer["error"]["message"]
    assert await outcome(world, "INV-1") == "held zip_state_mismatch"


async def test_a_retry_reopens_it_and_what_is_there_twice_then_is_foreign(world: World, app: App) -> None:
    await held_one(world, "HAND-7")
    await settle(app, "USMF-INV-1", "HAND-7")
    await world.run()
    assert await outcome(world, "INV-1") == "skipped handled_outside"
    correct_addresses(world)
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "reported"
    assert "USMF-INV-1" in world.taxjar.orders
    assert await foreign(world) == ["HAND-7"]


async def test_what_was_settled_is_left_alone_by_polls_nights_and_backfills(world: World, app: App) -> None:
    await held_one(world)
    await settle(app, "USMF-INV-1")
    correct_addresses(world)
    await world.sweep()
    await findings(world, heal=True)
    await world.settle()
    assert list(holdings(world)) == ["USMF-FINE"]


async def test_two_documents_that_show_one_id_are_told_apart_by_their_voucher(world: World, app: App) -> None:
    for day, voucher, amount in ((1, "V-1", 100), (2, "V-2", 7)):
        on = TODAY - timedelta(days=day)
        world.posting.invoice(sale("INV-1", on, voucher=voucher, ship_to=ODD, lines=[LineSpec(price=amount)]))
    await world.run()
    listed = (await list_documents(world.connector, CONNECTION, COMPANY, DocumentFilter())).body["documents"]
    assert {(one["transaction_id"], one["voucher"], one["amount"]) for one in listed} == {
        ("USMF-INV-1", "V-1", "117.00"),
        ("USMF-INV-1", "V-2", "24.00"),
    }
    before = await world.records()
    body = {"by": "Pat", "reason": "corrected"}
    for decision in ("retry", "settle"):
        status, answer = await app.call("decide_document", body, transaction_id="USMF-INV-1", decision=decision)
        assert (status, answer["error"]["code"]) == (409, "ambiguous")
        assert {one["voucher"] for one in answer["error"]["candidates"]} == {"V-1", "V-2"}
    assert await world.records() == before
    correct_addresses(world)
    status, answer = await app.call(
        "decide_document", body, query={"voucher": "V-2"}, transaction_id="USMF-INV-1", decision="retry"
    )
    await world.settle()
    assert status == 202
    states = {record.key.voucher: record.state for record in await world.records()}
    assert states == {"V-1": State.HELD, "V-2": State.REPORTED}


async def test_closing_a_period_names_what_is_open_inside_until_it_is_confirmed(world: World, app: App) -> None:
    for number in range(8):
        world.posting.invoice(sale(f"INV-{number}", LAST_MONTH))
    world.posting.invoice(sale("INV-NY", LAST_MONTH, ship_to=AddressSpec("1 State St", "Albany", "NY", "12207")))
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    for number in range(8):
        await decided(world, f"USMF-INV-{number}", "retry")
    world.posting.invoice(sale("NEW", LAST_MONTH))
    await world.sweep()
    closing = {"by": "Pat", "reason": "sent", "filed_through": "2026-10-31"}
    status, answer = await app.call("close_filing_period", closing, state="TX")
    assert (status, answer["error"]["code"]) == (409, "open_work")
    assert [answer["error"][name] for name in ("held", "failed", "in_flight")] == [8, 0, 1]
    named = {document["transaction_id"] for document in answer["error"]["documents"]}
    assert named == {*(f"USMF-INV-{number}" for number in range(8)), "USMF-NEW"}
    assert (await app.call("close_filing_period", closing, state="NY"))[0] == 409  # NEW may be anywhere
    await world.settle()
    assert (await app.call("close_filing_period", closing, state="NY"))[0] == 200
    assert (await app.call("close_filing_period", {**closing, "confirm": True}, state="TX"))[0] == 200


@pytest.mark.company(time_zone="America/Chicago", filing_lock_day=1)
async def test_the_last_evening_of_a_month_is_still_in_it_where_the_company_is(world: World) -> None:
    world.clock.now = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)  # 20:30 on October 31 in Chicago
    world.posting.invoice(sale("INV-1", date(2026, 10, 31)))
    await world.run()
    assert not (await world.record("INV-1")).filing.late
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "reported"
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal(17)

    world.clock.now = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # half past midnight
    world.posting.invoice(sale("INV-2", date(2026, 10, 31)))
    await world.run()
    assert (await world.record("INV-2")).filing.late

"""Decisions of people over HTTP: answers, what fits which state, and what the audit keeps (design 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, LineSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.app import App, running_app
from tests.filing import HANDLING_SHIPS, LAST_MONTH, reported, sale
from tests.world import TODAY, World

WHY = {"reason": "address corrected", "by": "Pat"}
ODD = AddressSpec("1 Main St", "Austin", "NY", "78704")


@pytest.fixture
def app(world: World, azurite: str) -> Iterator[App]:
    with running_app(world, azurite) as running:
        yield running


async def decide(app: App, decision: str, body: object = WHY, number: str = "INV-1", **query: str) -> tuple[int, Any]:
    return await app.call("decide_document", body, query=query, transaction_id=f"USMF-{number}", decision=decision)


async def test_a_held_document_is_mapped_anew_from_dynamics_by_a_retry(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY, ship_to=ODD))
    await world.run()
    assert (await world.record("INV-1")).reason == "zip_state_mismatch"
    _correct_address(world)
    status, document = await decide(app, "retry")
    assert (status, document["state"], document["reason"]) == (202, "retrying", None)
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    [entry] = [entry for entry in await world.audit("INV-1") if entry["decision"] == "retry"]
    assert (entry["by"], entry["reason"], entry["function"]) == ("Pat", "address corrected", "decide_document")
    assert entry["before"]["reason"] == "zip_state_mismatch"


async def test_a_failed_document_can_be_retried(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503))
    await world.poll()
    await world.work()
    world.clock.advance(days=8)
    await world.work()
    assert (await world.record("INV-1")).state is State.FAILED
    world.simulation.taxjar.faults.clear()
    assert (await decide(app, "retry"))[0] == 202
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_skipped_document_is_reported_by_a_retry_when_the_settings_want_it_now(world: World, app: App) -> None:
    world.change_settings(report_from=TODAY)
    world.posting.invoice(sale(on=TODAY - timedelta(days=1)))
    world.change_settings(report_from=LAST_MONTH)
    await world.poll()
    world.change_settings(report_from=TODAY)
    await world.settle()
    assert (await world.record("INV-1")).state is State.SKIPPED
    world.change_settings(report_from=LAST_MONTH)
    await decide(app, "retry")
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_document_in_flight_cannot_be_retried(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY))
    await world.poll()
    before = await world.record("INV-1")
    status, answer = await decide(app, "retry")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert "seen" in answer["error"]["message"]
    assert await world.record("INV-1") == before


async def test_a_proposal_can_be_approved_once(world: World, app: App) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    await decide(app, "retry")
    await world.settle()
    status, document = await decide(app, "approve")
    assert (status, document["state"], document["proposal"]["step"]) == (202, "retrying", "approved")
    assert (await decide(app, "approve"))[0] == 409
    assert (await decide(app, "dismiss"))[0] == 409
    assert (await decide(app, "retry"))[0] == 409
    await world.settle()
    status, document = await app.call("show_document", transaction_id="USMF-INV-1-1")
    assert (document["number"], document["state"], document["proposal"]) == ("INV-1", "reported", None)
    assert document["payload"]["transaction_id"] == "USMF-INV-1-1"
    assert document["audit_intact"]


async def test_a_dismissed_document_is_reported_again_at_once(world: World, app: App) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    await decide(app, "retry")
    await world.settle()
    status, document = await decide(app, "dismiss")
    assert (status, document["state"], document["reason"], document["proposal"]) == (202, "reported", None, None)
    assert document["payload"]["shipping"] == "12.00"


async def test_a_held_document_without_a_proposal_cannot_be_approved(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY, ship_to=ODD))
    await world.run()
    for decision in ("approve", "dismiss"):
        assert (await decide(app, decision))[0] == 409
    assert (await world.record("INV-1")).state is State.HELD


@pytest.mark.parametrize("body", [{}, {"reason": "  "}, {"by": "Pat"}, {"reason": "x", "extra": 1}, b"{", b"[]"])
async def test_a_decision_needs_a_reason(world: World, app: App, body: object) -> None:
    world.posting.invoice(sale(on=TODAY, ship_to=ODD))
    await world.run()
    status, answer = await decide(app, "retry", body)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert (await world.record("INV-1")).state is State.HELD


async def test_what_is_not_there_cannot_be_decided(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY))
    await world.run()
    assert (await decide(app, "retry", number="INV-2"))[0] == 404
    assert (await decide(app, "delete"))[0] == 404
    assert (await decide(app, "retry", voucher="none"))[0] == 404
    path: dict[str, Any] = {"transaction_id": "USMF-INV-1", "decision": "retry"}
    assert (await app.call("decide_document", WHY, company="zzzz", **path))[0] == 404
    assert (await app.call("decide_document", WHY, connection="zzzz", **path))[0] == 404


async def test_a_second_document_of_a_number_is_decided_on_under_its_own_id(world: World, app: App) -> None:
    world.posting.invoice(sale(on=TODAY - timedelta(days=1), voucher="V-1"))
    world.posting.invoice(sale(on=TODAY, voucher="V-2"))
    await world.run()
    _, first = await app.call("show_document", transaction_id="USMF-INV-1")
    assert (first["voucher"], first["state"]) == ("V-1", "reported")
    later = next(record for record in await world.records() if record.key.voucher == "V-2")
    _, second = await app.call("show_document", transaction_id=later.filing.transaction_id)
    assert (second["voucher"], second["state"]) == ("V-2", "reported")
    status, answer = await decide(app, "retry", number=later.filing.transaction_id.removeprefix("USMF-"))
    assert (status, answer["voucher"]) == (202, "V-2")


async def test_all_documents_of_a_reason_are_re_driven_and_each_is_audited(world: World, app: App) -> None:
    for number in range(45):
        world.posting.invoice(sale(f"INV-{number}", TODAY, ship_to=ODD))
    world.posting.invoice(sale("MIXED", TODAY, lines=[LineSpec(tax=-30)]))
    world.posting.invoice(sale("FINE", TODAY))
    await world.run()
    untouched = [await world.record(number) for number in ("MIXED", "FINE")]
    _correct_address(world)
    query = {"state": "held", "reason": "zip_state_mismatch"}
    status, answer = await app.call("retry_documents", WHY, query=query)
    assert (status, answer) == (202, {"retried": 45})
    await world.settle()
    assert {(await world.record(f"INV-{number}")).state for number in (0, 20, 44)} == {State.REPORTED}
    assert [await world.record(number) for number in ("MIXED", "FINE")] == untouched
    [entry] = [entry for entry in await world.audit("INV-44") if entry["decision"] == "retry"]
    assert (entry["by"], entry["function"]) == ("Pat", "retry_documents")


async def test_all_failed_documents_are_re_driven_at_once(world: World, app: App) -> None:
    for number in range(3):
        world.posting.invoice(sale(f"INV-{number}", TODAY))
    world.posting.invoice(sale("ASTRAY", TODAY, ship_to=ODD))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503))
    await world.poll()
    await world.work()
    world.clock.advance(days=8)
    await world.settle()
    assert {(await world.record(f"INV-{number}")).state for number in range(3)} == {State.FAILED}
    world.simulation.taxjar.faults.clear()
    assert await app.call("retry_documents", WHY, query={"state": "failed"}) == (202, {"retried": 3})
    await world.settle()
    assert {(await world.record(f"INV-{number}")).state for number in range(3)} == {State.REPORTED}
    assert (await world.record("ASTRAY")).state is State.HELD


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, {**WHY, "state": "held", "reason_code": "zip_state_mismatch"}),
        ({}, {**WHY, "reason_code": "zip_state_mismatch"}),
        ({}, {"reason": "zip_state_mismatch", "by": "Pat", "state": "held"}),
        ({"from": TODAY.isoformat(), "to": TODAY.isoformat()}, {**WHY, "state": "held"}),
    ],
)
async def test_the_filter_may_stand_in_the_body_or_the_query(
    world: World, app: App, query: dict[str, str], body: dict[str, str]
) -> None:
    world.posting.invoice(sale("INV-1", TODAY, ship_to=ODD))
    mixed_on = TODAY - timedelta(days=1)
    world.posting.invoice(sale("MIXED", mixed_on, lines=[LineSpec(tax=-30)]))
    await world.run()
    assert await app.call("retry_documents", body, query=query) == (202, {"retried": 1})


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, WHY),
        ({"state": "held"}, {}),
        ({"state": "reported"}, WHY),
        ({"state": "retrying"}, WHY),
        ({"state": "odd"}, WHY),
        ({"color": "red"}, WHY),
    ],
)
async def test_a_re_drive_says_which_documents_and_why(
    world: World, app: App, query: dict[str, str], body: object
) -> None:
    status, answer = await app.call("retry_documents", body, query=query)
    assert (status, answer["error"]["code"]) == (400, "bad_request")


async def test_every_document_stays_accounted_for_through_all_decisions(world: World, app: App) -> None:
    for number in range(6):
        world.posting.invoice(sale(f"INV-{number}", LAST_MONTH, ship_to=ODD if number == 5 else sale().ship_to))
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    for number, decisions in enumerate((["retry"], ["retry", "approve"], ["retry", "dismiss"], ["retry", "retry"])):
        for decision in decisions:
            assert (await decide(app, decision, number=f"INV-{number}"))[0] == 202
            assert len(await world.records()) == 6
            await world.settle()
    states = [record.state for record in sorted(await world.records(), key=lambda record: record.key.number)]
    assert states == [State.HELD, State.REPORTED, State.REPORTED, State.HELD, State.REPORTED, State.HELD]


async def test_two_people_who_decide_at_once_have_one_effect(world: World, app: App) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    await decide(app, "retry")
    await world.settle()
    stale = await world.record("INV-1")
    await decide(app, "dismiss")

    async def find_stale(*_: object) -> Any:
        return [stale]

    world.connector.ledger.find = find_stale  # type: ignore[method-assign, assignment]
    status, answer = await decide(app, "approve")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    record = await world.connector.ledger.get(CONNECTION, stale.key)
    assert record is not None
    assert record.state is State.REPORTED
    assert await world.connector.ledger.owner_of(CONNECTION, world.company, "USMF-INV-1-1") is None


def _correct_address(world: World) -> None:
    """A clerk corrects the state of the delivery address."""
    for row in world.simulation.dynamics.rows("LogisticsPostalAddressBiEntities"):
        if row["ZipCode"] == ODD.zip:
            row["State"] = "TX"

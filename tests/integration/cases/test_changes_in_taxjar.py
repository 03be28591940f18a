"""What somebody deletes or changes in TaxJar: restored in an open period, a person's to decide in a closed one.

Each cell of {deleted, changed} by {open, closed by day, closed by person} by {order, refund, reversal, replacement}.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest

from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.flows.work.problems import Conflict
from shared.ledger.records import State
from tests.filing import IDS, NUMBERS, Period, close, decided, held_change, net, of_document, reported, shown
from tests.reconciling import edit_in_taxjar, findings, lose_in_taxjar
from tests.world import World

What = Literal["order", "refund", "reversal", "replacement"]
Change = Literal["deleted", "changed"]

WHATS = pytest.mark.parametrize("what", ["order", "refund", "reversal", "replacement"])
CHANGES = pytest.mark.parametrize("change", ["deleted", "changed"])
CLOSED = pytest.mark.parametrize("period", ["closed by day", "closed by person"])
TOUCHED = {"order": "USMF-INV-1", "refund": "USMF-CRN-1-refund", "reversal": "USMF-INV-1-reversal-1"}
TOUCHED["replacement"] = "USMF-INV-1-1"


def document_of(what: What) -> tuple[str, str]:
    """Number and id of the document that has it."""
    kind = "refund" if what == "refund" else "order"
    return NUMBERS[kind], IDS[kind]


async def filed(world: World, what: What, period: Period) -> None:
    """A document with that transaction, in a period that is open or closed by now."""
    if what in ("order", "refund"):
        await reported(world, what, period)
        return
    await held_change(world, "order", "closed by day")
    await decided(world, "USMF-INV-1", "approve")
    if period == "closed by day":
        world.clock.advance(days=20)
    elif period == "closed by person":
        world.clock.advance(days=1)
        await close(world, "TX", world.clock().date() - timedelta(days=1))


def touch(world: World, what: What, change: Change) -> None:
    if change == "deleted":
        lose_in_taxjar(world, TOUCHED[what])
    else:
        stored = world.taxjar.transactions["api", TOUCHED[what]]
        edit_in_taxjar(world, TOUCHED[what], amount=stored.amount * 2, sales_tax=stored.sales_tax * 2)


async def night(world: World, change: Change) -> None:
    """What was deleted is found by the nightly run, what was changed by a deep one."""
    if change == "deleted":
        await reconcile_nightly(world.connector, by="timer")
    else:
        await findings(world, heal=True, deep=True)
    await world.settle()


@WHATS
@CHANGES
async def test_in_an_open_period_the_night_restores_it_as_it_was(world: World, what: What, change: Change) -> None:
    await filed(world, what, "open")
    number, transaction_id = document_of(what)
    before = net(of_document(world, transaction_id))
    as_filed = world.taxjar.transactions["api", TOUCHED[what]]
    touch(world, what, change)
    await night(world, change)
    assert (await world.record(number)).state is State.REPORTED
    assert net(of_document(world, transaction_id)) == before
    restored = world.taxjar.transactions["api", TOUCHED[what]]
    assert (restored.amount, restored.sales_tax, restored.transaction_date) == (
        as_filed.amount,
        as_filed.sales_tax,
        as_filed.transaction_date,
    )
    assert (await findings(world))["documents"] == []


@WHATS
@CHANGES
@CLOSED
async def test_in_a_closed_period_the_night_sends_nothing_and_holds_it_with_a_proposal(
    world: World, what: What, change: Change, period: Period
) -> None:
    await filed(world, what, period)
    number, transaction_id = document_of(what)
    touch(world, what, change)
    before = dict(world.taxjar.transactions)
    for _ in range(2):
        await night(world, change)
        record = await world.record(number)
        assert (record.state, record.reason) == (State.HELD, f"{change}_in_taxjar")
        assert world.taxjar.transactions == before
    proposal = (await shown(world, transaction_id))["proposal"]
    assert all(each["ids"] for each in proposal["pairs"])


@WHATS
@CHANGES
@CLOSED
async def test_approving_puts_the_net_right_and_leaves_what_is_closed_alone(
    world: World, what: What, change: Change, period: Period
) -> None:
    await filed(world, what, period)
    number, transaction_id = document_of(what)
    right = net(of_document(world, transaction_id))
    touch(world, what, change)
    await night(world, change)
    before = dict(world.taxjar.transactions)
    await decided(world, transaction_id, "approve")
    assert (await world.record(number)).state is State.REPORTED
    assert net(of_document(world, transaction_id)) == right
    assert all(world.taxjar.transactions[key] == stored for key, stored in before.items())
    added = [stored for key, stored in world.taxjar.transactions.items() if key not in before]
    assert {stored.transaction_date.date() for stored in added} == {world.clock().date()}
    await night(world, change)
    assert (await world.record(number)).state is State.REPORTED
    assert net(of_document(world, transaction_id)) == right


@WHATS
@CHANGES
@CLOSED
async def test_dismissing_keeps_what_taxjar_holds_however_many_nights_pass(
    world: World, what: What, change: Change, period: Period
) -> None:
    await filed(world, what, period)
    number, transaction_id = document_of(what)
    touch(world, what, change)
    await night(world, change)
    before = dict(world.taxjar.transactions)
    await decided(world, transaction_id, "dismiss")
    for _ in range(2):
        await night(world, change)
        assert (await world.record(number)).state is State.REPORTED
        assert world.taxjar.transactions == before


@WHATS
async def test_a_held_deletion_can_be_settled_and_reopened(world: World, what: What) -> None:
    await filed(world, what, "closed by day")
    number, transaction_id = document_of(what)
    touch(world, what, "deleted")
    await night(world, "deleted")
    before = dict(world.taxjar.transactions)
    await decided(world, transaction_id, "settle")
    await night(world, "deleted")
    record = await world.record(number)
    assert (record.state, record.reason) == (State.SKIPPED, "handled_outside")
    assert world.taxjar.transactions == before
    await decided(world, transaction_id, "retry")
    assert (await world.record(number)).reason == "deleted_in_taxjar"


async def test_a_deleted_reversal_in_an_open_period_never_doubles_the_net(world: World) -> None:
    """Neither while it is missing to nobody's knowledge, nor by being sent twice."""
    await filed(world, "reversal", "open")
    right = net(of_document(world, "USMF-INV-1"))
    lose_in_taxjar(world, "USMF-INV-1-reversal-1")
    assert net(of_document(world, "USMF-INV-1")) != right
    found = await findings(world)
    assert [each["transaction_id"] for each in found["documents"]] == ["USMF-INV-1"]
    await night(world, "deleted")
    await night(world, "deleted")
    assert net(of_document(world, "USMF-INV-1")) == right
    assert right[0] == Decimal(117)


@pytest.mark.parametrize("decision", ["approve", "dismiss"])
async def test_a_reversal_is_not_restored_without_what_it_reverses(world: World, decision: str) -> None:
    """Both were deleted; only the period of the reversal is open. Restored alone it would take the sale back twice."""
    await filed(world, "reversal", "open")
    right = net(of_document(world, "USMF-INV-1"))
    lose_in_taxjar(world, "USMF-INV-1")
    lose_in_taxjar(world, "USMF-INV-1-reversal-1")
    await night(world, "deleted")
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "deleted_in_taxjar")
    assert net(of_document(world, "USMF-INV-1")) == right
    await decided(world, "USMF-INV-1", decision)
    assert (await world.record("INV-1")).state is State.REPORTED
    assert net(world.taxjar.transactions.values()) == right
    await night(world, "deleted")
    assert net(world.taxjar.transactions.values()) == right


async def test_a_decision_on_what_changed_in_the_meantime_has_no_effect(world: World) -> None:
    await filed(world, "order", "closed by day")
    touch(world, "order", "deleted")
    await night(world, "deleted")
    await decided(world, "USMF-INV-1", "dismiss")
    with pytest.raises(Conflict):
        await decided(world, "USMF-INV-1", "approve")
    assert world.taxjar.orders == {}

"""TaxJar has lost, or holds otherwise, what was filed: a change is decided on what is really there (design 4.6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.filing import HANDLING_SHIPS, corrections, decided, held_change, net, of_document, reported, shown
from tests.reconciling import change_in_dynamics, edit_in_taxjar, findings, lose_in_taxjar
from tests.world import TODAY, World

FILED = (Decimal("117.00"), Decimal("12.00"))
CORRECTED = (Decimal("117.00"), Decimal("17.00"))


async def test_what_was_deleted_in_a_closed_period_is_proposed_as_it_is_now(world: World) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    lose_in_taxjar(world, "USMF-INV-1")
    await findings(world, heal=True)
    await world.settle()
    document = await shown(world, "USMF-INV-1")
    assert (document["reason"], document["proposal"]["ids"]) == ("deleted_in_taxjar", {"replacement": "USMF-INV-1-1"})
    assert of_document(world, "USMF-INV-1") == []
    await decided(world, "USMF-INV-1", "approve")
    assert net(of_document(world, "USMF-INV-1"))[:2] == CORRECTED
    assert len(of_document(world, "USMF-INV-1")) == 1


async def test_a_claim_renewed_for_a_look_at_what_was_filed_is_not_lost_when_the_look_fails(world: World) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)

    async def pass_time(seconds: float) -> None:
        world.clock.advance(seconds=seconds)

    world.simulation.dynamics.faults.sleep = pass_time
    world.simulation.dynamics.faults.add(Fault(path="*/SalesInvoiceV2Lines", delay=70))
    world.simulation.taxjar.faults.add(Fault(method="GET", path="*/orders/*", status=503))
    await decided(world, "USMF-INV-1", "retry", settle=False)
    await world.work()
    assert (await world.record("INV-1")).state is State.RETRYING
    assert len(world.queue.waiting) == 1


async def test_what_was_kept_and_is_deleted_in_a_closed_period_is_a_persons_to_decide(
    world: World,
) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, "USMF-INV-1", "dismiss")
    lose_in_taxjar(world, "USMF-INV-1")
    assert (await findings(world, heal=True))["enqueued"] == 1
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "deleted_in_taxjar")
    assert of_document(world, "USMF-INV-1") == []
    await decided(world, "USMF-INV-1", "dismiss")
    assert (await findings(world, heal=True))["enqueued"] == 0
    assert of_document(world, "USMF-INV-1") == []


async def test_what_cannot_be_mapped_any_more_is_restored_as_it_was_filed(world: World) -> None:
    await reported(world, "order", "open")
    change_in_dynamics(world, "INV-1", TotalInvoiceAmount=Decimal("126.65"), TotalTaxAmount=Decimal("5.00"))
    lose_in_taxjar(world, "USMF-INV-1")
    await findings(world, heal=True)
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "amounts_do_not_add_up")
    assert "TaxJar keeps what was reported before" in record.message
    assert net(of_document(world, "USMF-INV-1"))[:2] == FILED
    await decided(world, "USMF-INV-1", "dismiss")
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_change_in_an_open_period_is_sent_whether_or_not_taxjar_lost_the_filed_one(world: World) -> None:
    await reported(world, "order", "open")
    world.change_settings(**HANDLING_SHIPS)
    lose_in_taxjar(world, "USMF-INV-1")
    await findings(world, heal=True)
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    [stored] = of_document(world, "USMF-INV-1")
    assert stored.shipping == Decimal("17.00")


@pytest.mark.parametrize("change", ["lost", "edited"])
async def test_what_taxjar_does_not_hold_as_filed_is_not_reversed(world: World, change: str) -> None:
    await held_change(world, "order", "closed by day")
    if change == "lost":
        lose_in_taxjar(world, "USMF-INV-1")
    else:
        edit_in_taxjar(world, "USMF-INV-1", sales_tax=Decimal("1.00"))
    posts = world.calls("POST")
    await decided(world, "USMF-INV-1", "approve")
    record = await world.record("INV-1")
    assert (record.state, record.reason, record.decisions.proposal) == (State.HELD, "filed_transaction_changed", None)
    assert "Retry the document" in record.message
    assert (world.calls("POST"), corrections(record)) == (posts, 0)
    await decided(world, "USMF-INV-1", "retry")
    reason = {"lost": "deleted_in_taxjar", "edited": "filed_transaction_changed"}[change]
    assert (await world.record("INV-1")).reason == reason
    await decided(world, "USMF-INV-1", "approve")
    *reversed_and_reversal, replacement = of_document(world, "USMF-INV-1")
    assert net(reversed_and_reversal) == (0, 0, 0)
    assert len(reversed_and_reversal) == {"lost": 0, "edited": 2}[change]
    assert replacement.shipping == Decimal("17.00")


async def test_a_deletion_in_a_closed_period_is_held_also_when_nothing_is_to_be_changed_any_more(world: World) -> None:
    await held_change(world, "order", "closed by day")
    lose_in_taxjar(world, "USMF-INV-1")
    await decided(world, "USMF-INV-1", "approve")
    world.change_settings(shipping_charge_codes=None)
    await decided(world, "USMF-INV-1", "retry")
    assert (await world.record("INV-1")).reason == "deleted_in_taxjar"
    await decided(world, "USMF-INV-1", "approve")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert net(of_document(world, "USMF-INV-1"))[:2] == FILED


async def test_what_was_edited_by_hand_is_withdrawn_as_taxjar_holds_it(world: World) -> None:
    await reported(world, "order", "closed by day")
    edit_in_taxjar(world, "USMF-INV-1", sales_tax=Decimal("1.00"))
    world.change_settings(report_from=TODAY)
    await decided(world, "USMF-INV-1", "retry")
    assert (await shown(world, "USMF-INV-1"))["proposal"]["filed"]["sales_tax"] == "1.0"
    await decided(world, "USMF-INV-1", "approve")
    assert (await world.record("INV-1")).state is State.SKIPPED
    assert net(of_document(world, "USMF-INV-1")) == (0, 0, 0)


async def test_what_taxjar_refuses_to_take_back_is_held_with_its_words(world: World) -> None:
    await reported(world, "order", "open")
    lose_in_taxjar(world, "USMF-INV-1")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/orders", status=400, times=1))
    await findings(world, heal=True)
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "rejected_by_taxjar")
    await decided(world, "USMF-INV-1", "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert net(of_document(world, "USMF-INV-1"))[:2] == FILED

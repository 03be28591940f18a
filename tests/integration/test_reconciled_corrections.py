"""Corrected documents, and those that wait for a correction, in a reconciliation (design 4.6 and 4.7)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from local.simulators.faults import Fault
from local.simulators.taxjar.records import StoredTransaction
from shared.ledger.records import State
from tests import filing
from tests.reconciling import edit_in_taxjar, findings, invoice, lose_in_taxjar, statuses, sweep
from tests.world import TODAY, World


async def test_a_transaction_of_another_document_does_not_count_for_a_corrected_one(world: World) -> None:
    await filing.reported(world, "order", "closed by day")
    world.posting.invoice(filing.sale("INV-1-1", TODAY))
    await world.run()
    world.change_settings(**filing.HANDLING_SHIPS)
    await filing.decided(world, "USMF-INV-1", "retry")
    await filing.decided(world, "USMF-INV-1", "approve")
    assert "USMF-INV-1-2" in world.taxjar.orders
    assert (await findings(world))["documents"] == []
    for lost in ("USMF-INV-1", "USMF-INV-1-reversal-2", "USMF-INV-1-2"):
        lose_in_taxjar(world, lost)
    assert statuses(await findings(world, heal=True)) == {"USMF-INV-1": "missing_in_taxjar"}
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "deleted_in_taxjar")
    await filing.decided(world, "USMF-INV-1", "approve")
    assert (await findings(world))["documents"] == []
    assert filing.net(world.taxjar.transactions.values())[:2] == (Decimal("234.00"), Decimal("29.00"))


async def test_a_replacement_that_taxjar_lost_is_sent_again(world: World) -> None:
    await filing.held_change(world, "order", "closed by day")
    await filing.decided(world, "USMF-INV-1", "approve")
    lose_in_taxjar(world, "USMF-INV-1-1")
    found = await findings(world, heal=True)
    assert (statuses(found), found["enqueued"]) == ({"USMF-INV-1": "missing_in_taxjar"}, 1)
    await world.settle()
    assert filing.net(world.taxjar.transactions.values())[:2] == (Decimal("117.00"), Decimal("17.00"))
    assert (await findings(world))["documents"] == []


@pytest.mark.parametrize(("path", "status"), [("*/refunds", "reconciled"), ("*/orders", "amount_mismatch")])
async def test_a_correction_that_failed_on_its_way_is_brought_to_its_end(world: World, path: str, status: str) -> None:
    await filing.held_change(world, "order", "closed by day")
    world.simulation.taxjar.faults.add(Fault(method="POST", path=path, status=503))
    await filing.decided(world, "USMF-INV-1", "approve", settle=False)
    await world.work()
    world.clock.advance(days=8)
    await world.settle()
    assert (await world.record("INV-1")).state is State.FAILED
    world.simulation.taxjar.faults.clear()
    found = await findings(world, heal=True)
    assert (found["counts"][status], found["enqueued"]) == (1, 1)
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert [one.transaction_id for one in filing.of_document(world, "USMF-INV-1")] == [
        "USMF-INV-1",
        "USMF-INV-1-reversal-1",
        "USMF-INV-1-1",
    ]


async def test_what_waits_with_a_proposal_is_compared_with_what_taxjar_holds(world: World) -> None:
    entered_by_hand = StoredTransaction(
        transaction_id="USMF-INV-1",
        kind="order",
        transaction_date=datetime(2026, 9, 18, tzinfo=UTC),
        amount=Decimal("100.00"),
        sales_tax=Decimal("8.25"),
        to_country="US",
        to_state="TX",
        to_zip="75207",
        shipping=Decimal(0),
    )
    world.taxjar.store(entered_by_hand)
    world.posting.invoice(invoice("INV-1", date(2026, 10, 28)))
    await sweep(world)
    assert (await world.record("INV-1")).reason == "filed_transaction_changed"
    found = await findings(world)
    assert (found["counts"]["reconciled"], found["documents"]) == (1, [])


async def test_a_refund_that_taxjar_shows_with_positive_money_is_a_refund(world: World) -> None:
    await filing.reported(world, "refund", "closed by day")
    stored = world.taxjar.refunds["USMF-CRN-1-refund"]
    edit_in_taxjar(world, "USMF-CRN-1-refund", amount=-stored.amount, sales_tax=-stored.sales_tax)
    assert (await findings(world, deep=True))["documents"] == []

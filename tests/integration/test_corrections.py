"""What becomes of approved corrections: later changes, edits by hand in TaxJar, refusals, ids (design 4.6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from local.simulators.dynamics.specs import LineSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.filing import (
    HANDLING_SHIPS,
    IDS,
    corrections,
    decided,
    held_change,
    net,
    of_document,
    read_again,
    reported,
    sale,
    shown,
)
from tests.reconciling import findings, lose_in_taxjar
from tests.world import TODAY, World


async def test_the_replacement_is_what_later_changes_correct(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, IDS["order"], "approve")
    world.clock.advance(days=30)
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    proposal = (await shown(world, IDS["order"]))["proposal"]
    assert proposal["ids"] == {"reversal": "USMF-INV-1-reversal-2", "replacement": "USMF-INV-1-2"}
    assert proposal["payloads"]["reversal"]["transaction_reference_id"] == "USMF-INV-1-1"
    await decided(world, IDS["order"], "approve")
    assert net(of_document(world, "USMF-INV-1"))[:2] == (Decimal("117.00"), Decimal("5.00"))
    assert len(world.taxjar.transactions) == 5


async def test_in_an_open_period_the_replacement_itself_is_changed(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, IDS["order"], "approve")
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert world.taxjar.orders["USMF-INV-1-1"].shipping == Decimal("5.00")
    assert world.taxjar.orders["USMF-INV-1-1"].transaction_date.date() == TODAY
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("12.00")


async def test_the_codes_of_the_replacement_are_kept(world: World) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}})
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    replacement = world.taxjar.orders["USMF-INV-1-1"]
    assert replacement.line_items[0].product_tax_code == "20010"
    world.change_settings(product_tax_codes={})
    lose_in_taxjar(world, "USMF-INV-1-1")
    await findings(world, heal=True)
    await world.settle()
    assert (world.taxjar.orders["USMF-INV-1-1"], world.calls("PUT")) == (replacement, 0)


async def test_a_corrected_document_read_again_is_unchanged(world: World) -> None:
    await reported(world, "order", "closed by day")
    for row in world.simulation.dynamics.rows("LogisticsPostalAddressBiEntities"):
        row["Street"] = str(row["Street"]).replace("Barton", "Burton")
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert corrections(await world.record("INV-1")) == 1
    world.change_settings(**HANDLING_SHIPS)
    calls = len(world.simulation.taxjar.calls)
    await read_again(world, "INV-1")
    record = await world.record("INV-1")
    assert (record.state, record.message) == (State.REPORTED, "Unchanged since it was reported.")
    assert len(world.simulation.taxjar.calls) == calls


async def test_what_was_changed_by_hand_in_taxjar_is_reversed_as_taxjar_holds_it(world: World) -> None:
    await reported(world, "order", "closed by day")
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, sales_tax=Decimal("1.00")))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    filed, reversal, _ = of_document(world, "USMF-INV-1")
    assert net([filed, reversal]) == (0, 0, 0)


async def test_what_taxjar_holds_and_does_not_add_up_is_reversed_in_one_line(world: World) -> None:
    await reported(world, "order", "closed by day")
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, amount=Decimal("90.00")))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert world.taxjar.refunds["USMF-INV-1-reversal-1"].amount == Decimal("-90.00")
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_ids_of_a_correction_are_never_those_of_another_document(world: World) -> None:
    await reported(world, "order", "closed by day")
    world.posting.invoice(sale("INV-1-1", TODAY, lines=[LineSpec(price=7)]))
    await world.run()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert world.taxjar.orders["USMF-INV-1-1"].amount == Decimal("24.00")
    assert world.taxjar.orders["USMF-INV-1-2"].shipping == Decimal("17.00")
    world.posting.invoice(sale("INV-1-2", TODAY))
    await world.run()
    later = await world.record("INV-1-2")
    assert (later.state, later.filing.transaction_id[:13]) == (State.REPORTED, "USMF-INV-1-2-")
    assert (await shown(world, "USMF-INV-1-2"))["number"] == "INV-1"


async def test_a_replacement_that_taxjar_refuses_is_held_and_a_retry_sends_it_anew(world: World) -> None:
    await held_change(world, "order", "closed by day")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/orders", status=400, times=1))
    await decided(world, "USMF-INV-1", "approve")
    document = await shown(world, "USMF-INV-1")
    assert (document["state"], document["reason"]) == ("held", "rejected_by_taxjar")
    assert "USMF-INV-1-reversal-1" in document["message"]
    await decided(world, "USMF-INV-1", "retry")
    record = await world.record("INV-1")
    assert (record.state, record.filing.late) == (State.REPORTED, True)
    assert net(of_document(world, "USMF-INV-1"))[:2] == (Decimal("117.00"), Decimal("17.00"))
    assert world.taxjar.orders["USMF-INV-1-1"].transaction_date.date() == TODAY


async def test_a_reversal_that_taxjar_refuses_leaves_what_was_filed(world: World) -> None:
    await held_change(world, "order", "closed by day")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/refunds", status=400, times=1))
    await decided(world, "USMF-INV-1", "approve")
    assert (await world.record("INV-1")).reason == "rejected_by_taxjar"
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert [one.transaction_id for one in of_document(world, "USMF-INV-1")] == [
        "USMF-INV-1",
        "USMF-INV-1-reversal-1",
        "USMF-INV-1-1",
    ]


async def test_a_foreign_transaction_under_the_id_of_a_reversal_is_not_taken_for_it(world: World) -> None:
    await held_change(world, "order", "closed by day")
    world.taxjar.store(
        replace(world.taxjar.orders["USMF-INV-1"], kind="refund", transaction_id="USMF-INV-1-reversal-1")
    )
    await decided(world, "USMF-INV-1", "approve")
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "rejected_by_taxjar")
    assert "USMF-INV-1-1" not in world.taxjar.orders

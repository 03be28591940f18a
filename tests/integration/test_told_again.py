"""An event of a document that is reported already: read again, and taken up only if it changed (design 4.2, 4.6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.simulators.dynamics.events import posted_event
from local.simulators.dynamics.specs import AUSTIN, PostedInvoice
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.filing import DATES, decided, sale
from tests.reconciling import change_in_dynamics, findings
from tests.world import NOW, World

ADDRESSES = "LogisticsPostalAddressBiEntities"
ID = "USMF-INV-1"


async def reported(world: World, period: str = "open") -> PostedInvoice:
    posted = world.posting.invoice(sale(on=DATES[period]))
    await world.sweep()
    await world.settle()
    return posted


async def tell(world: World, posted: PostedInvoice) -> None:
    await world.deliver(posted_event(posted, 5637611904, NOW))
    await world.settle()


def move(world: World) -> None:
    """Correct the street of every address in F&O."""
    store = world.simulation.dynamics.store
    for row in list(store.rows(ADDRESSES)):
        store.update(ADDRESSES, row, {"Street": "9 New St"})


async def test_what_is_unchanged_costs_no_call_and_leaves_no_trace(world: World) -> None:
    posted = await reported(world)
    before, audit, calls = await world.record("INV-1"), await world.audit("INV-1"), world.calls()
    await tell(world, posted)
    assert (await world.record("INV-1"), await world.audit("INV-1"), world.calls()) == (before, audit, calls)


async def test_a_change_in_an_open_month_is_put_with_before_and_after(world: World) -> None:
    posted = await reported(world)
    move(world)
    await tell(world, posted)
    assert world.taxjar.orders[ID].to_street == "9 New St"
    last = (await world.audit("INV-1"))[-1]
    assert (last["decision"], last["before"]["to_street"] != "9 New St") == ("reported", True)
    assert last["after"]["to_street"] == "9 New St"
    assert (world.calls("POST"), world.calls("PUT")) == (1, 1)


async def test_a_change_in_a_closed_month_is_held_for_a_person(world: World) -> None:
    posted = await reported(world, "closed by day")
    before = dict(world.taxjar.transactions)
    move(world)
    await tell(world, posted)
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "filed_transaction_changed")
    assert world.taxjar.transactions == before


async def test_totals_that_a_person_dismissed_stay_dismissed(world: World) -> None:
    posted = await reported(world)
    change_in_dynamics(world, "INV-1", TotalInvoiceAmount=Decimal("999.00"))
    await findings(world, heal=True)
    await decided(world, ID, "dismiss")
    before, calls = await world.record("INV-1"), world.calls()
    await tell(world, posted)
    assert (await world.record("INV-1"), world.calls()) == (before, calls)


async def test_while_f_and_o_cannot_be_read_it_is_asked_again(world: World) -> None:
    posted = await reported(world)
    move(world)
    world.simulation.dynamics.faults.add(Fault(path="*/SalesInvoiceV2Lines", status=503, times=3))
    await tell(world, posted)
    assert world.taxjar.orders[ID].to_street == "9 New St"


async def test_its_seven_days_begin_with_the_change(world: World) -> None:
    posted = await reported(world)
    world.clock.advance(days=8)
    move(world)
    world.simulation.taxjar.faults.add(Fault(method="PUT", status=503, times=1))
    await tell(world, posted)
    record = await world.record("INV-1")
    assert (record.state, record.attempts) == (State.REPORTED, 2)
    assert world.taxjar.orders[ID].to_street == "9 New St"


@pytest.mark.parametrize("state", ["held", "skipped"])
async def test_only_reported_documents_are_read_again(world: World, state: str) -> None:
    changes = {"held": {"ship_to": replace(AUSTIN, zip="10001")}, "skipped": {"currency": "EUR"}}
    posted = world.posting.invoice(sale(on=DATES["open"], **changes[state]))
    await world.sweep()
    await world.settle()
    before = await world.record("INV-1")
    assert before.state == state
    move(world)
    await tell(world, posted)
    assert await world.record("INV-1") == before

"""A document that looks half posted is read again for HALF_POSTED_MINUTES before it is held (design 4.1, case T40)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from local.simulators.dynamics.specs import InvoiceSpec
from shared.ledger.records import State
from tests.world import TODAY, World

LINES = ("SalesInvoiceV2Lines", "CustInvoiceTransBiEntities")


def post_without_lines(world: World) -> list[tuple[str, dict[str, object]]]:
    """Post an invoice of which F&O shows no line yet; return what it will show."""
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, tax_rate=Decimal("0.0825")))
    store = world.simulation.dynamics.store
    hidden = [(name, row) for name in LINES for row in list(store.rows(name))]
    for name, row in hidden:
        store.remove(name, row)
    return [(name, dict(row)) for name, row in hidden]


async def test_lines_that_arrive_seconds_after_the_header_are_reported_by_themselves(world: World) -> None:
    rows = post_without_lines(world)
    await world.poll()
    await world.work()
    record = await world.record("INV-1")
    assert (record.state, world.taxjar.orders) == (State.RETRYING, {})
    assert "may still be posting" in record.message
    world.clock.advance(seconds=3)
    for name, row in rows:
        world.simulation.dynamics.store.add(name, row)
    await world.settle(within=timedelta(minutes=30))
    assert (await world.record("INV-1")).state is State.REPORTED
    assert world.taxjar.orders["USMF-INV-1"].amount == Decimal("100.00")


async def test_lines_that_never_arrive_are_held_after_half_an_hour_and_not_before(world: World) -> None:
    post_without_lines(world)
    await world.poll()
    await world.settle(within=timedelta(minutes=29))
    assert (await world.record("INV-1")).state is State.RETRYING
    await world.settle(within=timedelta(hours=3))
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "lines_missing")
    assert record.updated_at - record.seen_at >= timedelta(minutes=30)

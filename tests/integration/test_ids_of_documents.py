"""Documents that share a number: whose the id is, and who waits for it (design 4.3)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, LineSpec
from shared.ledger.records import DocumentRecord, State
from tests.filing import decided, sale
from tests.world import TODAY, World

YESTERDAY = TODAY - timedelta(days=1)
ODD = AddressSpec("1 Main St", "Austin", "NY", "78704")
SMALL = [LineSpec(price=7)]


async def by_voucher(world: World) -> dict[str, DocumentRecord]:
    return {record.key.voucher: record for record in await world.records()}


async def outcomes(world: World) -> dict[str, tuple[State, str]]:
    return {voucher: (record.state, record.reason) for voucher, record in (await by_voucher(world)).items()}


async def test_a_held_document_keeps_its_id_from_a_later_one_of_the_same_number(world: World) -> None:
    later = f"USMF-INV-1-{sha256(f'{TODAY}|V-2'.encode()).hexdigest()[:8]}"
    world.posting.invoice(sale(on=YESTERDAY, voucher="V-1", ship_to=ODD))
    await world.run()
    world.posting.invoice(sale(on=TODAY, voucher="V-2", lines=SMALL, charges=[]))
    await world.run()
    assert await outcomes(world) == {"V-1": (State.HELD, "zip_state_mismatch"), "V-2": (State.REPORTED, "")}
    assert world.taxjar.orders.keys() == {later}
    for row in world.simulation.dynamics.rows("LogisticsPostalAddressBiEntities"):
        row["State"] = "TX"
    await decided(world, "USMF-INV-1", "retry", voucher="V-1")
    await decided(world, later, "retry")
    assert await outcomes(world) == {"V-1": (State.REPORTED, ""), "V-2": (State.REPORTED, "")}
    amounts = {order.transaction_id: order.amount for order in world.taxjar.orders.values()}
    assert amounts == {"USMF-INV-1": 117, later: 7}


async def test_a_document_waits_for_the_owner_of_its_id_and_takes_it_when_that_is_skipped(world: World) -> None:
    world.posting.invoice(sale(on=YESTERDAY, voucher="V-1", is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(sale(on=TODAY, voucher="V-2", lines=SMALL, charges=[]))
    await world.poll()
    world.queue.waiting.clear()
    keys = {voucher: record.key for voucher, record in (await by_voucher(world)).items()}
    await world.queue.put(CONNECTION, [keys["V-2"]])
    await world.work()
    assert await outcomes(world) == {"V-1": (State.SEEN, ""), "V-2": (State.RETRYING, "")}
    assert "not settled yet" in (await by_voucher(world))["V-2"].message
    assert world.calls() == 0
    await world.queue.put(CONNECTION, [keys["V-1"]])
    await world.settle()
    assert await outcomes(world) == {"V-1": (State.SKIPPED, "proforma"), "V-2": (State.REPORTED, "")}
    assert [(order.transaction_id, order.amount) for order in world.taxjar.orders.values()] == [("USMF-INV-1", 7)]

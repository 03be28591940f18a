"""Case T12: a number that is used again gets an id of its own, without a setting and without a person (design 4.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from local.simulation import CONNECTION
from local.simulators.dynamics.posting import Link
from shared.ledger.records import State
from tests.filing import decided
from tests.holdings import NY_LINE, TX_LINE, holdings, invoice, taxed
from tests.world import COMPANY, NOW, TODAY, World

EARLIER = TODAY - timedelta(days=30)


def suffix(voucher: str) -> str:
    return sha256(f"{TODAY}|{voucher}".encode()).hexdigest()[:8]


async def test_a_second_document_of_a_number_is_reported_with_a_suffix(world: World) -> None:
    world.posting.invoice(replace(invoice(lines=[taxed(100)]), date=EARLIER, voucher="V-1"))
    await world.sweep()
    await world.settle()
    world.posting.invoice(invoice(lines=[taxed(7)], voucher="V-2"))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00", f"USMF-INV-1-{suffix('V-2')}": "TX 7.00/0.00"}


async def test_parts_and_refunds_of_a_number_used_again_have_it_too(world: World) -> None:
    world.posting.invoice(replace(invoice(lines=[taxed(100)]), date=EARLIER, voucher="V-1"))
    await world.sweep()
    await world.settle()
    lines = [TX_LINE, NY_LINE, taxed(-20, "-1.65")]
    again = world.posting.invoice(invoice(lines=lines, voucher="V-2"))
    await world.run()
    own = f"USMF-INV-1-{suffix('V-2')}"
    assert set(holdings(world)) == {"USMF-INV-1", own, f"{own}-part-2", f"{own}-refund"}
    refunds = [line for line in again.lines if line.spec.product == "P-2"]
    back = [replace(line.spec, lot=None, returned_lot=line.lot, ship_to=None) for line in refunds]
    world.posting.credit_note(again, "CRN-1", TODAY, link=Link.RETURNED_LOT, lines=back)
    await world.run()
    [refund] = holdings(world, "CRN-1").values()
    assert refund.startswith("NY -120.00/-10.65 of USMF-INV-1-")


async def test_skipped_documents_claim_no_id(world: World) -> None:
    world.posting.invoice(replace(invoice(lines=[taxed(100)]), date=EARLIER, voucher="V-1", is_proforma=True))
    await world.sweep()
    await world.settle()
    world.posting.invoice(invoice(lines=[taxed(7)], voucher="V-2"))
    await world.run()
    assert holdings(world) == {"USMF-INV-1": "TX 7.00/0.00"}


async def collided(world: World) -> None:
    """A document that version 1 held because another has its number."""
    world.posting.invoice(replace(invoice(lines=[taxed(100)]), date=EARLIER, voucher="V-1"))
    await world.sweep()
    await world.settle()
    world.posting.invoice(invoice(lines=[taxed(7)], voucher="V-2"))
    row = {
        "PartitionKey": f"{CONNECTION}|{COMPANY}",
        "RowKey": f"doc|{TODAY}|INV-1|V-2",
        **{"company": COMPANY, "number": "INV-1", "date": TODAY.isoformat(), "voucher": "V-2"},
        **{"connection": CONNECTION, "state": "held", "reason": "id_collision", "kind": "order"},
        **{"transaction_id": "USMF-INV-1", "owns_id": False, "message": "Another document has this id."},
        **{"seen_at": NOW.isoformat(), "updated_at": NOW.isoformat(), "total_amount": "7", "total_tax": "0"},
        **{"attempts": 0, "audit_count": 0, "audit_head": ""},
    }
    await world.connector.ledger._table.create_entity(row)
    await world.connector.work.index(CONNECTION, COMPANY)


async def test_what_was_held_for_its_id_is_mapped_anew_by_the_next_sweep(world: World) -> None:
    await collided(world)
    await world.run()
    assert {record.key.voucher: record.state for record in await world.records()}["V-2"] is State.HELD
    await world.sweep()
    await world.settle()
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00", f"USMF-INV-1-{suffix('V-2')}": "TX 7.00/0.00"}


async def test_what_was_held_for_its_id_is_mapped_anew_by_a_retry(world: World) -> None:
    await collided(world)
    await decided(world, "USMF-INV-1", "retry", voucher="V-2")
    assert holdings(world) == {"USMF-INV-1": "TX 100.00/0.00", f"USMF-INV-1-{suffix('V-2')}": "TX 7.00/0.00"}

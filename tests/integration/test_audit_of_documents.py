"""The audit of a document: what was sent, what was answered, and where each part came from (design 4.8)."""

from __future__ import annotations

import pytest

from local.simulators.dynamics.specs import AddressSpec
from local.simulators.faults import Fault
from tests.filing import HANDLING_SHIPS, decided, sale, shown
from tests.world import TODAY, World

ODD = AddressSpec("1 Main St", "Austin", "NY", "78704")
TORONTO = AddressSpec("1 Yonge St", "Toronto", "ON", "M5E 1W7", country="CAN")


async def test_the_audit_of_a_report_keeps_request_answer_and_status(world: World) -> None:
    world.posting.invoice(sale(on=TODAY))
    await world.run()
    created = await shown(world, "USMF-INV-1")
    entry = created["audit"][-1]
    assert (entry["decision"], entry["status"], entry["request"]) == ("reported", 201, created["payload"])
    answer = entry["response"]["order"]
    assert (answer["transaction_id"], answer["shipping"], answer["user_id"] > 0) == ("USMF-INV-1", "12.0", True)

    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    changed = await shown(world, "USMF-INV-1")
    assert changed["payload"] != created["payload"]
    entry = changed["audit"][-1]
    assert (entry["decision"], entry["status"], entry["request"]) == ("reported", 200, changed["payload"])
    answer = entry["response"]["order"]
    assert (answer["transaction_id"], answer["shipping"]) == ("USMF-INV-1", "17.0")
    assert (entry["before"], entry["after"]) == (created["payload"], changed["payload"])


async def test_the_audit_of_a_refusal_keeps_what_was_sent_and_what_was_answered(world: World) -> None:
    world.posting.invoice(sale(on=TODAY))
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/transactions/*", status=400))
    await world.run()
    entry = (await world.audit("INV-1"))[-1]
    assert (entry["decision"], entry["reason"], entry["status"]) == ("held", "rejected_by_taxjar", 400)
    assert entry["response"]["detail"]
    assert entry["response"]["detail"] in entry["message"]
    sent = entry["request"]
    assert (sent["transaction_id"], sent["amount"], sent["shipping"]) == ("USMF-INV-1", "117.00", "12.00")


@pytest.mark.parametrize(("ship_to", "reason"), [(ODD, "zip_state_mismatch"), (TORONTO, "not_us")])
async def test_the_audit_of_a_held_document_says_where_its_addresses_came_from(
    world: World, ship_to: AddressSpec, reason: str
) -> None:
    """So does that of a skipped one."""
    world.posting.country("CAN", "CA")
    world.posting.invoice(sale(on=TODAY, ship_to=ship_to))
    await world.run()
    entry = (await world.audit("INV-1"))[-1]
    assert entry["reason"] == reason
    assert entry["notes"] == [
        "Ship-to is the delivery address of the invoice's lines.",
        "Ship-from is the address of warehouse W-DAL.",
    ]

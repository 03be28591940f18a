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


@pytest.mark.parametrize(
    ("ship_to", "reason", "named"),
    [(ODD, "zip_state_mismatch", "78704 is not in NY"), (TORONTO, "not_us", "Toronto ON M5E 1W7 CA")],
)
async def test_the_audit_of_a_document_that_is_not_sent_names_its_address_and_where_it_came_from(
    world: World, ship_to: AddressSpec, reason: str, named: str
) -> None:
    world.posting.country("CAN", "CA")
    world.posting.invoice(sale(on=TODAY, ship_to=ship_to))
    await world.run()
    entry = (await world.audit("INV-1"))[-1]
    assert entry["reason"] == reason
    words = " ".join([entry["message"], *entry.get("notes", ())])
    assert "the line's delivery address on the invoice" in words.replace("The", "the")
    assert named in words

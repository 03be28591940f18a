"""What the simulated TaxJar holds, one short line per transaction, for tests that say what should be there."""

from __future__ import annotations

from local.simulators.dynamics.specs import AddressSpec
from local.simulators.taxjar.records import StoredTransaction
from shared.ledger.records import State
from tests.world import World

AUSTIN = AddressSpec("77 Barton Springs Rd", "Austin", "TX", "78704")
NEW_YORK = AddressSpec("11 W 53rd St", "New York", "NY", "10019")
ALBANY = AddressSpec("1 State St", "Albany", "NY", "12207")
SAN_FRANCISCO = AddressSpec("1 Market St", "San Francisco", "CA", "94105")
SEATTLE = AddressSpec("400 Broad St", "Seattle", "WA", "98109")
BOSTON = AddressSpec("1 Beacon St", "Boston", "MA", "02108")
TORONTO = AddressSpec("1 Yonge St", "Toronto", "ON", "M5E 1W7", "CAN")


def told(stored: StoredTransaction) -> str:
    """``TX 100.00/8.25``, then the exemption unless it is ``non_exempt``, then ``of`` what a refund refers to."""
    exemption = "" if stored.exemption_type == "non_exempt" else f" {stored.exemption_type}"
    reference = f" of {stored.transaction_reference_id}" if stored.transaction_reference_id else ""
    assert (stored.kind == "refund") == ("-refund" in stored.transaction_id)
    return f"{stored.to_state} {stored.amount:.2f}/{stored.sales_tax:.2f}{exemption}{reference}"


def holdings(world: World, number: str = "") -> dict[str, str]:
    """All that TaxJar holds by id, or what it holds of one document."""
    prefix = f"{world.company.upper()}-{number}"
    found = sorted(world.taxjar.transactions.values(), key=lambda stored: stored.transaction_id)
    return {each.transaction_id: told(each) for each in found if each.transaction_id.startswith(prefix)}


async def outcome(world: World, number: str) -> str:
    """What became of the one document with this number: ``reported``, ``held mixed_signs``; sound in its audit."""
    record = await world.record(number)
    _, intact = await world.connector.ledger.audit(record)
    assert intact
    if record.state in (State.HELD, State.SKIPPED):
        assert record.message
    return f"{record.state} {record.reason}".strip()


async def left_out(world: World, number: str) -> dict[str, str]:
    """What of the document is in no transaction, by reason: net and tax."""
    record = await world.record(number)
    return {each["reason"]: f"{each['amount']}/{each['sales_tax']}" for each in record.filing.left_out}

"""What the simulated TaxJar holds, one short line per transaction, for tests that say what should be there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec, LineSpec
from local.simulators.taxjar.records import StoredTransaction
from shared.ledger.records import State
from tests.world import TODAY, World

AUSTIN = AddressSpec("77 Barton Springs Rd", "Austin", "TX", "78704")
NEW_YORK = AddressSpec("11 W 53rd St", "New York", "NY", "10019")
ALBANY = AddressSpec("1 State St", "Albany", "NY", "12207")
SAN_FRANCISCO = AddressSpec("1 Market St", "San Francisco", "CA", "94105")
SEATTLE = AddressSpec("400 Broad St", "Seattle", "WA", "98109")
BOSTON = AddressSpec("1 Beacon St", "Boston", "MA", "02108")
TORONTO = AddressSpec("1 Yonge St", "Toronto", "ON", "M5E 1W7", "CAN")

TX_LINE = LineSpec("P-1", price=100, tax=Decimal("8.25"), ship_to=AUSTIN, lot="LOT-TX")
NY_LINE = LineSpec("P-2", price=120, tax=Decimal("10.65"), ship_to=NEW_YORK, lot="LOT-NY")
CA_LINE = LineSpec("P-3", price=50, tax=Decimal("4.75"), ship_to=SAN_FRANCISCO, lot="LOT-CA")
NO_TAX = Decimal(0)


def invoice(number: str = "INV-1", **fields: Any) -> InvoiceSpec:
    """An invoice of today whose lines say what they are taxed."""
    return InvoiceSpec(number, TODAY, **{"tax_group": "TAXED", **fields})


def taxed(amount: str | int, tax: str | int = 0, product: str = "P-1000", **fields: Any) -> LineSpec:
    """A line of one piece; of a negative amount, one that came back."""
    value = Decimal(amount)
    given = {"quantity": -1 if value < 0 else 1, "price": abs(value), "amount": value, "tax": Decimal(tax)}
    return LineSpec(product, **given | fields)


def back(line: LineSpec) -> LineSpec:
    """``line`` as a return of its lot, for ``Posting.credit_note``."""
    return replace(line, lot=None, returned_lot=line.lot or "", ship_to=None)


def told(stored: StoredTransaction) -> str:
    """``TX 100.00/8.25``, then the exemption unless it is ``non_exempt``, then ``of`` what a refund refers to."""
    exemption = "" if stored.exemption_type == "non_exempt" else f" {stored.exemption_type}"
    reference = f" of {stored.transaction_reference_id}" if stored.transaction_reference_id else ""
    assert (stored.kind == "refund") == ("-refund" in stored.transaction_id)
    return f"{stored.to_state} {stored.amount + 0:.2f}/{stored.sales_tax + 0:.2f}{exemption}{reference}"


def holdings(world: World, number: str = "") -> dict[str, str]:
    """All that TaxJar holds by id, or what it holds of one document."""
    prefix = f"{world.company.upper()}-{number}"
    found = sorted(world.taxjar.transactions.values(), key=lambda stored: stored.transaction_id)
    return {each.transaction_id: told(each) for each in found if each.transaction_id.startswith(prefix)}


def filed(world: World, number: str) -> list[str]:
    """What TaxJar holds of one document, whichever part has which id."""
    return sorted(holdings(world, number).values())


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

"""Documents of open and closed filing periods, a mapping that changes, and the decisions that follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec
from local.simulators.taxjar.records import StoredTransaction
from shared.filing import Role
from shared.flows.review import decide, documents, filing_periods
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.records import DocumentRecord, State
from tests.world import TODAY, World

Period = Literal["open", "closed by day", "closed by person"]
Kind = Literal["order", "refund"]

LAST_MONTH = date(2026, 10, 28)
DATES: dict[str, date] = {
    "open": TODAY - timedelta(days=3),
    "closed by day": LAST_MONTH,
    "closed by person": TODAY - timedelta(days=3),
}
IDS: dict[str, str] = {"order": "USMF-INV-1", "refund": "USMF-CRN-1-refund"}
NUMBERS: dict[str, str] = {"order": "INV-1", "refund": "CRN-1"}
HANDLING_SHIPS = {"shipping_charge_codes": ["FREIGHT", "HANDLING"]}
"""Another mapping: the handling charge of every document becomes shipping."""


def sale(number: str = "INV-1", on: date = LAST_MONTH, **changes: Any) -> InvoiceSpec:
    """100.00 of goods, 12.00 freight, 5.00 handling, taxed."""
    spec = InvoiceSpec(
        number,
        on,
        lines=[LineSpec(quantity=2, price=60, discount=20)],
        charges=[ChargeSpec("FREIGHT", 12), ChargeSpec("HANDLING", 5)],
        tax_rate=Decimal("0.0825"),
    )
    return replace(spec, **changes)


async def reported(world: World, kind: Kind, period: Period) -> None:
    """Report one document of ``kind`` in ``period``: ``INV-1``, or ``CRN-1`` which credits it."""
    on = DATES[period]
    invoice = world.posting.invoice(sale(on=on - timedelta(days=1) if kind == "refund" else on))
    if kind == "refund":
        world.posting.credit_note(invoice, "CRN-1", on)
    await world.sweep()
    await world.settle()
    if period == "closed by person":
        await close(world, "TX", TODAY - timedelta(days=1))


async def held_change(world: World, kind: Kind, period: Period) -> None:
    """Report the document, change the mapping, and meet the change."""
    await reported(world, kind, period)
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, IDS[kind], "retry")


async def close(world: World, state: str, through: date, **body: Any) -> dict[str, Any]:
    told = {"by": "Pat", "reason": "the return was sent", "confirm": True, **body}
    closing = filing_periods.Closing.model_validate({"filed_through": through.isoformat(), **told})
    return await filing_periods.close_filing_period(world.connector, CONNECTION, world.company, state, closing)


async def decided(
    world: World, transaction_id: str, decision: str, *, voucher: str | None = None, settle: bool = True
) -> dict[str, Any]:
    """Decide, let the workers finish, and return the answer of the decision."""
    why = decide.DecisionBody(reason="as the accountant said", by="Pat")
    chosen = documents.Chosen(voucher=voucher)
    answer = await decide.decide_document(
        world.connector, CONNECTION, world.company, transaction_id, decision, why, chosen
    )
    if settle:
        await world.settle()
    return answer


async def read_again(world: World, number: str) -> None:
    """Have a settled document worked on again without a person, as after a claim that was given up."""
    record = await world.record(number)
    actor = Actor(function="report_documents", by="queue")
    entry = AuditEntry(at=world.clock(), actor=actor, subject=str(record.key), decision=State.RETRYING)
    await world.connector.ledger.settle(record, record.to(State.RETRYING), entry)
    await world.queue.put(CONNECTION, [record.key])
    await world.settle()


async def shown(world: World, transaction_id: str) -> dict[str, Any]:
    return await documents.show_document(world.connector, CONNECTION, world.company, transaction_id)


def corrections(record: DocumentRecord) -> int:
    """How many corrections of the document were sent."""
    return sum(1 for each in record.filing.transactions if each.role is Role.REVERSAL)


def net(transactions: Iterable[StoredTransaction]) -> tuple[Decimal, Decimal, Decimal]:
    """Amount, shipping and sales tax that TaxJar sees in sum."""
    found = list(transactions)
    return (
        sum((one.amount for one in found), Decimal(0)),
        sum((one.shipping for one in found), Decimal(0)),
        sum((one.sales_tax for one in found), Decimal(0)),
    )


def of_document(world: World, transaction_id: str) -> list[StoredTransaction]:
    """What TaxJar holds for a document: its own transaction and those of its corrections."""
    return [
        stored
        for stored in world.taxjar.transactions.values()
        if stored.transaction_id.removeprefix(transaction_id).strip("-").removeprefix("reversal-").isdigit()
        or stored.transaction_id == transaction_id
    ]

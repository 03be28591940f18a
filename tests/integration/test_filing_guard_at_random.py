"""Whatever people do in whatever order: what a state may have received never changes, and everything stays counted."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from local.simulators.taxjar.records import StoredTransaction
from shared.filing import FilingPeriods
from shared.flows.review.decide import Decision
from shared.flows.work.problems import Conflict
from shared.ledger.records import DocumentRecord, State
from shared.settings import CompanySettings
from tests.filing import close, corrections, decided, net, of_document, sale
from tests.world import TODAY, World

STEPS = 30
MAPPINGS: list[tuple[list[str], Decimal]] = [
    (["FREIGHT"], Decimal(12)),
    (["FREIGHT", "HANDLING"], Decimal(17)),
    (["HANDLING"], Decimal(5)),
    ([], Decimal(0)),
]

DECISIONS = (Decision.RETRY, Decision.APPROVE, Decision.DISMISS)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("number", ["INV-1", "CRN-1"])
async def test_what_is_closed_never_changes(world: World, number: str, seed: int) -> None:
    random = Random(seed)
    transaction_id = f"USMF-{number}" + ("-refund" if number == "CRN-1" else "")
    world.change_settings(shipping_charge_codes=["FREIGHT"])
    invoice = world.posting.invoice(sale(on=date(2026, 11, 2)))
    world.posting.credit_note(invoice, "CRN-1", date(2026, 11, 3))
    await world.sweep()
    await world.settle()
    truth = Decimal(12)
    """Shipping as the last change that was let through made it."""
    meant = truth
    for _ in range(STEPS):
        closed = await _closed(world)
        act: Any = random.choice([*DECISIONS, *DECISIONS, "map", "map", "close", "wait"])
        before = await world.record(number)
        match act:
            case "map":
                codes, meant = random.choice(MAPPINGS)
                world.change_settings(shipping_charge_codes=codes)
            case "wait":
                world.clock.advance(days=random.choice([1, 9, 25]))
            case "close":
                with suppress(Conflict):  # it may lie before the last one
                    await close(world, "TX", world.clock().date() - timedelta(days=random.choice([1, 5])))
            case _:
                truth = await _decide(world, transaction_id, before, act, truth, meant)
        await _check(world, transaction_id, number, truth, closed)


async def _decide(
    world: World, transaction_id: str, before: DocumentRecord, decision: Decision, truth: Decimal, meant: Decimal
) -> Decimal:
    fits = decision is Decision.RETRY or before.reason == "filed_transaction_changed"
    with nullcontext() if fits else pytest.raises(Conflict, match="does not fit"):
        await decided(world, transaction_id, decision)
    after = await world.record(before.key.number)
    if not fits:
        assert after == before
        return truth
    if decision is Decision.APPROVE:
        assert corrections(after) == corrections(before) + 1
        return abs(after.filing.shipping or Decimal(0))
    if decision is Decision.DISMISS or after.state is State.HELD or after.decisions.dismissed:
        return truth
    return meant


async def _closed(world: World) -> list[StoredTransaction]:
    """What TaxJar holds in periods that are closed now."""
    filed = await world.connector.periods.of_company("main", world.company, CompanySettings(report_from=TODAY))
    periods = FilingPeriods(4, filed.filed_through)
    today = world.clock().date()
    return [
        stored
        for stored in world.taxjar.transactions.values()
        if periods.is_closed(stored.transaction_date.date(), stored.to_state, today=today)
    ]


async def _check(
    world: World, transaction_id: str, number: str, truth: Decimal, closed: list[StoredTransaction]
) -> None:
    held = list(world.taxjar.transactions.values())
    assert all(one in held for one in closed)
    record = await world.record(number)
    assert record.state in (State.REPORTED, State.HELD)
    assert len(await world.records()) == 2
    found = of_document(world, transaction_id)
    assert len(found) == 1 + 2 * corrections(record)
    sign = -1 if number == "CRN-1" else 1
    assert net(found)[:2] == (sign * Decimal(117), sign * truth)
    assert net(found)[2] == found[0].sales_tax
    assert world.calls("DELETE") == 0
    await world.audit(number)

"""What a state may have received is not changed without a person (design 4.6), cell by cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from local.simulators.dynamics.specs import LineSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from shared.web import Problem
from tests.filing import (
    DATES,
    HANDLING_SHIPS,
    IDS,
    LAST_MONTH,
    NUMBERS,
    Kind,
    Period,
    close,
    decided,
    net,
    of_document,
    reported,
    sale,
    shown,
)
from tests.world import TODAY, World

KINDS = pytest.mark.parametrize("kind", ["order", "refund"])
CLOSED = pytest.mark.parametrize("period", ["closed by day", "closed by person"])
PERIODS = pytest.mark.parametrize("period", ["open", "closed by day", "closed by person"])


@KINDS
@PERIODS
async def test_a_retry_of_what_is_the_same_changes_nothing(world: World, kind: Kind, period: Period) -> None:
    await reported(world, kind, period)
    before, calls = dict(world.taxjar.transactions), world.calls()
    await decided(world, IDS[kind], "retry")
    assert (await world.record(NUMBERS[kind])).state is State.REPORTED
    assert (world.taxjar.transactions, world.calls()) == (before, calls)


@KINDS
@PERIODS
@pytest.mark.parametrize("decision", ["approve", "dismiss"])
async def test_nothing_can_be_approved_or_dismissed_for_what_is_the_same(
    world: World, kind: Kind, period: Period, decision: str
) -> None:
    await reported(world, kind, period)
    before = await world.record(NUMBERS[kind])
    with pytest.raises(Problem) as refused:
        await decided(world, IDS[kind], decision)
    assert refused.value.status == 409
    assert await world.record(NUMBERS[kind]) == before


@KINDS
async def test_a_change_in_an_open_period_is_put_with_before_and_after(world: World, kind: Kind) -> None:
    await reported(world, kind, "open")
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, IDS[kind], "retry")
    record = await world.record(NUMBERS[kind])
    assert (record.state, record.proposal) == (State.REPORTED, None)
    sign = -1 if kind == "refund" else 1
    [stored] = of_document(world, IDS[kind])
    assert (stored.amount, stored.shipping) == (sign * Decimal("117.00"), sign * Decimal("17.00"))
    last = (await world.audit(NUMBERS[kind]))[-1]
    assert {last[side]["shipping"] for side in ("before", "after")} == {f"{sign * 12}.00", f"{sign * 17}.00"}
    assert {call.method for call in world.simulation.taxjar.calls} == {"POST", "PUT"}


@KINDS
@pytest.mark.parametrize("decision", ["approve", "dismiss"])
async def test_nothing_can_be_approved_or_dismissed_after_a_change_in_an_open_period(
    world: World, kind: Kind, decision: str
) -> None:
    await reported(world, kind, "open")
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, IDS[kind], "retry")
    with pytest.raises(Problem):
        await decided(world, IDS[kind], decision)


@KINDS
@CLOSED
async def test_a_change_in_a_closed_period_is_held_with_a_complete_proposal(
    world: World, kind: Kind, period: Period
) -> None:
    await _held(world, kind, period)
    document = await shown(world, IDS[kind])
    assert (document["state"], document["reason"]) == ("held", "filed_transaction_changed")
    assert f"{DATES[period]:%Y-%m} of TX" in document["message"]
    sign = "-" if kind == "refund" else ""
    assert f"shipping {sign}12.00 → {sign}17.00" in document["message"]
    proposal = document["proposal"]
    assert proposal["ids"] == {"reversal": f"{IDS[kind]}-reversal-1", "replacement": f"{IDS[kind]}-1"}
    assert proposal["kinds"] == {"reversal": _other(kind), "replacement": kind}
    assert proposal["difference"]["shipping"] == {"filed": f"{sign}12.00", "new": f"{sign}17.00"}
    assert {payload["transaction_date"] for payload in proposal["payloads"].values()} == {TODAY.isoformat()}
    assert world.calls("PUT") == 0
    assert len(of_document(world, IDS[kind])) == 1


@KINDS
@CLOSED
async def test_an_approved_change_is_a_full_reversal_and_a_replacement_of_that_day(
    world: World, kind: Kind, period: Period
) -> None:
    await _held(world, kind, period)
    world.clock.advance(days=2)
    await decided(world, IDS[kind], "approve")
    filed, reversal, replacement = of_document(world, IDS[kind])
    assert [one.kind for one in (filed, reversal, replacement)] == [kind, _other(kind), kind]
    assert net([filed, reversal]) == (0, 0, 0)
    assert [(line.quantity, line.discount) for line in reversal.line_items] == [
        (line.quantity, line.discount) for line in filed.line_items
    ]
    sign = -1 if kind == "refund" else 1
    assert (replacement.amount, replacement.shipping) == (sign * Decimal("117.00"), sign * Decimal("17.00"))
    assert {one.transaction_date.date() for one in (reversal, replacement)} == {TODAY + timedelta(days=2)}
    assert reversal.transaction_reference_id == (None if kind == "refund" else IDS["order"])
    assert replacement.transaction_reference_id == ("USMF-INV-1" if kind == "refund" else None)
    assert {call.method for call in world.simulation.taxjar.calls} <= {"POST", "GET"}
    record = await world.record(NUMBERS[kind])
    assert (record.state, record.corrections, record.proposal) == (State.REPORTED, 1, None)


@KINDS
@CLOSED
async def test_a_dismissed_change_stays_dismissed_however_often_it_is_met(
    world: World, kind: Kind, period: Period
) -> None:
    await _held(world, kind, period)
    before = dict(world.taxjar.transactions)
    answer = await decided(world, IDS[kind], "dismiss")
    assert answer["state"] == "reported"
    for _ in range(2):
        await decided(world, IDS[kind], "retry")
        assert (await world.record(NUMBERS[kind])).state is State.REPORTED
    assert world.taxjar.transactions == before


@KINDS
@CLOSED
async def test_a_retry_of_a_held_change_holds_it_again_with_one_proposal(
    world: World, kind: Kind, period: Period
) -> None:
    await _held(world, kind, period)
    first = (await shown(world, IDS[kind]))["proposal"]
    await decided(world, IDS[kind], "retry")
    assert (await shown(world, IDS[kind]))["proposal"] == first
    assert len(of_document(world, IDS[kind])) == 1


async def test_another_change_than_the_dismissed_one_is_held_again(world: World) -> None:
    await _held(world, "order", "closed by day")
    await decided(world, IDS["order"], "dismiss")
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    assert (await world.record("INV-1")).reason == "filed_transaction_changed"


async def test_the_replacement_is_what_later_changes_correct(world: World) -> None:
    await _held(world, "order", "closed by day")
    await decided(world, IDS["order"], "approve")
    world.clock.advance(days=30)
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    proposal = (await shown(world, IDS["order"]))["proposal"]
    assert proposal["ids"] == {"reversal": "USMF-INV-1-reversal-2", "replacement": "USMF-INV-1-2"}
    assert proposal["payloads"]["reversal"]["transaction_reference_id"] == "USMF-INV-1-1"
    await decided(world, IDS["order"], "approve")
    assert net(of_document(world, "USMF-INV-1"))[:2] == (Decimal("117.00"), Decimal("5.00"))
    assert len(world.taxjar.transactions) == 5


async def test_in_an_open_period_the_replacement_itself_is_changed(world: World) -> None:
    await _held(world, "order", "closed by day")
    await decided(world, IDS["order"], "approve")
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert world.taxjar.orders["USMF-INV-1-1"].shipping == Decimal("5.00")
    assert world.taxjar.orders["USMF-INV-1-1"].transaction_date.date() == TODAY
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("12.00")


async def test_tax_codes_as_sent_are_kept_until_a_person_retries(world: World) -> None:
    world.posting.invoice(sale(on=TODAY))
    await world.run()
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}})
    await world.run()
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code is None
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code == "20010"


async def test_what_was_changed_by_hand_in_taxjar_is_reversed_as_taxjar_holds_it(world: World) -> None:
    await reported(world, "order", "closed by day")
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, sales_tax=Decimal("1.00")))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    filed, reversal, _ = of_document(world, "USMF-INV-1")
    assert net([filed, reversal]) == (0, 0, 0)


async def test_what_taxjar_holds_and_does_not_add_up_is_reversed_in_one_line(world: World) -> None:
    await reported(world, "order", "closed by day")
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, amount=Decimal("90.00")))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert world.taxjar.refunds["USMF-INV-1-reversal-1"].amount == Decimal("-90.00")
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_reported_document_that_is_out_of_scope_now_is_reversed_only_by_a_person(world: World) -> None:
    await reported(world, "order", "open")
    world.change_settings(report_from=TODAY)
    await decided(world, "USMF-INV-1", "retry")
    document = await shown(world, "USMF-INV-1")
    assert (document["state"], document["reason"]) == ("held", "filed_transaction_changed")
    assert set(document["proposal"]["payloads"]) == {"reversal"}
    await decided(world, "USMF-INV-1", "approve")
    skipped = await world.record("INV-1")
    assert (skipped.state, skipped.reason, skipped.owns_id) == (State.SKIPPED, "before_start", True)
    assert net(of_document(world, "USMF-INV-1")) == (0, 0, 0)
    world.change_settings(report_from=date(2026, 1, 1))
    await decided(world, "USMF-INV-1", "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert net(of_document(world, "USMF-INV-1"))[0] == Decimal("117.00")


async def test_a_reported_document_that_cannot_be_mapped_now_keeps_what_taxjar_holds(world: World) -> None:
    await reported(world, "order", "open")
    world.change_settings(product_tax_codes={"items": {"P-1000": "99999"}})
    await decided(world, "USMF-INV-1", "retry")
    document = await shown(world, "USMF-INV-1")
    assert (document["reason"], document["payload"]["shipping"]) == ("unknown_product_tax_code", "12.00")
    world.change_settings(product_tax_codes={})
    await decided(world, "USMF-INV-1", "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert world.calls() == 1


async def test_ids_of_a_correction_are_never_those_of_another_document(world: World) -> None:
    await reported(world, "order", "closed by day")
    world.posting.invoice(sale("INV-1-1", TODAY, lines=[LineSpec(price=7)]))
    await world.run()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert world.taxjar.orders["USMF-INV-1-1"].amount == Decimal("24.00")
    assert world.taxjar.orders["USMF-INV-1-2"].shipping == Decimal("17.00")
    world.posting.invoice(sale("INV-1-2", TODAY))
    await world.run()
    assert (await world.record("INV-1-2")).reason == "id_collision"
    assert (await shown(world, "USMF-INV-1-2"))["number"] == "INV-1"


async def test_a_replacement_that_taxjar_refuses_is_held_and_a_retry_sends_it_anew(world: World) -> None:
    await _held(world, "order", "closed by day")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/orders", status=400, times=1))
    await decided(world, "USMF-INV-1", "approve")
    document = await shown(world, "USMF-INV-1")
    assert (document["state"], document["reason"]) == ("held", "rejected_by_taxjar")
    assert "USMF-INV-1-reversal-1" in document["message"]
    await decided(world, "USMF-INV-1", "retry")
    record = await world.record("INV-1")
    assert (record.state, record.late) == (State.REPORTED, True)
    assert net(of_document(world, "USMF-INV-1"))[:2] == (Decimal("117.00"), Decimal("17.00"))
    assert world.taxjar.orders["USMF-INV-1-1"].transaction_date.date() == TODAY


async def test_a_reversal_that_taxjar_refuses_leaves_what_was_filed(world: World) -> None:
    await _held(world, "order", "closed by day")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/refunds", status=400, times=1))
    await decided(world, "USMF-INV-1", "approve")
    assert (await world.record("INV-1")).reason == "rejected_by_taxjar"
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve")
    assert [one.transaction_id for one in of_document(world, "USMF-INV-1")] == [
        "USMF-INV-1",
        "USMF-INV-1-reversal-1",
        "USMF-INV-1-1",
    ]


async def test_a_foreign_transaction_under_the_id_of_a_reversal_is_not_taken_for_it(world: World) -> None:
    await _held(world, "order", "closed by day")
    world.taxjar.store(
        replace(world.taxjar.orders["USMF-INV-1"], kind="refund", transaction_id="USMF-INV-1-reversal-1")
    )
    await decided(world, "USMF-INV-1", "approve")
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "rejected_by_taxjar")
    assert "USMF-INV-1-1" not in world.taxjar.orders


async def test_a_period_that_a_person_reopens_can_be_changed_again(world: World) -> None:
    await _held(world, "order", "closed by person")
    await close(world, "TX", LAST_MONTH, reopen=True)
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")


async def test_another_state_is_not_closed_by_a_person(world: World) -> None:
    await reported(world, "order", "open")
    await close(world, "CA", TODAY - timedelta(days=1))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")


async def _held(world: World, kind: Kind, period: Period) -> None:
    """Report the document, change the mapping, and meet the change."""
    await reported(world, kind, period)
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, IDS[kind], "retry")


def _other(kind: Kind) -> Kind:
    return "refund" if kind == "order" else "order"

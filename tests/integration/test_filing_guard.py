"""What a state may have received is not changed without a person (design 4.6), cell by cell."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from local.simulators.dynamics.specs import LineSpec
from shared.fingerprint import _hash
from shared.flows.work.problems import Conflict
from shared.ledger.records import State
from tests.filing import (
    DATES,
    HANDLING_SHIPS,
    IDS,
    LAST_MONTH,
    NUMBERS,
    Kind,
    Period,
    close,
    corrections,
    decided,
    held_change,
    net,
    of_document,
    read_again,
    reported,
    sale,
    shown,
)
from tests.reconciling import findings, lose_in_taxjar
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


async def test_rows_that_come_in_another_order_are_no_change(world: World) -> None:
    world.posting.invoice(sale(lines=[LineSpec("P-1000"), LineSpec("P-2000")]))
    await world.sweep()
    await world.settle()
    before, calls = dict(world.taxjar.transactions), world.calls()
    store = world.simulation.dynamics.store
    for name in ("SalesInvoiceV2Lines", "MarkupTransBiEntities"):
        rows = list(store.rows(name))
        for row in rows:
            store.remove(name, row)
        for row in reversed(rows):
            store.add(name, row)
    await decided(world, IDS["order"], "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert (world.taxjar.transactions, world.calls()) == (before, calls)


@KINDS
async def test_a_retry_of_what_was_reported_in_time_is_not_late(world: World, kind: Kind) -> None:
    await reported(world, kind, "open")
    await close(world, "TX", TODAY - timedelta(days=1))
    await decided(world, IDS[kind], "retry")
    record = await world.record(NUMBERS[kind])
    assert (record.state, record.filing.late) == (State.REPORTED, False)


@KINDS
async def test_late_stays_late_through_a_retry(world: World, kind: Kind) -> None:
    await reported(world, kind, "closed by day")
    assert (await world.record(NUMBERS[kind])).filing.late
    await decided(world, IDS[kind], "retry")
    record = await world.record(NUMBERS[kind])
    assert (record.state, record.filing.late) == (State.REPORTED, True)


@KINDS
@PERIODS
@pytest.mark.parametrize("decision", ["approve", "dismiss"])
async def test_nothing_can_be_approved_or_dismissed_for_what_is_the_same(
    world: World, kind: Kind, period: Period, decision: str
) -> None:
    await reported(world, kind, period)
    before = await world.record(NUMBERS[kind])
    with pytest.raises(Conflict, match="does not fit"):
        await decided(world, IDS[kind], decision)
    assert await world.record(NUMBERS[kind]) == before


@KINDS
async def test_a_change_in_an_open_period_is_put_with_before_and_after(world: World, kind: Kind) -> None:
    await reported(world, kind, "open")
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, IDS[kind], "retry")
    record = await world.record(NUMBERS[kind])
    assert (record.state, record.decisions.proposal) == (State.REPORTED, None)
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
    with pytest.raises(Conflict):
        await decided(world, IDS[kind], decision)


@KINDS
@CLOSED
async def test_a_change_in_a_closed_period_is_held_with_a_complete_proposal(
    world: World, kind: Kind, period: Period
) -> None:
    await held_change(world, kind, period)
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
    await held_change(world, kind, period)
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
    assert (record.state, corrections(record), record.decisions.proposal) == (State.REPORTED, 1, None)


@KINDS
@CLOSED
async def test_a_dismissed_change_stays_dismissed_however_often_it_is_met(
    world: World, kind: Kind, period: Period
) -> None:
    await held_change(world, kind, period)
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
    await held_change(world, kind, period)
    first = (await shown(world, IDS[kind]))["proposal"]
    await decided(world, IDS[kind], "retry")
    assert (await shown(world, IDS[kind]))["proposal"] == first
    assert len(of_document(world, IDS[kind])) == 1


async def test_another_change_than_the_dismissed_one_is_held_again(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, IDS["order"], "dismiss")
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, IDS["order"], "retry")
    assert (await world.record("INV-1")).reason == "filed_transaction_changed"


async def test_tax_codes_as_sent_are_kept_until_a_person_retries(world: World) -> None:
    world.posting.invoice(sale(on=TODAY))
    await world.run()
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}})
    await world.run()
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code is None
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].line_items[0].product_tax_code == "20010"


async def test_a_document_that_is_mapped_again_without_a_person_keeps_its_tax_codes(world: World) -> None:
    await reported(world, "order", "open")
    before, codes = dict(world.taxjar.transactions), (await world.record("INV-1")).filing.tax_codes
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}})
    lose_in_taxjar(world, "USMF-INV-1")
    await findings(world, heal=True)
    await world.settle()
    assert (world.taxjar.transactions, world.calls("POST"), world.calls("PUT")) == (before, 2, 0)
    assert (await world.record("INV-1")).filing.tax_codes == codes


async def test_a_document_that_changed_only_in_what_is_not_sent_keeps_its_tax_codes(world: World) -> None:
    await reported(world, "order", "open")
    before, calls, record = dict(world.taxjar.transactions), world.calls(), await world.record("INV-1")
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}})
    [customer] = world.simulation.dynamics.rows("CustomersV3")
    customer["OrganizationName"] = "Barton & Sons"
    await read_again(world, "INV-1")
    again = await world.record("INV-1")
    assert (again.state, again.filing.tax_codes) == (State.REPORTED, record.filing.tax_codes)
    assert again.filing.fingerprint != record.filing.fingerprint
    assert (world.taxjar.transactions, world.calls()) == (before, calls)


async def test_what_an_earlier_version_reported_is_not_mapped_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("shared.flows.reporting.document.fingerprint", partial(_hash, version=1))
        await reported(world, "order", "open")
    before, calls = dict(world.taxjar.transactions), world.calls()
    world.change_settings(product_tax_codes={"items": {"P-1000": "20010"}}, marketplace={"customers": ["1000"]})
    await read_again(world, "INV-1")
    assert (await world.record("INV-1")).message == "Unchanged since it was reported."
    assert (world.taxjar.transactions, world.calls()) == (before, calls)


async def test_a_reported_document_that_is_out_of_scope_now_is_reversed_only_by_a_person(world: World) -> None:
    await reported(world, "order", "open")
    world.change_settings(report_from=TODAY)
    await decided(world, "USMF-INV-1", "retry")
    document = await shown(world, "USMF-INV-1")
    assert (document["state"], document["reason"]) == ("held", "filed_transaction_changed")
    assert set(document["proposal"]["payloads"]) == {"reversal"}
    await decided(world, "USMF-INV-1", "approve")
    skipped = await world.record("INV-1")
    assert (skipped.state, skipped.reason, skipped.filing.owns_id) == (State.SKIPPED, "before_start", True)
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
    # What was held is looked for in TaxJar before it counts as reported.
    assert (world.calls("POST"), world.calls("GET"), world.calls()) == (1, 1, 2)


async def test_a_document_cannot_leave_a_closed_state_nor_come_into_one_without_a_person(world: World) -> None:
    await reported(world, "order", "closed by person")
    shipped_to(world, "CA", "94105")
    await decided(world, "USMF-INV-1", "retry")
    document = await shown(world, "USMF-INV-1")
    assert (document["reason"], document["proposal"]["difference"]["to_state"]) == (
        "filed_transaction_changed",
        {"filed": "TX", "new": "CA"},
    )
    assert "2026-11 of TX" in document["message"]
    await close(world, "TX", LAST_MONTH, reopen=True)
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].to_state == "CA"
    await close(world, "TX", TODAY - timedelta(days=1))
    shipped_to(world, "TX", "78704")
    await decided(world, "USMF-INV-1", "retry")
    document = await shown(world, "USMF-INV-1")
    assert (document["reason"], document["proposal"]["filed"]["to_state"]) == ("filed_transaction_changed", "CA")
    await decided(world, "USMF-INV-1", "approve")
    assert [(one.to_state, one.amount) for one in of_document(world, "USMF-INV-1")] == [
        ("CA", Decimal("117.00")),
        ("CA", Decimal("-117.00")),
        ("TX", Decimal("117.00")),
    ]


async def test_a_period_that_a_person_reopens_can_be_changed_again(world: World) -> None:
    await held_change(world, "order", "closed by person")
    await close(world, "TX", LAST_MONTH, reopen=True)
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")


async def test_another_state_is_not_closed_by_a_person(world: World) -> None:
    await reported(world, "order", "open")
    await close(world, "CA", TODAY - timedelta(days=1))
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")


def shipped_to(world: World, state: str, zip_code: str) -> None:
    """A clerk corrects where the document was delivered."""
    for row in world.simulation.dynamics.rows("LogisticsPostalAddressBiEntities"):
        if "Barton" in str(row["Street"]):
            row["State"], row["ZipCode"] = state, zip_code


def _other(kind: Kind) -> Kind:
    return "refund" if kind == "order" else "order"

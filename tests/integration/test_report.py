"""From posting in F&O to TaxJar, through the real flows: one document, one effect (design 4.2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec
from local.simulators.faults import Fault
from shared.documents import DocumentKey
from shared.flows.review.documents import show_document
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.records import State
from tests.filing import close
from tests.world import COMPANY, NOW, TODAY, World

TRANSACTIONS = "*/transactions/*"


def invoice(number: str = "INV-1", **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, TODAY, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


async def test_a_posted_invoice_becomes_an_order(world: World) -> None:
    lines = [LineSpec(quantity=4, price=125, discount=20)]
    world.posting.invoice(invoice(lines=lines, charges=[ChargeSpec("FREIGHT", 25), ChargeSpec("HANDLING", 5)]))
    await world.run()
    assert (await world.record("INV-1")).state is State.REPORTED
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.amount, order.shipping, order.sales_tax) == (Decimal("510.00"), Decimal("25.00"), Decimal("42.07"))
    assert [(line.quantity, line.unit_price, line.discount) for line in order.line_items] == [
        (4, Decimal("125.00"), Decimal("20.00")),
        (1, Decimal("5.00"), Decimal("0.00")),
    ]
    assert (order.to_state, order.from_state, order.customer_id) == ("TX", "TX", "USMF-C-1000")


@pytest.mark.company(product_tax_codes={"tax_item_groups": {"SHIP": "20010"}})
async def test_a_charge_line_gets_the_product_tax_code_of_its_item_tax_group(world: World) -> None:
    world.posting.invoice(invoice(charges=[ChargeSpec("FREIGHT", 25), ChargeSpec("HANDLING", 5)]))
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    assert [line.product_tax_code or "" for line in order.line_items] == ["", "20010"]


async def test_a_credit_note_becomes_a_refund_that_refers_to_its_order(world: World) -> None:
    posted = world.posting.invoice(invoice(date=TODAY - timedelta(days=3)))
    world.posting.credit_note(posted, "CRN-1", TODAY)
    await world.run()
    refund = world.taxjar.refunds["USMF-CRN-1-refund"]
    assert refund.transaction_reference_id == "USMF-INV-1"
    assert (refund.amount, refund.sales_tax) == (Decimal("-100.00"), Decimal("-8.25"))
    assert refund.transaction_date.date() == TODAY


async def test_a_document_that_cannot_be_mapped_is_held_with_a_reason(world: World) -> None:
    world.posting.invoice(invoice(ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    await world.run()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "zip_state_mismatch")
    assert "78704" in record.message
    assert world.calls() == 0


async def test_a_document_that_is_not_mapped_yet_is_shown_with_the_totals_that_dynamics_lists(world: World) -> None:
    posted = world.posting.invoice(invoice())
    world.posting.credit_note(posted, "CRN-1", TODAY)
    await world.poll()

    async def amounts() -> dict[str, tuple[str, str]]:
        listed = await list_documents(world.connector, CONNECTION, COMPANY, DocumentFilter())
        return {shown["number"]: (shown["amount"], shown["sales_tax"]) for shown in listed.body["documents"]}

    before = await amounts()
    assert before == {"INV-1": ("100.00", "8.25"), "CRN-1": ("-100.00", "-8.25")}
    shown = await show_document(world.connector, CONNECTION, COMPANY, "USMF-CRN-1-refund")
    assert (shown["state"], shown["amount"], shown["sales_tax"]) == (State.SEEN, "-100.00", "-8.25")
    await world.settle()
    assert await amounts() == before


async def test_a_document_out_of_scope_is_skipped_and_its_id_becomes_free(world: World) -> None:
    world.posting.invoice(invoice(is_proforma=True, voucher="V-1", tax_rate=Decimal(0)))
    await world.run()
    assert (await world.record("INV-1")).reason == "proforma"
    world.posting.invoice(invoice(voucher="V-2", date=TODAY - timedelta(days=1)))
    await world.run()
    assert world.taxjar.orders.keys() == {"USMF-INV-1"}


async def test_an_id_belongs_to_the_document_that_was_seen_first_and_the_later_one_gets_a_suffix(world: World) -> None:
    world.posting.invoice(invoice(voucher="V-1", date=TODAY - timedelta(days=1)))
    world.posting.invoice(invoice(voucher="V-2", lines=[LineSpec(price=7)]))
    await world.run()
    assert {record.state for record in await world.records()} == {State.REPORTED}
    suffix = sha256(f"{TODAY}|V-2".encode()).hexdigest()[:8]
    amounts = {order.transaction_id: order.amount for order in world.taxjar.orders.values()}
    assert amounts == {"USMF-INV-1": Decimal("100.00"), f"USMF-INV-1-{suffix}": Decimal("7.00")}


async def test_a_document_read_ten_times_is_reported_once(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    key = (await world.records())[0].key
    for _ in range(9):
        await world.queue.put("main", [key])
    await world.settle()
    assert world.calls() == 1


async def test_a_key_that_the_ledger_does_not_know_is_looked_up_and_reported(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    await _forget(world, "INV-1")
    await world.settle()
    assert "does not know USMF INV-1" in caplog.text
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_key_that_neither_the_ledger_nor_f_and_o_knows_is_held(world: World) -> None:
    await world.queue.put("main", [DocumentKey("usmf", TODAY, "INV-9", "V-9")])
    await world.settle()
    record = await world.record("INV-9")
    assert (record.state, record.reason) == (State.HELD, "not_found_in_dynamics")


async def test_documents_of_a_company_that_was_removed_are_let_go_and_found_again_when_it_is_back(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    configured = world.connector
    removed = replace(configured.connection("main"), companies={})
    world.connector = replace(configured, connections={"main": removed})
    await world.settle()
    assert world.queue.waiting == []
    [row] = [row async for row in configured.subjects.listing("main|usmf", "removed", "", "g", select=["message"])]
    assert "no company 'usmf' any more" in row["message"]
    world.connector = configured
    await world.run()
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_many_messages_of_a_removed_company_are_let_go_at_once(world: World) -> None:
    configured = world.connector
    keys = [DocumentKey("usmf", TODAY, f"INV-{number}", "V") for number in range(12)]
    for key in keys:
        await world.queue.put("main", [key])
    world.connector = replace(configured, connections={})
    await asyncio.gather(*(world.work_on_one() for _ in keys))
    rows = [row async for row in configured.subjects.listing("main|usmf", "removed", "", "g", select=["RowKey"])]
    assert len(rows) == 12
    assert world.queue.waiting == []


async def test_a_claim_with_a_live_lease_is_left_alone(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    [claim] = await world.connector.ledger.claim([await world.record("INV-1")])
    await world.work()
    assert world.calls() == 0
    assert (await world.record("INV-1")).etag == claim.etag
    assert world.queue.waiting[0][0] > NOW + timedelta(seconds=120)


async def test_a_claim_whose_lease_ran_out_asks_taxjar_before_it_sends(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    await world.connector.ledger.claim([await world.record("INV-1")])
    await world.settle()
    assert [call.method for call in world.simulation.taxjar.calls] == ["GET", "POST"]
    assert (await world.record("INV-1")).state is State.REPORTED


@pytest.mark.sockets
async def test_what_taxjar_already_holds_unchanged_is_adopted(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(method="POST", path=TRANSACTIONS, drop=True, after=True, times=1))
    await world.run()
    record = await world.record("INV-1")
    assert record.state is State.REPORTED
    assert record.attempts.count == 2
    assert world.calls("PUT") == 0
    assert [entry["decision"] for entry in await world.audit("INV-1")] == ["seen", "retrying", "reported"]


async def test_a_422_is_settled_by_what_taxjar_holds_without_a_put(world: World) -> None:
    world.posting.invoice(invoice())
    await world.run()
    await _forget(world, "INV-1")
    await world.sweep()
    await world.settle()
    assert [call.method for call in world.simulation.taxjar.calls] == ["POST", "POST", "GET"]
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_other_content_in_an_open_period_is_replaced_and_audited_with_before_and_after(world: World) -> None:
    world.posting.invoice(invoice())
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, sales_tax=Decimal("1.00")))
    await _forget(world, "INV-1")
    await world.sweep()
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].sales_tax == Decimal("8.25")
    last = (await world.audit("INV-1"))[-1]
    assert (last["before"]["sales_tax"], last["after"]["sales_tax"]) == ("1.0", "8.25")


async def test_other_content_in_a_closed_period_is_held_and_nothing_is_sent(world: World) -> None:
    world.posting.invoice(invoice(date=date(2026, 10, 31)))
    await world.sweep()
    await world.settle()
    order = world.taxjar.orders["USMF-INV-1"]
    world.taxjar.store(replace(order, sales_tax=Decimal("1.00")))
    await _forget(world, "INV-1")
    await world.sweep()
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "filed_transaction_changed")
    assert world.taxjar.orders["USMF-INV-1"].sales_tax == Decimal("1.00")


@pytest.mark.parametrize(
    ("stored", "closed"),
    [
        ({"transaction_date": datetime(2026, 10, 31, tzinfo=UTC)}, "2026-10 of TX"),
        ({"to_state": "CA", "to_zip": "94105"}, "2026-11 of CA"),
    ],
    ids=["by day", "by person"],
)
async def test_what_taxjar_holds_in_a_closed_period_is_not_changed_by_a_document_of_an_open_one(
    world: World, stored: dict[str, Any], closed: str
) -> None:
    world.posting.invoice(invoice(date=TODAY - timedelta(days=3)))
    await world.run()
    await close(world, "CA", TODAY - timedelta(days=1))
    order = replace(world.taxjar.orders["USMF-INV-1"], sales_tax=Decimal("1.00"), **stored)
    world.taxjar.store(order)
    await _forget(world, "INV-1")
    await world.sweep()
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "filed_transaction_changed")
    assert f"The filing period {closed} is closed." in record.message
    assert (world.taxjar.orders["USMF-INV-1"], world.calls("PUT")) == (order, 0)


async def test_a_document_first_seen_after_its_period_closed_is_reported_and_flagged_late(world: World) -> None:
    world.posting.invoice(invoice(date=date(2026, 10, 31)))
    world.posting.invoice(invoice("INV-2", date=date(2026, 11, 1)))
    await world.sweep()
    await world.settle()
    assert [(record.key.number, record.filing.late) for record in await world.records()] == [
        ("INV-1", True),
        ("INV-2", False),
    ]


async def test_a_document_of_a_state_that_a_person_closed_is_late_and_one_of_another_state_is_not(world: World) -> None:
    filed_through = TODAY - timedelta(days=1)
    await close(world, "CA", filed_through)
    in_california = AddressSpec("1 Main St", "San Francisco", "CA", "94105")
    world.posting.invoice(invoice("INV-1", date=filed_through, ship_to=in_california))
    world.posting.invoice(invoice("INV-2", date=filed_through))
    world.posting.invoice(invoice("INV-3", date=TODAY, ship_to=in_california))
    await world.run()
    assert {record.key.number: (record.filing.to_states, record.filing.late) for record in await world.records()} == {
        "INV-1": (("CA",), True),
        "INV-2": (("TX",), False),
        "INV-3": (("CA",), False),
    }


async def test_a_refusal_of_the_data_is_held_with_taxjars_own_words(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(method="POST", path=TRANSACTIONS, status=400))
    await world.run()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "rejected_by_taxjar")
    assert "Something went wrong" in record.message


async def test_a_message_of_any_length_can_be_settled_and_the_audit_keeps_all_of_it(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    entry = AuditEntry(at=NOW, actor=Actor(function="f", by="b"), subject="s", decision="held", message="x" * 40_000)
    record = await world.record("INV-1")
    await world.connector.ledger.settle(record, record.to(State.HELD, message=entry.message), entry)
    assert (await world.record("INV-1")).message == "x" * 10_000
    assert (await world.audit("INV-1"))[-1]["message"] == "x" * 40_000


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=TRANSACTIONS, status=503, times=3),
        Fault(path=TRANSACTIONS, status=503, retry_after=90, times=2),
        Fault(path=TRANSACTIONS, status=502, body="html", times=2),
        Fault(path=TRANSACTIONS, status=200, body="empty", times=2),
        Fault(path=TRANSACTIONS, drop=True, times=2),
        Fault(path=TRANSACTIONS, drop=True, after=True, times=2),
        Fault(path=TRANSACTIONS, status=500, after=True, times=1),
    ],
    ids=lambda fault: fault.name + fault.body,
)
@pytest.mark.sockets
async def test_transient_trouble_is_never_a_failure_of_the_document(world: World, fault: Fault) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(fault)
    await world.run()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert world.taxjar.orders.keys() == {"USMF-INV-1"}


async def test_after_seven_days_of_trying_a_document_has_failed(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=503))
    await world.poll()
    await world.work()
    world.clock.advance(days=6, hours=23)
    await world.work()
    assert (await world.record("INV-1")).state is State.RETRYING
    world.clock.advance(hours=5)
    await world.work()
    assert (await world.record("INV-1")).state is State.FAILED


@pytest.mark.parametrize("status", [401, 429])
async def test_the_time_of_a_pause_does_not_count_toward_the_seven_days(world: World, status: int) -> None:
    world.posting.invoice(invoice())
    faults = world.simulation.taxjar.faults
    faults.add(Fault(path=TRANSACTIONS, status=503, retry_after=6 * 86_400, times=1))
    await world.poll()
    await world.work()
    world.clock.advance(days=6)
    faults.add(Fault(path=TRANSACTIONS, status=status, times=1))
    await world.work()
    world.clock.advance(days=8)
    probes = 1 if status == 401 else 0
    faults.add(Fault(path=TRANSACTIONS, status=503, skip=probes))
    await world.settle(within=timedelta(hours=20))
    assert (await world.record("INV-1")).state is State.RETRYING
    await world.settle(within=timedelta(hours=12))
    assert (await world.record("INV-1")).state is State.FAILED


async def test_a_first_attempt_that_met_a_pause_is_none(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=429, retry_after=86_400, times=8))
    await world.poll()
    await world.settle(within=timedelta(days=7))
    record = await world.record("INV-1")
    assert (record.state, record.attempts.count, record.attempts.first_at) == (State.RETRYING, 0, None)


@pytest.mark.sockets
async def test_the_audit_of_trouble_keeps_what_was_sent_and_answered(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(
        Fault(path=TRANSACTIONS, status=429, retry_after=10, times=1),
        Fault(path=TRANSACTIONS, status=401, times=1),
        # The probe of the refusal goes through.
        Fault(path=TRANSACTIONS, status=503, skip=1, times=1),
        Fault(path=TRANSACTIONS, drop=True, skip=1, times=1),
    )
    await world.run()
    throttled, refused, unavailable, dropped = (await world.audit("INV-1"))[1:-1]
    for entry, status in ((throttled, 429), (refused, 401), (unavailable, 503)):
        assert entry["status"] == status
        assert entry["response"]["detail"]
        assert entry["request"]["transaction_id"] == "USMF-INV-1"
    assert "status" not in dropped
    assert "response" not in dropped


async def test_the_audit_of_trouble_with_f_and_o_keeps_its_status(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    world.simulation.dynamics.faults.add(
        Fault(path="*/SalesInvoiceHeadersV2", status=429, retry_after=10, times=1),
        Fault(path="*/SalesInvoiceHeadersV2", status=500, times=2),
        Fault(path="*/SalesInvoiceHeadersV2", status=403, times=1),
    )
    await world.settle()
    _, throttled, *others = await world.audit("INV-1")
    # The other reads of the message met the pause, not the answer.
    assert "too many requests (429)" in throttled["message"]
    assert [entry.get("status") for entry in others] == [500, 403, 201]


async def test_a_429_pauses_the_whole_account_until_its_time_is_over(world: World) -> None:
    for number in range(30):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=429, retry_after=60, skip=5, times=1))
    await world.run()
    assert {record.state for record in await world.records()} == {State.REPORTED}
    calls = world.simulation.taxjar.calls
    [limited] = [call.time for call in calls if call.status == 429]
    after = [call.time for call in calls if call.time > limited]
    assert min(after) >= limited + timedelta(seconds=60)


async def test_a_429_without_retry_after_pauses_for_ten_seconds_and_more(world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=429, times=2))
    await world.run()
    first, second, third = (call.time for call in world.simulation.taxjar.calls)
    assert timedelta(seconds=10) <= second - first <= timedelta(seconds=15)
    assert timedelta(seconds=20) <= third - second <= timedelta(seconds=30)


async def test_refused_access_pauses_the_connection_and_a_probe_every_five_minutes_resumes_it(world: World) -> None:
    for number in range(3):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=401))
    await world.poll()
    await world.settle(within=timedelta(minutes=1))
    world.simulation.taxjar.faults.clear()
    world.simulation.taxjar.calls.clear()
    world.simulation.taxjar.faults.add(Fault(path=TRANSACTIONS, status=401, times=2))
    await world.settle(within=timedelta(hours=1))
    calls = world.simulation.taxjar.calls
    assert [(call.method, call.status) for call in calls[:3]] == [("POST", 401), ("POST", 401), ("POST", 406)]
    assert all(later.time - earlier.time >= timedelta(minutes=5) for earlier, later in pairwise(calls[:3]))
    assert [call.status for call in calls[3:]] == [201] * 3
    assert {record.state for record in await world.records()} == {State.REPORTED}


async def test_a_worker_that_lost_its_claim_writes_nothing(world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    ledger = world.connector.ledger
    [first] = await ledger.claim([await world.record("INV-1")])
    world.clock.advance(minutes=3)
    [second] = await ledger.claim([await world.record("INV-1")])
    entry = AuditEntry(at=NOW, actor=Actor(function="f", by="b"), subject="s", decision="reported")
    with pytest.raises(ClaimLost):
        await ledger.settle(first, first.to(State.REPORTED), entry)
    with pytest.raises(ClaimLost):
        await ledger.renew(first)
    assert (await ledger.settle(second, second.to(State.REPORTED), entry)).state is State.REPORTED
    assert len(await world.audit("INV-1")) == 2


async def test_steady_polling_stays_within_the_cost_of_a_document(world: World) -> None:
    world.posting.invoice(invoice("WARM-UP"))
    await world.run()
    before = len(world.simulation.dynamics.calls), world.calls()
    for number in range(40):
        world.posting.invoice(invoice(f"INV-{number}", charges=[ChargeSpec()]))
    await world.run()
    assert world.calls() - before[1] == 40
    assert len(world.simulation.dynamics.calls) - before[0] <= 20


async def _forget(world: World, number: str) -> None:
    """Lose the ledger's memory of a document, as a restored backup would."""
    record = await world.record(number)
    table = world.connector.ledger._table
    for row in (record.row, f"id|{record.filing.transaction_id}"):
        await table.delete_entity(record.partition, row)
    async for entry in table.query_entities(f"RowKey gt 'audit|{record.row}' and RowKey lt 'audit|{record.row}|~'"):
        await table.delete_entity(entry)
    key: DocumentKey = record.key
    assert await world.connector.ledger.get("main", key) is None

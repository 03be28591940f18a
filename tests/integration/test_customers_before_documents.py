"""An exempt customer is in TaxJar before its documents, whatever goes wrong on the way (design 4.5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AUSTIN, InvoiceSpec, Source
from local.simulators.faults import Fault
from shared.flows.customers.sync import sync_exempt_customers
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.customers import CustomerBusy
from shared.ledger.records import State
from tests.world import COMPANY, TODAY, World

CUSTOMERS = "*/customers*"
pytestmark = pytest.mark.company(exempt_tax_groups={"EXEMPT": "government"})


def exempt_invoice(number: str = "INV-1", **changes: object) -> InvoiceSpec:
    spec = InvoiceSpec(number, TODAY, customer="C-2000", tax_group="EXEMPT")
    return replace(spec, **changes)  # type: ignore[arg-type]


def school(world: World) -> None:
    world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")


def account(world: World) -> str:
    return world.connector.connection(CONNECTION).company(COMPANY).account.client.account_id


def answered(world: World) -> list[str]:
    """What TaxJar did, in order."""
    done = [call for call in world.simulation.taxjar.calls if call.status in (200, 201)]
    return [f"{call.method} {call.path.split('/')[2]}" for call in done]


async def test_an_exempt_customer_precedes_its_document(world: World) -> None:
    school(world)
    world.posting.invoice(exempt_invoice())
    await world.run()
    assert answered(world) == ["POST customers", "POST transactions"]
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "government"
    assert world.taxjar.orders["USMF-INV-1"].customer_id == "USMF-C-2000"


async def test_without_the_journal_the_customer_of_a_free_text_invoice_is_the_one_who_ordered(world: World) -> None:
    school(world)
    world.simulation.dynamics.hide("CustInvoiceJourBiEntities")
    world.posting.invoice(exempt_invoice(source=Source.FREE_TEXT, invoice_account="C-1000"))
    await world.run()
    assert list(world.taxjar.customers) == ["USMF-C-2000"]
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.customer_id, order.exemption_type) == ("USMF-C-2000", "government")


async def test_many_documents_of_a_new_customer_at_once_put_it_there_once_and_first(world: World) -> None:
    school(world)
    for number in range(50):
        world.posting.invoice(exempt_invoice(f"INV-{number}"))
    await world.poll()
    await asyncio.gather(*(world.work() for _ in range(3)))
    await world.settle()
    assert {record.state for record in await world.records()} == {State.REPORTED}
    assert answered(world)[0] == "POST customers"
    assert answered(world).count("POST customers") == 1
    assert len(world.taxjar.orders) == 50


async def test_a_customer_that_taxjar_has_costs_its_later_documents_no_call(world: World) -> None:
    school(world)
    await sync_exempt_customers(world.connector, by="test")
    world.posting.invoice(exempt_invoice())
    await world.run()
    assert answered(world) == ["POST customers", "POST transactions"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path=CUSTOMERS, status=503, times=1),
        Fault(method="POST", path=CUSTOMERS, status=429, retry_after=40, times=1),
        Fault(method="POST", path=CUSTOMERS, drop=True, after=True, times=1),
        Fault(method="POST", path=CUSTOMERS, status=401, times=1),
    ],
    ids=lambda fault: fault.name,
)
async def test_a_document_waits_for_its_customer(world: World, fault: Fault) -> None:
    school(world)
    world.posting.invoice(exempt_invoice())
    world.simulation.taxjar.faults.add(fault)
    await world.poll()
    await world.work()
    record = await world.record("INV-1")
    assert (record.state, record.attempts.outcome_unknown) == (State.RETRYING, False)
    assert world.taxjar.orders == {}
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert answered(world)[-1] == "POST transactions"
    assert world.calls() == 1


@pytest.mark.parametrize("status", [403, 404])
async def test_while_customers_cannot_be_read_no_document_goes_out_as_if_nobody_was_exempt(
    world: World, status: int
) -> None:
    school(world)
    world.posting.invoice(exempt_invoice())
    world.simulation.dynamics.faults.add(Fault(path="*/CustomersV3", status=status, times=1))
    await world.poll()
    await world.work()
    assert (await world.record("INV-1")).state is State.RETRYING
    await world.settle()
    assert answered(world) == ["POST customers", "POST transactions"]


async def test_a_customer_that_taxjar_refuses_holds_its_document(world: World) -> None:
    school(world)
    world.posting.invoice(exempt_invoice())
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=406, times=1))
    await world.run()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "rejected_by_taxjar")
    assert "exempt customer (406)" in record.message
    assert world.taxjar.orders == {}


@pytest.mark.parametrize(("status", "state"), [(503, State.RETRYING), (406, State.HELD)])
async def test_a_customer_that_cannot_be_put_in_taxjar_is_tried_once_for_all_documents_of_a_message(
    world: World, status: int, state: State
) -> None:
    school(world)
    for number in range(20):
        world.posting.invoice(exempt_invoice(f"INV-{number}"))
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=status))
    await world.poll()
    assert await world.work_on_one()
    assert {record.state for record in await world.records()} == {state}
    assert [call.status for call in world.simulation.taxjar.calls] == [status]


async def test_a_taxed_document_of_an_exempt_customer_is_taxable_and_warned_of(world: World) -> None:
    school(world)
    world.posting.invoice(exempt_invoice(tax_group="TX-AUS", tax_rate=Decimal("0.0825")))
    await world.run()
    assert world.taxjar.orders["USMF-INV-1"].exemption_type == "non_exempt"
    assert any(note.startswith("Warning: tax of 8.25") for note in (await world.audit("INV-1"))[-1]["notes"])


async def test_a_customer_claimed_by_another_worker_makes_its_document_wait(world: World) -> None:
    school(world)
    world.posting.invoice(exempt_invoice())
    claim = await world.connector.customers.claim(CONNECTION, COMPANY, "USMF-C-2000", account=account(world))
    await world.poll()
    await world.work()
    assert (await world.record("INV-1")).state is State.RETRYING
    assert answered(world) == []
    await world.settle()
    assert answered(world) == ["POST customers", "POST transactions"]
    assert world.clock().isoformat() > claim.until


async def test_two_instances_that_sync_at_once_do_no_harm(world: World) -> None:
    random = Random(3)
    for number in range(20):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    other = replace(world.connector, random=random)
    await asyncio.gather(*(sync_exempt_customers(connector, by="test") for connector in (world.connector, other)))
    await sync_exempt_customers(world.connector, by="test")
    assert len(world.taxjar.customers) == 20
    assert answered(world).count("POST customers") == 20
    for number in range(20):
        _, intact = await world.connector.customers.audit(CONNECTION, COMPANY, f"USMF-C-20{number:02}")
        assert intact


async def test_the_id_on_the_document_is_spelled_as_that_of_the_customer(world: World) -> None:
    world.posting.customer("C-abc", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    world.posting.invoice(exempt_invoice(customer="c-ABC"))
    await world.run()
    assert world.taxjar.orders["USMF-INV-1"].customer_id == "USMF-C-abc"
    assert world.taxjar.customers.keys() == {"USMF-C-abc"}


async def test_a_worker_that_outlived_its_claim_leaves_the_customer_in_doubt_and_the_next_sync_sends_it_anew(
    world: World,
) -> None:
    school(world)
    customers = world.connector.customers
    claim = await customers.claim(CONNECTION, COMPANY, "USMF-C-2000", account=account(world))
    with pytest.raises(CustomerBusy):
        await customers.claim(CONNECTION, COMPANY, "USMF-C-2000", account=account(world))
    world.clock.advance(minutes=4)
    await sync_exempt_customers(world.connector, by="test")
    entry = AuditEntry(at=world.clock(), actor=Actor(function="f", by="b"), subject="s", decision="created")
    with pytest.raises(CustomerBusy):
        await customers.settle(claim, entry, payload={"customer_id": "USMF-C-2000"}, payload_hash="stale")
    record = await customers.get(CONNECTION, COMPANY, "USMF-C-2000", account=account(world))
    assert record is not None
    assert record.payload_hash == ""
    await sync_exempt_customers(world.connector, by="test")
    assert answered(world) == ["POST customers", "PUT customers"]
    entries, intact = await customers.audit(CONNECTION, COMPANY, "USMF-C-2000")
    assert intact
    assert [entry["decision"] for entry in entries] == ["created", "updated"]

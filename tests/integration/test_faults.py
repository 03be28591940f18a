"""Every fault on every remote call, alone and mixed: all settles, nothing is lost, nothing happens twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
import stamina

from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec
from local.simulators.faults import Call, Fault
from shared.ledger.records import State
from tests.faulty_storage import FaultyStorage
from tests.world import TODAY, Clock, World, running_world

ORDERS, REFUNDS = "/v2/transactions/orders", "/v2/transactions/refunds"
FAULTS: dict[str, dict[str, object]] = {
    "429": {"status": 429, "retry_after": 45},
    "429 with a date": {"status": 429, "retry_after": 45, "retry_after_as_date": True},
    "429 without Retry-After": {"status": 429},
    "500": {"status": 500},
    "500 after the effect": {"status": 500, "after": True},
    "502 with HTML": {"status": 502, "body": "html"},
    "503": {"status": 503},
    "503 with Retry-After": {"status": 503, "retry_after": 40},
    "an empty answer": {"status": 200, "body": "empty"},
    "an empty answer after the effect": {"status": 200, "body": "empty", "after": True},
    "a dropped connection": {"drop": True},
    "a connection dropped after the effect": {"drop": True, "after": True},
    "an answer slower than the lease": {"delay": 150},
    "401": {"status": 401},
}
COMPANY = {"product_tax_codes": {"items": {"P-1000": "20010"}}}


@pytest.fixture(autouse=True)
def no_real_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def post(world: World, count: int) -> None:
    """Invoices with freight, and a credit note for every fourth."""

    async def pass_time(seconds: float) -> None:
        world.clock.advance(seconds=seconds)

    for faults in (world.simulation.dynamics.faults, world.simulation.taxjar.faults, world.simulation.entra.faults):
        faults.sleep = pass_time
    for number in range(count):
        lines = [LineSpec(price=10 + number)]
        spec = InvoiceSpec(f"INV-{number}", TODAY, lines=lines, charges=[ChargeSpec()], tax_rate=Decimal("0.0825"))
        posted = world.posting.invoice(spec)
        if number % 4 == 0:
            world.posting.credit_note(posted, f"CRN-{number}", TODAY)


async def settle(world: World, count: int) -> None:
    """Poll every five minutes until everything is settled."""
    for _ in range(60):
        await world.poll()
        await world.settle(within=timedelta(hours=12))
        records = await world.records()
        if len(records) == count and not any(record.in_flight for record in records):
            return
        world.clock.advance(minutes=5)


async def assert_reported_once(world: World, count: int) -> None:
    records = await world.records()
    assert Counter(record.state for record in records) == {State.REPORTED: count}
    assert set(world.taxjar.orders) | set(world.taxjar.refunds) == {record.filing.transaction_id for record in records}
    assert world.calls("PUT") == 0
    for record in records:
        entries = await world.audit(record.key.number)
        assert [entry["decision"] for entry in entries if entry["decision"] != "retrying"] == ["seen", "reported"]
        stored = {**world.taxjar.orders, **world.taxjar.refunds}[record.filing.transaction_id]
        assert (stored.amount, stored.sales_tax) == (record.filing.amount, record.filing.sales_tax)


def assert_pauses_are_kept(calls: Sequence[Call], asked: float | None) -> None:
    """No call between a 429 and the end of the time that it asks for; 10 s and more where it asks for none."""
    for limited in [call for call in calls if call.status == 429]:
        until: datetime = limited.time + timedelta(seconds=asked if asked is not None else 10)
        assert not [call for call in calls if limited.time < call.time < until]


@pytest.mark.parametrize("kind", FAULTS)
async def test_each_fault_on_each_call_delays_the_documents_and_no_more(
    kind: str, azurite: str, certificates: Certificates
) -> None:
    async with running_world(azurite, certificates, settings=COMPANY, remote_transport=None) as world:
        post(world, 3)
        paths = ["SalesInvoiceHeadersV2", "SalesInvoiceV2Lines", "CustInvoiceJourBiEntities", "MarkupTransBiEntities"]
        paths += ["Warehouses", "LogisticsPostalAddressBiEntities", "CustomersV3"]
        fault = FAULTS[kind]
        world.simulation.entra.faults.add(Fault.model_validate({**fault, "times": 1}))
        world.simulation.dynamics.faults.add(
            *(Fault.model_validate({**fault, "path": f"/data/{path}", "times": 2}) for path in paths)
        )
        calls = [("GET", "/v2/categories"), ("POST", ORDERS), ("POST", REFUNDS), ("GET", f"{ORDERS}/*")]
        world.simulation.taxjar.faults.add(
            *(Fault.model_validate({**fault, "method": method, "path": path, "times": 2}) for method, path in calls)
        )
        await settle(world, 4)
        await assert_reported_once(world, 4)
        retry_after = fault.get("retry_after")
        asked = float(str(retry_after)) if retry_after is not None else None
        assert_pauses_are_kept(world.simulation.taxjar.calls, asked)
        assert_pauses_are_kept(world.simulation.dynamics.calls, asked)
        assert len([call for call in world.simulation.taxjar.calls if call.fault]) >= 4
        assert [call for call in world.simulation.entra.calls if call.fault]
        if kind == "503 with Retry-After":
            posts = [call for call in world.simulation.taxjar.calls if call.path == REFUNDS]
            assert posts[1].time - posts[0].time >= timedelta(seconds=40)


class NoJitter(Random):
    """Random numbers that make every back-off nothing at all."""

    def random(self) -> float:
        return 0.0


@pytest.mark.parametrize("side", ["TaxJar", "F&O"])
async def test_a_document_is_not_tried_before_retry_after_is_over(world: World, side: str) -> None:
    world.connector = replace(world.connector, random=NoJitter())
    faults, path = {
        "TaxJar": (world.simulation.taxjar.faults, ORDERS),
        "F&O": (world.simulation.dynamics.faults, "/data/SalesInvoiceV2Lines"),
    }[side]
    faults.add(Fault(path=path, status=503, retry_after=90, times=1))
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.run()
    first, second = [call for call in faults.calls if call.path == path]
    assert (first.status, second.time - first.time) == (503, timedelta(seconds=90))
    assert (await world.record("INV-1")).state is State.REPORTED


@pytest.mark.company(**COMPANY)
async def test_only_documents_with_a_product_tax_code_wait_for_the_list_of_codes(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path="/v2/categories", status=503))
    world.posting.invoice(InvoiceSpec("PLAIN", TODAY, lines=[LineSpec("P-2000")]))
    await world.poll()
    await world.work()
    world.posting.invoice(InvoiceSpec("CODED", TODAY, lines=[LineSpec("P-2000"), LineSpec("P-1000")]))
    await world.poll()
    await world.work()
    assert [(await world.record(number)).state for number in ("PLAIN", "CODED")] == [State.REPORTED, State.RETRYING]


@pytest.mark.company(**COMPANY)
async def test_the_list_of_codes_is_read_once_a_day_and_documents_wait_while_it_cannot_be(world: World) -> None:
    def asked() -> int:
        return sum(call.path == "/v2/categories" for call in world.simulation.taxjar.calls)

    for number, (hours, calls) in enumerate([(0, 1), (23, 1), (1, 2)]):
        world.clock.advance(hours=hours)
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY))
        await world.run()
        assert (await world.record(f"INV-{number}")).state is State.REPORTED
        assert asked() == calls
    world.clock.advance(days=1)
    world.simulation.taxjar.faults.add(Fault(path="/v2/categories", status=503))
    world.posting.invoice(InvoiceSpec("INV-3", TODAY))
    await world.poll()
    await world.work()
    assert (await world.record("INV-3")).state is State.RETRYING
    world.simulation.taxjar.faults.clear()
    await world.settle()
    assert (await world.record("INV-3")).state is State.REPORTED
    assert [order.line_items[0].product_tax_code for order in world.taxjar.orders.values()] == ["20010"] * 4


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 32), *(pytest.param(seed, 400, marks=pytest.mark.thorough) for seed in range(2, 5))],
)
async def test_faults_at_random_lose_nothing_and_repeat_nothing(
    seed: int, count: int, azurite: str, certificates: Certificates
) -> None:
    clock, random = Clock(), Random(seed)
    storages: list[FaultyStorage] = []

    async def pass_time(seconds: float) -> None:
        clock.advance(seconds=seconds)

    def storage() -> FaultyStorage:
        storages.append(FaultyStorage(random, pass_time))
        return storages[-1]

    async with running_world(azurite, certificates, settings=COMPANY, clock=clock, storage_transport=storage) as world:
        post(world, count)
        total = count + (count + 3) // 4
        for faults in (world.simulation.dynamics.faults, world.simulation.taxjar.faults):
            faults.add(*(Fault.model_validate({**fault, "probability": 0.006}) for fault in FAULTS.values()))
        world.simulation.entra.faults.add(Fault(status=503, probability=0.2))
        for each in storages:
            each.probability = 0.03
        await settle(world, total)
        for each in storages:
            each.probability = 0.0
        await assert_reported_once(world, total)
        assert sum(each.failed for each in storages) > 5
        assert_pauses_are_kept(world.simulation.taxjar.calls, 10)

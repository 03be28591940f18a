"""The sync of exempt customers as a run: what trouble with one of them does to the others, and what many cost."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.core.pipeline.transport import AioHttpTransport

from local.simulation import CONNECTION, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import AUSTIN
from local.simulators.faults import Fault
from tests.exempt_customers import as_if_synced, audit, calls, change, sync
from tests.world import COMPANY, Clock, World, connected, running_world

CUSTOMERS = "*/customers*"
GROUPS = {"exempt_tax_groups": {"EXEMPT": "government"}}
pytestmark = pytest.mark.company(**GROUPS)


@pytest.mark.parametrize("after", [False, True])
async def test_trouble_with_one_customer_does_not_keep_the_others_and_heals_in_the_next_run(
    world: World, after: bool
) -> None:
    for number in range(5):
        world.posting.customer(f"C-200{number}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, drop=True, after=after, times=1))
    await sync(world)
    assert len(world.taxjar.customers) == (5 if after else 4)
    await sync(world)
    assert len(world.taxjar.customers) == 5
    histories = [[entry["decision"] for entry in await audit(world, f"C-200{number}")] for number in range(5)]
    healed = ["retrying", "updated" if after else "created"]
    assert sorted(histories) == [*[["created"]] * 4, healed]
    before = len(calls(world))
    await sync(world)
    assert len(calls(world)) == before


@pytest.mark.parametrize("status", [429, 401])
async def test_a_429_or_a_refusal_pauses_the_account_and_ends_the_companys_run(world: World, status: int) -> None:
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=status, times=8))
    await sync(world)
    assert len(calls(world)) <= 8
    await sync(world)
    assert len(calls(world)) <= 8
    world.simulation.taxjar.faults.clear()
    world.clock.advance(minutes=10)
    await sync(world)
    assert len(world.taxjar.customers) == 30


async def test_taxjar_that_does_not_answer_is_left_alone_after_a_few_calls(world: World) -> None:
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=503))
    await sync(world)
    assert len(calls(world)) == 8


@pytest.mark.parametrize("stuck", [3, 8])
async def test_customers_that_taxjar_never_answers_do_not_keep_the_others_from_their_turn(
    world: World, stuck: int
) -> None:
    rows = [world.posting.customer(f"A-{number}", "School", AUSTIN, tax_group="EXEMPT") for number in range(stuck)]
    await sync(world)
    for row in rows:
        change(world, row, SalesTaxGroup="TX-AUS")
    for number in range(30):
        world.posting.customer(f"B-{number:02}", "School", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(method="PUT", path="*/customers/USMF-A-*", status=500))
    world.simulation.dynamics.page_size = 10
    await sync(world)
    await sync(world)
    assert sum(id.startswith("USMF-B") for id in world.taxjar.customers) == 30


async def test_of_those_that_got_no_answer_the_one_asked_longest_ago_comes_first(world: World) -> None:
    for number in range(20):
        world.posting.customer(f"A-{number:02}", "School", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=503))
    asked = []
    for _ in range(3):
        before = len(await _retrying(world, 20))
        await sync(world)
        world.clock.advance(hours=1)
        asked.append(len(await _retrying(world, 20)) - before)
    assert asked == [8, 8, 4]


async def _retrying(world: World, customers: int) -> list[int]:
    return [number for number in range(customers) if await audit(world, f"A-{number:02}")]


async def test_answers_in_between_keep_a_run_going(world: World) -> None:
    for number in range(60):
        world.posting.customer(f"C-{number:02}", "School", AUSTIN, tax_group="EXEMPT")
    faults = [Fault(path=CUSTOMERS, status=503, skip=skip, times=1) for skip in (2, 20, 38, 50)]
    world.simulation.taxjar.faults.add(*faults)
    await sync(world)
    assert len(world.taxjar.customers) == 56


async def test_customers_are_not_read_on_when_no_company_can_put_them_in_taxjar(world: World) -> None:
    world.simulation.dynamics.page_size = 10
    for number in range(60):
        world.posting.customer(f"C-{number:02}", "School", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=401))
    await sync(world)
    assert sum("CustomersV3" in call.path for call in world.simulation.dynamics.calls) == 1


async def test_trouble_with_dynamics_ends_the_run_early_and_the_next_one_continues(world: World) -> None:
    world.simulation.dynamics.page_size = 10
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    fault = Fault(path="*/CustomersV3", status=429, retry_after=60, skip=1, times=1)
    world.simulation.dynamics.faults.add(fault)
    await sync(world)
    assert 0 < len(world.taxjar.customers) <= 10
    world.clock.advance(minutes=2)
    await sync(world)
    assert len(world.taxjar.customers) == 30
    assert len(calls(world)) == 30


async def test_ten_thousand_unchanged_customers_cost_no_taxjar_call_and_few_table_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        tax_group = "TX-AUS" if number % 8 else "EXEMPT"
        world.posting.customer(f"K-{number:05}", f"School {number}", AUSTIN, tax_group=tax_group)
    world.simulation.dynamics.page_size = 2_500
    await as_if_synced(world)
    sent: list[str] = []
    send = AioHttpTransport.send

    async def counting(self: AioHttpTransport, request: Any, **options: Any) -> Any:
        sent.append(request.url)
        return await send(self, request, **options)

    monkeypatch.setattr(AioHttpTransport, "send", counting)
    await sync(world)
    assert calls(world) == []
    assert len(sent) <= 12


async def test_memory_does_not_grow_with_the_number_of_customers(azurite: str, certificates: Certificates) -> None:
    async def peak(customers: int) -> int:
        many = httpx.MockTransport(ManyCustomers(customers))
        async with running_world(azurite, certificates, settings=GROUPS, remote_transport=many) as world:
            await as_if_synced(world)
            tracemalloc.start()
            await sync(world)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

    await peak(100)  # what is loaded once
    few, many = await peak(500), await peak(3_000)
    # Table Storage answers with up to a thousand rows at a time; holding all customers would make it 2.6 times as much.
    assert many < 1.7 * few


class ManyCustomers:
    """An F&O with so many customers, every twentieth of them exempt, made up page by page; TaxJar is not expected."""

    def __init__(self, customers: int) -> None:
        self._customers = customers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith("/data/")
        if not request.url.path.endswith("/CustomersV3"):
            return httpx.Response(200, json={"value": []})
        start = int(request.url.params.get("$skiptoken", 0))
        end = min(start + 100, self._customers)
        rows = [
            {
                "dataAreaId": COMPANY,
                "CustomerAccount": f"K-{number:05}",
                "OrganizationName": f"School {number} " + "x" * 100,
                "SalesTaxGroup": "TX-AUS" if number % 20 else "EXEMPT",
            }
            for number in range(start, end)
        ]
        link = {"@odata.nextLink": f"{request.url.copy_with(query=None)}?$skiptoken={end}"}
        return httpx.Response(200, content=json.dumps({"value": rows} | (link if end < self._customers else {})))


async def test_after_a_change_of_the_taxjar_account_its_customers_and_the_end_of_their_exemptions_reach_the_new_one(
    azurite: str, certificates: Certificates
) -> None:
    clock, table = Clock(), f"ledger{uuid4().hex}"
    with Simulation(certificates, clock=clock) as simulation:
        simulation.taxjar.tokens["live-token"] = "live"
        posting = simulation.posting(COMPANY)
        posting.customer("C-2000", "Schools", AUSTIN, tax_group="EXEMPT")
        ended = posting.customer("C-2001", "Club", AUSTIN, tax_group="EXEMPT")
        sandbox = {"report_from": "2026-01-01", **GROUPS}
        live = sandbox | {"taxjar": {"token": "live-token"}}

        def settings(company: dict[str, Any]) -> dict[str, Any]:
            connection: dict[str, Any] = simulation.settings({COMPANY: company})
            connection["taxjar"]["max_calls_per_minute"] = 10_000_000
            return {CONNECTION: connection}

        async with connected(azurite, simulation, clock, settings(sandbox), table=table) as world:
            await sync(world)
        simulation.dynamics.store.update("CustomersV3", ended, {"SalesTaxGroup": "TX-AUS"})
        simulation.taxjar.calls.clear()
        async with connected(azurite, simulation, clock, settings(live), table=table) as world:
            await sync(world)
            await sync(world)
            held = {id: customer.exemption_type for id, customer in simulation.taxjar.account("live").customers.items()}
            assert held == {"USMF-C-2000": "government", "USMF-C-2001": "non_exempt"}
            assert calls(world) == ["POST customers", "POST customers"]
            assert [entry["decision"] for entry in await audit(world, "C-2001")] == ["created", "created"]

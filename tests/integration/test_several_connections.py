"""Several environments, companies and TaxJar accounts in one deployment, each with its own settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import Simulation
from local.simulators.dynamics.events import posted_event
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import InvoiceSpec, LineSpec
from local.simulators.faults import Fault
from shared.connector import Connection
from shared.documents import DocumentKey
from shared.flows.customers import sync
from shared.flows.finding import poll
from shared.flows.live import nexus
from shared.flows.operations.ping import ping_connection
from shared.ledger.records import State
from tests.conftest import CERTIFICATES
from tests.world import NOW, TODAY, Clock, QueueInMemory, World, connected, furnished

START = {"report_from": "2026-01-01"}
NORTH, SOUTH = "north", "south"


class Group:
    """Environment ``north`` with companies usmf and usrt, environment ``south`` with another usmf."""

    def __init__(self, world: World, north: Simulation, south: Simulation) -> None:
        self.world, self.north, self.south = world, north, south
        self.usmf = furnished(north.posting("usmf"))
        self.usrt = self._furnish_second(north.posting("usrt"))
        self.other_usmf = furnished(south.posting("usmf"))

    @staticmethod
    def _furnish_second(posting: Posting) -> Posting:
        posting.warehouse("W-DAL")
        posting.customer("C-1000", "Barton Tools")
        posting.charge_code("FREIGHT", "Outbound freight", is_shipping=True)
        return posting

    def orders(self, account: str) -> dict[str, Any]:
        orders: dict[str, Any] = self.north.taxjar.account(account).orders
        return orders

    async def run(self) -> None:
        await self.world.poll()
        await self.world.settle()


@pytest.fixture
async def group(azurite: str) -> AsyncIterator[Group]:
    clock = Clock()
    with Simulation(CERTIFICATES, clock=clock) as north, Simulation(CERTIFICATES, clock=clock) as south:
        north.taxjar.tokens |= {"token-of-usrt": "usrt", "token-of-south": "south"}
        usrt = {**START, "taxjar": {"token": "token-of-usrt"}, "product_tax_codes": {"items": {"P-1000": "20010"}}}
        connections: dict[str, Any] = {
            NORTH: north.settings({"usmf": START, "usrt": usrt}),
            SOUTH: south.settings({"usmf": {**START, "exempt_tax_groups": {"GOV": "government"}}}),
        }
        connections[SOUTH]["taxjar"] = {**connections[NORTH]["taxjar"], "token": "token-of-south"}
        async with connected(azurite, north, clock, connections) as world:
            yield Group(world, north, south)


async def test_each_company_reports_to_its_own_account_with_its_own_mapping(group: Group) -> None:
    for posting, price in ((group.usmf, 10), (group.usrt, 20), (group.other_usmf, 30)):
        posting.invoice(InvoiceSpec("INV-1", TODAY, [LineSpec(price=price)]))
    await group.run()
    found = {account: group.orders(account) for account in ("retailer", "usrt", "south")}
    assert {account: list(orders) for account, orders in found.items()} == {
        "retailer": ["USMF-INV-1"],
        "usrt": ["USRT-INV-1"],
        "south": ["USMF-INV-1"],
    }
    assert [orders.popitem()[1].amount for orders in found.values()] == [Decimal(10), Decimal(20), Decimal(30)]
    code = group.orders("usrt")["USRT-INV-1"].line_items[0].product_tax_code
    assert (code, group.orders("south")["USMF-INV-1"].line_items[0].product_tax_code) == ("20010", None)


async def test_one_cross_company_query_lists_all_companies_of_an_environment(group: Group) -> None:
    group.usmf.invoice(InvoiceSpec("INV-1", TODAY))
    group.usrt.invoice(InvoiceSpec("INV-2", TODAY))
    group.other_usmf.invoice(InvoiceSpec("INV-3", TODAY))
    await group.run()
    before = len(group.north.dynamics.calls), len(group.south.dynamics.calls)
    await group.run()
    polls = [*group.north.dynamics.calls[before[0] :], *group.south.dynamics.calls[before[1] :]]
    assert len(polls) == 2
    assert all("cross-company=true" in call.query for call in polls)


async def test_trouble_of_one_environment_or_account_leaves_the_others_alone(group: Group) -> None:
    for posting in (group.usmf, group.usrt, group.other_usmf):
        posting.invoice(InvoiceSpec("INV-1", TODAY))
    group.south.dynamics.faults.add(Fault(status=429, retry_after=600))
    del group.north.taxjar.tokens["token-of-usrt"]
    await group.world.poll()
    await group.world.work()
    assert group.orders("retailer").keys() == {"USMF-INV-1"}
    assert group.orders("south") == {}
    group.south.dynamics.faults.clear()
    group.north.taxjar.tokens["token-of-usrt"] = "usrt"
    await group.world.settle()
    group.world.clock.advance(minutes=10)
    await group.run()
    assert group.orders("south").keys() == {"USMF-INV-1"}
    assert group.orders("usrt").keys() == {"USRT-INV-1"}


class NothingForNorth(QueueInMemory):
    """A queue that takes nothing from the connection north."""

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        if connection == NORTH and documents:
            raise KeyError("a defect")
        await super().put(connection, documents, delay=delay)


@pytest.mark.parametrize("function", [poll.poll_posted_invoices, poll.sweep_posted_invoices])
async def test_a_defect_met_in_one_environment_keeps_no_other_and_is_told_in_the_end(
    group: Group, function: Callable[..., Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    for posting in (group.usmf, group.other_usmf):
        posting.invoice(InvoiceSpec("INV-1", TODAY))
    group.world.queue = NothingForNorth(group.world.clock)
    group.world.connector = replace(group.world.connector, documents_queue=group.world.queue)
    with pytest.raises(KeyError):
        await function(group.world.connector, by="test")
    assert f"{NORTH}: {function.__name__} did not get to the end" in caplog.text
    await group.world.settle()
    assert group.orders("south").keys() == {"USMF-INV-1"}


def broken(connection: Connection) -> Connection:
    """A connection whose every use runs into a defect: it has no gates."""
    gateless: Any = None
    companies = {
        id: replace(company, account=replace(company.account, gate=gateless))
        for id, company in connection.companies.items()
    }
    return replace(connection, gate=gateless, companies=companies)


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (sync.sync_exempt_customers, "/v2/customers"),
        (nexus.pull_nexus_regions, "/v2/nexus/regions"),
    ],
)
async def test_a_defect_met_in_one_connection_keeps_no_timer_from_the_next(
    group: Group, function: Callable[..., Awaitable[None]], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    group.other_usmf.customer("C-9000", "City of Springfield", tax_group="GOV")
    connections = dict(group.world.connector.connections)
    connections[NORTH] = broken(connections[NORTH])
    with pytest.raises(AttributeError):
        await function(replace(group.world.connector, connections=connections), by="test")
    assert f"{function.__name__} did not get to the end" in caplog.text
    assert [call.account for call in group.north.taxjar.calls if call.path == path][:1] == ["south"]


async def test_an_event_belongs_to_the_connection_of_its_url(group: Group) -> None:
    posted = group.other_usmf.invoice(InvoiceSpec("INV-1", TODAY))
    await group.world.deliver(posted_event(posted, 1, NOW), connection=SOUTH)
    await group.world.settle()
    listing = group.world.connector.ledger.listing
    assert [record.state async for record in listing(SOUTH, "usmf")] == [State.REPORTED]
    assert [record async for record in listing(NORTH, "usmf")] == []
    assert group.orders("south").keys() == {"USMF-INV-1"}


async def test_each_connection_has_a_ping_of_its_own(group: Group) -> None:
    del group.north.taxjar.tokens["token-of-usrt"]
    north, south = await asyncio.gather(
        *(ping_connection(group.world.connector, name, "test") for name in (NORTH, SOUTH))
    )
    assert [check["name"] for check in north["checks"] if not check["ok"]] == ["TaxJar account of usrt"]
    assert south["ok"]

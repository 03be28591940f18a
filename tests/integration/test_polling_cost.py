"""What polling costs: OData calls per new document, and a poll that finds nothing new (design 4.1 and 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION, Simulation
from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, Source
from shared.ledger.records import State
from tests.conftest import CERTIFICATES
from tests.world import COMPANY, TODAY, Clock, World, connected, furnished

TEXAS = Decimal("0.0825")
LINKS = (Link.CREDIT_INVOICING, Link.RETURNED_LOT)


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[World]:
    """A world whose clock stands still: the limit of calls per minute must not hold anything up."""
    clock = Clock()
    with Simulation(CERTIFICATES, clock=clock) as simulation:
        connection: dict[str, Any] = simulation.settings({COMPANY: {"report_from": "2026-01-01"}})
        connection["taxjar"]["max_calls_per_minute"] = 1_000_000
        async with connected(azurite, simulation, clock, {CONNECTION: connection}) as world:
            furnished(world.posting)
            yield world


def post_ordinary_days(world: World, count: int) -> None:
    """A retailer's days in one number series: a tenth are credit notes of both links, a twentieth free text."""
    for number in range(count):
        posting, on = world.posting, TODAY - timedelta(days=number * 5 // count)
        ship_to = AddressSpec(f"{number} Congress Ave", "Austin", "TX", "78701")
        charges = [ChargeSpec("FREIGHT", 10)] if number % 3 else []
        spec = InvoiceSpec(f"DOC-{number}", on, charges=charges, ship_to=ship_to, tax_rate=TEXAS)
        if number % 10 == 9:
            sale = posting.invoice(InvoiceSpec(f"OLD-{number}", TODAY - timedelta(days=60), tax_rate=TEXAS))
            posting.credit_note(sale, f"DOC-{number}", on, link=LINKS[number // 10 % 2])
        elif number % 20 == 5:
            line = LineSpec("", name="Repair", price=80)
            posting.invoice(InvoiceSpec(f"DOC-{number}", on, [line], source=Source.FREE_TEXT, tax_rate=TEXAS))
        else:
            posting.invoice(spec)


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.thorough)])
async def test_a_new_document_costs_at_most_half_an_odata_call_and_nothing_new_one_count(
    world: World, count: int
) -> None:
    post_ordinary_days(world, count)
    await world.run()
    assert [record.state for record in await world.records()] == [State.REPORTED] * count
    calls = list(world.simulation.dynamics.calls)
    sets = Counter(call.path.rpartition("/")[2] for call in calls)
    assert len(calls) <= count / 2, sets
    assert world.calls() == count
    await world.run()
    [call] = world.simulation.dynamics.calls[len(calls) :]
    assert call.path.endswith("/$count")
    assert world.calls() == count


async def test_a_poll_of_several_pages_is_one_query_followed_to_its_end(world: World) -> None:
    world.simulation.dynamics.page_size = 30
    for number in range(70):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY, tax_rate=TEXAS))
    await world.poll()
    assert len(world.simulation.dynamics.calls) == 3
    assert len(await world.records()) == 70

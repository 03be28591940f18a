"""Entity sets that were ever readable are remembered in the table, and required from then on (design 4.1, case R1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from local.simulators.dynamics.specs import InvoiceSpec
from shared import telemetry
from shared.flows.operations.status import show_status
from shared.ledger.readable_sets import ReadableSets
from shared.ledger.records import State
from tests.conftest import CERTIFICATES
from tests.world import TODAY, World, running_world

URL = "https://contoso.operations.dynamics.com"
JOURNALS = "CustInvoiceJourBiEntities"
TEXAS = Decimal("0.0825")


@pytest.fixture
async def table(azurite: str) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(azurite) as service:
        yield await service.create_table(f"sets{uuid4().hex}")


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[World]:
    async with running_world(azurite, CERTIFICATES) as world:
        yield world


async def test_what_one_instance_has_seen_another_one_knows(table: TableClient) -> None:
    first, second = ReadableSets(table, "main", URL), ReadableSets(table, "main", URL)
    assert await first.readable() == frozenset()
    await first.remember("Warehouses")
    await second.remember(JOURNALS)
    await first.remember("Warehouses")
    assert await first.readable() == await second.readable() == {"Warehouses", JOURNALS}


async def test_instances_that_write_at_once_keep_each_others_names(table: TableClient) -> None:
    names = {f"Set{n}" for n in range(6)}
    await asyncio.gather(*(ReadableSets(table, "main", URL).remember(name) for name in names))
    assert await ReadableSets(table, "main", URL).readable() == names


async def test_another_connection_or_environment_begins_anew(table: TableClient) -> None:
    await ReadableSets(table, "main", URL).remember("Warehouses")
    assert await ReadableSets(table, "other", URL).readable() == frozenset()
    assert await ReadableSets(table, "main", "https://sandbox.example").readable() == frozenset()


@pytest.mark.parametrize("take_away", ["hide", "forbid", "withhold"])
async def test_what_is_posted_while_the_journal_is_away_waits_and_is_right_when_it_is_back(
    world: World, take_away: str
) -> None:
    dynamics = world.simulation.dynamics
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, tax_rate=TEXAS))
    await world.run()
    if take_away == "withhold":
        dynamics.row_faults.withhold(JOURNALS)
    else:
        getattr(dynamics, take_away)(JOURNALS)
    world.posting.invoice(InvoiceSpec("ICO-1", TODAY, is_intercompany=True))
    world.posting.invoice(InvoiceSpec("PRE-1", TODAY, is_prepayment=True))
    world.posting.invoice(InvoiceSpec("INV-2", TODAY, tax_rate=TEXAS))
    await world.poll()
    await world.settle(within=timedelta(hours=2))
    assert world.taxjar.orders.keys() == {"USMF-INV-1"}
    assert {record.state for record in await world.records() if record.key.number != "INV-1"} == {State.RETRYING}
    dynamics.store.show(JOURNALS)
    dynamics.row_faults.clear()
    await world.settle()
    assert world.taxjar.orders.keys() == {"USMF-INV-1", "USMF-INV-2"}
    states = {record.key.number: (record.state, record.reason) for record in await world.records()}
    assert states["ICO-1"] == (State.SKIPPED, "intercompany")
    assert states["PRE-1"] == (State.SKIPPED, "prepayment")


async def test_a_set_that_vanished_is_an_alert_and_status_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone: list[tuple[str, str]] = []
    monkeypatch.setattr(telemetry, "set_gone", lambda *where: gone.append(where))
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, tax_rate=TEXAS))
    await world.run()
    assert gone == []
    world.simulation.dynamics.hide(JOURNALS)
    for number in range(3):
        world.posting.invoice(InvoiceSpec(f"NEW-{number}", TODAY, tax_rate=TEXAS))
    await world.poll()
    await world.work()
    assert set(gone) == {("main", JOURNALS)}
    assert f"{JOURNALS} was readable before and is not: give access to it again" in caplog.text
    status = await show_status(world.connector)
    assert list(status["connections"][0]["sets_waited_for"]) == [JOURNALS]
    assert [step["text"] for step in status["next_steps"] if step["text"].startswith(f"{JOURNALS} was readable before")]
    world.simulation.dynamics.store.show(JOURNALS)
    world.clock.advance(minutes=6)
    await world.settle()
    assert (await show_status(world.connector))["connections"][0]["sets_waited_for"] == {}

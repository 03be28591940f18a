"""Which TaxJar account, which F&O environment: what reports where it should not sends nothing (design 4.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.simulators.taxjar.records import Account
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.operations.ping import ping_connection
from shared.flows.operations.status import StatusQuery, show_status
from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.flows.work.moves import confirm_move
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.web import Problem
from tests.conftest import CERTIFICATES
from tests.filing import HANDLING_SHIPS, decided, sale
from tests.holdings import AUSTIN, holdings, outcome
from tests.reconciling import findings
from tests.world import COMPANY, TODAY, World, connected

STRANGER, ROTATED = "strangers-token", "rotated-token"
RESALE = {"RESALE": "wholesale"}
PAT = Actor(function="confirm_move", by="Pat")


@asynccontextmanager
async def restarted(
    world: World,
    azurite: str,
    *,
    token: str = "",
    simulation: Simulation | None = None,
    company: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[World]:
    """The app after a restart with other settings, on the same storage."""
    simulation = simulation or world.simulation
    simulation.taxjar.tokens.update({STRANGER: "stranger", ROTATED: TAXJAR_ACCOUNT})
    settings: dict[str, Any] = simulation.settings({COMPANY: {"report_from": "2026-01-01", **company}})
    settings["taxjar"]["max_calls_per_minute"] = 10_000_000
    if token:
        settings["taxjar"]["token"] = token
    table = world.connector.ledger._table.table_name
    async with connected(
        azurite,
        simulation,
        world.clock,
        {CONNECTION: settings},
        table=table,
        queue=world.queue,
        history=world.history,
    ) as other:
        yield other


async def post(world: World, *numbers: str, **changes: Any) -> None:
    for number in numbers:
        world.posting.invoice(sale(number, TODAY, **changes))
    await world.poll()
    await world.settle(within=timedelta(hours=2))


async def move(world: World) -> None:
    connection = world.connector.connection(CONNECTION)
    await confirm_move(world.connector, connection, connection.company(COMPANY), PAT, "a new TaxJar account")


async def company_status(world: World) -> dict[str, Any]:
    status = await show_status(world.connector, StatusQuery())
    [connection] = status["connections"]
    company: dict[str, Any] = connection["companies"][0]
    return company | {"steps": [step["text"] for step in status["next_steps"]]}


def strangers(world: World) -> Account:
    return world.simulation.taxjar.account("stranger")


@pytest.mark.company(exempt_tax_groups=RESALE)
async def test_another_accounts_token_for_one_night_creates_nothing_there(world: World, azurite: str) -> None:
    await post(world, "INV-1", "INV-2")
    async with restarted(world, azurite, token=STRANGER, company={"exempt_tax_groups": RESALE}) as night:
        night.posting.customer("C-RESALE", "Reseller", AUSTIN, tax_group="RESALE")
        await post(night, "INV-3")
        await sync_exempt_customers(night.connector, by="timer")
        await reconcile_nightly(night.connector, by="timer")
        with pytest.raises(Problem) as refused:
            await findings(night, heal=True)
        await night.settle(within=timedelta(hours=8))
        assert (refused.value.status, refused.value.code) == (409, "fenced")
        assert "CONNECTIONS__MAIN__TAXJAR__TOKEN" in str(refused.value)
        assert "confirm the move" in str(refused.value)
        assert (strangers(night).transactions, strangers(night).customers) == ({}, {})
        assert {record.state for record in await night.records()} == {State.REPORTED, State.SEEN}
        assert not (await ping_connection(night.connector, CONNECTION, "Pat"))["ok"]
        status = await company_status(night)
        assert "CONNECTIONS__MAIN__TAXJAR__TOKEN" in status["fenced"]
        assert any(status["fenced"] in step for step in status["steps"])
    async with restarted(world, azurite) as morning:
        assert (await company_status(morning))["fenced"] is None
        await morning.poll()
        await morning.settle()
        assert list(holdings(morning)) == ["USMF-INV-1", "USMF-INV-2", "USMF-INV-3"]


async def test_a_new_token_of_the_same_account_is_accepted_by_itself(world: World, azurite: str) -> None:
    await post(world, "INV-1")
    async with restarted(world, azurite, token=ROTATED) as rotated:
        await post(rotated, "INV-2")
        assert await outcome(rotated, "INV-2") == "reported"
        assert (await company_status(rotated))["fenced"] is None


async def test_after_a_confirmed_move_new_documents_go_to_the_new_account_and_old_ones_are_not_repeated(
    world: World, azurite: str
) -> None:
    await post(world, "INV-1", "INV-2")
    async with restarted(world, azurite, token=STRANGER, company=HANDLING_SHIPS) as moved:
        await move(moved)
        await post(moved, "INV-3")
        await decided(moved, "USMF-INV-1", "retry")
        await reconcile_nightly(moved.connector, by="timer")
        await moved.settle()
        assert [each for _, each in strangers(moved).transactions] == ["USMF-INV-3"]
        assert await outcome(moved, "INV-1") == "held reported_to_another_account"
        assert await outcome(moved, "INV-2") == "reported"
        assert (await findings(moved, heal=True))["not_sent_again"] == 0
        assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal(12)


@pytest.mark.parametrize(("decision", "end"), [("dismiss", "reported"), ("settle", "skipped handled_outside")])
async def test_a_document_in_the_account_of_before_a_move_is_closed_by_a_person(
    world: World, azurite: str, decision: str, end: str
) -> None:
    await post(world, "INV-1")
    async with restarted(world, azurite, token=STRANGER, company=HANDLING_SHIPS) as moved:
        await move(moved)
        await decided(moved, "USMF-INV-1", "retry")
        await decided(moved, "USMF-INV-1", decision)
        assert await outcome(moved, "INV-1") == end
        await reconcile_nightly(moved.connector, by="timer")
        await moved.settle()
        assert await outcome(moved, "INV-1") == end
        assert strangers(moved).transactions == {}


async def test_what_the_new_account_holds_is_changed_there(world: World, azurite: str) -> None:
    await post(world, "INV-1")
    async with restarted(world, azurite, token=STRANGER) as moved:
        await move(moved)
        await post(moved, "INV-2")
        moved.change_settings(**HANDLING_SHIPS)
        await decided(moved, "USMF-INV-2", "retry")
        assert await outcome(moved, "INV-2") == "reported"
        assert strangers(moved).orders["USMF-INV-2"].shipping == Decimal(17)


async def test_after_a_move_back_the_first_account_is_changed_again(world: World, azurite: str) -> None:
    await post(world, "INV-1")
    async with restarted(world, azurite, token=STRANGER) as moved:
        await move(moved)
        await post(moved, "INV-2")
    async with restarted(world, azurite, company=HANDLING_SHIPS) as back:
        await move(back)
        await decided(back, "USMF-INV-1", "retry")
        await decided(back, "USMF-INV-2", "retry")
        assert (await outcome(back, "INV-1"), await outcome(back, "INV-2")) == (
            "reported",
            "held reported_to_another_account",
        )
        assert back.taxjar.orders["USMF-INV-1"].shipping == Decimal(17)
        assert strangers(back).orders["USMF-INV-2"].shipping == Decimal(12)


async def test_an_approved_correction_is_not_sent_to_another_account(world: World, azurite: str) -> None:
    world.posting.invoice(sale("INV-1", TODAY.replace(month=10)))
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")
    await decided(world, "USMF-INV-1", "approve", settle=False)
    async with restarted(world, azurite, token=STRANGER, company=HANDLING_SHIPS) as moved:
        await move(moved)
        await moved.settle()
        assert await outcome(moved, "INV-1") == "held reported_to_another_account"
        assert strangers(moved).transactions == {}


async def test_a_second_deployment_on_the_same_storage_sends_nothing_and_is_refused_by_name(
    world: World, azurite: str, caplog: pytest.LogCaptureFixture
) -> None:
    await post(world, "INV-1")
    with Simulation(CERTIFICATES, clock=world.clock) as sandbox:
        async with restarted(world, azurite, simulation=sandbox) as second:
            second.posting.warehouse("W-DAL")
            await post(second, "INV-2")
            assert sandbox.taxjar.calls == []
            assert [record.key.number for record in await second.records()] == ["INV-1"]
            assert "CONNECTIONS__MAIN__DYNAMICS__URL" in caplog.text
            assert "second deployment" in caplog.text
            assert "second deployment" in (await company_status(second))["fenced"]
    async with restarted(world, azurite) as first:
        await post(first, "INV-3")
        assert await outcome(first, "INV-3") == "reported"


async def test_every_move_is_in_the_activity_with_its_person(world: World, azurite: str) -> None:
    await post(world, "INV-1")
    async with restarted(world, azurite, token=STRANGER) as moved:
        await move(moved)
        fence = await moved.connector.fences.get(CONNECTION, COMPANY)
        assert fence is not None
        assert replace(fence, token="") != fence
        entries, intact = await moved.connector.subjects.audit(f"{CONNECTION}|{COMPANY}", "fence", "main")
        assert intact
        assert [(entry["decision"], entry["by"]) for entry in entries][-1] == ("move_confirmed", "Pat")
        assert entries[-1]["reason"] == "a new TaxJar account"

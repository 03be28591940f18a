"""``show_status``: how the connector stands, from a few rows, and what a person should do next (design 3.1, 4.10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.faults import Fault
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.status import StatusQuery, show_status
from shared.flows.reconciliation.jobs import reconcile_nightly
from tests.conftest import CERTIFICATES
from tests.counting_storage import CountingStorage
from tests.world import COMPANY, TODAY, World, running_world

TAX = Decimal("0.0825")
NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")


def texts(status: dict[str, Any]) -> str:
    return "\n".join(step["text"] for step in status["next_steps"])


async def connection_of(world: World) -> dict[str, Any]:
    [shown] = (await show_status(world.connector))["connections"]
    return shown


async def test_what_waits_is_shown_by_state_and_reason_with_dollars_and_age(world: World) -> None:
    world.posting.invoice(InvoiceSpec("GOOD", TODAY, tax_rate=TAX))
    world.posting.invoice(InvoiceSpec("ASTRAY-1", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    since = world.clock()
    world.clock.advance(days=1)
    world.posting.invoice(InvoiceSpec("ASTRAY-2", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    world.posting.invoice(InvoiceSpec("NEW", TODAY, tax_rate=TAX))
    await world.poll()
    status = await show_status(world.connector)
    [company] = status["connections"][0]["companies"]
    held, seen = company["open_work"]
    assert held == {
        "state": "held",
        "reason": "zip_state_mismatch",
        "count": 2,
        "amount": "200.00",
        "sales_tax": "16.50",
        "oldest": since.isoformat().replace("+00:00", "Z"),
    }
    assert (seen["state"], seen["count"], seen["amount"]) == ("seen", 1, "100.00")
    [step] = [step for step in status["next_steps"] if step["state"] == "held"]
    assert step["text"].startswith("2 documents of USMF are held, zip state mismatch: ")
    assert step["reason"] == "zip_state_mismatch"
    assert step["link"] == f"/api/console/#/todo/{CONNECTION}/{COMPANY}"
    [queue, _] = status["queues"]
    assert queue["messages"] == 1
    assert queue["oldest_at"] is not None


async def test_the_company_s_own_day_is_shown(world: World) -> None:
    world.change_settings(time_zone="Pacific/Auckland")
    [company] = (await connection_of(world))["companies"]
    assert company["today"] == (TODAY + timedelta(days=1)).isoformat()


async def test_every_timer_says_when_it_was_last_complete(world: World) -> None:
    status = await show_status(world.connector)
    assert {run["function"] for run in status["runs"] if not run["ok"]} == {run["function"] for run in status["runs"]}
    assert "reconcile_nightly: No run has been complete yet." in texts(status)
    await world.poll()
    await world.sweep()
    for timer in (sync_exempt_customers, pull_nexus_regions, reconcile_nightly):
        await timer(world.connector, by="Ann")
    await world.settle()
    runs = {run["function"]: run for run in (await show_status(world.connector))["runs"]}
    assert [name for name, run in runs.items() if not run["ok"]] == ["seal_audit"]
    assert runs["sync_exempt_customers"]["by"] == "Ann"
    assert runs["reconcile_nightly"]["company"] == COMPANY
    world.clock.advance(hours=3)
    status = await show_status(world.connector)
    assert [run["function"] for run in status["runs"] if not run["ok"]] == ["poll_posted_invoices", "seal_audit"]


async def test_a_run_that_met_trouble_is_not_complete(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path="*/nexus/regions", status=500))
    await pull_nexus_regions(world.connector, by="schedule")
    world.simulation.dynamics.faults.add(Fault(path="*", status=503))
    await sync_exempt_customers(world.connector, by="schedule")
    assert await world.connector.last_runs.all_of(CONNECTION) == []


async def test_a_paused_side_is_named_with_its_reason(world: World) -> None:
    company = world.connector.connection(CONNECTION).company(COMPANY)
    await company.account.gate.deny("TaxJar refused the token (401).")
    await world.connector.connection(CONNECTION).gate.throttle(3600)
    dynamics, taxjar = (await connection_of(world))["pauses"]
    assert (dynamics["side"], dynamics["kind"]) == ("dynamics", "throttled")
    assert (taxjar["side"], taxjar["kind"], taxjar["reason"]) == (
        "taxjar",
        "refused",
        "TaxJar refused the token (401).",
    )
    assert "TaxJar refuses access (TaxJar refused the token (401).): ping the connection" in texts(
        await show_status(world.connector)
    )


async def test_a_vault_reference_that_is_not_resolved_is_named_by_its_setting(world: World) -> None:
    connection = world.connector.connection(CONNECTION)
    reference = SecretStr("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/t)")
    taxjar = connection.settings.taxjar.model_copy(update={"token": reference})
    changed = replace(connection, settings=connection.settings.model_copy(update={"taxjar": taxjar}))
    world.connector = replace(world.connector, connections={CONNECTION: changed})
    status = await show_status(world.connector)
    assert list(status["connections"][0]["unresolved_secrets"]) == ["CONNECTIONS__MAIN__TAXJAR__TOKEN"]
    assert "CONNECTIONS__MAIN__TAXJAR__TOKEN still holds a Key Vault reference" in texts(status)


async def test_a_broken_audit_is_shown_and_has_a_sentence(world: World) -> None:
    await world.connector.seals.note(
        CONNECTION, COMPANY, at=world.clock(), last=None, broken=["doc|2026-11-20|INV-1|V-1"]
    )
    status = await show_status(world.connector)
    assert status["audit"]["intact"] is False
    assert status["audit"]["broken"][0]["row"] == "doc|2026-11-20|INV-1|V-1"
    assert "The audit of USMF is not as it was written in 1 place" in texts(status)


async def test_settings_are_shown_without_any_secret(world: World) -> None:
    detailed = await show_status(world.connector, StatusQuery(detail=True))
    shown = {setting["name"]: setting["value"] for setting in detailed["settings"]}
    assert shown["CONNECTIONS__MAIN__TAXJAR__TOKEN"] == "set"
    assert shown["CONNECTIONS__MAIN__COMPANIES__USMF__REPORT_FROM"] == "2026-01-01"
    settings = world.connector.connection(CONNECTION).settings
    for secret in (settings.taxjar.token, settings.dynamics.client_secret):
        assert secret is not None
        assert secret.get_secret_value() not in str(detailed)
    assert "settings" not in await show_status(world.connector)


@pytest.fixture
async def counted(azurite: str) -> AsyncIterator[tuple[World, CountingStorage]]:
    storage = CountingStorage()
    async with running_world(azurite, CERTIFICATES, storage_transport=lambda: storage) as world:
        yield world, storage


async def test_its_cost_does_not_grow_with_the_history(counted: tuple[World, CountingStorage]) -> None:
    world, storage = counted
    world.posting.invoice(InvoiceSpec("ASTRAY", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    costs = []
    for number in (0, 1):
        world.clock.advance(hours=1)
        storage.start()
        await show_status(world.connector)
        costs.append((storage.requests, storage.entities))
        for each in range(30 * (1 - number)):
            world.posting.invoice(InvoiceSpec(f"INV-{each}", TODAY, tax_rate=TAX))
        await world.run()
    assert costs[0] == costs[1]
    assert costs[0][1] > 0


async def test_how_long_documents_took_is_counted_on_demand(world: World) -> None:
    world.posting.invoice(InvoiceSpec("QUICK", TODAY, tax_rate=TAX))
    await world.run()
    world.posting.invoice(InvoiceSpec("SLOW", TODAY, tax_rate=TAX))
    await world.poll()
    world.clock.advance(minutes=10)
    await world.settle()
    world.posting.invoice(InvoiceSpec("ASTRAY", TODAY, ship_to=NOWHERE, tax_rate=TAX))
    await world.run()
    assert "delays" not in await show_status(world.connector)
    shown = await show_status(world.connector, StatusQuery(detail=True))
    counts = {bucket["up_to_seconds"]: bucket["count"] for bucket in shown["delays"]["buckets"]}
    assert counts == {60: 1, 300: 0, 900: 1, 3600: 0, 14400: 0, 86400: 0, None: 0}

"""A secret that is still a Key Vault reference is never sent, and is named by its setting (case D17)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import InvoiceSpec
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.ping import ping_connection
from shared.ledger.records import State
from tests.world import COMPANY, TODAY, Clock, World, connected, furnished, running_world

REFERENCE = "@Microsoft.KeyVault(VaultName=kv-example;SecretName=A-SECRET)"
TOKEN = "CONNECTIONS__MAIN__COMPANIES__USMF__TAXJAR__TOKEN"
SECRET = "CONNECTIONS__MAIN__DYNAMICS__CLIENT_SECRET"


async def failed_checks(world: World) -> dict[str, str]:
    answer = await ping_connection(world.connector, CONNECTION, "test")
    return {check["name"]: f"{check['message']} {check['hint']}" for check in answer["checks"] if not check["ok"]}


async def test_a_taxjar_token_that_is_a_reference_never_leaves_and_its_documents_wait(
    azurite: str, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_world(azurite, certificates, settings={"taxjar": {"token": REFERENCE}}) as world:
        world.posting.invoice(InvoiceSpec("INV-1", TODAY))
        await world.poll()
        await world.settle(within=timedelta(hours=1))
        await sync_exempt_customers(world.connector, by="test")
        await pull_nexus_regions(world.connector, by="test")
        assert world.simulation.taxjar.calls == []
        waiting = await world.record("INV-1")
        assert waiting.state in (State.SEEN, State.RETRYING)
        failed = await failed_checks(world)
        assert failed.keys() == {"TaxJar account of usmf"}
        assert TOKEN in failed["TaxJar account of usmf"]
        pause = await world.connector.connection(CONNECTION).company(COMPANY).account.gate.pause()
        assert pause is not None
        assert TOKEN in pause.message
        # The ping has tried the connection's own token, and no other.
        assert {call.account for call in world.simulation.taxjar.calls} == {TAXJAR_ACCOUNT}
    assert TOKEN in caplog.text


async def test_a_client_secret_that_is_a_reference_never_leaves(
    azurite: str, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_world(azurite, certificates, dynamics={"client_secret": REFERENCE}) as world:
        world.posting.invoice(InvoiceSpec("INV-1", TODAY))
        await world.poll()
        assert world.simulation.entra.calls == []
        assert world.simulation.dynamics.calls == []
        failed = await failed_checks(world)
        assert failed.keys() == {"sign-in"}
        assert SECRET in failed["sign-in"]
        pause = await world.connector.connection(CONNECTION).gate.pause()
        assert pause is not None
        assert SECRET in pause.message
    assert SECRET in caplog.text


async def test_once_the_references_are_resolved_everything_goes_on_by_itself(
    azurite: str, certificates: Certificates
) -> None:
    clock = Clock()
    with Simulation(certificates, clock=clock) as simulation:
        furnished(simulation.posting(COMPANY)).invoice(InvoiceSpec("INV-1", TODAY))
        right = simulation.settings({COMPANY: {"report_from": "2026-01-01"}})
        right["taxjar"] = {**right["taxjar"], "max_calls_per_minute": 10_000_000}  # type: ignore[dict-item]
        for part, name in (("dynamics", "client_secret"), ("taxjar", "token")):
            wrong = {**right, part: {**right[part], name: REFERENCE}}  # type: ignore[dict-item]
            async with connected(azurite, simulation, clock, {CONNECTION: wrong}, table="references") as world:
                await world.poll()
                await world.settle(within=timedelta(minutes=10))
                assert world.taxjar.orders == {}
        async with connected(azurite, simulation, clock, {CONNECTION: right}, table="references") as world:
            clock.advance(minutes=6)
            await world.run()
            assert (await world.record("INV-1")).state == State.REPORTED

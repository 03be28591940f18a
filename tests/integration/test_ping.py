"""``ping_connection``: one line for each thing that must work, with what to do when it does not (design 3.1)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AioHttpTransport

from local.simulation import CONNECTION, TAXJAR_TOKEN, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.bootstrap import build_connector
from shared.connector import Connector, NotFound
from shared.dynamics.checks import entity_sets
from shared.dynamics.project_entities import PROJECT_SETS
from shared.flows.operations.ping import ping_connection
from shared.ledger.records import State
from shared.settings import load_settings
from tests.world import NOW, TODAY, Clock, World, furnished, running_world


async def ping(connector: Connector) -> tuple[bool, dict[str, dict[str, Any]]]:
    """The verdict, and the checks by name; every failure says what to do."""
    answer = await ping_connection(connector, CONNECTION, "test")
    json.dumps(answer)
    checks = {check["name"]: check for check in answer["checks"]}
    assert len(checks) == len(answer["checks"])
    assert all(check.keys() == {"name", "ok", "message", "hint"} for check in checks.values())
    assert all(check["ok"] != bool(check["hint"]) and check["message"] for check in checks.values())
    return answer["ok"], checks


UNUSED = {"CustomerPostalAddresses", *(entity.name for entity in PROJECT_SETS)}


def failures(checks: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, check in checks.items() if not check["ok"]}


async def test_every_thing_that_must_work_has_its_line(world: World) -> None:
    ok, checks = await ping(world.connector)
    assert ok
    assert checks.keys() == {
        "sign-in",
        *(f"entity set {entity.name}" for entity in entity_sets() if entity.name not in UNUSED),
        "company usmf",
        "TaxJar account of usmf",
        "ledger of usmf",
        "queue posted-documents",
        "queue posted-documents-backfill",
        "tables",
    }
    assert "2022-01-24" in checks["TaxJar account of usmf"]["message"]


async def test_an_unknown_connection_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await ping_connection(world.connector, "nowhere", "test")


async def test_a_revoked_secret_is_named_and_nothing_else_of_f_and_o_is_tried(world: World) -> None:
    world.simulation.entra.tenants = {}
    ok, checks = await ping(world.connector)
    assert not ok
    assert failures(checks) == {"sign-in"}
    assert "CLIENT_ID" in checks["sign-in"]["hint"]
    assert "company usmf" not in checks


async def test_sets_that_are_hidden_or_forbidden_are_named(world: World) -> None:
    world.simulation.dynamics.hide("MarkupTransBiEntities")
    world.simulation.dynamics.forbid("SalesInvoiceV2Lines")
    _, checks = await ping(world.connector)
    assert failures(checks) == {"entity set MarkupTransBiEntities", "entity set SalesInvoiceV2Lines"}
    assert "404" in checks["entity set MarkupTransBiEntities"]["message"]
    assert "role" in checks["entity set SalesInvoiceV2Lines"]["message"]
    assert "No document" in checks["entity set SalesInvoiceV2Lines"]["hint"]


@pytest.mark.parametrize(("listed", "words"), [(True, "Assign organizations"), (False, "no legal entity USMF")])
async def test_a_company_that_the_user_cannot_see_is_named(world: World, listed: bool, words: str) -> None:
    world.simulation.dynamics.close_company("USMF")
    if not listed:
        store = world.simulation.dynamics.store
        store.remove("LegalEntities", store.rows("LegalEntities")[0])
    _, checks = await ping(world.connector)
    assert failures(checks) == {"company usmf"}
    assert words in checks["company usmf"]["message"]


async def test_a_taxjar_token_that_is_none_is_named(world: World) -> None:
    del world.simulation.taxjar.tokens[TAXJAR_TOKEN]
    _, checks = await ping(world.connector)
    assert failures(checks) == {"TaxJar account of usmf"}
    assert TAXJAR_TOKEN not in json.dumps(checks)


async def test_a_pause_because_of_refused_access_ends_when_the_call_goes_through(world: World) -> None:
    connection = world.connector.connections[CONNECTION]
    account = connection.companies["usmf"].account
    await connection.gate.deny("refused")
    await account.gate.deny("refused")
    world.simulation.dynamics.faults.add(Fault(path="*/SalesInvoiceHeadersV2", status=401, times=1))
    world.simulation.taxjar.faults.add(Fault(path="*/categories", status=401, times=1))
    _, checks = await ping(world.connector)
    assert failures(checks) == {"environment", "TaxJar account of usmf"}
    ok, _ = await ping(world.connector)
    assert ok
    assert not await connection.gate.is_paused()
    assert not await account.gate.is_paused()


async def test_nothing_is_sent_while_a_429_lasts(world: World) -> None:
    connection = world.connector.connections[CONNECTION]
    await connection.gate.throttle(60)
    await connection.companies["usmf"].account.gate.throttle(60)
    _, checks = await ping(world.connector)
    assert failures(checks) == {"environment", "TaxJar account of usmf"}
    assert "15:01:00" in checks["environment"]["message"]
    assert not world.simulation.dynamics.calls
    assert not world.simulation.taxjar.calls
    world.clock.advance(seconds=60)
    assert (await ping(world.connector))[0]


async def test_a_429_during_the_ping_pauses_the_environment(world: World) -> None:
    world.simulation.dynamics.faults.add(Fault(path="*/CustomersV3", status=429, retry_after=30, times=1))
    _, checks = await ping(world.connector)
    assert failures(checks) == {"environment"}
    pause = await world.connector.connections[CONNECTION].gate.pause()
    assert pause is not None
    assert pause.until == NOW + timedelta(seconds=30)


class NoStorage(AioHttpTransport):
    """A storage account that cannot be reached while ``down``."""

    down = True

    async def send(self, request: Any, **kwargs: Any) -> Any:
        if self.down:
            raise ServiceRequestError("the connection was refused")
        return await super().send(request, **kwargs)


async def test_without_storage_all_the_rest_is_tried_and_with_it_back_everything_works(
    azurite: str, certificates: Certificates
) -> None:
    clock = Clock()
    with Simulation(certificates, clock=clock) as simulation:
        settings = load_settings(
            azurewebjobsstorage=azurite,
            connections={CONNECTION: simulation.settings({"usmf": {"report_from": "2026-01-01"}})},
        )
        storage = NoStorage()
        connector = await build_connector(
            settings,
            clock=clock,
            table=f"ledger{uuid4().hex}",
            storage_transport=lambda: storage,
            even_without_storage=True,
        )
        furnished(simulation.posting("usmf"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("shared.flows.operations.ping.PATIENCE", 0.1)
            ok, checks = await ping(connector)
            assert not ok
            assert failures(checks) == {"queue posted-documents", "queue posted-documents-backfill", "tables"}
            assert "AzureWebJobsStorage" in checks["tables"]["hint"]
            simulation.dynamics.faults.add(Fault(path="*/CustomersV3", status=429, times=1))
            _, checks = await ping(connector)
            assert "environment" in failures(checks)
        storage.down = False
        clock.advance(seconds=15)  # the 429 paused this instance all the same
        assert (await ping(connector))[0]
        await connector.aclose()


async def test_storage_that_is_lost_later_is_a_line_too(
    azurite: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = NoStorage()
    storage.down = False
    async with running_world(azurite, certificates, storage_transport=lambda: storage) as world:
        await world.connector.connections[CONNECTION].gate.deny("refused")
        storage.down = True
        monkeypatch.setattr("shared.flows.operations.ping.PATIENCE", 0.1)
        _, checks = await ping(world.connector)
        assert failures(checks) == {"tables"}


async def test_a_ping_changes_no_document_and_is_audited(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.run()
    before = await world.record("INV-1")
    await ping(world.connector)
    assert await world.record("INV-1") == before
    assert before.state is State.REPORTED
    row = await world.connector.subjects.get("connector|pings", "ping", CONNECTION)
    assert row["audit_count"] == 1


async def test_project_invoices_need_their_own_sets_and_their_line_says_so(world: World) -> None:
    world.change_settings(project_invoices=True)
    ok, checks = await ping(world.connector)
    assert ok
    assert {f"entity set {entity.name}" for entity in PROJECT_SETS} <= checks.keys()
    world.simulation.dynamics.hide("DocumentProjInvoiceItemLines")
    ok, checks = await ping(world.connector)
    assert failures(checks) == {"entity set DocumentProjInvoiceItemLines"}
    assert "PROJECT_INVOICES" in checks["entity set DocumentProjInvoiceItemLines"]["hint"]

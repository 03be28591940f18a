"""Companies with TaxJar accounts of their own: whose account answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, TAXJAR_TOKEN, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import AUSTIN
from shared.bootstrap import build_connector
from shared.connector import Connector, NotFound
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.live.calls import account_of
from shared.flows.live.nexus import NexusQuery, list_nexus_regions, pull_nexus_regions
from shared.flows.live.rates import RateQuery, look_up_rate
from shared.flows.live.taxes import TaxQuery, calculate_tax
from shared.flows.operations.ping import ping_connection
from shared.settings import load_settings
from shared.taxjar.taxes import TaxRequest
from shared.web import Problem
from tests.world import Clock

OWN: dict[str, Any] = {"report_from": "2026-01-01", "taxjar": {"token": "own-token"}}
OTHER: dict[str, Any] = {"report_from": "2026-01-01", "taxjar": {"token": "other-token"}}
SHARED: dict[str, Any] = {"report_from": "2026-01-01"}


@asynccontextmanager
async def connected(
    azurite: str, certificates: Certificates, companies: Mapping[str, Mapping[str, object]], *, own_token: bool = True
) -> AsyncIterator[tuple[Simulation, Connector]]:
    clock = Clock()
    with Simulation(certificates, clock=clock) as simulation:
        simulation.taxjar.tokens.update({"own-token": "own", "other-token": "other"})
        connection: dict[str, Any] = simulation.settings(companies)
        if not own_token:
            del connection["taxjar"]["token"]
        settings = load_settings(azurewebjobsstorage=azurite, connections={CONNECTION: connection})
        connector = await build_connector(settings, clock=clock, table=f"ledger{uuid4().hex}")
        try:
            yield simulation, connector
        finally:
            await connector.aclose()


async def test_the_account_is_the_companys_else_that_of_the_connections_token_or_of_the_only_company(
    azurite: str, certificates: Certificates
) -> None:
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": SHARED}) as (_, connector):
        connection = connector.connection(CONNECTION)
        own, shared = (connection.company(company).account for company in ("usmf", "usrt"))
        assert own is not shared
        assert account_of(connection, "") is shared
        assert account_of(connection, "USMF") is own
    async with connected(azurite, certificates, {"usmf": OWN}) as (_, connector):
        connection = connector.connection(CONNECTION)
        assert account_of(connection, "") is not connection.company("usmf").account
        assert account_of(connection, "") is connection.account
    async with connected(azurite, certificates, {"usmf": OWN}, own_token=False) as (_, connector):
        connection = connector.connection(CONNECTION)
        assert account_of(connection, "") is connection.company("usmf").account
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": OTHER}, own_token=False) as (_, connector):
        with pytest.raises(Problem, match="usmf, usrt") as unclear:
            account_of(connector.connection(CONNECTION), "")
        assert unclear.value.status == 400


async def test_a_rate_that_one_account_told_is_not_shown_for_another(azurite: str, certificates: Certificates) -> None:
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": OTHER}) as (simulation, connector):
        for company in ("usmf", "usrt", "usmf"):
            await look_up_rate(connector, CONNECTION, RateQuery(zip="90002", company=company))
        assert [call.account for call in simulation.taxjar.calls] == ["own", "other"]


@pytest.mark.parametrize(("company", "account"), [("usmf", "own"), ("usrt", "other"), ("USPI", TAXJAR_ACCOUNT)])
async def test_live_tax_and_rates_are_asked_of_the_companys_account(
    azurite: str, certificates: Certificates, company: str, account: str
) -> None:
    sale = {"to_country": "US", "to_state": "CA", "to_zip": "90002", "amount": 45, "shipping": 5}
    companies = {"usmf": OWN, "usrt": OTHER, "uspi": SHARED}
    async with connected(azurite, certificates, companies) as (simulation, connector):
        simulation.taxjar.account(account).nexus[:] = ["CA"]
        for other in {"own", "other", TAXJAR_ACCOUNT} - {account}:
            simulation.taxjar.account(other).nexus.clear()
        answer = await calculate_tax(connector, CONNECTION, TaxRequest.model_validate(sale), TaxQuery(company=company))
        await look_up_rate(connector, CONNECTION, RateQuery(zip="90002", company=company))
        assert answer["tax"]["has_nexus"] is True
        assert [(call.path, call.account) for call in simulation.taxjar.calls] == [
            ("/v2/taxes", account),
            ("/v2/rates/90002", account),
        ]


async def test_a_ping_tries_each_companys_token_and_the_connections_where_no_company_does(
    azurite: str, certificates: Certificates
) -> None:
    async def lines(connector: Connector) -> list[tuple[str, bool]]:
        checks = (await ping_connection(connector, CONNECTION, "test"))["checks"]
        return [(check["name"], check["ok"]) for check in checks if check["name"].startswith("TaxJar")]

    async with connected(azurite, certificates, {"usmf": OWN}) as (simulation, connector):
        del simulation.taxjar.tokens[TAXJAR_TOKEN]
        assert await lines(connector) == [
            ("TaxJar account of usmf", True),
            ("TaxJar account of the connection", False),
        ]
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": SHARED}) as (_, connector):
        assert await lines(connector) == [("TaxJar account of usmf", True), ("TaxJar account of usrt", True)]


async def test_regions_are_those_of_the_companys_account_and_without_one_of_all(
    azurite: str, certificates: Certificates
) -> None:
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": SHARED, "uspi": SHARED}) as (
        simulation,
        connector,
    ):
        simulation.taxjar.account("own").nexus[:] = ["NY", "TX"]
        simulation.taxjar.account(simulation.taxjar.tokens[TAXJAR_TOKEN]).nexus[:] = ["TX", "CA"]
        await pull_nexus_regions(connector, by="test")
        assert len(simulation.taxjar.calls) == 2

        async def states(company: str) -> list[str]:
            answer = await list_nexus_regions(connector, CONNECTION, NexusQuery(company=company))
            return [region["region_code"] for region in json.loads(answer.text())["regions"]]

        assert (await states("usmf"), await states("uspi")) == (["NY", "TX"], ["CA", "TX"])
        assert await states("") == ["CA", "NY", "TX"]


async def test_trouble_with_one_account_leaves_the_regions_of_the_other_alone(
    azurite: str, certificates: Certificates
) -> None:
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": SHARED}) as (simulation, connector):
        simulation.taxjar.account("own").nexus[:] = ["NY"]
        shared = simulation.taxjar.account(simulation.taxjar.tokens[TAXJAR_TOKEN])
        shared.nexus[:] = ["TX"]
        await pull_nexus_regions(connector, by="test")
        shared.nexus[:] = ["CA"]
        del simulation.taxjar.tokens["own-token"]
        await pull_nexus_regions(connector, by="test")
        answer = await list_nexus_regions(connector, CONNECTION, NexusQuery())
        assert [region["region_code"] for region in json.loads(answer.text())["regions"]] == ["CA", "NY"]


async def test_without_a_pull_of_every_account_there_is_no_list_of_all_and_the_company_is_named(
    azurite: str, certificates: Certificates
) -> None:
    async with connected(azurite, certificates, {"usmf": OWN, "usrt": SHARED, "uspi": SHARED}) as (
        simulation,
        connector,
    ):
        simulation.taxjar.account(simulation.taxjar.tokens[TAXJAR_TOKEN]).nexus[:] = ["TX"]
        del simulation.taxjar.tokens["own-token"]
        await pull_nexus_regions(connector, by="test")
        for query in (NexusQuery(), NexusQuery(company="usmf"), NexusQuery(format="csv")):
            with pytest.raises(NotFound, match="pulled yet for USMF"):
                await list_nexus_regions(connector, CONNECTION, query)
        answer = await list_nexus_regions(connector, CONNECTION, NexusQuery(company="usrt"))
        assert [region["region_code"] for region in json.loads(answer.text())["regions"]] == ["TX"]


async def test_exempt_customers_go_to_the_account_of_their_company_and_trouble_with_one_leaves_the_other_alone(
    azurite: str, certificates: Certificates
) -> None:
    groups = {"exempt_tax_groups": {"EXEMPT": "government"}}
    async with connected(azurite, certificates, {"usmf": OWN | groups, "usrt": SHARED | groups}) as (sim, connector):
        for company in ("usmf", "usrt"):
            sim.posting(company).customer("C-1", "Schools", AUSTIN, tax_group="EXEMPT")
        del sim.taxjar.tokens["own-token"]
        await sync_exempt_customers(connector, by="test")
        assert sim.taxjar.account(sim.taxjar.tokens[TAXJAR_TOKEN]).customers.keys() == {"USRT-C-1"}
        sim.taxjar.tokens["own-token"] = "own"
        clock = connector.clock
        assert isinstance(clock, Clock)
        clock.advance(minutes=6)
        await sync_exempt_customers(connector, by="test")
        assert sim.taxjar.account("own").customers.keys() == {"USMF-C-1"}

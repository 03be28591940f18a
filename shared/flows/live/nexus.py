"""Nexus regions: pulled from TaxJar on a schedule, stored, and readable by the ERP over HTTP."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared import telemetry
from shared.connector import Company, Connection, Connector, NotFound, TaxJarAccount
from shared.flows.work.fence import Fenced, check_fence
from shared.flows.work.pausing import pause_after
from shared.flows.work.timers import run_each
from shared.ledger.audit import Actor
from shared.ledger.nexus import NexusRegions, Region
from shared.remote.pauses import Paused
from shared.taxjar.errors import TaxJarError
from shared.web import Answer, instant

logger = logging.getLogger(__name__)

COLUMNS = ("country_code", "country", "region_code", "region")


class NexusQuery(BaseModel):
    """The query of ``list_nexus_regions``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str = ""
    """Only the regions of this company's account; without it those of all the connection's accounts."""
    format: Literal["json", "csv"] = "json"


async def pull_nexus_regions(connector: Connector, by: str) -> None:
    """Pull the regions of every account. What cannot be pulled now stays as it was, and is pulled the next time."""
    actor = Actor(function="pull_nexus_regions", by=by)
    runs = {
        name: partial(_pull_all, connector, connection, actor) for name, connection in connector.connections.items()
    }
    await run_each(actor.function, runs)


async def _pull_all(connector: Connector, connection: Connection, actor: Actor) -> None:
    """The regions of every account of one connection."""
    pulled: list[bool] = []

    async def pull(companies: Sequence[Company]) -> None:
        pulled.append(await _pull_account(connector, connection, companies, actor))

    accounts = _by_account(connection)
    runs = {f"{connection.name} {companies[0].id.upper()}": partial(pull, companies) for companies in accounts}
    await run_each(actor.function, runs)
    if all(pulled):
        await connector.last_runs.note(connection.name, actor.function, by=actor.by)


def _by_account(connection: Connection) -> list[list[Company]]:
    accounts: dict[str, list[Company]] = {}
    for company in connection.companies.values():
        accounts.setdefault(company.account.client.account_id, []).append(company)
    return list(accounts.values())


async def _pull_account(
    connector: Connector, connection: Connection, companies: Sequence[Company], actor: Actor
) -> bool:
    """Whether the account answered."""
    regions = await _pull(connection, companies[0].account)
    telemetry.ran(connection.name, actor.function, complete=regions is not None)
    for company in companies if regions is not None else ():
        try:
            await check_fence(connector, connection, company, actor)
        except (Fenced, TaxJarError, Paused) as refused:
            logger.error("%s: nexus regions not kept: %s", connection.name, refused)
            continue
        await _keep(connector, connection, company, regions or (), actor)
    return regions is not None


async def _pull(connection: Connection, account: TaxJarAccount) -> tuple[Region, ...] | None:
    try:
        await account.gate.open()
        found = await account.client.nexus_regions()
    except Paused as paused:
        logger.warning("%s: nexus regions not pulled: %s", connection.name, paused)
        return None
    except TaxJarError as error:
        await pause_after(account.gate, error)
        logger.error("%s: nexus regions not pulled: %s", connection.name, error)
        return None
    return tuple({column: getattr(region, column) or "" for column in COLUMNS} for region in found)


async def _keep(
    connector: Connector, connection: Connection, company: Company, regions: Sequence[Region], actor: Actor
) -> None:
    added, dropped = await connector.nexus.keep(connection.name, company.id, regions, actor, connector.clock())
    if added or dropped:
        words = f"added {sorted(added)}, dropped {sorted(dropped)}"
        logger.info("%s %s: nexus regions: %s", connection.name, company.id.upper(), words)


async def list_nexus_regions(connector: Connector, name: str, query: NexusQuery) -> Answer:
    """The stored regions and when they were pulled, of several accounts the oldest pull.

    Raises :class:`NotFound` for an unknown connection or company, and while an account was never pulled: a list without
    its regions would look complete.
    """
    connection = connector.connection(name)
    companies = [connection.company(query.company.lower())] if query.company else list(connection.companies.values())
    found = {company.id: await connector.nexus.of_company(name, company.id) for company in companies}
    pulls = [pull for pull in found.values() if pull]
    pulled = {company.account.client.account_id for company in companies if found[company.id]}
    missing = [company.id for company in companies if company.account.client.account_id not in pulled]
    if missing:
        raise NotFound(
            f"No nexus regions have been pulled yet for {', '.join(missing).upper()}",
            "pull_nexus_regions does it once a day (NEXUS_SCHEDULE), and its log says why not; run it now by POST"
            " /admin/functions/pull_nexus_regions with the master key. ?company= shows the regions of one company.",
        )
    pulled_at, regions = instant(min(pull.pulled_at for pull in pulls)), _united(pulls)
    if query.format == "csv":
        return Answer(body=_csv(regions), content_type="text/csv", headers={"X-Pulled-At": pulled_at or ""})
    return Answer(body={"pulled_at": pulled_at, "regions": regions})


def _united(pulls: Iterable[NexusRegions]) -> list[Region]:
    by_code = {(region["country_code"], region["region_code"]): region for pull in pulls for region in pull.regions}
    return [by_code[code] for code in sorted(by_code)]


def _csv(regions: Iterable[Region]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(regions)
    return text.getvalue()

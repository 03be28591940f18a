"""Nexus regions: pulled, kept, shown, and their changes audited."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.faults import Fault
from shared.connector import NotFound
from shared.flows.live.nexus import NexusQuery, list_nexus_regions, pull_nexus_regions
from tests.world import COMPANY, World

TEXAS = {"country_code": "US", "country": "United States", "region_code": "TX", "region": "Texas"}


async def pull(world: World) -> None:
    await pull_nexus_regions(world.connector, by="test")


async def shown(world: World, **query: Any) -> Any:
    return (await list_nexus_regions(world.connector, CONNECTION, NexusQuery(**query))).body


async def test_the_regions_of_the_account_are_shown_with_the_time_of_the_pull(world: World) -> None:
    world.taxjar.nexus[:] = ["TX"]
    await pull(world)
    world.taxjar.nexus[:] = ["NY"]
    assert await shown(world) == {"pulled_at": "2026-11-20T15:00:00Z", "regions": [TEXAS]}
    assert await shown(world, company="USMF") == await shown(world)


async def test_before_the_first_pull_they_are_not_found_with_a_hint(world: World) -> None:
    with pytest.raises(NotFound, match="pulled yet for USMF") as missing:
        await shown(world)
    assert "pull_nexus_regions" in missing.value.hint
    with pytest.raises(NotFound, match="no company"):
        await shown(world, company="dat")


async def test_csv_has_the_same_columns_and_the_time_of_the_pull_in_a_header(world: World) -> None:
    world.taxjar.nexus[:] = ["TX", "CA"]
    await pull(world)
    answer = await list_nexus_regions(world.connector, CONNECTION, NexusQuery(format="csv"))
    assert answer.content_type == "text/csv"
    assert answer.headers == {"X-Pulled-At": "2026-11-20T15:00:00Z"}
    rows = list(csv.DictReader(io.StringIO(answer.body)))
    assert [row["region_code"] for row in rows] == ["CA", "TX"]
    assert rows[1] == TEXAS


async def test_regions_that_were_added_or_dropped_are_audited_and_an_unchanged_pull_is_not(world: World) -> None:
    world.taxjar.nexus[:] = ["TX", "CA"]
    await pull(world)
    world.clock.advance(days=1)
    await pull(world)
    world.taxjar.nexus[:] = ["TX", "WA"]
    world.clock.advance(days=1)
    await pull(world)
    first, second = await _audit(world)
    assert (first["decision"], second["decision"]) == ("pulled", "changed")
    assert second["message"] == "Added: US-WA. Dropped: US-CA."
    assert (second["before"], second["after"]) == ({"regions": ["US-CA", "US-TX"]}, {"regions": ["US-TX", "US-WA"]})
    assert (await shown(world))["pulled_at"] == "2026-11-22T15:00:00Z"


async def test_an_unchanged_pull_still_moves_the_time_of_the_pull(world: World) -> None:
    await pull(world)
    world.clock.advance(days=1)
    await pull(world)
    assert (await shown(world))["pulled_at"] == "2026-11-21T15:00:00Z"
    assert len(await _audit(world)) == 1


@pytest.mark.parametrize(
    ("fault", "paused"),
    [
        (Fault(path="*/regions", status=503), False),
        (Fault(path="*/regions", status=200, body="empty"), False),
        (Fault(path="*/regions", status=429, retry_after=60), True),
        (Fault(path="*/regions", status=401), True),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else None,
)
async def test_a_pull_that_fails_keeps_what_was_there(world: World, fault: Fault, paused: bool) -> None:
    await pull(world)
    before = await shown(world)
    world.clock.advance(days=1)
    world.simulation.taxjar.faults.add(fault)
    await pull(world)
    assert await shown(world) == before
    assert await world.connector.connection(CONNECTION).company(COMPANY).account.gate.is_paused() is paused


async def _audit(world: World) -> list[dict[str, Any]]:
    entries, intact = await world.connector.nexus.audit(CONNECTION, COMPANY)
    assert intact
    return entries

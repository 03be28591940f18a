"""Lists of jobs: newest first, and reading no more of the past than they have to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.jobs import JobOver, JobState, job_name
from shared.ledger.reconciliations import Reconciliation
from tests.conftest import CERTIFICATES
from tests.counting_storage import CountingStorage
from tests.world import NOW, TODAY, World, running_world


def entry(at: datetime) -> AuditEntry:
    return AuditEntry(at=at, actor=Actor(function="test", by="Pat"), subject="a job", decision="started")


async def begin(world: World, at: datetime, company: str = "usmf") -> Reconciliation:
    job = Reconciliation(
        connection="main",
        job=job_name(at, world.connector.random),
        company=company,
        since=TODAY,
        until=TODAY,
        by="Pat",
        started_at=at,
        cursor=TODAY,
        counts={"reconciled": 3},
    )
    await world.connector.reconciliations.write(job, entry(at))
    return job


async def names(world: World, **query: object) -> list[str]:
    found = await world.connector.reconciliations.listing("main", world.clock(), **{"limit": 10, **query})  # type: ignore[arg-type]
    return [job.job for job in found]


async def test_a_job_comes_back_as_it_was_written(world: World) -> None:
    job = await begin(world, NOW)
    assert await world.connector.reconciliations.get("main", job.job) == job


async def test_jobs_are_listed_newest_first_however_far_apart_they_began(world: World) -> None:
    days = (0, 0.001, 3, 39, 40, 41, 200, 900, 2000)
    began = [(await begin(world, NOW - timedelta(days=day))).job for day in days]
    assert await names(world) == began
    assert await names(world, limit=3) == began[:3]
    assert await names(world, before=began[3]) == began[4:]
    assert await names(world, before=began[-1]) == []


async def test_a_company_has_its_own_list(world: World) -> None:
    ours = await begin(world, NOW)
    await begin(world, NOW, "usrt")
    assert await names(world, company="usmf") == [ours.job]


async def test_the_newest_jobs_cost_the_same_whatever_came_before(azurite: str) -> None:
    counting = CountingStorage()
    async with running_world(azurite, CERTIFICATES, storage_transport=lambda: counting) as world:
        for day in range(30):
            await begin(world, NOW - timedelta(days=day))
        counting.start()
        await names(world)
        few = counting.entities
        for day in range(60, 120):
            await begin(world, NOW - timedelta(days=day))
        counting.start()
        await names(world)
        assert counting.entities == few


async def test_a_job_that_is_over_is_not_written_again(world: World) -> None:
    job = await begin(world, NOW)
    await world.connector.reconciliations.write(replace(job, state=JobState.CANCELLED), entry(NOW))
    with pytest.raises(JobOver):
        await world.connector.reconciliations.write(job, entry(NOW))


async def test_a_step_that_was_overtaken_does_not_take_its_job_back(world: World) -> None:
    job = await begin(world, NOW)
    further = replace(job, cursor=TODAY + timedelta(days=1), last_piece="first")
    await world.connector.reconciliations.write(further, entry(NOW), after=job.cursor)
    with pytest.raises(JobOver):
        await world.connector.reconciliations.write(replace(further, last_piece="late"), entry(NOW), after=job.cursor)
    assert await world.connector.reconciliations.get("main", job.job) == further

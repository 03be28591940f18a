"""Reconciliations as jobs: started by a person or by night, listed, shown and stopped (design 3.1, 4.7)."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import partial
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from shared.backfill_messages import ReconciliationStep
from shared.connector import Connector, NotFound
from shared.flows.reconciliation.reconcile import default_start, run_of
from shared.flows.reconciliation.repair import NIGHTLY
from shared.flows.work.fence import Fenced, check_host
from shared.flows.work.jobs import Cancellation, JobsQuery, cancel_job, find_job, job_entry, page_of
from shared.flows.work.problems import BadInput, Conflict
from shared.flows.work.run import Run
from shared.flows.work.timers import run_each
from shared.ledger.audit import Actor
from shared.ledger.jobs import JobState, job_name
from shared.ledger.reconciliations import Reconciliation
from shared.web import Day, Words, instant

logger = logging.getLogger(__name__)

KIND = "reconciliation"
LONGEST = timedelta(days=3660)
_RECENT, _LOOK_BACK = 20, timedelta(days=40)
"""Jobs of a company that are looked at by night, and from how many days."""


class ReconciliationRequest(BaseModel):
    """The body of ``start_reconciliation``. Dates are invoice dates, inclusive, by default the last ``SWEEP_DAYS``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Day | None = Field(default=None, alias="from")
    until: Day | None = Field(default=None, alias="to")
    deep: StrictBool = False
    """Compare every transaction in all it says."""
    heal: StrictBool = False
    """Enqueue what is missing in TaxJar, and hold what a person has to look at."""
    confirm: StrictBool = False
    """Send again also where so much is missing in TaxJar that a person has to decide; ``reason`` says why."""
    reason: Words | None = None
    compare: StrictBool = True
    """Off: completeness alone."""
    provider: str = ""
    """Further TaxJar providers to look for foreign transactions under, separated by commas."""
    by: Words = "function key"

    @model_validator(mode="after")
    def _a_range_of_days(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"from ({self.since}) must not be after to ({self.until})")
        if self.heal and not self.compare:
            raise ValueError("heal needs compare: nothing is known to be missing without it")
        if self.confirm and not (self.heal and self.reason):
            raise ValueError("confirm needs heal and a reason")
        return self


async def start_reconciliation(
    connector: Connector, connection: str, company: str, request: ReconciliationRequest
) -> dict[str, Any]:
    """Note what is asked for and put its first step on the backfill queue.

    Raises :class:`NotFound`, :class:`BadInput` for more than ten years, and :class:`Conflict` where the ledger belongs
    to another environment.
    """
    run = run_of(connector, connection, company, Actor(function="start_reconciliation", by=request.by))
    try:
        await check_host(connector, run.connection)
    except Fenced as fenced:
        raise Conflict(str(fenced), code="fenced") from None
    until = request.until or max(request.since or run.today, run.today)
    since = request.since or min(default_start(run), until)
    if until - since > LONGEST:
        raise BadInput(f"{since} to {until} is longer than ten years: split it into several reconciliations.")
    job = _new(run, since, until)
    chosen = request.model_dump(include={"deep", "heal", "confirm", "compare"})
    words = {"providers": request.provider, "reason": request.reason or ""}
    return {"job": await _begin(run, job, **words, **chosen)}


async def list_reconciliations(connector: Connector, connection: str, company: str, query: JobsQuery) -> dict[str, Any]:
    """A page of reconciliations of a company, newest first. Raises :class:`NotFound`."""
    connector.connection(connection).company(company)
    path = f"reconciliation-jobs/{connection}/{company}"
    page, following = await page_of(connector, connector.reconciliations, connection, query, path, company)
    return {"jobs": [as_listed(job) for job in page], "next": following}


async def cancel_reconciliation(
    connector: Connector, connection: str, company: str, job: str, cancel: Cancellation
) -> dict[str, Any]:
    """Stop a reconciliation at its next step; what it has found stays. Raises :class:`NotFound`, :class:`Conflict`."""
    found = await find_reconciliation(connector, connection, company, job)
    return as_listed(await cancel_job(connector, connector.reconciliations, found, KIND, cancel))


async def find_reconciliation(connector: Connector, connection: str, company: str, job: str) -> Reconciliation:
    """The job of the company. Raises :class:`NotFound`."""
    connector.connection(connection).company(company)
    found = await find_job(connector.reconciliations, connection, job, KIND)
    if found.company != company:
        raise NotFound(f"company {company!r} has no {KIND} {job!r}")
    return found


def as_listed(job: Reconciliation) -> dict[str, Any]:
    """The job as lists show it."""
    return {
        "job": job.job,
        "state": job.state.value,
        "company": job.company,
        "from": job.since.isoformat(),
        "to": job.until.isoformat(),
        "deep": job.deep,
        "heal": job.heal,
        "compare": job.compare,
        "nightly": job.nightly,
        "by": job.by,
        "message": job.message or None,
        "counts": dict(job.counts or {}),
        "started_at": instant(job.started_at),
        "finished_at": instant(job.finished_at),
    }


async def reconcile_nightly(connector: Connector, by: str) -> None:
    """Start a job over the last ``SWEEP_DAYS`` of every company, healed; they take turns on the queue.

    A company whose job of the night before still runs gets no other.
    """
    actor = Actor(function=NIGHTLY, by=by)
    runs = {
        f"{connection.name} {company.upper()}": partial(
            _begin_nightly, run_of(connector, connection.name, company, actor)
        )
        for connection in connector.connections.values()
        for company in connection.companies
    }
    await run_each(actor.function, runs)


async def _begin_nightly(run: Run) -> None:
    connector, now = run.connector, run.connector.clock()
    recent = await connector.reconciliations.listing(
        run.connection.name, now, limit=_RECENT, since=now - _LOOK_BACK, company=run.company.id
    )
    if any(job.nightly and job.state is JobState.RUNNING for job in recent):
        logger.warning("%s: the reconciliation of a night before still runs, no other is started", run.name)
        return
    await _begin(run, _new(run, default_start(run), run.today), heal=True, nightly=True)


def step_of(job: Reconciliation) -> ReconciliationStep:
    """The next step."""
    return ReconciliationStep(connection=job.connection, reconciliation=job.job, day=job.cursor)


def _new(run: Run, since: date, until: date) -> dict[str, Any]:
    now = run.connector.clock()
    return {
        "connection": run.connection.name,
        "job": job_name(now, run.connector.random),
        "company": run.company.id,
        "since": since,
        "until": until,
        "by": run.actor.by,
        "started_at": now,
        "cursor": since,
        "touched_at": now,
    }


async def _begin(run: Run, values: dict[str, Any], **options: Any) -> str:
    job = Reconciliation(**values, **options)
    chosen = [name for name, value in options.items() if value is True and name != "compare"]
    message = f"{job.company.upper()} from {job.since} to {job.until}{''.join(f', {name}' for name in chosen)}."
    entry = job_entry(run.connector, job, KIND, run.actor, "started", message)
    await run.connector.reconciliations.write(job, entry)
    await run.queue.send(step_of(job))
    return job.job

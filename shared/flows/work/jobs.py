"""What all jobs have in common: they are listed newest first, audited, and stopped by a person (design 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector, NotFound
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.jobs import Job, JobLedger, JobOver, JobState
from shared.queues import DocumentQueue
from shared.web import Words

_Job = TypeVar("_Job", bound=Job)
_LOST_AFTER = timedelta(hours=6)
_RECENT = 20
"""Jobs for each company among which lost ones are looked for."""


class JobsQuery(BaseModel):
    """The query of a list of jobs: how many at once, and after which job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: str = ""


class Cancellation(BaseModel):
    """The body of a request to cancel a job; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words | None = None
    by: Words = "function key"


async def lost_jobs(connector: Connector, ledger: JobLedger[_Job], connection: str, queue: DocumentQueue) -> list[_Job]:
    """The running jobs whose next step no message on the queue takes, as far as that can be told.

    One did no step for hours, and nothing on the queue has waited for as long.
    """
    now = connector.clock()
    companies = len(connector.connection(connection).companies)
    recent = await ledger.listing(connection, now, limit=_RECENT * companies)
    running = [job for job in recent if job.state is JobState.RUNNING]
    silent = {job.job: at for job in running if now - (at := job.touched_at or job.started_at) >= _LOST_AFTER}
    oldest = await queue.oldest_due() if silent else None
    return [job for job in running if job.job in silent and (oldest is None or oldest > silent[job.job])]


async def page_of(
    connector: Connector, ledger: JobLedger[_Job], connection: str, query: JobsQuery, path: str, company: str = ""
) -> tuple[list[_Job], str | None]:
    """A page of jobs, newest first, and the path of the next one below ``path``."""
    found = await ledger.listing(
        connection, connector.clock(), limit=query.limit + 1, before=query.after, company=company
    )
    page, rest = found[: query.limit], found[query.limit :]
    return page, next_path(path, {"limit": query.limit, "after": page[-1].job}) if rest else None


def next_path(path: str, query: Mapping[str, Any]) -> str:
    """The path of another page."""
    return f"/api/{'/'.join(map(quote, path.split('/')))}?{urlencode(query)}"


async def find_job(ledger: JobLedger[_Job], connection: str, job: str, what: str) -> _Job:
    """The job. Raises :class:`NotFound` when there is none of this name."""
    found = await ledger.get(connection, job)
    if found is None:
        raise NotFound(f"connection {connection!r} has no {what} {job!r}")
    return found


async def cancel_job(
    connector: Connector, ledger: JobLedger[_Job], job: _Job, what: str, cancel: Cancellation, **changes: Any
) -> _Job:
    """Stop a job: its next step does nothing. ``changes`` are written with it.

    Raises :class:`Conflict` for one that is over.
    """
    if job.state is not JobState.RUNNING:
        raise Conflict(f"The {what} is {job.state} already, there is nothing to stop.")
    message = f"Cancelled, {cancel.by}{f': {cancel.reason}' if cancel.reason else ''}."
    cancelled: _Job = replace(job, state=JobState.CANCELLED, message=message, finished_at=connector.clock(), **changes)
    actor = Actor(function=f"cancel_{what}", by=cancel.by)
    entry = job_entry(connector, job, what, actor, "cancelled", message)
    try:
        await ledger.write(cancelled, replace(entry, reason=cancel.reason or ""))
    except JobOver:
        raise Conflict(f"The {what} came to its end in this moment. Look at it again.") from None
    return cancelled


def job_entry(connector: Connector, job: Job, what: str, actor: Actor, decision: str, message: str) -> AuditEntry:
    """What is audited about a job."""
    subject = f"{what} {job.job}"
    return AuditEntry(at=connector.clock(), actor=actor, subject=subject, decision=decision, message=message)

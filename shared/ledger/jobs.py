"""Jobs: work that goes on by itself, step by step on the queue, and is stored with what it came to (design 4.7).

A job is named by when it began, so that the rows of one kind lie in the order of time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from shared.ledger import keys
from shared.ledger.audit import AuditEntry
from shared.ledger.subjects import SubjectChanged, SubjectLedger

_FIRST_LOOK = timedelta(days=40)
"""Of a listing: how far it looks back at first; each further look reaches four times as far."""
_TOUCHED_ANEW = timedelta(hours=1)
_BEFORE_ALL = datetime(2020, 1, 1, tzinfo=UTC)
_NAMED = "%Y%m%dT%H%M%S"


class JobState(StrEnum):
    """Where a job is."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobOver(Exception):
    """The job has come to its end, was cancelled, or went on without this step: nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all jobs of one company have. ``since`` and ``until`` are invoice dates, inclusive."""

    connection: str
    job: str
    company: str
    since: date
    until: date
    by: str
    started_at: datetime
    cursor: date
    """The first day that is not done yet."""
    state: JobState = JobState.RUNNING
    message: str = ""
    finished_at: datetime | None = None
    touched_at: datetime | None = None
    """When a step was done last, or is to be taken next."""


_Job = TypeVar("_Job", bound=Job)


def job_name(now: datetime, random: Random) -> str:
    """The name of a job that begins now."""
    return f"{now.astimezone(UTC):{_NAMED}}-{random.getrandbits(32):08x}"


class JobLedger(Generic[_Job]):
    """The jobs of one kind in Table Storage, audited like everything else."""

    def __init__(self, subjects: SubjectLedger, kind: str, of: type[_Job]) -> None:
        self._subjects = subjects
        self._kind = kind
        self._of = of
        self._types = get_type_hints(of)

    def partition(self, connection: str) -> str:
        """Where the jobs of a connection lie."""
        return keys.partition(f"{self._kind}s", connection)

    async def get(self, connection: str, job: str) -> _Job | None:
        """The job, or ``None`` when there is none of this name."""
        row = await self._subjects.get(self.partition(connection), self._kind, job)
        return self._read(row) if row else None

    async def write(self, job: _Job, entry: AuditEntry | None, *, after: date | None = None) -> None:
        """Store ``job`` as it is now, together with its audit entry.

        Raises :class:`JobOver` where it is stored as no longer running, or with another cursor than ``after``, where
        that is given: a step under way must not undo that.
        """
        properties = {field.name: _plain(getattr(job, field.name)) for field in fields(job)}

        def as_it_was(stored: Mapping[str, Any]) -> bool:
            is_running = stored.get("state", JobState.RUNNING.value) == JobState.RUNNING.value
            return is_running and (after is None or stored.get("cursor") == after.isoformat())

        where = self.partition(job.connection)
        try:
            await self._subjects.write(where, self._kind, job.job, entry, only_if=as_it_was, **properties)
        except SubjectChanged:
            raise JobOver(job.job) from None

    async def touch(self, job: _Job, at: datetime) -> None:
        """Note that a message on the queue takes the job's next step ``at`` that time; once an hour is often enough."""
        if job.touched_at and at - job.touched_at < _TOUCHED_ANEW:
            return

        def as_it_was(stored: Mapping[str, Any]) -> bool:
            is_running = stored.get("state") == JobState.RUNNING.value
            return is_running and stored.get("cursor") == job.cursor.isoformat()

        where = self.partition(job.connection)
        with suppress(SubjectChanged):
            await self._subjects.write(where, self._kind, job.job, None, only_if=as_it_was, touched_at=at.isoformat())

    async def listing(
        self,
        connection: str,
        now: datetime,
        *,
        limit: int,
        since: datetime = _BEFORE_ALL,
        before: str = "",
        company: str = "",
    ) -> list[_Job]:
        """The newest ``limit`` jobs that began ``since``, newest first; with ``before`` those before that one.

        It reads no more than four times as far back as it has to.
        """
        found: list[_Job] = []
        end, span = now + timedelta(days=1), _FIRST_LOOK
        while len(found) < limit and end > since:
            start = max(end - span, since)
            rows = self._subjects.listing(
                self.partition(connection),
                self._kind,
                f"{start:{_NAMED}}",
                f"{end:{_NAMED}}",
                select=[field.name for field in fields(self._of)],
            )
            jobs = [self._read(row) async for row in rows]
            wanted = [job for job in jobs if (not before or job.job < before) and company in ("", job.company)]
            found += sorted(wanted, key=lambda job: job.job, reverse=True)
            end, span = start, span * 4
        return found[:limit]

    def _read(self, row: Mapping[str, Any]) -> _Job:
        values = {
            field.name: _typed(self._types[field.name], row[field.name])
            for field in fields(self._of)
            if row.get(field.name) not in ("", None)
        }
        values.setdefault("by", "")
        return self._of(**values)


def _plain(value: Any) -> Any:
    """A table property; ``None`` is stored as an empty text, so that it replaces what was there."""
    if value is None:
        return ""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, Mapping) else value


def _typed(hint: Any, stored: Any) -> Any:
    """What :func:`_plain` stored of a value of this type."""
    kinds = {hint, *get_args(hint)}
    if JobState in kinds:
        return JobState(stored)
    for kind in (datetime, date):
        if kind in kinds:
            return kind.fromisoformat(stored)
    is_mapping = any(get_origin(each) is Mapping for each in (hint, *get_args(hint)))
    return json.loads(stored) if is_mapping else stored

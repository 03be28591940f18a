"""Backfills, reconciliation and runs."""

from __future__ import annotations

from typing import Literal

from shared.api_models.months import Listed
from shared.api_models.values import Amount, Amounts, AnswerModel, Count, DayText, Instant, Json, Range

JobState = Literal["running", "finished", "failed", "cancelled"]


class JobStarted(AnswerModel):
    """The name under which a job is found again."""

    job: str


class StateTotal(AnswerModel):
    """What a dry run would send to one state."""

    documents: Count
    amount: Amount
    sales_tax: Amount


class BackfillShown(Range):
    """How far a backfill is. A dry run counts ``would_send`` and ``would_change`` instead of ``reported``."""

    job: str
    state: JobState
    company: str
    dry_run: bool
    force: bool
    message: str | None
    seen: Count
    reported: Count = 0
    skipped: Count
    held: Count
    failed: Count
    remaining: Count
    would_send: Count | None = None
    would_change: Count | None = None
    totals: dict[str, StateTotal] | None = None
    reasons: dict[str, dict[str, Count]]
    by: str | None = None
    started_at: Instant
    finished_at: Instant | None
    eta: Instant | None


class BackfillList(AnswerModel):
    """Backfills, newest first."""

    backfills: list[BackfillShown]
    next: str | None


class Compared(AnswerModel):
    """A document whose two sides differ; a side that does not have it is null."""

    transaction_id: str
    status: str
    dynamics: Json | None
    taxjar: Json | None
    difference: Json
    number: str | None = None
    date: DayText | None = None
    state: str | None = None
    reason: str | None = None
    to_state: str | None = None


class StateCompared(AnswerModel):
    """The sums of one state."""

    documents: Count
    counts: dict[str, Count]
    dynamics: Amounts
    taxjar: Amounts
    difference: Amounts


class Reconciliation(Range):
    """F&O against TaxJar; reconciled documents are only counted."""

    counts: dict[str, Count]
    totals: dict[str, StateCompared]
    documents: list[Compared]
    untaxed_without_reason: list[Json] | Listed
    foreign: list[Json] | Listed
    deep: bool = False
    skipped: Count = 0
    enqueued: Count = 0
    held: Count = 0


class Progress(AnswerModel):
    """Months done, of how many, and the one that is worked on."""

    done: Count
    total: Count
    now: str | None = None


class ReconciliationJob(Range):
    """A reconciliation that runs, or ran, by itself."""

    job: str
    state: JobState
    deep: bool
    heal: bool
    by: str
    started_at: Instant
    finished_at: Instant | None
    counts: dict[str, Count]


class ReconciliationJobs(AnswerModel):
    """Reconciliations, newest first."""

    jobs: list[ReconciliationJob]
    next: str | None


class ReconciliationResult(ReconciliationJob):
    """A reconciliation with its rows, in pages."""

    message: str | None = None
    progress: Progress | None = None
    totals: dict[str, StateCompared]
    documents: list[Compared]
    count: Count
    next: str | None
    untaxed_without_reason: list[Json] | Listed | None = None
    foreign: list[Json] | Listed | None = None


class RunStarted(AnswerModel):
    """A timer's work that was asked for; it may go on after the answer."""

    function: str
    accepted: Literal[True]
    state: Literal["running", "finished"] | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None

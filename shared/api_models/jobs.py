"""Backfills, reconciliation and runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.api_models.months import Listed
from shared.api_models.values import Amount, Amounts, AnswerModel, Count, DayText, Instant, Json, Range

JobState = Literal["running", "finished", "failed", "cancelled"]


class JobStarted(AnswerModel):
    """The name under which a job is found again."""

    job: str


class StateTotal(AnswerModel):
    """Documents and their dollars."""

    documents: Count
    amount: Amount
    sales_tax: Amount


class BackfillShown(Range):
    """How far a backfill is. A dry run counts ``would_send`` and ``would_change`` instead of ``reported``.

    While one of more than 10,000 documents runs, or one that reads again what was read without some entity set,
    ``reported`` and ``skipped`` are null: they are counted at its end.
    """

    job: str
    state: JobState
    company: str
    dry_run: bool
    force: bool
    read_without: list[str] = Field(default_factory=list)
    """The sets that have become readable, where the connector itself reads again what was read without; else absent."""
    message: str | None
    seen: Count
    reported: Count | None = 0
    skipped: Count | None
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
    tax_without_nexus: list[Json] | Listed = Field(default_factory=list)
    tax_from_exempt_customer: list[Json] | Listed = Field(default_factory=list)
    late: list[Json] | Listed = Field(default_factory=list)
    left_out: list[Json] | Listed = Field(default_factory=list)
    foreign: list[Json] | Listed
    unreadable: list[Json] | Listed = Field(default_factory=list)
    deep: bool = False
    skipped: Count = 0
    skipped_by_reason: dict[str, StateTotal] = Field(default_factory=dict)
    enqueued: Count = 0
    held: Count = 0
    not_sent_again: Count = 0
    """Missing in TaxJar, and so many that a person has to decide first."""


class Progress(AnswerModel):
    """Months done, of how many, and the one that is worked on."""

    done: Count
    total: Count
    now: str | None = None


class ReconciliationJob(Range):
    """A reconciliation that runs, or ran, by itself."""

    job: str
    state: JobState
    company: str | None = None
    deep: bool
    heal: bool
    compare: bool = True
    nightly: bool = False
    message: str | None = None
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

    progress: Progress | None = None
    totals: dict[str, StateCompared]
    skipped: Count = 0
    skipped_by_reason: dict[str, StateTotal] = Field(default_factory=dict)
    enqueued: Count = 0
    held: Count = 0
    not_sent_again: Count = 0
    documents: list[Compared]
    count: Count
    """Rows that the query chooses, of all pages."""
    next: str | None
    untaxed_without_reason: list[Json] | Listed | None = None
    tax_without_nexus: list[Json] | Listed | None = None
    tax_from_exempt_customer: list[Json] | Listed | None = None
    late: list[Json] | Listed | None = None
    left_out: list[Json] | Listed | None = None
    foreign: list[Json] | Listed | None = None
    unreadable: list[Json] | Listed | None = None
    completeness: Json | None = None
    """The figures of ``show_completeness`` for all the days, once it is finished."""


class RunStarted(AnswerModel):
    """A timer's work that was asked for; it may go on after the answer."""

    function: str
    accepted: Literal[True]
    state: Literal["running", "finished"] | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None

"""Can it be filed: ``show_completeness``, ``close_filing_period``, ``list_filing_periods``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.api_models.values import Amount, Amounts, AnswerModel, Count, DayText, Instant, Json, Range


class DynamicsCounts(AnswerModel):
    """What F&O lists, against the ledger."""

    listed: Count
    not_seen_yet: Count
    seen_but_gone: Count


class ReasonTotals(AnswerModel):
    """The documents of one state and reason."""

    state: str
    reason: str
    count: Count
    amount: Amount
    sales_tax: Amount
    oldest: DayText | None = None
    in_taxjar: Count = 0


class DayCounts(AnswerModel):
    """The documents of one invoice date."""

    date: DayText
    seen: Count
    reported: Count
    skipped: Count
    held: Count
    failed: Count
    in_flight: Count
    not_seen_yet: Count = 0


class StateReadiness(AnswerModel):
    """One US state: both sides, and whether it can be filed."""

    state: str
    nexus: bool | None = None
    documents: Count
    dynamics: Amounts
    taxjar: Amounts
    difference: Amounts
    held: Count
    failed: Count
    in_flight: Count
    missing: Count = 0
    filed_through: DayText | None = None
    closes_on: DayText | None = None
    ready_to_file: bool
    why: list[str]


class ListedDocument(AnswerModel):
    """A document in one of the named lists."""

    transaction_id: str
    number: str | None = None
    date: DayText | None = None
    to_state: str | None = None
    amount: Amount | None = None
    sales_tax: Amount | None = None


class Listed(AnswerModel):
    """Documents that have something in common, at most 500 of them; ``count`` is the whole number."""

    count: Count
    amount: Amount
    sales_tax: Amount
    documents: list[ListedDocument]


class Completeness(Range):
    """The invariant in numbers: seen = reported + skipped + held + failed + in flight."""

    seen: Count
    reported: Count
    skipped: Count
    held: Count
    failed: Count
    in_flight: Count
    complete: bool
    dynamics: DynamicsCounts
    reasons: dict[str, dict[str, Count]]
    checked_at: Instant
    amounts: dict[str, Amounts] = Field(default_factory=dict)
    """By state, and for ``handled_outside`` and ``left_out``."""
    by_reason: list[ReasonTotals] = Field(default_factory=list)
    days: list[DayCounts] = Field(default_factory=list)
    states: list[StateReadiness] | dict[str, Json] = Field(default_factory=list)
    ready_to_file: bool | None = None
    why: list[str] = Field(default_factory=list)
    late: Listed | list[Json] | None = None
    untaxed_without_reason: Listed | list[Json] | None = None
    tax_without_nexus: Listed | list[Json] | None = None
    tax_from_exempt_customer: Listed | list[Json] | None = None
    left_out: Listed | list[Json] | Json | None = None
    foreign: Listed | list[Json] | None = None
    handled_outside: Listed | list[Json] | Json | None = None
    last_poll_at: Instant | None = None
    nexus_pulled_at: Instant | None = None


class FiledThrough(AnswerModel):
    """Through which day a state has its return."""

    filed_through: DayText | None


class PeriodClosed(AnswerModel):
    """A filing period before and after."""

    state: str
    before: FiledThrough
    after: FiledThrough


class PeriodShown(AnswerModel):
    """One filing period of a state: filed by a person, closed by the calendar, over but open, or running."""

    since: DayText = Field(alias="from")
    until: DayText = Field(alias="to")
    status: Literal["filed", "closed", "open", "running"]
    closes_on: DayText
    held: Count
    failed: Count
    in_flight: Count
    documents: Count | None = None
    late: Count | None = None


class StatePeriods(AnswerModel):
    """What is closed for one state, by whom and why."""

    state: str
    filed_through: DayText | None
    frequency: str | None = None
    nexus: bool | None = None
    by: str | None = None
    at: Instant | None = None
    reason: str | None = None
    periods: list[PeriodShown] = Field(default_factory=list)


class FilingPeriods(AnswerModel):
    """What is closed for a company: by the calendar, and by people for each state."""

    filing_lock_day: int
    closed_through: DayText
    states: list[StatePeriods]

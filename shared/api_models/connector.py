"""The connector itself: health, status, activity, ping, events."""

from __future__ import annotations

from pydantic import Field

from shared.api_models.values import Amount, AnswerModel, Count, DayText, Instant, Json, Range


class Moved(AnswerModel):
    """The answer of ``confirm_move``."""

    connection: str
    company: str
    host: str
    """The F&O environment that the company is reported from now."""


class Health(AnswerModel):
    """Alive, and which version."""

    status: str
    version: str


class Accepted(AnswerModel):
    """What became of the events of a request; a handshake answers with what it asks for."""

    accepted: Count = 0
    ignored: Count = 0
    validationResponse: str | None = None


class PingCheck(AnswerModel):
    """One thing that must work; ``hint`` says what to do where it does not."""

    name: str
    ok: bool
    message: str
    hint: str


class Ping(AnswerModel):
    """Whether everything that a connection needs works."""

    ok: bool
    checks: list[PingCheck]


class You(AnswerModel):
    """The person who asks."""

    id: str
    name: str
    roles: list[str]


class Rules(AnswerModel):
    """``PEOPLE__*``."""

    keys_may_decide: bool
    approver_must_differ: bool


class Pause(AnswerModel):
    """A side that is not called for a while."""

    side: str
    company: str | None = None
    kind: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    reason: str


class OpenWork(AnswerModel):
    """Documents of one state and reason that are not done."""

    state: str
    reason: str | None
    count: Count
    amount: Amount
    sales_tax: Amount
    oldest: Instant | None


class ReadWithout(Range):
    """An entity set that documents of these days were read without: ``list_documents`` has them by ``read_without``."""

    set: str
    job: str | None = None
    """The backfill that reads them again, once the set can be read."""


class CompanyStatus(AnswerModel):
    """One company."""

    id: str
    today: DayText
    time_zone: str
    report_from: DayText
    filing_lock_day: int
    reporting: bool
    fenced: str | None = None
    """Why nothing is sent from this deployment: the ledger belongs to another environment or account."""
    missing_in_taxjar: Json | None = None
    """So many reported documents that TaxJar lost that a person has to decide: how many, of how many, since when."""
    open_work: list[OpenWork]
    read_without: list[ReadWithout] = Field(default_factory=list)


class ConnectionStatus(AnswerModel):
    """One F&O environment."""

    name: str
    dynamics_url: str
    pauses: list[Pause]
    sets_done_without: list[str]
    sets_done_without_reasons: dict[str, str] = Field(default_factory=dict)
    sets_waited_for: dict[str, str] = Field(default_factory=dict)
    """Those that were readable before and cannot be read just now, with the reason: documents wait for them."""
    unresolved_secrets: dict[str, str] = Field(default_factory=dict)
    """Setting → a sentence, for each Key Vault reference that the platform did not resolve."""
    companies: list[CompanyStatus]


class RunShown(AnswerModel):
    """The last complete run of a timer function."""

    function: str
    connection: str | None = None
    company: str | None = None
    finished_at: Instant | None
    by: str | None = None
    ok: bool
    message: str | None = None


class QueueShown(AnswerModel):
    """A queue's length and its oldest message."""

    name: str
    messages: Count
    oldest_at: Instant | None


class NextStep(AnswerModel):
    """What a person should do next, and where."""

    text: str
    connection: str | None = None
    company: str | None = None
    state: str | None = None
    reason: str | None = None
    link: str | None = None
    """Path of the page that shows it."""


class Status(AnswerModel):
    """Whether it runs, what waits, and what to do next."""

    checked_at: Instant
    version: str
    you: You | None = None
    rules: Rules | None = None
    connections: list[ConnectionStatus]
    runs: list[RunShown]
    queues: list[QueueShown]
    next_steps: list[NextStep]
    audit: Json | None = None
    settings: list[Json] | None = None
    delays: Json | None = None


class ActivityEntry(AnswerModel):
    """What somebody did."""

    at: Instant
    kind: str
    company: str | None = None
    by: str
    person: str | None = None
    way: str | None = None
    function: str
    subject: str
    transaction_id: str | None = None
    decision: str
    reason: str | None = None
    message: str | None = None
    before: Json | None = None
    after: Json | None = None


class Activity(AnswerModel):
    """What people and schedules did, newest first."""

    activity: list[ActivityEntry]
    next: str | None

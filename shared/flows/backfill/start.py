"""Backfills as users see them: start one, and see how far it is (design 3.1)."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from shared.connector import Connector
from shared.documents import ZERO
from shared.flows.work.backfill_jobs import KIND, begin, entry
from shared.flows.work.fence import Fenced, check_host
from shared.flows.work.jobs import find_job
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor
from shared.ledger.backfills import Backfill, DryRunOutcome
from shared.ledger.jobs import JobOver, JobState, job_name
from shared.ledger.records import IN_FLIGHT, State
from shared.money import plain
from shared.web import Day, Words, instant

LONGEST = timedelta(days=3660)
COUNTED_AT_MOST = 10_000
"""Documents that are counted whenever somebody looks; of a longer backfill what is open is, and all at its end."""
_SETTLED = (State.REPORTED, State.SKIPPED, State.HELD, State.FAILED)
_WOULD_REACH_TAXJAR = (DryRunOutcome.WOULD_SEND, DryRunOutcome.WOULD_CHANGE)


class BackfillRequest(BaseModel):
    """The body of ``start_backfill``. Dates are invoice dates, inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str = Field(min_length=1)
    since: Day = Field(alias="from")
    until: Day = Field(alias="to")
    dry_run: StrictBool = False
    force: StrictBool = False
    """Also report what is older than ``REPORT_FROM``, and map anew what is settled."""
    by: Words = "function key"

    @model_validator(mode="after")
    def _a_range_of_days(self) -> Self:
        if self.since > self.until:
            raise ValueError(f"from ({self.since}) must not be after to ({self.until})")
        if self.until - self.since > LONGEST:
            raise ValueError("the range is longer than ten years: split it into several backfills")
        return self


async def start_backfill(connector: Connector, connection: str, request: BackfillRequest) -> dict[str, Any]:
    """Note what is asked for and put its first step on the backfill queue.

    Raises :class:`NotFound` for a connection or company that the settings do not have, and :class:`Conflict` where the
    ledger belongs to another environment.
    """
    company = connector.connection(connection).company(request.company.strip().lower())
    try:
        await check_host(connector, connector.connection(connection))
    except Fenced as fenced:
        raise Conflict(str(fenced), code="fenced") from None
    now = connector.clock()
    backfill = Backfill(
        connection=connection,
        job=job_name(now, connector.random),
        company=company.id,
        since=request.since,
        until=request.until,
        dry_run=request.dry_run,
        force=request.force,
        by=request.by,
        started_at=now,
        cursor=request.since,
        touched_at=now,
        listed=0,
    )
    await begin(connector, backfill, Actor(function="start_backfill", by=request.by))
    return {"job": backfill.job}


async def show_backfill(connector: Connector, connection: str, job: str) -> dict[str, Any]:
    """How far the backfill is. Raises :class:`NotFound` when there is none of this name."""
    connector.connection(connection)
    backfill = await find_job(connector.backfills, connection, job, KIND)
    return await shown(connector, backfill)


async def shown(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """The backfill as answers show it; figures of one that runs are read from the ledger."""
    figures = dict(backfill.result) if backfill.result else await progress_of(connector, backfill)
    eta = _eta(connector, backfill, figures)
    if backfill.state is JobState.RUNNING and backfill.total is None and not figures["remaining"]:
        # How much F&O has is not known yet: who waits for 0 has to go on waiting.
        figures |= {"seen": figures["seen"] + 1, "remaining": 1}
    return {
        "job": backfill.job,
        "state": backfill.state.value,
        "company": backfill.company,
        "by": backfill.by,
        "from": backfill.since.isoformat(),
        "to": backfill.until.isoformat(),
        "dry_run": backfill.dry_run,
        "force": backfill.force,
        **({"read_without": backfill.read_without.split()} if backfill.read_without else {}),
        "message": backfill.message or None,
        **figures,
        "started_at": instant(backfill.started_at),
        "finished_at": instant(backfill.finished_at),
        "eta": instant(eta),
    }


async def figures_of(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """The figures of a backfill as they are now. ``remaining`` counts what F&O has and is not settled yet."""
    return _with_the_rest(backfill, await (_of_dry_run if backfill.dry_run else _of_documents)(connector, backfill))


async def progress_of(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """The same, cheap enough to be asked for again and again.

    How many of very many are ``reported`` and how many ``skipped`` is ``None``.
    """
    is_long = backfill.read_without or (backfill.listed or 0) > COUNTED_AT_MOST
    if backfill.dry_run or not is_long:
        return await figures_of(connector, backfill)
    return _with_the_rest(backfill, await _of_open_work(connector, backfill))


def _with_the_rest(backfill: Backfill, figures: dict[str, Any]) -> dict[str, Any]:
    """With the documents that are not listed yet."""
    settled = figures["seen"] - figures["remaining"]
    if backfill.listed_at is None and backfill.total is not None:
        figures["remaining"] = max(backfill.total - settled, figures["remaining"])
        figures["seen"] = settled + figures["remaining"]
    return figures


async def fail_backfill(connector: Connector, backfill: Backfill, actor: Actor, message: str) -> None:
    """End a backfill that cannot go on; what it has put on the queue is worked on all the same."""
    figures = await figures_of(connector, backfill)
    failed = replace(backfill, state=JobState.FAILED, message=message, finished_at=connector.clock(), result=figures)
    with suppress(JobOver):
        await connector.backfills.write(failed, entry(connector, backfill, actor, "failed", message))


async def _of_documents(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """What the ledger says of the days that are listed."""
    found: Counter[tuple[State, str]] = Counter()
    if backfill.cursor > backfill.since:
        last = min(backfill.until, backfill.cursor - timedelta(days=1))
        rows = connector.ledger.states(backfill.connection, backfill.company, backfill.since, last)
        async for standing in rows:
            found[standing] += 1
    return _figures(found)


async def _of_open_work(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """The same by the index of open work, which does not tell what is reported from what is skipped."""
    found: Counter[tuple[State, str]] = Counter()
    async for record in connector.ledger.open_work(backfill.connection, backfill.company):
        if backfill.since <= record.key.date < backfill.cursor:
            found[record.state, record.reason] += 1
    return {**_figures(found), "seen": backfill.listed or 0, "reported": None, "skipped": None}


def _figures(found: Counter[tuple[State, str]]) -> dict[str, Any]:
    """The figures of documents by state and reason."""
    states: Counter[State] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for (state, reason), count in found.items():
        states[state] += count
        if state in (State.SKIPPED, State.HELD):
            reasons[state.value, reason] += count
    return {
        "seen": states.total(),
        **{state.value: states[state] for state in _SETTLED},
        "remaining": sum(states[state] for state in IN_FLIGHT),
        "reasons": _by_state(reasons),
    }


async def _of_dry_run(connector: Connector, backfill: Backfill) -> dict[str, Any]:
    """The results noted so far."""
    outcomes: Counter[DryRunOutcome] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    totals: dict[str, dict[str, Any]] = {}
    transactions = 0
    async for result in connector.backfills.results(backfill):
        outcomes[result.outcome] += 1
        if result.outcome in (DryRunOutcome.SKIPPED, DryRunOutcome.HELD):
            reasons[result.outcome.value, result.reason] += 1
        if result.outcome is DryRunOutcome.WOULD_SEND:
            transactions += len(result.shares)
        if result.outcome in _WOULD_REACH_TAXJAR:
            for state in {share.to_state for share in result.shares}:
                totals.setdefault(state, {"documents": 0, "amount": ZERO, "sales_tax": ZERO})["documents"] += 1
            for share in result.shares:
                totals[share.to_state]["amount"] += share.amount
                totals[share.to_state]["sales_tax"] += share.sales_tax
    return {
        "seen": outcomes.total(),
        **{outcome.value: outcomes[outcome] for outcome in DryRunOutcome},
        "reasons": _by_state(reasons),
        "taxjar_transactions": transactions,
        "totals": {
            state: {**total, "amount": plain(total["amount"]), "sales_tax": plain(total["sales_tax"])}
            for state, total in sorted(totals.items())
        },
    }


def _by_state(reasons: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (state, reason), count in sorted(reasons.items()):
        found.setdefault(state, {})[reason] = count
    return found


def _eta(connector: Connector, backfill: Backfill, figures: dict[str, Any]) -> datetime | None:
    """When it ends if it goes on as so far; unknown before anything is settled."""
    now, remaining = connector.clock(), figures["remaining"]
    done = max(backfill.total or 0, figures["seen"]) - remaining
    if backfill.state is not JobState.RUNNING or done <= 0:
        return None
    left: timedelta = (now - backfill.started_at) * remaining / done
    return now + left

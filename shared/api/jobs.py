"""Handlers about work over many documents: backfills, reconciliation, and what a timer does at other times."""

from __future__ import annotations

import asyncio
import logging

from pydantic import BaseModel, ConfigDict

from shared.api.route import Anything, Call, Nothing
from shared.flows.backfill import start
from shared.flows.operations.run_now import note_asked, timer_named
from shared.flows.reconciliation import jobs, result
from shared.flows.reconciliation import reconcile as reconciliation
from shared.flows.reconciliation.repair import NOT_CONFIRMED, Confirmation
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.web import Answer, Problem, Words, instant, read_json

logger = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds to wait for a run before it is answered as one that goes on."""


class _Asked(BaseModel):
    """Why everything is sent again, and who wants it; a person who signed in is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words
    by: Words | None = None


_going_on: set[asyncio.Task[None]] = set()


async def start_backfill(call: Call[Nothing, start.BackfillRequest]) -> Answer:
    """Report, or try out, the documents of a company and a range of days."""
    return Answer(202, await start.start_backfill(call.connector, call.connection, call.body))


async def show_backfill(call: Call[Nothing, Nothing]) -> Answer:
    """How far a backfill is."""
    return Answer(body=await start.show_backfill(call.connector, call.connection, call.request.route["job"]))


async def reconcile(call: Call[reconciliation.ReconcileQuery, Anything]) -> Answer:
    """Compare F&O with TaxJar; POST also enqueues what is missing."""
    heal, confirmed = call.request.method == "POST", NOT_CONFIRMED
    if heal and call.query.confirm:
        asked = read_json(call.request.body, _Asked)
        by = call.caller.name if call.caller.is_person else asked.by
        if not by:
            raise Problem(400, "bad_request", "by: say who confirms it")
        confirmed = Confirmation(by, asked.reason)
    return await reconciliation.reconcile(
        call.connector, call.connection, call.company, call.query, heal=heal, confirmed=confirmed
    )


async def start_reconciliation(call: Call[Nothing, jobs.ReconciliationRequest]) -> Answer:
    """Compare a company's F&O with TaxJar as a job, month by month."""
    return Answer(202, await jobs.start_reconciliation(call.connector, call.connection, call.company, call.body))


async def show_reconciliation(call: Call[result.ResultQuery, Nothing]) -> Answer:
    """How far a reconciliation is, and all that it has found, as JSON, CSV or a workbook."""
    job = call.request.route["job"]
    return await result.show_reconciliation(call.connector, call.connection, call.company, job, call.query)


async def list_reconciliations(call: Call[JobsQuery, Nothing]) -> Answer:
    """Reconciliations of a company, newest first, those of the nights among them."""
    return Answer(body=await jobs.list_reconciliations(call.connector, call.connection, call.company, call.query))


async def cancel_reconciliation(call: Call[Nothing, Cancellation]) -> Answer:
    """Stop a reconciliation at its next step; what it has found stays."""
    job = call.request.route["job"]
    found = await jobs.cancel_reconciliation(call.connector, call.connection, call.company, job, call.body)
    return Answer(body=found)


async def run_now(call: Call[Nothing, Anything]) -> Answer:
    """Run what a timer function does now; a run that takes long goes on after the answer."""
    name = call.request.route["function"]
    timer = timer_named(name)
    await note_asked(call.connector, name, call.caller.name)
    started = call.connector.clock()
    run = asyncio.ensure_future(timer(call.connector, call.caller.name))
    _going_on.add(run)
    run.add_done_callback(_ended)
    done, _ = await asyncio.wait({run}, timeout=PATIENCE)
    finished = None
    if done:
        run.result()
        finished = call.connector.clock()
    shown = {"function": name, "accepted": True, "started_at": instant(started), "finished_at": instant(finished)}
    return Answer(202, {**shown, "state": "finished" if finished else "running"})


def _ended(run: asyncio.Task[None]) -> None:
    _going_on.discard(run)
    if not run.cancelled() and (failure := run.exception()):
        logger.error("a run that was asked for failed", exc_info=failure)

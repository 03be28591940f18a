"""The backfill queue: list some days, put their documents behind them on the same queue, go on with the next days.

The next step lies behind the documents of this one, so that listing goes no faster than reporting. A step may come
twice, or be cut off anywhere: its documents are in the ledger by then, and one whose days are listed only passes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from shared.backfill_messages import BackfillMessage, BackfillStep, DryRunMessage, NightEnd, ReconciliationStep
from shared.connector import Connector, NotFound
from shared.documents import ListedDocument
from shared.dynamics.errors import UnreadableRow
from shared.flows.backfill import dry_run
from shared.flows.backfill.force import ask_by_force
from shared.flows.backfill.read_again import ask_again, end_of
from shared.flows.backfill.start import fail_backfill, figures_of, progress_of
from shared.flows.finding.missing import is_missing, shown_again
from shared.flows.operations.nightly import end_night
from shared.flows.reconciliation.steps import take_step
from shared.flows.reporting.message import report_documents
from shared.flows.work.backfill_jobs import entry, step_of
from shared.flows.work.enqueue import enqueue, enqueued_until
from shared.flows.work.put_back import put_back
from shared.flows.work.retries import GIVE_UP_AFTER, TRANSIENT
from shared.flows.work.run import Run
from shared.flows.work.sightings import known_by_key, sighting
from shared.flows.work.streams import MergedByDay, days, one_by_one
from shared.ledger.audit import Actor
from shared.ledger.backfills import Backfill
from shared.ledger.jobs import JobOver, JobState
from shared.ledger.records import DocumentRecord
from shared.queues import DocumentQueue

logger = logging.getLogger(__name__)

_MANY, _LONGEST_STEP = 1000, 180
"""Documents after which a step covers fewer days, and the most days that one covers."""
_SOONEST, _LATEST = timedelta(seconds=2), timedelta(minutes=1)
"""How soon and how late it is looked again whether all has settled."""


async def report_backfill(
    connector: Connector, message: BackfillMessage, actor: Actor, *, queue: DocumentQueue
) -> None:
    """Work on one message of the backfill queue. Raises only for a defect of our own."""
    match message:
        case BackfillStep():
            await _take(connector, message, actor, queue)
        case DryRunMessage():
            await dry_run.try_documents(connector, message, actor, queue=queue)
        case ReconciliationStep():
            await take_step(connector, message, queue)
        case NightEnd():
            await end_night(connector, message, queue)
        case _:
            await report_documents(connector, message, actor, queue=queue)


async def _take(connector: Connector, step: BackfillStep, actor: Actor, queue: DocumentQueue) -> None:
    backfill = await connector.backfills.get(step.connection, step.backfill)
    if backfill is None or backfill.state is not JobState.RUNNING:
        logger.info("backfill %s: the step of %s is over", step.backfill, step.day)
        return
    if step.day < backfill.cursor:
        # Its days are listed: it came twice, or its worker ended before it could send the next one.
        await queue.send(step_of(backfill, step.days))
        return
    try:
        connection = connector.connection(step.connection)
        company = connection.company(backfill.company)
    except NotFound as removed:
        await fail_backfill(connector, backfill, actor, f"{removed} any more.")
        return
    run = Run(connector, connection, company, actor, queue)
    try:
        if step.day > backfill.until:
            await _finish_when_settled(run, backfill, step)
        else:
            await connection.gate.open()
            await _list(run, backfill, step)
    except JobOver:
        logger.info("backfill %s was cancelled", backfill.job)
    except TRANSIENT as trouble:
        delay = await put_back(run, step, trouble)
        if delay is None:
            words = f"Given up after {GIVE_UP_AFTER.days} days of trying. {trouble}"
            await fail_backfill(connector, backfill, actor, words)
        else:
            await connector.backfills.touch(backfill, connector.clock() + delay)


async def _list(run: Run, backfill: Backfill, step: BackfillStep) -> None:
    """List the step's days, enqueue what is to be done, move the cursor, send the next step; in this order."""
    last = min(step.day + timedelta(days=step.days - 1), backfill.until)
    if backfill.read_without:
        found, _ = await ask_again(run, backfill, step.day, last)
    else:
        if backfill.total is None:
            backfill = replace(backfill, total=await _count(run, backfill))
        found = await _list_days(run, backfill, step.day, last)
    moved = replace(
        backfill,
        cursor=last + timedelta(days=1),
        listed=None if backfill.listed is None else backfill.listed + found,
        listed_at=run.connector.clock() if last == backfill.until else None,
        touched_at=run.connector.clock(),
    )
    message = f"{found} documents from {step.day} to {last}."
    await run.connector.backfills.write(moved, entry(run.connector, backfill, run.actor, "listed", message))
    await run.queue.send(step_of(moved, _next_length(step.days, found)))


async def _list_days(run: Run, backfill: Backfill, first: date, last: date) -> int:
    """Enqueue what is to be done of these days, and return how many documents F&O has of them."""
    left_out: list[UnreadableRow] = []

    def leave_out(unreadable: UnreadableRow) -> None:
        logger.error("%s: left out: %s", run.name, unreadable)
        left_out.append(unreadable)

    pages = run.connection.reader.list_posted({run.company.id: first}, until=last, left_out=leave_out)
    listed = MergedByDay(one_by_one(pages))
    ledger = run.connector.ledger
    known = MergedByDay(ledger.listing(run.connection.name, run.company.id, since=first, until=last))
    found = 0
    for day in days(first, last):
        documents = await listed.through(day)
        documents += known_by_key(left_out, {run.company.id}, day)
        records = await known.through(day)
        found += len(documents)
        if backfill.dry_run:
            await dry_run.begin(run, backfill, documents, records)
        else:
            await _enqueue(run, backfill, documents, records)
    return found


async def _enqueue(
    run: Run, backfill: Backfill, documents: Sequence[ListedDocument], records: Sequence[DocumentRecord]
) -> None:
    """Note what is new, and enqueue it with what is due or forced."""
    recorded, now = {record.key for record in records}, run.connector.clock()
    new = [sighting(document) for document in documents if document.key not in recorded]
    seen = await run.connector.ledger.see(
        run.connection.name,
        new,
        run.actor,
        message=f"Backfill {backfill.job}.",
        forced=backfill.job if backfill.force else "",
        enqueued_until=enqueued_until(now),
    )
    missing = [record for record in records if is_missing(record)]
    seen += await shown_again(run.connector, run.connection, missing, documents, run.actor)
    if backfill.force:
        seen += await ask_by_force(run, backfill, records)
    else:
        seen += [record for record in records if record.is_due(now)]
    await enqueue(run.connector, run.queue, run.connection.name, seen)


async def _count(run: Run, backfill: Backfill) -> int:
    pages = run.connection.reader.list_posted({run.company.id: backfill.since}, until=backfill.until)
    return sum([len(page) async for page in pages])


def _next_length(length: int, found: int) -> int:
    """Days of the next step: more where there was nothing, fewer where there was much."""
    if found == 0:
        return min(length * 2, _LONGEST_STEP)
    return max(length // 2, 1) if found > _MANY else length


async def _finish_when_settled(run: Run, backfill: Backfill, step: BackfillStep) -> None:
    """Finish the backfill, or look again later, the less often the longer it takes."""
    now = run.connector.clock()
    delay = None
    if backfill.read_without:
        delay = await end_of(run, backfill)
    elif (await progress_of(run.connector, backfill))["remaining"]:
        delay = min(max((now - (backfill.listed_at or now)) / 4, _SOONEST), _LATEST)
    if delay is not None:
        await run.queue.send(step, delay=delay)
        await run.connector.backfills.touch(backfill, now + delay)
        return
    figures = await figures_of(run.connector, backfill)
    finished = replace(backfill, state=JobState.FINISHED, finished_at=now, result=figures)
    message = ", ".join(f"{name} {count}" for name, count in figures.items() if isinstance(count, int)) + "."
    await run.connector.backfills.write(finished, entry(run.connector, backfill, run.actor, "finished", message))

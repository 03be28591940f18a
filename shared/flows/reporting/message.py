"""One queue message on its way to TaxJar: gate, read, map, plan, act, settle (design 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from azure.core.exceptions import AzureError

from shared import telemetry
from shared.connector import Connector, NotFound
from shared.documents import DocumentKey, PostedDocument
from shared.dynamics.sources import ReadProblem
from shared.flows.finding.missing import find_by_number, look_up_unknown
from shared.flows.reporting.document import Sales, report
from shared.flows.reporting.holds import hold_refused_again, is_refused_again
from shared.flows.reporting.originals import sales_of
from shared.flows.reporting.removed import drop_message
from shared.flows.work.claims import Claim
from shared.flows.work.enqueue import enqueue, enqueue_keys
from shared.flows.work.fence import Fenced, check_fence
from shared.flows.work.retries import (
    CLOCK_SKEW,
    LOOK_AGAIN,
    TRANSIENT,
    Postponed,
    has_another_message,
    judge,
    put_back_all,
    put_back_until_due,
    put_back_until_open,
    put_message_back,
)
from shared.flows.work.run import Run
from shared.flows.work.sets_missed import note_read_without
from shared.ledger.audit import Actor
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord
from shared.ledger.trouble import is_storage_trouble
from shared.queues import KEYS_PER_MESSAGE, DocumentQueue, DocumentsMessage
from shared.remote.pauses import Paused
from shared.taxjar.errors import AccessDenied

logger = logging.getLogger(__name__)

_AT_ONCE = 8
"""Documents of one message that are worked on at the same time, so that history does not queue up before today."""


async def report_documents(
    connector: Connector, message: DocumentsMessage, actor: Actor, *, queue: DocumentQueue
) -> None:
    """Report the documents of one queue message; what cannot be settled now goes back to ``queue`` with a delay.

    Raises only for a defect of our own, so that the message is delivered again and in the end buried.
    """
    with telemetry.span(actor.function, trace_parent=message.trace):
        try:
            try:
                connection = connector.connection(message.connection)
                company = connection.company(message.company)
            except NotFound as removed:
                await drop_message(connector, message, actor, removed)
                return
            await _report(Run(connector, connection, company, actor, queue), message)
        except AzureError as trouble:
            if not is_storage_trouble(trouble):
                raise
            # Claims that were written meanwhile run out by themselves.
            delay = connector.ledger.lease + CLOCK_SKEW
            logger.error("%s: put back, the ledger does not answer (%s)", message.company, type(trouble).__name__)
            await put_message_back(queue, message, delay)


async def _report(run: Run, message: DocumentsMessage) -> None:
    try:
        await run.connection.gate.open()
        await run.company.account.gate.open()
    except Paused as paused:
        await put_back_until_open(run, message, paused.pause)
        return
    try:
        run.fence = await check_fence(run.connector, run.connection, run.company, run.actor)
    except Fenced as fenced:
        logger.error("%s: %s", run.name, fenced)
        await put_back_all(run, message, LOOK_AGAIN)
        return
    except TRANSIENT as trouble:
        await judge(run, trouble, 1)
        await put_back_all(run, message, LOOK_AGAIN)
        return
    if not run.company.settings.reporting:
        await find_by_number(run, message.numbers)
        logger.info("%s: reporting is switched off, %d documents stay seen", run.name, len(message.keys))
        return
    claims = await _claim(run, message)
    if not claims:
        return
    postponed = Postponed(run)
    try:
        shown = await run.connection.reader.read_documents(run.company.id, [claim.record.key for claim in claims])
        documents = [each for each in shown.values() if isinstance(each, PostedDocument)]
        _tell_vanished(run, [each for each in shown.values() if isinstance(each, ReadProblem)])
        await note_read_without(run, documents)
        await run.prepare(documents)
        sales = await sales_of(run, documents)
    except TRANSIENT as trouble:
        await postponed.add(claims, trouble, reading=True)
    except Exception as defect:
        if is_storage_trouble(defect):
            raise
        for claim in claims:
            await postponed.give_up(claim, defect, in_company=len(claims) > 1)
    else:
        await _report_each(claims, shown, sales, postponed)
    finally:
        await postponed.put_back()


def _tell_vanished(run: Run, problems: Sequence[ReadProblem]) -> None:
    """Wake somebody where documents wait for a set that was readable before."""
    reasons = {name: problem.sentence for problem in problems if problem.gone for name in problem.sets}
    for name, why in reasons.items():
        telemetry.set_gone(run.connection.name, name)
        logger.error("%s: %s was readable before and is not: give access to it again. %s", run.name, name, why)


async def _claim(run: Run, message: DocumentsMessage) -> list[Claim]:
    """Claim what the message names and is due; what another worker has, or that has to wait, goes back to the queue."""
    ledger, now = run.connector.ledger, run.connector.clock()
    found = await find_by_number(run, message.numbers)
    keys = list(dict.fromkeys([*message.document_keys(), *found]))
    keys, too_many = keys[:KEYS_PER_MESSAGE], keys[KEYS_PER_MESSAGE:]
    await enqueue_keys(run.connector, run.queue, run.connection.name, too_many)
    records = await ledger.get_all(run.connection.name, keys)
    await look_up_unknown(run, keys, records)
    due: list[DocumentRecord] = []
    alone = len(records) > 1
    for record in records:
        if record.in_flight and not record.is_due(now):
            if has_another_message(run.connector, record):
                logger.info("%s: dropped, another message names it at %s", record.key, record.due_at())
                continue
            await put_back_until_due(run.connector, run.queue, record)
        elif record.is_due(now) and record.attempts.alone and alone:
            await enqueue(run.connector, run.queue, run.connection.name, [record])
        elif record.is_due(now):
            due.append(record)
    return [Claim(run, record) for record in await ledger.claim(due)]


async def _report_each(
    claims: Sequence[Claim],
    shown: Mapping[DocumentKey, PostedDocument | ReadProblem],
    sales: Sales,
    postponed: Postponed,
) -> None:
    """Report every claimed document; one that meets trouble or a defect does not keep the others."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(claim: Claim) -> None:
        key = claim.record.key
        async with slots:
            try:
                await report(claim, shown.get(key), sales)
            except ClaimLost:
                logger.warning("%s: another worker has taken over", key)
            except AccessDenied as refusal:
                with suppress(ClaimLost):
                    if await is_refused_again(claim, refusal):
                        await hold_refused_again(claim, refusal)
                    else:
                        await postponed.add([claim], refusal)
            except TRANSIENT as trouble:
                await postponed.add([claim], trouble)
            except Exception as defect:
                if is_storage_trouble(defect):
                    raise
                await postponed.give_up(claim, defect, in_company=len(claims) > 1)

    failures = await asyncio.gather(*(one(claim) for claim in claims), return_exceptions=True)
    for failure in failures:
        if failure is not None and not is_storage_trouble(failure):
            raise failure
    for trouble in filter(None, failures):
        raise trouble

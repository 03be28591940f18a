"""Report posted documents: claim them, read them back from F&O, send each to TaxJar, settle it (design 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from azure.core.exceptions import AzureError

from shared import telemetry
from shared.connector import Connector, NotFound
from shared.documents import DocumentKey, PostedDocument
from shared.dynamics.sources import ReadProblem
from shared.flows.corrections import Correction
from shared.flows.not_found import find_by_number, look_up_unknown
from shared.flows.postpone import (
    CLOCK_SKEW,
    TRANSIENT,
    NotYet,
    postpone,
    put_back_until_due,
    put_back_until_open,
    put_message_back,
    release,
)
from shared.flows.proposals import correction_under_way
from shared.flows.removed import let_go
from shared.flows.report_document import DocumentReport
from shared.flows.run import Run
from shared.ledger.audit import Actor
from shared.ledger.documents import ClaimLost
from shared.ledger.pauses import Paused
from shared.ledger.records import DocumentRecord
from shared.ledger.trouble import is_storage_trouble
from shared.queues import KEYS_PER_MESSAGE, DocumentQueue, DocumentsMessage

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
                await let_go(connector, message, actor, removed)
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
    ledger = run.connector.ledger
    found = await find_by_number(run, message.numbers)
    keys = list(dict.fromkeys([*message.document_keys(), *found]))
    keys, too_many = keys[:KEYS_PER_MESSAGE], keys[KEYS_PER_MESSAGE:]
    await run.queue.put(run.connection.name, too_many)
    records = await ledger.get_all(run.connection.name, keys)
    await look_up_unknown(run, keys, records)
    claims = await ledger.claim(await _due(run, records))
    if not claims:
        return
    try:
        documents = await run.connection.reader.read_documents(run.company.id, [claim.key for claim in claims])
        await run.prepare([read for read in documents.values() if not isinstance(read, ReadProblem)])
    except TRANSIENT as trouble:
        await postpone(run, claims, trouble)
    except Exception as defect:
        if not is_storage_trouble(defect):
            for claim in claims:
                await release(run, claim, defect)
        raise
    else:
        await _report_each(run, claims, documents)


async def _due(run: Run, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """The records to work on now; those that another worker has, or that have to wait, go back to the queue."""
    now = run.connector.clock()
    for record in records:
        if record.in_flight and not record.is_due(now):
            await put_back_until_due(run.queue, record, now)
    return [record for record in records if record.is_due(now)]


async def _report_each(
    run: Run, claims: Sequence[DocumentRecord], documents: Mapping[DocumentKey, PostedDocument | ReadProblem]
) -> None:
    """Report every claimed document; one that meets trouble or a defect does not keep the others."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(claim: DocumentRecord) -> None:
        approved = correction_under_way(claim)
        report = Correction(run, claim, approved) if approved else DocumentReport(run, claim)
        async with slots:
            try:
                document = documents.get(claim.key)
                if isinstance(document, ReadProblem):
                    raise NotYet(document.sentence)
                await report.settle(document)
            except ClaimLost:
                logger.warning("%s: another worker has taken over", claim.key)
            except TRANSIENT as trouble:
                await postpone(run, [report.claim], trouble)
            except Exception as defect:
                if not is_storage_trouble(defect):
                    logger.exception("%s: cannot be reported because of a defect", claim.key)
                    await release(run, report.claim, defect)
                raise

    failures = await asyncio.gather(*(one(claim) for claim in claims), return_exceptions=True)
    for failure in failures:
        if failure is not None and not is_storage_trouble(failure):
            raise failure
    for trouble in filter(None, failures):
        raise trouble

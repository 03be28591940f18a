"""Poisoned messages: a defect, not an end. Their documents are marked failed, and everything is audited."""

from __future__ import annotations

import logging
from dataclasses import replace

from shared import telemetry
from shared.backfill_messages import BackfillStep, DryRunMessage, NightEnd, ReconciliationStep, parse_backfill_message
from shared.connector import Connector
from shared.flows.backfill.dry_run import given_up
from shared.flows.backfill.start import fail_backfill
from shared.flows.reconciliation.steps import fail_reconciliation
from shared.flows.work.entries import document_entry
from shared.flows.work.retries import put_back_until_due
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.jobs import JobState
from shared.ledger.keys import partition
from shared.ledger.records import DocumentRecord, State
from shared.queues import DocumentsMessage, MalformedMessage

logger = logging.getLogger(__name__)

_SHOWN = 2000
"""Characters that are kept of an unreadable message, and of what is wrong with it."""


async def bury_poisoned(connector: Connector, body: bytes, message_id: str, actor: Actor) -> None:
    """Mark the documents of a poisoned message as failed; audit the message itself when it names none.

    Documents that only shared the message, and wait for something else or are with another worker, go on by themselves.
    """
    telemetry.buried()
    try:
        message = parse_backfill_message(body)
    except MalformedMessage as malformed:
        logger.error("buried queue message %s: %s", message_id, malformed)
        await _audit(connector, message_id, actor, str(malformed), body)
        return
    if isinstance(message, NightEnd):
        logger.error("buried the end of the night of %s: no digest was sent", message.night)
        return
    if isinstance(message, ReconciliationStep):
        await _bury_reconciliation(connector, message, actor)
        return
    if not isinstance(message, DocumentsMessage):
        await _bury_backfill(connector, message, actor)
        return
    records = await connector.ledger.get_all(message.connection, message.document_keys())
    now = connector.clock()
    for record in records:
        paused = record.state is State.RETRYING and record.attempts.paused_at
        if record.in_flight and (paused or not record.is_due(now)):
            await put_back_until_due(connector, connector.documents_queue, record)
        elif record.in_flight:
            await _fail(connector, record, actor)
    missing = set(message.document_keys()) - {record.key for record in records}
    if missing or message.numbers:
        names = ", ".join([*(str(key) for key in sorted(missing)), *(sought.number for sought in message.numbers)])
        await _audit(connector, message_id, actor, f"The ledger does not know {names}.", body, message)


async def _bury_backfill(connector: Connector, message: BackfillStep | DryRunMessage, actor: Actor) -> None:
    """A step that cannot be taken ends its backfill; documents that cannot be tried out count as failed."""
    backfill = await connector.backfills.get(message.connection, message.backfill)
    logger.error("buried a message of backfill %s", message.backfill)
    if backfill is None or backfill.state is not JobState.RUNNING:
        return
    if isinstance(message, DryRunMessage):
        await connector.backfills.note(backfill, [given_up(key) for key in message.document_keys()])
        return
    words = f"The connector failed again and again at {message.day}. Start another backfill: what is done stays done."
    await fail_backfill(connector, backfill, actor, words)


async def _bury_reconciliation(connector: Connector, message: ReconciliationStep, actor: Actor) -> None:
    """A step that cannot be taken ends its reconciliation."""
    logger.error("buried a message of %s", message.name)
    job = await connector.reconciliations.get(message.connection, message.reconciliation)
    if job is not None and job.state is JobState.RUNNING:
        words = f"The connector failed again and again at {message.day}. What was found before stays."
        await fail_reconciliation(connector, job, actor, words)


async def _fail(connector: Connector, record: DocumentRecord, actor: Actor) -> None:
    message = (
        "The connector failed on this document again and again"
        + (f": {record.message}" if record.message else ".")
        + " Correct the cause, then retry it."
    )
    # A claim whose lease ran out may have reached TaxJar.
    unknown = record.attempts.outcome_unknown or record.state is State.REPORTING
    failed = record.to(State.FAILED, message=message)
    failed = replace(failed, attempts=replace(failed.attempts, outcome_unknown=unknown))
    try:
        await connector.ledger.settle(record, failed, document_entry(failed, actor, connector.clock()))
    except ClaimLost:
        logger.warning("%s: settled by another worker, not buried", record.key)
        return
    logger.error("buried %s", record.key)


async def _audit(
    connector: Connector,
    message_id: str,
    actor: Actor,
    words: str,
    body: bytes,
    message: DocumentsMessage | None = None,
) -> None:
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=f"queue message {message_id}",
        decision="buried",
        message=words,
        request={"body": body[:_SHOWN].decode("utf-8", "replace")},
    )
    where = partition(message.connection, message.company) if message else partition("connector", "queues")
    await connector.subjects.write(where, "poison", message_id, entry, message=words[:_SHOWN])

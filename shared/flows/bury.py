"""Poisoned messages: a defect, not an end. Their documents are marked failed, and everything is audited."""

from __future__ import annotations

import logging

from shared import telemetry
from shared.connector import Connector
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.keys import partition
from shared.ledger.records import DocumentRecord, State
from shared.queues import DocumentsMessage, MalformedMessage, parse_message

logger = logging.getLogger(__name__)

_SHOWN = 2000
"""Characters of an unreadable message that the audit keeps."""


async def bury_poisoned(connector: Connector, body: bytes, message_id: str, actor: Actor) -> None:
    """Mark the documents of a poisoned message as failed; audit the message itself when it names none."""
    telemetry.buried()
    try:
        message = parse_message(body)
    except MalformedMessage as malformed:
        logger.error("buried queue message %s: %s", message_id, malformed)
        await _audit(connector, message_id, actor, str(malformed), body)
        return
    records = await connector.ledger.get_all(message.connection, message.document_keys())
    for record in records:
        if record.in_flight:
            await _fail(connector, record, actor)
    missing = set(message.document_keys()) - {record.key for record in records}
    if missing or message.numbers:
        names = ", ".join([*(str(key) for key in sorted(missing)), *(sought.number for sought in message.numbers)])
        await _audit(connector, message_id, actor, f"The ledger does not know {names}.", body, message)


async def _fail(connector: Connector, record: DocumentRecord, actor: Actor) -> None:
    message = (
        "The connector failed on this document again and again"
        + (f": {record.message}" if record.message else ".")
        + " Correct the cause, then retry it."
    )
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=str(record.key),
        decision=State.FAILED,
        message=message,
        attempt=record.attempts,
    )
    try:
        await connector.ledger.settle(record, entry, state=State.FAILED, message=message)
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
    await connector.subjects.write(where, "poison", message_id, entry, message=words)

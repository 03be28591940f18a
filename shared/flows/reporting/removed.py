"""Messages for a connection or company that the settings no longer have: audited and dropped."""

from __future__ import annotations

import logging
from hashlib import sha256

from shared.connector import Connector, NotFound
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition
from shared.queues import DocumentsMessage

logger = logging.getLogger(__name__)


async def drop_message(connector: Connector, message: DocumentsMessage, actor: Actor, removed: NotFound) -> None:
    """Audit a message that nobody can work on. The records stay as they are: a poll takes them up, if there is one."""
    words = f"{removed} any more: its documents are not reported. Once it is configured again, they are found by polls."
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=f"company {message.company} of connection {message.connection}",
        decision="dropped",
        message=words,
        request=message.model_dump(mode="json", exclude_defaults=True),
    )
    # A row of its own for each message: they come many at once, and one that comes twice is written to twice.
    name = sha256(message.model_dump_json().encode()).hexdigest()[:16]
    await connector.subjects.write(
        partition(message.connection, message.company), "removed", name, entry, message=words
    )
    logger.error("dropped a message of %d documents: %s", len(message.keys) + len(message.numbers), words)

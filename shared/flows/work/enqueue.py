"""The one way of documents to the queue: the index of open work says until when a message names them (design 4.1).

Whoever looks for lost messages passes over what is on the queue already, so that a backlog does not multiply messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.connector import Connector
from shared.documents import DocumentKey
from shared.ledger.records import DocumentRecord
from shared.queues import DocumentQueue

ON_QUEUE = timedelta(minutes=30)
"""How long a message counts as on the queue after it became visible; only then is its document enqueued anew."""
_AT_ONCE = timedelta(0)


def enqueued_until(now: datetime, delay: timedelta = _AT_ONCE) -> datetime:
    """Until when a message counts as on the queue that is put there now and becomes visible after ``delay``."""
    return now + max(delay, _AT_ONCE) + ON_QUEUE


async def enqueue(
    connector: Connector,
    queue: DocumentQueue,
    connection: str,
    records: Sequence[DocumentRecord],
    *,
    delay: timedelta = _AT_ONCE,
) -> None:
    """Put ``records`` on ``queue``; those that do not say so yet are noted as being there."""
    until = connector.clock() + max(delay, _AT_ONCE)
    unnoted = [record.key for record in records if record.enqueued_until is None or record.enqueued_until <= until]
    await _note(connector, connection, unnoted, delay)
    await queue.put(connection, [record.key for record in records], delay=delay)


async def enqueue_keys(
    connector: Connector,
    queue: DocumentQueue,
    connection: str,
    keys: Sequence[DocumentKey],
    *,
    delay: timedelta = _AT_ONCE,
) -> None:
    """The same for documents of which only the keys are at hand."""
    await _note(connector, connection, keys, delay)
    await queue.put(connection, keys, delay=delay)


async def _note(connector: Connector, connection: str, keys: Iterable[DocumentKey], delay: timedelta) -> None:
    by_company: dict[str, list[DocumentKey]] = {}
    for key in keys:
        by_company.setdefault(key.company, []).append(key)
    for same_company in by_company.values():
        await connector.work.note_enqueued(connection, same_company, enqueued_until(connector.clock(), delay))

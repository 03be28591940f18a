"""Held documents that need no person: they go on once F&O shows what was missing (design 4.1).

Each is read before anything of it changes, so that a hold stays as it is while its cause is still there.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from shared.connector import Company, Connection, Connector
from shared.documents import DocumentKey, PostedDocument
from shared.dynamics.errors import Unavailable
from shared.dynamics.filters import chunks
from shared.flows.finding.outgoing import Outgoing
from shared.flows.work.enqueue import enqueued_until
from shared.flows.work.entries import document_entry
from shared.ledger.audit import Actor
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.ledger.work_index import CompanyWork
from shared.mapping import HoldReason
from shared.queues import KEYS_PER_MESSAGE

logger = logging.getLogger(__name__)

_POLLED = frozenset({HoldReason.SOURCE_INCOMPLETE.value})
_SWEPT = _POLLED | {
    HoldReason.UNREADABLE_ROW.value,
    HoldReason.NOT_FOUND_IN_DYNAMICS.value,
    HoldReason.ID_COLLISION.value,
}
_POLLED_FOR = timedelta(days=7)
"""How long polls look whether an entity set is back; what waits longer is looked at every night."""
_BACK = "F&O shows all of this document again."
_OWN_ID = "It gets an id of its own, though another document has its number."


async def resume_waiting(
    connector: Connector, connection: Connection, company: Company, work: CompanyWork, actor: Actor, *, is_sweep: bool
) -> None:
    """Enqueue the held documents of ``company`` that can be read now.

    A poll looks at one message's worth, and goes on as long as it finds some. Raises F&O's trouble, but for a moment's.
    """
    now = connector.clock()
    rows = [
        row
        for row in work.rows
        if row.state is State.HELD
        and not row.placeholder
        and row.reason in (_SWEPT if is_sweep else _POLLED)
        and (is_sweep or now - (row.since or row.updated_at) < _POLLED_FOR)
    ]
    outgoing = Outgoing(connector, connection, connector.documents_queue)
    for some in chunks(rows, KEYS_PER_MESSAGE):
        try:
            read = await connection.reader.read_documents(company.id, [row.key for row in some])
        except Unavailable as trouble:
            logger.warning("%s: held documents cannot be read yet: %s", connection.name, trouble)
            break
        back = [key for key, shown in read.items() if isinstance(shown, PostedDocument) and _is_whole(shown)]
        await outgoing.add(await _reopen(connector, connection, back, actor))
        if not back and not is_sweep:
            break
    await outgoing.flush()


def _is_whole(document: PostedDocument) -> bool:
    """Whether the charges are there that it has by its header; where F&O never shows any, their total counts."""
    return document.charges != () or not document.total_charges


async def _reopen(
    connector: Connector, connection: Connection, keys: list[DocumentKey], actor: Actor
) -> list[DocumentRecord]:
    reopened = []
    for record in await connector.ledger.get_all(connection.name, keys):
        if record.state is not State.HELD or record.reason not in _SWEPT:
            continue
        until = enqueued_until(connector.clock())
        message = _OWN_ID if record.reason == HoldReason.ID_COLLISION else _BACK
        after = replace(record.afresh().to(State.RETRYING, message=message), enqueued_until=until)
        entry = document_entry(after, actor, connector.clock(), message=message)
        try:
            reopened.append(await connector.ledger.settle(record, after, entry))
        except ClaimLost:
            continue
    return reopened

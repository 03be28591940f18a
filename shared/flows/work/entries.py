"""Audit entries about documents, made in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.records import DocumentRecord

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What went to and fro for a document, and what changed by it."""

    request: Json | None = None
    response: Json | None = None
    status: int | None = None
    before: Json | None = None
    after: Json | None = None


NOTHING_EXCHANGED = Exchange()


def document_entry(
    record: DocumentRecord,
    actor: Actor,
    at: datetime,
    *,
    decision: str = "",
    reason: str | None = None,
    message: str | None = None,
    exchange: Exchange = NOTHING_EXCHANGED,
    notes: Sequence[str] = (),
) -> AuditEntry:
    """The entry about ``record`` as it is to be written; its state, reason and message unless others are given."""
    return AuditEntry(
        at=at,
        actor=actor,
        subject=str(record.key),
        decision=decision or record.state,
        reason=record.reason if reason is None else reason,
        message=record.message if message is None else message,
        attempt=record.attempts.count,
        status=exchange.status,
        request=exchange.request,
        response=exchange.response,
        before=exchange.before,
        after=exchange.after,
        notes=notes,
    )

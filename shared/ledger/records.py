"""The ledger's record of one posted document: its state, and all that is needed to decide what comes next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.documents import ZERO, DocumentKey
from shared.ledger import keys, wide
from shared.ledger.audit import Chain
from shared.transactions import Kind


class State(StrEnum):
    """Where a document is on its way to TaxJar (design 4.2)."""

    SEEN = "seen"
    REPORTING = "reporting"
    RETRYING = "retrying"
    REPORTED = "reported"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"


IN_FLIGHT = frozenset({State.SEEN, State.REPORTING, State.RETRYING})

_WIDE = ("payload", "tax_codes", "proposal")
_MONEY = ("total_amount", "total_tax", "amount", "sales_tax", "shipping")
_DAYS = ("corrected_on",)
_LISTS = ("dismissed",)
_INSTANTS = ("seen_at", "updated_at", "first_attempt_at", "next_attempt_at", "lease_until", "paused_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """One row of the ledger. Instants are aware UTC, money is signed as TaxJar keeps it."""

    connection: str
    key: DocumentKey
    state: State
    kind: Kind
    transaction_id: str
    owns_id: bool
    """Whether this document owns ``transaction_id``; without it nothing is sent (``id_collision``)."""
    seen_at: datetime
    updated_at: datetime
    total_amount: Decimal = ZERO
    """Gross total as F&O showed it last, F&O's sign."""
    total_tax: Decimal = ZERO
    amount: Decimal | None = None
    sales_tax: Decimal | None = None
    shipping: Decimal | None = None
    to_state: str = ""
    reason: str = ""
    message: str = ""
    late: bool = False
    """Reported after its filing period had closed."""
    attempts: int = 0
    first_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    lease_until: datetime | None = None
    paused_at: datetime | None = None
    """Since when it waits for its whole connection, which is no attempt of its own."""
    outcome_unknown: bool = False
    """The last call to TaxJar may have taken effect: ask before sending again."""
    fingerprint: str = ""
    """Hash of the document as F&O had it when it was settled."""
    payload_hash: str = ""
    payload: Mapping[str, Any] | None = None
    """What TaxJar holds for this document, as sent."""
    tax_codes: Mapping[str, str] | None = None
    """Product tax codes as sent, by line."""
    remap: bool = False
    """A person asked to map the document anew: neither its fingerprint nor its kept tax codes count."""
    forced: str = ""
    """The backfill that asked for the document by force: ``REPORT_FROM`` does not apply to it."""
    proposal: Mapping[str, Any] | None = None
    """The correction that waits for approval or, once approved, is under way."""
    dismissed: tuple[str, ...] = ()
    """What people decided not to send in place of what TaxJar holds, by name: it is not held again."""
    corrections: int = 0
    """How many corrections were sent; with any, TaxJar holds the document under the id of the last replacement."""
    corrected_on: date | None = None
    """The day of the last correction, which dates the replacement."""
    stand_in: bool = False
    """An event named the document and F&O does not show it: number and date are the event's, there is no voucher."""
    audit_count: int = 0
    audit_head: str = ""
    etag: str = ""

    @property
    def partition(self) -> str:
        return keys.partition(self.connection, self.key.company)

    @property
    def row(self) -> str:
        return keys.document_row(self.key)

    @property
    def chain(self) -> Chain:
        return Chain(self.audit_count, self.audit_head)

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT

    def tried_for(self, now: datetime) -> timedelta:
        """For how long it has been tried since the first attempt; the time of a pause does not count."""
        until = self.paused_at or now
        return max(until - (self.first_attempt_at or until), timedelta(0))

    def due_at(self) -> datetime | None:
        """When an unsettled document may be worked on; ``None`` means now."""
        return self.lease_until if self.state is State.REPORTING else self.next_attempt_at

    def is_due(self, now: datetime) -> bool:
        """Whether the document is unsettled, and neither claimed nor waiting for its next attempt."""
        due_at = self.due_at()
        return self.in_flight and (due_at is None or due_at <= now)


_ADDRESSING = ("PartitionKey", "RowKey", "connection", "company", "number", "date", "voucher")
SUMMARY = [
    *(field.name for field in fields(DocumentRecord) if field.name not in (*_WIDE, *_ADDRESSING, "key", "etag")),
    *_ADDRESSING,
]
"""Properties of a record without its long texts, for range reads."""


def to_entity(record: DocumentRecord) -> dict[str, Any]:
    """The record as a table entity."""
    entity: dict[str, Any] = {
        "PartitionKey": record.partition,
        "RowKey": record.row,
        "company": record.key.company,
        "number": record.key.number,
        "date": record.key.date.isoformat(),
        "voucher": record.key.voucher,
    }
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in ("key", "etag") or value is None:
            continue
        if field.name in _WIDE:
            entity |= wide.pack(field.name, json.dumps(value, sort_keys=True, ensure_ascii=False))
        elif isinstance(value, date):
            entity[field.name] = value.isoformat()
        elif isinstance(value, tuple):
            entity[field.name] = " ".join(value)
        elif isinstance(value, Decimal):
            entity[field.name] = str(value)
        else:
            entity[field.name] = value.value if isinstance(value, StrEnum) else value
    return entity


def from_entity(entity: Mapping[str, Any]) -> DocumentRecord:
    """The record that :func:`to_entity` stored."""
    values: dict[str, Any] = {
        "key": DocumentKey(
            company=entity["company"],
            date=date.fromisoformat(entity["date"]),
            number=entity["number"],
            voucher=entity["voucher"],
        ),
        "state": State(entity["state"]),
        "kind": Kind(entity["kind"]),
        "etag": getattr(entity, "metadata", {}).get("etag", ""),
    }
    for field in fields(DocumentRecord):
        stored = entity.get(field.name)
        if field.name in values or stored is None:
            continue
        if field.name in _WIDE:
            values[field.name] = json.loads(wide.unpack(field.name, entity))
        elif field.name in _INSTANTS:
            values[field.name] = datetime.fromisoformat(stored)
        elif field.name in _DAYS:
            values[field.name] = date.fromisoformat(stored)
        elif field.name in _LISTS:
            values[field.name] = tuple(stored.split())
        elif field.name in _MONEY:
            values[field.name] = Decimal(stored)
        else:
            values[field.name] = stored
    return DocumentRecord(**values)

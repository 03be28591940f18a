"""The audit: append-only entries, chained by hash, about one row of the ledger each (design 4.8).

Each entry's hash covers the hash before it. The row that the entries are about keeps their count and the last hash,
and is written in the same entity-group transaction: an entry that was changed, removed or cut off shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.ledger import wide
from shared.ledger.keys import audit_row
from shared.people.caller import FUNCTION_KEY, Caller, present_caller

Json = Mapping[str, Any]
Redact = Callable[[Any], Any]
"""Takes secrets out of text, mappings and sequences."""


def _of_person(read: Callable[[Caller], str]) -> str:
    caller = present_caller()
    return read(caller) if caller else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: the function that runs, and the schedule, key or person behind it.

    Object id and way are those of the request that is being served, unless given.
    """

    function: str
    by: str
    object_id: str = field(default_factory=lambda: _of_person(lambda caller: caller.object_id))
    """Of a signed-in person in Entra ID."""
    way: str = field(default_factory=lambda: _of_person(lambda caller: caller.way.value))
    """By which way a request came: ``console``, ``cli`` or ``key``; empty for schedules and queues."""

    def __post_init__(self) -> None:
        # Where a function answers requests alone it says so; the person who made this one is known better.
        if self.by == FUNCTION_KEY and (caller := present_caller()):
            object.__setattr__(self, "by", caller.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What happened to one document (or other subject), when, by whom and why."""

    at: datetime
    actor: Actor
    subject: str
    decision: str
    """The state reached, or the act: ``seen``, ``reported``, ``held``, ``retrying``, ``approve``, …"""
    reason: str = ""
    message: str = ""
    attempt: int | None = None
    status: int | None = None
    """HTTP status of the remote answer that decided."""
    request: Json | None = None
    response: Json | None = None
    before: Json | None = None
    after: Json | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def content(self) -> dict[str, Any]:
        """The entry as JSON content, without what is empty."""
        content = {
            "at": self.at.isoformat(),
            "function": self.actor.function,
            "by": self.actor.by,
            "person": self.actor.object_id,
            "way": self.actor.way,
            "subject": self.subject,
            "decision": self.decision,
            "reason": self.reason,
            "message": self.message,
            "attempt": self.attempt,
            "status": self.status,
            "request": self.request,
            "response": self.response,
            "before": self.before,
            "after": self.after,
            "notes": list(self.notes),
        }
        return {name: value for name, value in content.items() if value not in (None, "", [])}


@dataclass(frozen=True, slots=True)
class Chain:
    """The end of a subject's chain: how many entries there are and the last hash."""

    count: int = 0
    head: str = ""

    def append(
        self, partition_key: str, subject_row: str, entry: AuditEntry, redact: Redact
    ) -> tuple[Chain, dict[str, Any]]:
        """The chain after ``entry``, and the entity to insert for it."""
        # In ASCII any text can be hashed, also half a surrogate pair that a remote side sent.
        text = json.dumps(redact(entry.content()), sort_keys=True, default=str)
        head = _link(self.head, text)
        entity = {
            "PartitionKey": partition_key,
            "RowKey": audit_row(subject_row, self.count + 1),
            "hash": head,
            **wide.pack("entry", text),
        }
        return Chain(self.count + 1, head), entity


def _link(previous: str, text: str) -> str:
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def read_chain(entities: Sequence[Mapping[str, Any]], end: Chain) -> tuple[list[dict[str, Any]], bool]:
    """The entries (oldest first) and whether they are the whole, unchanged chain that ends at ``end``."""
    entries: list[dict[str, Any]] = []
    intact, head = True, ""
    for entity in entities:
        try:
            text = wide.unpack("entry", entity)
            head = _link(head, text)
            intact = intact and head == entity.get("hash")
            entries.append(json.loads(text))
        except (ValueError, RecursionError):
            intact = False
    return entries, intact and Chain(len(entities), head) == end

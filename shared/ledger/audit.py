"""The audit: append-only entries, chained by hash, about one row of the ledger each (design 4.8).

Each entry's hash covers its place, the hash before it and the content of the row after it. The row that the entries are
about keeps their count and the last hash, and is written in the same entity-group transaction: an entry that was
changed, removed or cut off shows, and so does a row that was changed without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.json_text import dump
from shared.ledger import long_texts, wide
from shared.ledger.keys import audit_place, audit_row
from shared.people.caller import FUNCTION_KEY, Caller, present_caller
from shared.proof.chain import VERSION, entry_hash, first_version_hash
from shared.proof.journal import journal_time
from shared.proof.records import record_hash

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
    at: str = field(default="", compare=False)
    """When the last entry was written, as the journal has it; known only of a chain that was just appended to."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Chain:
        """The end that a stored row keeps."""
        return cls(record.get("audit_count") or 0, record.get("audit_head") or "")

    def stored(self) -> dict[str, Any]:
        """The properties in which a row keeps it, once an entry of this version was appended."""
        return {
            "audit_count": self.count,
            "audit_head": self.head,
            "audit_version": VERSION,
            "audit_at": self.at,
        }

    def append(
        self,
        partition_key: str,
        subject_row: str,
        entry: AuditEntry,
        redact: Redact,
        *,
        at: datetime | None = None,
        content: Mapping[str, Any] | None = None,
        aside: long_texts.Aside | None = None,
    ) -> tuple[Chain, dict[str, Any]]:
        """The chain after ``entry``, and the entity to insert for it.

        ``at`` is when it is written (default: when it happened); ``content`` is the row as it is written with it. A
        text that is too long for the entity goes to ``aside``, where one is given.
        """
        text = dump(redact(entry.content()), default=str, sort_keys=True)
        place = {
            "at": journal_time(at or entry.at),
            "previous": str(self.head),
            "record": record_hash(content) if content is not None else "",
        }
        # A forged count must not stop the row's work.
        number = max(self.count, 0) + 1 if type(self.count) is int else 1
        head = entry_hash(partition=partition_key, row=subject_row, number=number, text=text, **place)
        entity = {
            "PartitionKey": partition_key,
            "RowKey": audit_row(subject_row, number, head),
            "version": VERSION,
            "hash": head,
            **place,
            **(wide.pack("entry", text) if aside is None else long_texts.pack("entry", text, aside)),
        }
        return Chain(number, head, place["at"]), entity


def entry_text(entity: Mapping[str, Any]) -> str:
    """The text of a stored entry, which its hash covers. Raises ``ValueError`` where it cannot be read.

    A long one has to be in ``entity`` already (:class:`LongTexts`).
    """
    return wide.unpack("entry", entity)


def read_chain(
    entities: Sequence[Mapping[str, Any]], end: Chain, record: Mapping[str, Any] | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """The entries (oldest first) and whether they are the whole, unchanged chain that ends at ``end``.

    With ``record``, the stored row, its content has to be the one that the last entry covers. Where the chain itself is
    whole, what does not belong to it is marked ``"stray": true``.
    """
    members = _members(entities, end)
    entries: list[dict[str, Any]] = []
    intact = members is not None and len(members) == len(entities)
    for position, entity in enumerate(entities):
        try:
            content = json.loads(entry_text(entity))
        except (ValueError, RecursionError):
            intact = False
            continue
        if not isinstance(content, dict):
            content = {"message": str(content)}
        entries.append({**content, "stray": True} if members is not None and position not in members else content)
    return entries, intact and (record is None or _is_covered(record, entities, end))


def _members(entities: Sequence[Mapping[str, Any]], end: Chain) -> set[int] | None:
    """Positions of the entries that make the chain to ``end``; ``None`` where there is no such chain."""
    true = {head: position for position, entity in enumerate(entities) if (head := _own_hash(entity))}
    members: set[int] = set()
    follower = len(entities)
    while end.count and (position := true.get(end.head)) is not None:
        if position >= follower or audit_place(str(entities[position]["RowKey"]))[1] != end.count:
            return None
        members.add(position)
        follower = position
        end = Chain(end.count - 1, str(entities[position]["previous"]))
    first = [position for position, entity in enumerate(entities) if "version" not in entity][: end.count]
    head = ""
    for position in first:
        try:
            head = first_version_hash(head, entry_text(entities[position]))
        except ValueError:
            return None
        if head != entities[position].get("hash"):
            return None
    return members | set(first) if Chain(len(first), head) == end else None


def _own_hash(entity: Mapping[str, Any]) -> str:
    """The hash of an entry that says the truth about itself; else empty."""
    if entity.get("version") != VERSION:
        return ""
    try:
        row, number = audit_place(str(entity["RowKey"]))
        head = entry_hash(
            partition=str(entity["PartitionKey"]),
            row=row,
            number=number,
            at=str(entity["at"]),
            previous=str(entity["previous"]),
            record=str(entity["record"]),
            text=entry_text(entity),
        )
    except (KeyError, ValueError):
        return ""
    return head if head == entity.get("hash") else ""


def _is_covered(record: Mapping[str, Any], entities: Sequence[Mapping[str, Any]], end: Chain) -> bool:
    """Whether the last entry covers ``record``; one that covers no record says nothing against it."""
    if Chain.of(record) != end:
        return False
    last: Mapping[str, Any] = next((entity for entity in reversed(entities) if entity.get("hash") == end.head), {})
    return last.get("record", "") in ("", record_hash(record))

"""A small ledger in memory: records, entries, journal and seals as the app writes them, and its export as lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from shared.ledger.audit import Actor, AuditEntry, Chain, entry_text
from shared.ledger.journal import journal_row, stored_row
from shared.proof.journal import journal_time
from shared.proof.records import plain_record
from shared.proof.seals import Seal, Statement, day_root, sign
from shared.signing import public_pem

PARTITION = "main|usmf"
FIRST_DAY = date(2026, 10, 1)
ACTOR = Actor(function="report_documents", by="queue")
Entity = dict[str, Any]


class KeyInMemory:
    """Signs with a key of its own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    async def public_key(self) -> str:
        return public_pem(self._key.public_key())

    async def sign(self, digest: bytes) -> bytes:
        signature = self._key.sign(digest, ec.ECDSA(Prehashed(SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(signature))


KEY = KeyInMemory()


@dataclass
class Ledger:
    """What the table and the container hold; tests change it as somebody with write access would."""

    records: dict[str, Entity] = field(default_factory=dict)
    entries: dict[str, Entity] = field(default_factory=dict)
    journal: dict[str, Entity] = field(default_factory=dict)
    seals: dict[str, list[Entity]] = field(default_factory=dict)
    """By day: the seal, then its rows."""
    now: datetime = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(hours=8)

    def settle(self, name: str, **properties: Any) -> str:
        """One settlement of the document ``name``, a minute after the last write; returns its row."""
        self.now += timedelta(minutes=1)
        row = f"doc|2026-09-30|{name}|V-{name}"
        stored = self.records.get(row, {})
        record = {**stored, "PartitionKey": PARTITION, "RowKey": row, "state": "reported", **properties}
        entry = AuditEntry(at=self.now, actor=ACTOR, subject=name, decision="reported", message=str(properties))
        chain, audit = Chain.of(stored).append(PARTITION, row, entry, lambda value: value, content=record)
        self.records[row] = record | chain.stored()
        self.entries[audit["RowKey"]] = audit
        journal = journal_row(audit)
        self.journal[journal["RowKey"]] = journal
        return row

    def next_day(self) -> None:
        """The night: the day that ends is sealed."""
        day = self.now.date()
        self.seal(day)
        self.now = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=8)

    def seal(self, day: date, signer: KeyInMemory = KEY) -> None:
        """Seal ``day`` as the journal is now."""
        before = self.seals.get((day - timedelta(days=1)).isoformat())
        previous = before[0]["statement"]["root"] if before else ""
        found = [stored_row(row) for _, row in sorted(self.journal.items())]
        rows = [row for row in found if row.day == day.isoformat()]
        statement = Statement(
            connection="main",
            company="usmf",
            day=day.isoformat(),
            count=len(rows),
            late=(),
            previous=previous,
            root=day_root(previous, rows),
            sealed_at=self.now.isoformat(),
            key="",
        )
        seal: Seal = asyncio.run(sign(signer, statement))
        self.seals[day.isoformat()] = [seal.content(), *(row.content() for row in rows)]

    def lines(self) -> list[bytes]:
        """The export of everything."""
        found: list[Mapping[str, Any]] = [
            {
                "type": "export",
                "version": 1,
                "connection": "main",
                "company": "usmf",
                "partition": PARTITION,
                "from": None,
                "to": None,
                "exported_at": journal_time(self.now),
            }
        ]
        for _, record in sorted(self.records.items()):
            found.append({"type": "record", "entity": plain_record(record)})
        for key, entry in sorted(self.entries.items()):
            content: dict[str, Any] = {
                name: entry[name] for name in ("version", "at", "previous", "record", "hash") if name in entry
            }
            found.append({"type": "entry", "key": key.removeprefix("audit|"), "text": entry_text(entry), **content})
        for _, row in sorted(self.journal.items()):
            found.append({"type": "journal", **stored_row(row).content()})
        for day, (seal, *rows) in sorted(self.seals.items()):
            found.append({"type": "root", "day": day, **seal})
            found += [{"type": "sealed", "day": day, **row} for row in rows]
        return encoded([*found, {"type": "end"}])


def encoded(lines: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Lines of a file."""
    return [json.dumps(line).encode() + b"\n" for line in lines]

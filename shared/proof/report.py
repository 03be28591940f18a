"""What a verification found: what is proved, what is not yet, and what was tampered with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class What(StrEnum):
    """What a finding is about."""

    DOCUMENT = "document"
    ENTRY = "entry"
    RECORD = "record"
    JOURNAL_ROW = "journal row"
    DAY = "day"
    FILE = "file"


class Change(StrEnum):
    """What happened to it."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    UNSIGNED = "unsigned"
    UNSEALED = "unsealed"
    UNREADABLE = "unreadable"


_KEPT = 200
"""Findings that are kept of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written, sealed or signed."""

    at: str
    """When it was written, else its day: findings are ordered by it."""
    what: What
    change: Change
    where: str
    """The row of the ledger, the day (ISO) or the line of the file."""
    number: int = 0
    """Of the entry."""
    sentence: str

    def content(self) -> dict[str, Any]:
        """The finding as JSON content."""
        return {
            "at": self.at,
            "what": self.what.value,
            "change": self.change.value,
            "where": self.where,
            "number": self.number or None,
            "sentence": self.sentence,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """The result of a verification. Findings are kept up to a limit, the earliest of each check."""

    subject: str = ""
    """Connection and company."""
    exported_at: str = ""
    first_sealed: str = ""
    last_sealed: str = ""
    keys: list[str] = field(default_factory=list)
    """Fingerprints of the keys that signed."""
    keys_are_trusted: bool = False
    """Whether the keys were given by the one who verifies, and not by the file alone."""
    entries: int = 0
    records: int = 0
    sealed_rows: int = 0
    late_rows: int = 0
    unsealed_rows: int = 0
    first_unsealed: str = ""
    older_entries: int = 0
    """Of the first version, in no seal."""
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    """Of findings, also those that are not kept."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.count

    def sentences(self) -> list[str]:
        """The report for a person."""
        lines = [
            f"Audit of {self.subject or 'an unknown company'}, exported {self.exported_at or 'at an unknown time'}."
        ]
        if self.last_sealed:
            lines.append(
                f"Signed: {self.first_sealed} to {self.last_sealed} (UTC days), {self.sealed_rows} journal rows"
                + (f", of which {self.late_rows} were sealed after their day." if self.late_rows else ".")
            )
        else:
            lines.append("Signed: nothing.")
        for key in self.keys:
            given = (
                "given by you" if self.keys_are_trusted else "from the file itself: compare it with the key you know"
            )
            lines.append(f"Key (SHA-256): {key}, {given}.")
        lines.append(f"Read: {self.entries} entries, {self.records} records.")
        if self.unsealed_rows:
            lines.append(
                f"Not covered yet: {self.unsealed_rows} entries since {self.first_unsealed},"
                " whose days are not sealed; they agree with each other unless named below."
            )
        if self.older_entries:
            lines.append(f"Not covered: {self.older_entries} entries older than the journal; they are only chained.")
        if self.ok:
            lines.append("Nothing was changed, removed, inserted or put in another order.")
            return lines
        ordered = sorted(self.findings, key=lambda finding: finding.at)
        lines.append(f"NOT as it was written, {self.count} findings. The first: {ordered[0].sentence}")
        lines += [f"  {finding.sentence}" for finding in ordered[1:]]
        if self.count > len(ordered):
            lines.append(f"  … and {self.count - len(ordered)} more")
        return lines

    def content(self) -> dict[str, Any]:
        """The report as JSON content."""
        names = ("subject", "exported_at", "first_sealed", "last_sealed", "keys", "keys_are_trusted", "entries")
        more = ("records", "sealed_rows", "late_rows", "unsealed_rows", "first_unsealed", "older_entries")
        ordered = sorted(self.findings, key=lambda finding: finding.at)
        return {
            "ok": self.ok,
            **{name: getattr(self, name) for name in (*names, *more)},
            "count": self.count,
            "findings": [finding.content() for finding in ordered],
        }


class Findings:
    """Adds findings to a report, up to a limit for each kind."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._kept: dict[tuple[What, Change], int] = {}

    def add(self, what: What, change: Change, where: str, sentence: str, *, at: str = "", number: int = 0) -> None:
        """One finding."""
        self._report.count += 1
        kept = self._kept.get((what, change), 0)
        if kept < _KEPT:
            self._kept[what, change] = kept + 1
            self._report.findings.append(
                Finding(at=at, what=what, change=change, where=where, number=number, sentence=sentence)
            )


_ESCAPED = re.compile(r"(?:=[0-9a-f]{2})+")


def _decoded(text: str) -> str:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[0].replace("=", "")).decode(errors="replace"), text)


def name_of(row: str) -> str:
    """A row of the ledger in words."""
    kind, *parts = (_decoded(part) for part in row.split("|"))
    if kind == "doc" and len(parts) == 3:
        voucher = f", voucher {parts[2]}" if parts[2] else ""
        return f"document {parts[1]} of {parts[0]}{voucher}"
    return " ".join((kind, *parts))

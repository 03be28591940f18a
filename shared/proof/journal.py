"""A row of the journal: that an entry was written, when, and with which hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from shared.proof.canonical import canonical
from shared.proof.merkle import leaf_hash

BASELINE = "baseline|"
"""Begins the key of a row that covers a chain older than the journal; it stands in the first seal alone."""


def journal_time(at: datetime) -> str:
    """``at`` in UTC to the microsecond: in this form times sort as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One entry of the audit, as the journal names it."""

    key: str
    """``<time>|<first 16 hex digits of the entry's hash>``: sorts by time."""
    row: str
    """The row of the ledger that the entry is about."""
    number: int
    entry: str
    """The entry's hash."""
    record: str
    """The hash of the record after the entry; empty where it was not covered."""

    @property
    def day(self) -> str:
        """The day of the key (UTC, ISO); empty for a baseline row."""
        return "" if self.key.startswith(BASELINE) else self.key[:10]

    def leaf(self) -> bytes:
        """The row as a leaf of the day's Merkle tree."""
        return leaf_hash(canonical([self.key, self.row, self.number, self.entry, self.record]))

    def content(self) -> dict[str, Any]:
        """The row as JSON content."""
        return {
            "key": self.key,
            "row": self.row,
            "number": self.number,
            "entry": self.entry,
            "record": self.record,
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The row from :meth:`content`. Raises ``ValueError`` for anything else."""
        try:
            row = cls(content["key"], content["row"], content["number"], content["entry"], content["record"])
        except KeyError as missing:
            raise ValueError(f"a journal row without {missing}") from None
        if type(row.number) is not int or not all(
            isinstance(text, str) for text in (row.key, row.row, row.entry, row.record)
        ):
            raise ValueError("a journal row of other types")
        return row

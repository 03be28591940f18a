"""The hash of an audit entry, which makes the entries of one row of the ledger a chain."""

from __future__ import annotations

from shared.proof.canonical import sha256

VERSION = 2


def first_version_hash(previous: str, text: str) -> str:
    """The hash of an entry that was written before records and positions were covered."""
    return sha256(f"{previous}\n{text}".encode())


def entry_hash(*, partition: str, row: str, number: int, at: str, previous: str, record: str, text: str) -> str:
    """The hash of an entry: its place, the entry before it, the record after it, and its own text.

    None of the parts before ``text`` can hold a line break.
    """
    return sha256(
        "\n".join((str(VERSION), partition, row, str(number), at, previous, record, text)).encode("utf-8", "replace")
    )


_KEY_HASH = 16
"""Hex digits of its hash at the end of an entry's key."""


def entry_place(key: str) -> tuple[str, int]:
    """From an entry's key (without ``audit|``): which row it is about, and its number; 0 in a key that is none.

    Entries of the first version have no hash in their key.
    """
    parts = key.split("|")
    if len(parts[-1]) == _KEY_HASH and len(parts) > 2:
        parts.pop()
    number = parts.pop()
    return "|".join(parts), int(number) if number.isascii() and number.isdigit() else 0

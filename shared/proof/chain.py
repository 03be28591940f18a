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

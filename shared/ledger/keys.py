"""Partition and row keys of the ledger table.

All rows of one company of one connection share a partition, so that a document, its id and its audit change in one
entity-group transaction. Document rows sort by invoice date, so that a poll's window is one range read.
"""

from __future__ import annotations

from datetime import date

from shared.documents import DocumentKey
from shared.proof.chain import entry_place
from shared.table_keys import encode

LEDGER_TABLE = "ledger"

_DOCUMENT = "doc"
_AUDIT = "audit"
_ID = "id"
_OPEN = "open"
_MENTION = "also"
_BODY = "body"
_WITHOUT = "without"


def partition(connection: str, company: str) -> str:
    """The partition of one company of one connection."""
    return f"{encode(connection)}|{encode(company)}"


def document_row(key: DocumentKey) -> str:
    """The row of a document."""
    return f"{_DOCUMENT}|{key.date.isoformat()}|{encode(key.number)}|{encode(key.voucher)}"


def open_row(key: DocumentKey) -> str:
    """The row of a document in the index of open work."""
    return f"{_OPEN}|{document_row(key)}"


def count_row(month: date) -> str:
    """The row of how many documents F&O has on each day of a month; these rows sort before the index of open work."""
    return f"{_OPEN}|count|{month:%Y-%m}"


def read_without_row(set: str) -> str:
    """The row that says which days' documents were read without the entity set ``set``."""
    return f"{READ_WITHOUT_ROWS}{encode(set)}"


def document_rows_from(day: date) -> str:
    """The smallest row key of a document dated ``day`` or later."""
    return f"{_DOCUMENT}|{day.isoformat()}"


def document_rows_through(day: date) -> str:
    """A row key above every document dated ``day`` or earlier."""
    return f"{_DOCUMENT}|{day.isoformat()}|~"


def day_of(row: str) -> date:
    """The invoice date of a document's row. Raises ``ValueError`` where it is none."""
    kind, day, _ = row.split("|", 2)
    if kind != _DOCUMENT:
        raise ValueError(f"{row!r} is not a row of a document")
    return date.fromisoformat(day)


OPEN_ROWS = f"{_OPEN}|{_DOCUMENT}|"
"""What the rows of the index of open work begin with."""
INDEXED_ROW = f"{_OPEN}|indexed"
"""The row that says that the index has every open document of the company; it sorts behind the index."""
WORK_ROWS_END = f"{_OPEN}|~"
"""A row key above the index and what is kept beside it."""
READ_WITHOUT_ROWS, READ_WITHOUT_ROWS_END = f"{_WITHOUT}|", f"{_WITHOUT}|~"
"""What the rows of :func:`read_without_row` begin with, and a row key above them."""
DOCUMENT_ROWS_END = f"{_DOCUMENT}|~"
"""A row key above every document."""


_JOURNAL = "journal"
_HASH = 16
"""Hex digits of a hash that make a key its own: nobody can know them before the entry is written."""


def audit_row(subject_row: str, number: int, head: str) -> str:
    """The row of the ``number``-th audit entry (from 1), with the hash ``head``, about the row ``subject_row``.

    With the hash in it no other row can stand in the way of an entry.
    """
    return f"{_AUDIT}|{subject_row}|{number:06d}|{head[:_HASH]}"


def audit_rows(subject_row: str) -> tuple[str, str]:
    """Keys below and above all entries about ``subject_row``."""
    return f"{_AUDIT}|{subject_row}|", f"{_AUDIT}|{subject_row}|~"


def audit_place(row: str) -> tuple[str, int]:
    """Which row an audit entry is about, and its number; 0 where the key is none that the ledger makes."""
    return entry_place(row.removeprefix(f"{_AUDIT}|"))


def journal_row_key(at: str, head: str) -> str:
    """The row of the journal for the entry with the hash ``head`` that was written ``at``."""
    return f"{_JOURNAL}|{at}|{head[:_HASH]}"


def journal_key(row: str) -> str:
    """The key of a journal row without its kind, as it is sealed."""
    return row.removeprefix(f"{_JOURNAL}|")


def journal_rows(first: str = "", end: str = "") -> tuple[str, str]:
    """Keys around the journal rows from the day or key ``first`` (inclusive) until ``end`` (exclusive), else all."""
    return f"{_JOURNAL}|{first}", f"{_JOURNAL}|{end or '~'}"


def body_row(row: str, digest: str, number: int) -> str:
    """The row of the ``number``-th piece (from 0) of a long text of the row ``row``, whose SHA-256 is ``digest``."""
    return f"{_BODY}|{row}|{digest}|{number:04d}"


def body_rows(row: str, digest: str) -> tuple[str, str]:
    """Keys below and above all pieces of a long text."""
    return f"{_BODY}|{row}|{digest}|", f"{_BODY}|{row}|{digest}|~"


def id_row(transaction_id: str) -> str:
    """The row that says which document owns ``transaction_id``."""
    return f"{_ID}|{encode(transaction_id)}"


def mention_row(transaction_id: str, key: DocumentKey) -> str:
    """The row that says that a document shows ``transaction_id`` without owning it."""
    return f"{mention_rows(transaction_id)}{document_row(key)}"


def mention_rows(transaction_id: str) -> str:
    """What the keys of all rows of :func:`mention_row` for ``transaction_id`` begin with."""
    return f"{_MENTION}|{encode(transaction_id)}|"

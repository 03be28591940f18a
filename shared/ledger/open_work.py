"""The index of open work: one row for each document that is in flight, held or failed (design 4.10).

It is written in the same entity-group transaction as the record, so that whoever wants to know what is to be done reads
these rows alone, however long the history is. A row shows what the record showed when it was last settled; claims do
not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.record_rows import SUMMARY
from shared.ledger.records import DocumentRecord

_SHOWN = frozenset(SUMMARY)


def open_row(stored: Mapping[str, Any], key: DocumentKey) -> dict[str, Any]:
    """The row that says that something is to be done about the document ``key``, whose record is ``stored``."""
    shown = {name: value for name, value in stored.items() if name in _SHOWN}
    return {**shown, "RowKey": keys.open_row(key)}


def close_row(record: DocumentRecord) -> dict[str, str]:
    """The address of the row of :func:`open_row`."""
    return {"PartitionKey": record.partition, "RowKey": keys.open_row(record.key)}

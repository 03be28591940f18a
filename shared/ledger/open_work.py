"""The index of open work: one row for each document that is in flight, held or failed (design 4.10).

It is written in the same entity-group transaction as the record, so that whoever wants to know what is to be done reads
these rows alone, however long the history is. A row shows what the record showed when it was last settled; claims do
not change it.
"""

from __future__ import annotations

from typing import Any

from shared.ledger import keys
from shared.ledger.record_rows import SUMMARY, to_summary
from shared.ledger.records import DocumentRecord

_SHOWN = frozenset(SUMMARY)


def open_row(record: DocumentRecord) -> dict[str, Any]:
    """The row that says that something is to be done about ``record``."""
    shown = {name: value for name, value in to_summary(record).items() if name in _SHOWN}
    return {**shown, "RowKey": keys.open_row(record.key)}


def close_row(record: DocumentRecord) -> dict[str, str]:
    """The address of the row of :func:`open_row`."""
    return {"PartitionKey": record.partition, "RowKey": keys.open_row(record.key)}

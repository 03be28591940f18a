"""How a document that F&O lists is first noted in the ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from shared.documents import ZERO, ListedDocument, PostedDocument
from shared.dynamics.errors import UnreadableRow
from shared.flows.work.run import Run
from shared.ledger.document_rows import new_record
from shared.ledger.documents import Sighting
from shared.ledger.records import DocumentRecord, State
from shared.mapping import kind_of, transaction_id


def sighting(listed: ListedDocument) -> Sighting:
    """The listed document with the TaxJar transaction that its totals make of it."""
    kind = kind_of(listed.total_amount, listed.total_tax)
    return Sighting(listed, kind, transaction_id(kind, listed.key.company, listed.key.number))


def known_by_key(
    left_out: list[UnreadableRow], companies: Collection[str], until: date = date.max
) -> list[ListedDocument]:
    """Rows of which no more than the key can be read, dated up to ``until``: the worker finds out what to hold.

    They are taken from ``left_out``, as are those without a key.
    """
    rows, left_out[:] = list(left_out), []
    left_out += [row for row in rows if row.key and row.key.date > until]
    keys = dict.fromkeys(row.key for row in rows if row.key and row.key.date <= until)
    return [ListedDocument(key, ZERO, ZERO) for key in keys if key.company in companies]


def unseen(run: Run, document: PostedDocument) -> DocumentRecord:
    """The record that a document would get which the ledger does not know; nothing is written."""
    seen = sighting(ListedDocument(document.key, document.total_amount, document.total_tax))
    now = run.connector.clock()
    return new_record(run.connection.name, document.key, State.SEEN, seen.kind, seen.transaction_id, now)

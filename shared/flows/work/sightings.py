"""How a document that F&O lists is first noted in the ledger."""

from __future__ import annotations

from shared.documents import ListedDocument, PostedDocument
from shared.flows.work.run import Run
from shared.ledger.document_rows import new_record
from shared.ledger.documents import Sighting
from shared.ledger.records import DocumentRecord, State
from shared.mapping import kind_of, transaction_id


def sighting(listed: ListedDocument) -> Sighting:
    """The listed document with the TaxJar transaction that its totals make of it."""
    kind = kind_of(listed.total_amount, listed.total_tax)
    return Sighting(listed, kind, transaction_id(kind, listed.key.company, listed.key.number))


def unseen(run: Run, document: PostedDocument) -> DocumentRecord:
    """The record that a document would get which the ledger does not know; nothing is written."""
    seen = sighting(ListedDocument(document.key, document.total_amount, document.total_tax))
    now = run.connector.clock()
    return new_record(run.connection.name, document.key, State.SEEN, seen.kind, seen.transaction_id, now)

"""How a document that F&O lists is first noted in the ledger."""

from __future__ import annotations

from shared.documents import ListedDocument
from shared.ledger.documents import Sighting
from shared.mapping import kind_of, transaction_id


def sighting(listed: ListedDocument) -> Sighting:
    """The listed document with the TaxJar transaction that its totals make of it."""
    kind = kind_of(listed.total_amount, listed.total_tax)
    return Sighting(listed, kind, transaction_id(kind, listed.key.company, listed.key.number))

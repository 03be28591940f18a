"""The rows of one document beside its audit, as the ledger writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.ledger.entity_groups import Operation
from shared.ledger.record_rows import to_properties
from shared.ledger.records import DocumentRecord, Filing, State
from shared.transactions import Kind


def new_record(
    connection: str, key: DocumentKey, state: State, kind: Kind, transaction_id: str, at: datetime
) -> DocumentRecord:
    """A record of a document that the ledger does not know yet."""
    return DocumentRecord(
        connection=connection,
        key=key,
        state=state,
        filing=Filing(kind=kind, transaction_id=transaction_id),
        seen_at=at,
        updated_at=at,
        since=at,
    )


_CLAIM_PROPERTIES = ("state", "lease_until", "attempts", "first_attempt_at", "outcome_unknown", "updated_at")


def claim_entity(claim: DocumentRecord) -> dict[str, Any]:
    """What a claim changes of the record's row."""
    return {"PartitionKey": claim.partition, "RowKey": claim.row, **to_properties(claim, _CLAIM_PROPERTIES)}


def pointer(record: DocumentRecord, transaction_id: str = "") -> dict[str, str]:
    """The row that says which document owns an id in TaxJar; its own first id unless another is given."""
    return {
        "PartitionKey": record.partition,
        "RowKey": keys.id_row(transaction_id or record.filing.transaction_id),
        "document_row": record.row,
    }


def guarded(verb: str, entity: Mapping[str, Any], etag: str, mode: UpdateMode) -> Operation:
    """A write that fails where the row has changed since ``etag``."""
    return verb, entity, {"mode": mode, "etag": etag, "match_condition": MatchConditions.IfNotModified}

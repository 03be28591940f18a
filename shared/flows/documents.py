"""What the ledger knows of documents, for operators, accountants and auditors."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector, NotFound
from shared.ledger.records import DocumentRecord, State
from shared.money import plain
from shared.web import instant

PAGE = 100


class DocumentFilter(BaseModel):
    """The query of ``list_documents``. Dates are inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    state: State | None = None
    since: date | None = Field(default=None, alias="from")
    until: date | None = Field(default=None, alias="to")
    reason: str = ""
    after: str = ""


async def list_documents(connector: Connector, connection: str, company: str, query: DocumentFilter) -> dict[str, Any]:
    """One page of documents by invoice date, and the path of the next page, or ``None``.

    Raises :class:`NotFound` for a connection or company that the settings do not have.
    """
    connector.connection(connection).company(company)
    found: list[DocumentRecord] = []
    rows = connector.ledger.listing(
        connection,
        company,
        since=query.since or date.min,
        until=query.until,
        after=query.after,
        states=[query.state] if query.state else [],
        reason=query.reason,
    )
    async for record in rows:
        if len(found) == PAGE:
            following = {**query.model_dump(mode="json", by_alias=True, exclude_defaults=True), "after": found[-1].row}
            path = f"/api/documents/{quote(connection)}/{quote(company)}?{urlencode(following)}"
            return {"documents": [_summary(record) for record in found], "next": path}
        found.append(record)
    return {"documents": [_summary(record) for record in found], "next": None}


async def show_document(connector: Connector, connection: str, company: str, transaction_id: str) -> dict[str, Any]:
    """The document with this TaxJar id, its payload as sent and its whole audit.

    Raises :class:`NotFound` when there is none.
    """
    connector.connection(connection).company(company)
    record = await connector.ledger.find(connection, company, transaction_id)
    if record is None:
        raise NotFound(f"no document of {company.upper()} has the TaxJar id {transaction_id!r}")
    entries, intact = await connector.ledger.audit(record)
    return {
        **_summary(record),
        "voucher": record.key.voucher,
        "late": record.late,
        "attempts": record.attempts,
        "payload": record.payload,
        "proposal": record.proposal,
        "audit": entries,
        "audit_intact": intact,
    }


def _summary(record: DocumentRecord) -> dict[str, Any]:
    return {
        "transaction_id": record.transaction_id,
        "kind": record.kind,
        "number": record.key.number,
        "date": record.key.date.isoformat(),
        "state": record.state,
        "reason": record.reason or None,
        "message": record.message or None,
        "amount": plain(record.amount),
        "sales_tax": plain(record.sales_tax),
        "updated_at": instant(record.updated_at),
    }

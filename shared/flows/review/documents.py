"""What the ledger knows of documents, for operators, accountants and auditors."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector, NotFound
from shared.flows.reporting.proposals import proposal_of
from shared.ledger.records import DocumentRecord, State
from shared.mapping import net_and_tax
from shared.money import plain
from shared.web import Days, instant

PAGE = 100


class DocumentFilter(Days):
    """The query of ``list_documents``, by invoice date."""

    state: State | None = None
    reason: str = ""
    after: str = ""


class Chosen(BaseModel):
    """The query of ``show_document`` and ``decide_document``: which of several documents that show the same id."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    voucher: str | None = None


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


async def show_document(
    connector: Connector, connection: str, company: str, transaction_id: str, chosen: Chosen | None = None
) -> dict[str, Any]:
    """The document with this TaxJar id, its payload as sent and its whole audit.

    Raises :class:`NotFound` when there is none.
    """
    return await describe(connector, await find_document(connector, connection, company, transaction_id, chosen))


async def find_document(
    connector: Connector, connection: str, company: str, transaction_id: str, chosen: Chosen | None = None
) -> DocumentRecord:
    """The record with this TaxJar id, ``chosen`` where several documents show it. Raises :class:`NotFound`."""
    connector.connection(connection).company(company)
    voucher = chosen.voucher if chosen else None
    record = await connector.ledger.find(connection, company, transaction_id, voucher)
    if record is None:
        of_voucher = f" and voucher {voucher!r}" if voucher else ""
        raise NotFound(f"no document of {company.upper()} has the TaxJar id {transaction_id!r}{of_voucher}")
    return record


async def describe(connector: Connector, record: DocumentRecord) -> dict[str, Any]:
    """All that the ledger knows of a document."""
    entries, intact = await connector.ledger.audit(record)
    proposal = proposal_of(record)
    return {
        **_summary(record),
        "voucher": record.key.voucher,
        "late": record.late,
        "attempts": record.attempts,
        "payload": record.payload,
        "proposal": proposal.shown() if proposal else None,
        "audit": entries,
        "audit_intact": intact,
    }


def _summary(record: DocumentRecord) -> dict[str, Any]:
    """The record in short. Before the document is mapped, its amounts are those that F&O lists, if it ever did."""
    amount, sales_tax = record.amount, record.sales_tax
    if amount is None and not record.stand_in:
        amount, sales_tax = net_and_tax(record.total_amount, record.total_tax)
    return {
        "transaction_id": record.transaction_id,
        "kind": record.kind,
        "number": record.key.number,
        "date": record.key.date.isoformat(),
        "state": record.state,
        "reason": record.reason or None,
        "message": record.message or None,
        "amount": plain(amount),
        "sales_tax": plain(sales_tax),
        "updated_at": instant(record.updated_at),
    }

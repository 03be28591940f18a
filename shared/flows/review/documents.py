"""One document, for operators, accountants and auditors: its record, what was sent, its whole audit."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector, NotFound
from shared.filing import FiledTransaction, Role
from shared.flows.work.problems import Conflict
from shared.ledger.records import DocumentRecord
from shared.mapping import net_and_tax
from shared.money import plain
from shared.web import instant


class Chosen(BaseModel):
    """The query of ``decide_document``: which of several documents that show the same id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voucher: str | None = None


class Shown(Chosen):
    """The query of ``show_document``."""

    live: bool = False
    """Also read what TaxJar holds now."""


async def show_document(
    connector: Connector, connection: str, company: str, transaction_id: str, chosen: Shown | None = None
) -> dict[str, Any]:
    """The document with this TaxJar id, its transactions as sent and its whole audit.

    Raises :class:`NotFound` when there is none, :class:`Conflict` when there are several, and what TaxJar's side raises
    when it is asked.
    """
    chosen = chosen or Shown()
    record = await find_document(connector, connection, company, transaction_id, chosen)
    answer = await describe(connector, record)
    if chosen.live:
        client = connector.connection(connection).company(company).account.client
        for shown, filed in zip(answer["transactions"], record.filing.transactions, strict=True):
            shown["in_taxjar"] = await client.find(filed.kind, filed.transaction_id)
    return answer


async def find_document(
    connector: Connector, connection: str, company: str, transaction_id: str, chosen: Chosen | None = None
) -> DocumentRecord:
    """The record with this TaxJar id, ``chosen`` where several documents show it.

    Raises :class:`NotFound`, and :class:`Conflict` with the candidates where several are left.
    """
    connector.connection(connection).company(company)
    voucher = chosen.voucher if chosen else None
    found = await connector.ledger.find(connection, company, transaction_id, voucher)
    if not found:
        of_voucher = f" and voucher {voucher!r}" if voucher else ""
        raise NotFound(f"no document of {company.upper()} has the TaxJar id {transaction_id!r}{of_voucher}")
    if len(found) > 1:
        named = "; ".join(f"{each.key}, {each.state}" for each in found)
        message = f"{len(found)} documents show the id {transaction_id}: {named}. Say which by ?voucher=."
        raise Conflict(message, code="ambiguous", details={"candidates": [_candidate(each) for each in found]})
    return found[0]


def _candidate(record: DocumentRecord) -> dict[str, Any]:
    """What tells documents apart that show the same id."""
    shown = summary(record)
    names = ("transaction_id", "number", "voucher", "date", "customer", "state", "reason", "amount", "sales_tax")
    return {name: shown[name] for name in names}


async def describe(connector: Connector, record: DocumentRecord) -> dict[str, Any]:
    """All that the ledger knows of a document."""
    entries, intact = await connector.ledger.audit(record)
    proposal, filed, current = record.decisions.proposal, record.filing.transactions, record.filing.current
    return {
        **summary(record),
        "attempts": record.attempts.count,
        "transactions": [_transaction(each) for each in filed],
        "payload": current[0].payload if len(current) == 1 else None,
        "left_out": [dict(part) for part in record.filing.left_out],
        "handled_outside": list(record.filing.handled_outside),
        "proposal": proposal.shown() if proposal else None,
        "audit": entries,
        "audit_intact": intact,
    }


def summary(record: DocumentRecord) -> dict[str, Any]:
    """The record in short. Before the document is mapped, its amounts are those that F&O lists, if it ever did."""
    filing = record.filing
    amount, sales_tax = filing.amount, filing.sales_tax
    if amount is None and not record.placeholder:
        amount, sales_tax = net_and_tax(record.total_amount, record.total_tax)
    return {
        "transaction_id": filing.transaction_id,
        "kind": filing.kind.value,
        "number": record.key.number,
        "voucher": record.key.voucher,
        "date": record.key.date.isoformat(),
        "customer": filing.customer or None,
        "state": record.state.value,
        "reason": record.reason or None,
        "message": record.message or None,
        "amount": plain(amount),
        "sales_tax": plain(sales_tax),
        "transactions": filing.count,
        "to_states": list(filing.to_states),
        "late": filing.late,
        "in_taxjar": filing.count > 0,
        "since": instant(record.since or record.updated_at),
        "assignee": record.decisions.assignee or None,
        **({"read_without": list(record.read_without)} if record.read_without else {}),
        "updated_at": instant(record.updated_at),
    }


def _transaction(filed: FiledTransaction) -> dict[str, Any]:
    sums = filed.sums
    return {
        "transaction_id": filed.transaction_id,
        "kind": filed.kind.value,
        "state": "reported" if filed.role is Role.CURRENT else filed.role.value,
        "amount": plain(sums.amount),
        "sales_tax": plain(sums.sales_tax),
        "shipping": plain(sums.shipping),
        "to_state": filed.to_state,
        "exemption_type": filed.payload.get("exemption_type") or "non_exempt",
        "transaction_date": filed.date.isoformat(),
        "transaction_reference_id": filed.payload.get("transaction_reference_id") or None,
        "late": filed.late,
        "payload": filed.payload,
    }

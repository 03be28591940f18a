"""The rows behind one posted document: what F&O wrote when it posted it, from five entity sets.

The standard sets know header and lines by the full key. The table-shaped sets add what the standard ones leave out
(ordering customer, delivery address, tax groups, lots); their lines have no voucher and belong to a header by its
record id. Charges belong to a document by voucher, and by date where a voucher is used again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.documents import DocumentKey, DocumentType
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.rows import Row, amount, day, folded, record_id, required_amount, text, verbatim

_NO_TEXT = re.compile(r"[\ud800-\udfff]")
"""Half a surrogate pair, which nothing can store."""
_TYPES = {
    "SalesOrder": DocumentType.SALES_ORDER,
    "Project": DocumentType.PROJECT,
    "Interest": DocumentType.INTEREST_NOTE,
}


@dataclass(frozen=True, slots=True)
class PostedRows:
    """The rows of one document. ``charges`` is ``None`` when the charge rows cannot be read."""

    key: DocumentKey
    header: Row
    lines: Sequence[Row]
    journal: Row | None
    """Its row of CustInvoiceJour."""
    journal_lines: Mapping[int, Row]
    """Its rows of CustInvoiceTrans, by sequence number."""
    charges: Sequence[Row] | None

    @property
    def type(self) -> DocumentType:
        """F&O names the origin of a journal row; else only a free text invoice has no sales order."""
        named = _TYPES.get(text(self.journal, "RefNum")) if self.journal else None
        if named is not None:
            return named
        return DocumentType.SALES_ORDER if text(self.header, "SalesOrderNumber") else DocumentType.FREE_TEXT

    @property
    def is_credit_note(self) -> bool:
        """F&O has no type field for it: the sign of the net amount tells, else that of the tax."""
        total, tax = (required_amount(self.header, name) for name in ("TotalInvoiceAmount", "TotalTaxAmount"))
        return (total - tax or tax) < 0

    @property
    def orders(self) -> set[str]:
        """The sales orders it invoices; the lines know all of them, the header at most one."""
        found = {text(line, "SalesId") for line in self.journal_lines.values()} - {""}
        return found or {text(self.header, "SalesOrderNumber")} - {""}

    @property
    def postal_addresses(self) -> set[int]:
        """The record ids of the delivery addresses as invoiced."""
        rows = [*self.journal_lines.values(), *([self.journal] if self.journal else [])]
        return {record_id(row, "DeliveryPostalAddress") for row in rows} - {0}

    def journal_line_of(self, line: Row) -> Row | None:
        """The row of CustInvoiceTrans for a standard line."""
        return self.journal_lines.get(record_id(line, "LineCreationSequenceNumber"))


def read_key(row: Row) -> DocumentKey:
    """The key of a header or standard line. Raises :class:`UnreadableRow` when number or date is missing or no text."""
    number, date = verbatim(row, "InvoiceNumber"), day(row, "InvoiceDate")
    company, voucher = folded(row, "dataAreaId"), str(row.get("LedgerVoucher") or "")
    if not company or not number or date is None:
        raise UnreadableRow(
            "F&O listed an invoice that cannot be told from others:"
            f" company {company or '?'}, number {number or '?'}, date {date or '?'}, voucher {voucher or '?'}."
        )
    if _NO_TEXT.search(number + voucher):
        raise UnreadableRow(f"F&O listed an invoice whose number {number!a} or voucher {voucher!a} is no text.")
    return DocumentKey(company, date, number, voucher)


def group_by_document(
    keys: Iterable[DocumentKey],
    *,
    headers: Iterable[Row],
    lines: Sequence[Row],
    journals: Sequence[Row],
    journal_lines: Sequence[Row],
    charges: Sequence[Row] | None,
) -> list[PostedRows]:
    """Give each document of ``keys`` its rows; rows of other documents and keys without a header are left out."""
    wanted = set(keys)
    found = {key: row for row in headers if (key := read_key(row)) in wanted}
    line_keys = [(read_key(row), row) for row in lines]
    documents_by_voucher = Counter(key.voucher for key in found)
    return [
        PostedRows(
            key=key,
            header=header,
            lines=[row for line_key, row in line_keys if line_key == key],
            journal=(journal := _journal(key, journals)),
            journal_lines={
                record_id(row, "LineCreationSequenceNumber"): row
                for row in _journal_lines(key, journal, journals, journal_lines)
            },
            charges=None
            if charges is None
            else _charges(key, header, charges, shared=documents_by_voucher[key.voucher] > 1),
        )
        for key, header in found.items()
    ]


def _has_number_and_date(row: Row, key: DocumentKey) -> bool:
    return row.get("InvoiceId") == key.number and day(row, "InvoiceDate") == key.date


def _journal(key: DocumentKey, journals: Iterable[Row]) -> Row | None:
    rows = (row for row in journals if _has_number_and_date(row, key) and row.get("LedgerVoucher") == key.voucher)
    return next(rows, None)


def _journal_lines(key: DocumentKey, journal: Row | None, journals: Iterable[Row], lines: Iterable[Row]) -> list[Row]:
    """By the header's record id. Lines without one are taken only if no other document has this number and date."""
    if journal is None:
        return []
    candidates = [row for row in lines if _has_number_and_date(row, key)]
    own = [row for row in candidates if record_id(row, "ParentRecId") == record_id(journal, "SourceKey")]
    if own or any(record_id(row, "ParentRecId") for row in candidates):
        return own
    return candidates if sum(_has_number_and_date(row, key) for row in journals) == 1 else []


def _charges(key: DocumentKey, header: Row, rows: Iterable[Row], *, shared: bool) -> list[Row]:
    """By voucher and date. A document whose charges all have another date has those of its voucher.

    A voucher that is ``shared`` with another document does not tell whose they are.
    """
    own = [row for row in rows if row.get("Voucher") == key.voucher and text(row, "IsDeleted") != "Yes"]
    dated = [row for row in own if day(row, "TransDate") in (None, key.date)]
    return own if not dated and not shared and amount(header, "TotalChargeAmount") else dated

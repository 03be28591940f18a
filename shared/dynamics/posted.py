"""The rows behind one posted document: what F&O wrote when it posted it, from five entity sets.

The standard sets know header and lines by the full key. The table-shaped sets add what the standard ones leave out
(ordering customer, delivery address, tax groups, lots); their lines have no voucher and belong to a header by its
record id. Charges belong to a document by voucher, and by date where a voucher is used again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from shared.documents import DocumentKey, DocumentType
from shared.dynamics.entities import JOURNAL_LINES, LINES
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.rows import (
    Row,
    amount,
    brief,
    check_text,
    day,
    folded,
    is_id,
    record_id,
    required_amount,
    text,
    verbatim,
)
from shared.dynamics.sources import ProblemKind, ReadProblem

_TYPES = {
    "SalesOrder": DocumentType.SALES_ORDER,
    "Project": DocumentType.PROJECT,
    "Interest": DocumentType.INTEREST_NOTE,
}


@dataclass(frozen=True)
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
    has_charge_rows: bool = False
    """Whether its voucher has charges at all, also deleted ones."""
    is_project: bool = False
    """Whether it was read from the sets of the project module."""

    @cached_property
    def type(self) -> DocumentType:
        """F&O names the origin of a journal row; else only a free text invoice has no sales order."""
        named = _TYPES.get(text(self.journal, "RefNum")) if self.journal else None
        if named is not None:
            return named
        return DocumentType.SALES_ORDER if text(self.header, "SalesOrderNumber") else DocumentType.FREE_TEXT

    @cached_property
    def is_credit_note(self) -> bool:
        """F&O has no type field for it: the sign of the net amount tells, else that of the tax."""
        total, tax = (required_amount(self.header, name) for name in ("TotalInvoiceAmount", "TotalTaxAmount"))
        return (total - tax or tax) < 0

    @cached_property
    def orders(self) -> set[str]:
        """The sales orders it invoices; the lines know all of them, the header at most one."""
        found = {text(line, "SalesId") for line in self.journal_lines.values()} - {""}
        return found or {text(self.header, "SalesOrderNumber")} - {""}

    @cached_property
    def postal_addresses(self) -> set[int]:
        """The record ids of the delivery addresses as invoiced; of a free text invoice, its invoice address too."""
        rows = [*self.journal_lines.values(), *([self.journal] if self.journal else [])]
        delivery = {record_id(row, "DeliveryPostalAddress") for row in rows} - {0}
        return delivery | ({self.invoice_address} - {0})

    @cached_property
    def invoice_address(self) -> int:
        """The record id of the invoice address, where it is needed: a free text invoice has no other; else 0."""
        is_needed = self.journal is not None and self.type is DocumentType.FREE_TEXT
        return record_id(self.journal or {}, "InvoicePostalAddress") if is_needed else 0

    @cached_property
    def has_returns(self) -> bool:
        """Whether something came back on it: it, or some of its lines, correct earlier invoices."""
        return self.is_credit_note or any(amount(line, "Qty") < 0 for line in self.journal_lines.values())

    def check_text(self) -> None:
        """Raise :class:`UnreadableRow` where a value is half a character."""
        for row in (self.header, self.journal or {}, *self.lines, *self.journal_lines.values(), *(self.charges or ())):
            check_text(row)

    def journal_line_of(self, line: Row) -> Row | None:
        """The row of CustInvoiceTrans for a standard line."""
        return self.journal_lines.get(record_id(line, "LineCreationSequenceNumber"))


def read_key(row: Row) -> DocumentKey:
    """The key of a header or standard line. Raises :class:`UnreadableRow` when number or date is missing or no text."""
    return key_of_row(row, "InvoiceNumber")


def key_of_row(row: Row, number_field: str) -> DocumentKey:
    """The key of a row that names its document's number in ``number_field``. Raises :class:`UnreadableRow`."""
    number, voucher = verbatim(row, number_field), str(row.get("LedgerVoucher") or "")
    company = folded(row, "dataAreaId")
    try:
        date = day(row, "InvoiceDate")
    except UnreadableRow as unreadable:
        named = _named(company, number, voucher)
        raise UnreadableRow(f"F&O listed an invoice whose date makes no sense: {named}. {unreadable}") from None
    if not company or not number or date is None:
        named = _named(company, number, voucher)
        raise UnreadableRow(
            f"F&O listed an invoice that cannot be distinguished from others: {named}, date {date or '?'}."
        )
    if not (is_id(number) and is_id(voucher)):
        named = _named(company, number, voucher)
        raise UnreadableRow(f"F&O listed an invoice whose number or voucher is not text, or too long: {named}.")
    return DocumentKey(company, date, number, voucher)


def _named(company: str, number: str, voucher: str) -> str:
    """A row that is no document's, for a message."""
    return f"company {brief(company or '?')}, number {brief(number or '?')}, voucher {brief(voucher or '?')}"


def group_by_document(
    keys: Iterable[DocumentKey],
    *,
    headers: Iterable[Row],
    lines: Iterable[Row],
    journals: Iterable[Row],
    journal_lines: Iterable[Row],
    charges: Sequence[Row] | None,
) -> dict[DocumentKey, PostedRows | ReadProblem]:
    """Give each document of ``keys`` its rows, or what is wrong with them; keys without a header are left out."""
    headers_of, lines_of = _by(headers, "InvoiceNumber"), _by(lines, "InvoiceNumber")
    journals_of, journal_lines_of = _by(journals, "InvoiceId"), _by(journal_lines, "InvoiceId")
    charges_of = _by(charges or (), "Voucher")
    found: dict[DocumentKey, PostedRows | ReadProblem] = {}
    own_headers: dict[DocumentKey, Row] = {}
    for key in dict.fromkeys(keys):
        try:
            if (header := _header(key, headers_of.get(key.number, ()))) is not None:
                own_headers[key] = header
        except UnreadableRow as unreadable:
            found[key] = ReadProblem(ProblemKind.UNREADABLE_ROW, str(unreadable))
    documents_by_voucher = Counter(key.voucher for key in own_headers)
    for key, header in own_headers.items():
        try:
            own_journals = journals_of.get(key.number, ())
            journal = _journal(key, own_journals)
            rows = PostedRows(
                key=key,
                header=header,
                lines=[row for row in lines_of.get(key.number, ()) if read_key(row) == key],
                journal=journal,
                journal_lines={},
                has_charge_rows=bool(charges_of.get(key.voucher)),
                charges=None
                if charges is None
                else _charges(
                    key, header, charges_of.get(key.voucher, ()), shared=documents_by_voucher[key.voucher] > 1
                ),
            )
            table_lines = _journal_lines(key, journal, own_journals, journal_lines_of.get(key.number, ()))
            found[key] = _checked(rows, table_lines)
        except UnreadableRow as unreadable:
            found[key] = ReadProblem(ProblemKind.UNREADABLE_ROW, f"{key}: {unreadable}")
    return found


def _checked(document: PostedRows, table_lines: Sequence[Row]) -> PostedRows | ReadProblem:
    """The document with its table-shaped lines, unless lines repeat. Raises :class:`UnreadableRow` without totals."""
    for set, rows in ((LINES, document.lines), (JOURNAL_LINES, table_lines)):
        numbers = Counter(record_id(row, "LineCreationSequenceNumber") for row in rows)
        if repeated := sorted(number for number, times in numbers.items() if times > 1):
            sentence = f"{document.key}: {set.name} shows lines that differ under one sequence number ({repeated[0]})."
            return ReadProblem(ProblemKind.REPEATED_LINES, sentence, (set.name,))
    by_sequence = {record_id(row, "LineCreationSequenceNumber"): row for row in table_lines}
    complete = replace(document, journal_lines=by_sequence)
    _ = complete.has_returns  # reads the totals and the quantities
    return complete


def _by(rows: Iterable[Row], field: str) -> Mapping[str, Sequence[Row]]:
    by_value: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        value = row.get(field)
        if isinstance(value, str):
            by_value[value].append(row)
    return by_value


def _header(key: DocumentKey, rows: Iterable[Row]) -> Row | None:
    """The header with this key. Raises :class:`UnreadableRow` when the only one cannot be distinguished from others."""
    trouble: UnreadableRow | None = None
    for row in rows:
        try:
            if read_key(row) == key:
                return row
        except UnreadableRow as unreadable:
            trouble = unreadable
    if trouble is not None:
        raise trouble
    return None


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

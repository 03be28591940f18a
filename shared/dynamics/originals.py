"""The original invoices of what came back, by the first route that finds any (design 4.5).

1. The credit invoicing reference: F&O's official link, stored by its *Credit note* button.
2. The returned lot, line by line (:mod:`shared.dynamics.lots`).
3. A custom header field, named by ``ORIGINAL_INVOICE_FIELD`` and taken at its word.
4. Of a free text invoice, the invoice that F&O's correction function corrected (:mod:`shared.dynamics.corrected`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from shared.documents import ZERO, DocumentKey, OriginalInvoice, OriginalRoute
from shared.dynamics.corrected import find_corrected
from shared.dynamics.entities import CORRECTED_INVOICE, CREDIT_REFERENCES, HEADERS, JOURNALS
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.lots import LineOriginals, find_by_returned_lot
from shared.dynamics.posted import PostedRows
from shared.dynamics.reading import BatchReads
from shared.dynamics.rows import Row, day, record_id, text, verbatim

CORRECTED_PROJECT = "ProjInvoiceJourCorrected"
"""Navigation from a credit reference to the project invoice that it corrects."""


@dataclass(frozen=True, slots=True)
class Originals:
    """What a batch's documents correct."""

    of_documents: Mapping[DocumentKey, tuple[OriginalInvoice, ...]] = field(default_factory=dict)
    """Of each document as a whole, oldest first; those without any are absent."""
    of_lines: Mapping[DocumentKey, LineOriginals] = field(default_factory=dict)
    troubles: Mapping[DocumentKey, str] = field(default_factory=dict)
    """Documents whose originals cannot be read because a row makes no sense, with the reason."""
    missing: Mapping[DocumentKey, str] = field(default_factory=dict)
    """Documents whose original is named but not shown: the set that should show it."""


async def find_originals(
    reads: BatchReads, company: str, documents: Sequence[PostedRows], custom_field: str | None
) -> Originals:
    """The originals of the documents on which something came back."""
    returns = [document for document in documents if document.has_returns]
    if not returns:
        return Originals()
    missing: dict[DocumentKey, str] = {}
    found = await _by_reference(reads, company, returns, missing)
    lots = await find_by_returned_lot(reads, company, returns)
    for document in returns:
        by_line = lots.of_lines.get(document.key, {})
        every = {
            replace(original, lot="", quantity=None, returned=ZERO)
            for originals in by_line.values()
            for original in originals
        }
        if document.key not in found and every:
            found[document.key] = every
    if custom_field:
        for document in returns:
            if document.key not in found and (number := text(document.header, custom_field)):
                found[document.key] = {OriginalInvoice(number, None, OriginalRoute.HEADER_FIELD)}
    rest = [document for document in returns if document.is_credit_note and document.key not in found]
    corrected, waiting = await find_corrected(reads, company, rest)
    missing |= dict.fromkeys(waiting, HEADERS.name)
    for key, original in corrected.items():
        found[key] = {original}
    return Originals(
        {key: tuple(sorted(originals, key=_age)) for key, originals in found.items()},
        lots.of_lines,
        lots.troubles,
        missing,
    )


async def _by_reference(
    reads: BatchReads, company: str, returns: Sequence[PostedRows], missing: dict[DocumentKey, str]
) -> dict[DocumentKey, set[OriginalInvoice]]:
    found: dict[DocumentKey, set[OriginalInvoice]] = {}
    for navigation, some in (
        (CORRECTED_INVOICE, [note for note in returns if not note.is_project]),
        (CORRECTED_PROJECT, [note for note in returns if note.is_project]),
    ):
        notes = {record_id(note.journal, "SourceKey"): note.key for note in some if note.journal}
        rows = await reads.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", notes, company=company, expand=navigation)
        if rows is None:
            rows = await reads.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", notes, company=company)
        rows = [row for row in rows or [] if record_id(row, "InvoiceRecId") in notes]
        unnamed = {record_id(row, "CorrectedInvoiceRecId") for row in rows if not _expanded(row, navigation)} - {0}
        by_record: dict[int, Row] = {}
        if navigation == CORRECTED_INVOICE:
            journals = await reads.optional_rows(JOURNALS, "SourceKey", unnamed, company=company)
            by_record = {record_id(row, "SourceKey"): row for row in journals or []}
        for row in rows:
            key, record = notes[record_id(row, "InvoiceRecId")], record_id(row, "CorrectedInvoiceRecId")
            original = _original(_expanded(row, navigation) or by_record.get(record))
            if original is not None:
                found.setdefault(key, set()).add(original)
            elif record in unnamed:
                missing[key] = JOURNALS.name
    return found


def _expanded(row: Row, navigation: str) -> Row | None:
    invoice = row.get(navigation)
    number = "ProjInvoiceId" if navigation == CORRECTED_PROJECT else "InvoiceId"
    return (
        {"InvoiceId": invoice.get(number), **invoice} if isinstance(invoice, dict) and text(invoice, number) else None
    )


def _original(invoice: Row | None) -> OriginalInvoice | None:
    if invoice is None or not (number := verbatim(invoice, "InvoiceId")):
        return None
    try:
        dated = day(invoice, "InvoiceDate")
    except UnreadableRow:
        dated = None
    return OriginalInvoice(number, dated, OriginalRoute.CREDIT_INVOICING, verbatim(invoice, "LedgerVoucher"))


def _age(original: OriginalInvoice) -> tuple[date, str, str]:
    return original.date or date.max, original.number, original.voucher

"""What a free text invoice corrects, when F&O's correction function cancelled an invoice (design 4.5 and 4.11).

The localized field for the corrected invoice tells it where it is filled. Otherwise it is an earlier document of the
same customer: that of the same number, or that of the opposite total if only one fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from shared.documents import DocumentKey, DocumentType, OriginalInvoice, OriginalRoute
from shared.dynamics.entities import CANDIDATES, FREE_TEXT_HEADERS
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.filters import Comparison, Filter, all_of, either, equals, on_or_before
from shared.dynamics.posted import PostedRows, read_key
from shared.dynamics.reading import BatchReads
from shared.dynamics.related import is_free_text_of
from shared.dynamics.rows import Row, folded, required_amount, text, verbatim


async def find_corrected(
    reads: BatchReads, company: str, credit_notes: Sequence[PostedRows]
) -> tuple[dict[DocumentKey, OriginalInvoice], list[DocumentKey]]:
    """The invoice that each free text invoice among ``credit_notes`` corrects; those without one are absent.

    Also those for which F&O could not be searched: whether they correct anything is not known yet.
    """
    notes = [note for note in credit_notes if note.type is DocumentType.FREE_TEXT]
    if not notes:
        return {}, []
    worksheets = await reads.optional_rows(
        FREE_TEXT_HEADERS, "FreeTextNumber", {note.key.number for note in notes}, company=company
    )
    found: dict[DocumentKey, OriginalInvoice] = {}
    for note in notes:
        worksheet = next((row for row in worksheets or [] if is_free_text_of(note, row)), None)
        if worksheet is not None and (number := verbatim(worksheet, "CorrectedInvoiceId")):
            found[note.key] = OriginalInvoice(number, None, OriginalRoute.CORRECTED_INVOICE)
    rest = [note for note in notes if note.key not in found and _account(note)]
    if not rest:
        return found, []
    candidates = await reads.matching_rows(CANDIDATES, [_may_be_of(note) for note in rest], company=company)
    if candidates is None:
        return found, [note.key for note in rest]
    for note in rest:
        if (original := _only_one(note, candidates)) is not None:
            found[note.key] = original
    return found, []


def _account(note: PostedRows) -> str:
    return text(note.header, "InvoiceCustomerAccountNumber")


def _total(row: Row) -> Decimal:
    return required_amount(row, "TotalInvoiceAmount")


def _may_be_of(note: PostedRows) -> Filter:
    fits: list[Filter] = [Comparison("TotalInvoiceAmount", "eq", f"{-_total(note.header):f}")]
    if "*" not in note.key.number:
        fits.append(equals("InvoiceNumber", note.key.number))
    customer = equals("InvoiceCustomerAccountNumber", _account(note))
    return all_of(customer, on_or_before("InvoiceDate", note.key.date), either(*fits))


def _only_one(note: PostedRows, rows: Iterable[Row]) -> OriginalInvoice | None:
    candidates = [row for row in rows if _precedes(row, note)]
    for fits in (
        [row for row in candidates if verbatim(row, "InvoiceNumber") == note.key.number],
        [row for row in candidates if _total(row) == -_total(note.header)],
    ):
        if len(fits) == 1:
            key = read_key(fits[0])
            return OriginalInvoice(key.number, key.date, OriginalRoute.CORRECTED_INVOICE, key.voucher)
    return None


def _precedes(row: Row, note: PostedRows) -> bool:
    """Whether a row is a sale to the same customer, of no order, dated before the note or on its day."""
    try:
        key, total = read_key(row), _total(row)
    except UnreadableRow:
        return False
    return (
        key.company == note.key.company
        and key.date <= note.key.date
        and key != note.key
        and total > 0
        and not text(row, "SalesOrderNumber")
        and folded(row, "InvoiceCustomerAccountNumber") == _account(note).casefold()
    )

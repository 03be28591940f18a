"""The original invoice of a credit note, by the first route that finds one.

1. The credit invoicing reference: F&O's official link, stored by its *Credit note* button.
2. The returned lot: the credit note's order line names the lot it takes back, and that lot was invoiced once or more.
3. A custom header field, named by ``ORIGINAL_INVOICE_FIELD`` and taken at its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.documents import DocumentKey, OriginalInvoice, OriginalRoute
from shared.dynamics.entities import CORRECTED_INVOICE, CREDIT_REFERENCES, JOURNAL_LINES, JOURNALS, RETURN_LINES
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.filters import positive
from shared.dynamics.posted import PostedRows
from shared.dynamics.rows import Row, day, folded, record_id, text, verbatim

Originals = dict[DocumentKey, tuple[OriginalInvoice, ...]]


async def find_originals(
    sets: EntitySets, company: str, documents: Sequence[PostedRows], custom_field: str | None
) -> Originals:
    """The originals of the credit notes among ``documents``; those without any are absent."""
    credit_notes = [document for document in documents if document.is_credit_note]
    found = await _by_reference(sets, company, credit_notes)
    found |= await _by_returned_lot(sets, company, [note for note in credit_notes if note.key not in found])
    if custom_field:
        rest = [note for note in credit_notes if note.key not in found]
        found |= {
            note.key: (OriginalInvoice(number, None, OriginalRoute.HEADER_FIELD),)
            for note in rest
            if (number := text(note.header, custom_field))
        }
    return found


async def _by_reference(sets: EntitySets, company: str, credit_notes: Sequence[PostedRows]) -> Originals:
    notes = {record_id(note.journal, "SourceKey"): note.key for note in credit_notes if note.journal}
    rows = await sets.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", notes, company=company, expand=CORRECTED_INVOICE)
    if rows is None:
        rows = await sets.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", notes, company=company)
    rows = [row for row in rows or [] if record_id(row, "InvoiceRecId") in notes]
    unnamed = {record_id(row, "CorrectedInvoiceRecId") for row in rows if not _expanded(row)} - {0}
    journals = await sets.optional_rows(JOURNALS, "SourceKey", unnamed, company=company)
    by_record = {record_id(row, "SourceKey"): row for row in journals or []}
    return _collect(
        (
            (
                notes[record_id(row, "InvoiceRecId")],
                _expanded(row) or by_record.get(record_id(row, "CorrectedInvoiceRecId")),
            )
            for row in rows
        ),
        OriginalRoute.CREDIT_INVOICING,
    )


def _expanded(row: Row) -> Row | None:
    invoice = row.get(CORRECTED_INVOICE)
    return invoice if isinstance(invoice, dict) and text(invoice, "InvoiceId") else None


async def _by_returned_lot(sets: EntitySets, company: str, credit_notes: Sequence[PostedRows]) -> Originals:
    orders = {order for note in credit_notes for order in note.orders}
    returns = await sets.optional_rows(RETURN_LINES, "SalesId", orders, company=company) or []
    lots = {note.key: _returned_lots(note, returns) for note in credit_notes}
    invoiced = await sets.optional_rows(
        JOURNAL_LINES, "InventTransId", set().union(*lots.values()), company=company, also=[positive("Qty")]
    )
    return _collect(
        (
            (key, row)
            for key, returned in lots.items()
            for row in invoiced or []
            if text(row, "InventTransId") in returned
        ),
        OriginalRoute.RETURNED_LOT,
    )


def _returned_lots(note: PostedRows, returns: Sequence[Row]) -> set[str]:
    """The lots that the note's own order lines take back; an order may be credited by several notes."""
    orders = {order.casefold() for order in note.orders}
    own_lots = {text(line, "InventTransId") for line in note.journal_lines.values()} - {""}
    return {
        text(line, "InventTransIdReturn")
        for line in returns
        if folded(line, "SalesId") in orders and (not own_lots or text(line, "InventTransId") in own_lots)
    } - {""}


def _collect(pairs: Iterable[tuple[DocumentKey, Row | None]], route: OriginalRoute) -> Originals:
    found: dict[DocumentKey, dict[OriginalInvoice, None]] = {}
    for key, invoice in pairs:
        if invoice is not None and (number := verbatim(invoice, "InvoiceId")):
            found.setdefault(key, {})[OriginalInvoice(number, day(invoice, "InvoiceDate"), route)] = None
    return {key: tuple(originals) for key, originals in found.items()}

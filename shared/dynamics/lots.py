"""The returned-lot chain: which invoices sold what a line takes back, and what of it came back before.

A return line's order line names the lot (``InventTransId``) that it returns. Every invoice line of that lot with a
positive quantity sold a part of it. Other return lines of the same lot, posted earlier, have taken back the oldest
parts first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from shared.documents import ZERO, DocumentKey, OriginalInvoice, OriginalRoute
from shared.dynamics.entities import JOURNAL_LINES, RETURN_LINES
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.posted import PostedRows
from shared.dynamics.reading import BatchReads
from shared.dynamics.rows import Row, amount, day, folded, record_id, text, verbatim

LineOriginals = Mapping[int | None, tuple[OriginalInvoice, ...]]
"""Sequence number of a returned line → the invoices of its lot, oldest first; ``None`` where lines have no lots."""


@dataclass(frozen=True, slots=True)
class ReturnedLots:
    """What the lots of a batch's return lines tell."""

    of_lines: Mapping[DocumentKey, LineOriginals] = field(default_factory=dict)
    troubles: Mapping[DocumentKey, str] = field(default_factory=dict)


async def find_by_returned_lot(reads: BatchReads, company: str, documents: Sequence[PostedRows]) -> ReturnedLots:
    """The originals of the returned lines of ``documents``: four calls, however many lines there are."""
    orders = {order for document in documents for order in document.orders}
    returns = await reads.optional_rows(RETURN_LINES, "SalesId", orders, company=company) or []
    wanted = {document.key: _returned_lots(document, returns) for document in documents}
    lots = {lot for by_line in wanted.values() for lots in by_line.values() for lot in lots}
    if not lots:
        return ReturnedLots()
    others = await reads.optional_rows(RETURN_LINES, "InventTransIdReturn", lots, company=company) or []
    sold_lot_of = {
        text(row, "InventTransId"): text(row, "InventTransIdReturn")
        for row in (*returns, *others)
        if text(row, "InventTransIdReturn") in lots and text(row, "InventTransId")
    }
    posted = await reads.optional_rows(JOURNAL_LINES, "InventTransId", lots | sold_lot_of.keys(), company=company)
    history = _History(posted or [], sold_lot_of)
    of_lines: dict[DocumentKey, LineOriginals] = {}
    troubles: dict[DocumentKey, str] = {}
    for document in documents:
        try:
            found = {
                sequence: tuple(original for lot in sorted(lots) for original in history.originals(lot, document))
                for sequence, lots in wanted[document.key].items()
            }
        except UnreadableRow as unreadable:
            troubles[document.key] = str(unreadable)
            continue
        of_lines[document.key] = {sequence: originals for sequence, originals in found.items() if originals}
    return ReturnedLots(of_lines, troubles)


def _returned_lots(document: PostedRows, returns: Iterable[Row]) -> dict[int | None, set[str]]:
    """The lots that the document's own order lines take back, by line; an order may be credited by several notes.

    A document whose lines have no lots takes back all that its orders do, without telling by which line.
    """
    orders = {order.casefold() for order in document.orders}
    taken = {
        text(row, "InventTransId"): text(row, "InventTransIdReturn")
        for row in returns
        if folded(row, "SalesId") in orders and text(row, "InventTransIdReturn")
    }
    own = {sequence: text(line, "InventTransId") for sequence, line in document.journal_lines.items()}
    if not any(own.values()):
        return {None: set(taken.values())} if taken else {}
    return {sequence: {taken[lot]} for sequence, lot in own.items() if lot in taken}


class _History:
    """The invoice lines of the lots, sold and returned."""

    def __init__(self, rows: Iterable[Row], sold_lot_of: Mapping[str, str]) -> None:
        self._sold: defaultdict[str, list[Row]] = defaultdict(list)
        self._returned: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            lot = text(row, "InventTransId")
            self._sold[lot].append(row)
            self._returned[sold_lot_of.get(lot, lot)].append(row)

    def originals(self, lot: str, document: PostedRows) -> list[OriginalInvoice]:
        """The invoices of ``lot``, oldest first, with what was returned before ``document``."""
        invoices: dict[tuple[date, int, str], OriginalInvoice] = {}
        for row in self._sold.get(lot, ()):
            quantity, number, dated = amount(row, "Qty"), verbatim(row, "InvoiceId"), day(row, "InvoiceDate")
            if quantity <= 0 or not number or _is_line_of(row, document):
                continue
            place = (dated or date.max, record_id(row, "ParentRecId"), number)
            known = invoices.get(place)
            total = quantity + (known.quantity or ZERO) if known else quantity
            invoices[place] = OriginalInvoice(number, dated, OriginalRoute.RETURNED_LOT, lot=lot, quantity=total)
        left = self._returned_before(lot, document)
        originals: list[OriginalInvoice] = []
        for _, invoice in sorted(invoices.items(), key=lambda item: item[0]):
            taken = min(left, invoice.quantity or ZERO)
            originals.append(replace(invoice, returned=taken))
            left -= taken
        return originals

    def _returned_before(self, lot: str, document: PostedRows) -> Decimal:
        own = (document.key.date, record_id(document.journal or {}, "SourceKey"))
        total = ZERO
        for row in self._returned.get(lot, ()):
            quantity = amount(row, "Qty")
            posted = (day(row, "InvoiceDate") or date.max, record_id(row, "ParentRecId"))
            if quantity < 0 and posted < own and not _is_line_of(row, document):
                total -= quantity
        return total


def _is_line_of(row: Row, document: PostedRows) -> bool:
    parent, own = record_id(row, "ParentRecId"), record_id(document.journal or {}, "SourceKey")
    return bool(own) and parent == own

"""Which original invoice each returned line takes back, and which of its transactions (design 4.3, 4.5, 4.11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.documents import ZERO, Line, OriginalInvoice, OriginalRoute, PostedDocument
from shared.mapping.countries import US
from shared.mapping.items import Item
from shared.mapping.original_sales import OriginalKey, OriginalSale, OriginalTransaction
from shared.mapping.outcomes import Hold
from shared.mapping.reasons import HoldReason
from shared.transactions import ExemptionType, Place

_ROUTES = {
    OriginalRoute.CREDIT_INVOICING: "by the credit invoicing reference",
    OriginalRoute.RETURNED_LOT: "by the returned lot",
    OriginalRoute.HEADER_FIELD: "by the header's field for the original invoice",
    OriginalRoute.CORRECTED_INVOICE: "as the free text invoice that it corrects",
}
_TAXABLE = (None, ExemptionType.NON_EXEMPT)


@dataclass(frozen=True, slots=True)
class Link:
    """What a returned line takes back; without an original it is unlinked."""

    original: OriginalInvoice | None = None
    hold: Hold | None = None


def key_of(original: OriginalInvoice) -> OriginalKey:
    """The key by which original sales are looked up."""
    return original.number, original.date


def link_lines(returned: Iterable[Item], document: PostedDocument) -> dict[str, Link]:
    """Item key → its original: by the credit invoicing reference, the returned lot, or what else names one.

    A line that none of them links follows the only original of the others; where those have several, it is held.
    """
    lots = _Lots()
    items = list(returned)
    lots_tell = any(line.originals for line in document.lines)
    links = {item.key: _link(item.line, document, lots, lots_tell=lots_tell) for item in items}
    known = list(dict.fromkeys(key_of(link.original) for link in links.values() if link.original))
    named = {key_of(link.original): link.original for link in links.values() if link.original}
    for key, link in links.items():
        if link.original or link.hold:
            continue
        if len(known) == 1:
            links[key] = Link(named[known[0]])
        elif known:
            links[key] = Link(hold=_several(document, f"line {key}", [number for number, _ in known]))
    return links


def sentence_of(original: OriginalInvoice) -> str:
    """How the original was found, for the audit."""
    return f"The original invoice is {original.number}, found {_ROUTES[original.route]}."


@dataclass(frozen=True, slots=True)
class Choice:
    """The transaction of the original that a line takes back, as far as it is known."""

    transaction: OriginalTransaction | None = None
    abroad: bool = False
    hold: Hold | None = None


def choose_transaction(
    item: Item, original: OriginalInvoice, sale: OriginalSale, own: Place | None, document: PostedDocument
) -> Choice:
    """Which of the sale's transactions ``item`` takes back: by its lot, else by the place of ``own``, its address.

    No transaction, no abroad and no hold: of the sale nothing is known that could tell.
    """
    if sale.hold:
        sentence = f"The original invoice {original.number} is held: {sale.hold.sentence}"
        return Choice(hold=Hold(sale.hold.reason, sentence))
    if sale.abroad or (original.lot and original.lot in sale.abroad_lots):
        return Choice(abroad=True)
    if not sale.transactions:
        return Choice(abroad=sale.partly_abroad or bool(sale.abroad_lots))
    by_lot = [transaction for transaction in sale.transactions if original.lot and original.lot in transaction.lots]
    named = by_lot or list(sale.transactions)
    fitting = [transaction for transaction in named if not item.is_taxed or transaction.exemption_type in _TAXABLE]
    if not fitting:
        sentence = (
            f"Line {item.key} of {document.key.number} takes back tax, but its original {original.number} was reported"
            " as exempt. Correct the credit note in F&O, or settle it as handled outside."
        )
        return Choice(hold=Hold(HoldReason.CREDIT_NOTE_UNLINKED, sentence))
    may_be_abroad = sale.partly_abroad and not by_lot and not item.is_taxed
    if may_be_abroad and own and own.country != US:
        return Choice(abroad=True)
    if len(fitting) > 1 and own and own.country == US:
        fitting = [transaction for transaction in fitting if transaction.ship_to.state == own.state] or fitting
    choices = [found.transaction_id for found in fitting]
    if may_be_abroad and own is None:
        choices.append("what went abroad")
    if len(choices) > 1:
        return Choice(hold=_several(document, f"line {item.key}", choices))
    return Choice(fitting[0])


def unlinked(document: PostedDocument) -> Hold:
    """The hold of a credit note whose original is not known."""
    return Hold(
        HoldReason.CREDIT_NOTE_UNLINKED,
        f"The original invoice of credit note {document.key.number} was not found. Give its number in F&O (credit"
        " invoicing), or set UNLINKED_CREDIT_NOTES to send, then retry the document.",
    )


class _Lots:
    """How much of each invoiced lot earlier lines of this document have taken back already."""

    def __init__(self) -> None:
        self._taken: dict[tuple[OriginalKey, str], Decimal] = {}

    def oldest_with_room(self, line: Line, originals: Iterable[OriginalInvoice]) -> OriginalInvoice:
        """The oldest invoice of the lot that is not yet fully returned, else the newest."""
        every = list(originals)
        chosen = next((original for original in every if self._has_room(original)), every[-1])
        key = (key_of(chosen), chosen.lot)
        self._taken[key] = self._taken.get(key, ZERO) + abs(line.quantity)
        return chosen

    def _has_room(self, original: OriginalInvoice) -> bool:
        if original.quantity is None:
            return True
        taken = self._taken.get((key_of(original), original.lot), ZERO)
        return abs(original.returned) + taken < abs(original.quantity)


def _link(line: Line | None, document: PostedDocument, lots: _Lots, *, lots_tell: bool) -> Link:
    """``lots_tell`` of at least one line of the document."""
    by_lot = line.originals if line else ()
    referred = [original for original in document.originals if original.route is OriginalRoute.CREDIT_INVOICING]
    if line and referred:
        # The reference comes first; among the invoices that it names, or for the part of one, the lot decides.
        within = [original for original in by_lot if any(_is_same(original, other) for other in referred)]
        if within:
            return Link(lots.oldest_with_room(line, within))
        return _only(referred, line, document)
    if line and by_lot:
        return Link(lots.oldest_with_room(line, by_lot))
    others = [original for original in document.originals if original.route is not OriginalRoute.RETURNED_LOT]
    if not others and not lots_tell:
        others = list(document.originals)
        if line and len({original.lot for original in others}) == 1 and others[0].lot:
            return Link(lots.oldest_with_room(line, others))
    return _only(others, line, document) if others else Link()


def _is_same(one: OriginalInvoice, other: OriginalInvoice) -> bool:
    return one.number == other.number and (one.date == other.date or None in (one.date, other.date))


def _only(originals: list[OriginalInvoice], line: Line | None, document: PostedDocument) -> Link:
    distinct = {key_of(original): original for original in reversed(originals)}
    if len(distinct) == 1:
        return Link(originals[0])
    name = f"line {line.sequence}" if line else "the document"
    return Link(hold=_several(document, name, [original.number for original in originals]))


def _several(document: PostedDocument, name: str, choices: list[str]) -> Hold:
    return Hold(
        HoldReason.CREDIT_NOTE_UNLINKED,
        f"{name[:1].upper()}{name[1:]} of credit note {document.key.number} may take back any of"
        f" {', '.join(dict.fromkeys(choices))}, and neither a returned lot nor an address tells which. Give the"
        " returned lot in F&O, or settle the document as handled outside.",
    )

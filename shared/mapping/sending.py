"""Parts that are sent: their ids, references, ship-from, and all that the ledger keeps of them (design 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.documents import Line, PostedDocument
from shared.mapping.ids import taken_suffix
from shared.mapping.items import lines_in_order
from shared.mapping.origins import find_origin
from shared.mapping.outcomes import Hold, MappedTransaction
from shared.mapping.part_ids import PartIds
from shared.mapping.parts import Part
from shared.mapping.transactions import build, in_order, line_keys, lines_of, with_lines
from shared.settings import CompanySettings
from shared.transactions import Kind, Place

_TAXED_NOTE = "Warning: tax of {tax} was collected from exempt customer {customer}. It is reported as taxable."


class Sending:
    """The transactions of one document, from its parts that are in the US and have a value."""

    def __init__(self, parts: Sequence[Part], document: PostedDocument, company: CompanySettings, ids: PartIds) -> None:
        sent = [part for part in parts if not part.placement.is_abroad and not part.is_empty]
        self.parts = in_order(sent)
        self.notes: list[str] = []
        self.holds: list[Hold] = []
        self._document = document
        self._company = company
        self._keys = line_keys(self.parts)
        given = ids.of([(part.kind, frozenset(keys)) for part, keys in zip(self.parts, self._keys, strict=True)])
        self._ids = given
        self._own_order = ids.own_order()
        self._orders: dict[tuple[str, ...], str] = {}
        for part, id_ in zip(self.parts, given, strict=True):
            if part.kind is Kind.ORDER:
                self._orders.setdefault(part.placement.key, id_)
        self._origins = [self._ship_from(part) for part in self.parts]
        if ids.number_taken and any(taken_suffix(ids.key) in id_ for id_ in given):
            self.notes.append("Another document of this number came first: the ids carry a suffix of date and voucher.")
        if len(given) > 1:
            self.notes.append(f"The document becomes {len(given)} transactions: {', '.join(given)}.")

    def transactions(self, codes: Mapping[str, str]) -> tuple[MappedTransaction, ...]:
        """All of them; ``codes`` are the product tax codes of their lines."""
        built = []
        for part, keys, id_, ship_from in zip(self.parts, self._keys, self._ids, self._origins, strict=True):
            transaction = build(part, id_, self._reference(part), ship_from, codes, self._document)
            mapped = with_lines(transaction, part, keys, self._document, self._company)
            if mapped.tax_from_exempt_customer and self._document.customer:
                shown = abs(mapped.tax_from_exempt_customer)
                self.notes.append(_TAXED_NOTE.format(tax=shown, customer=self._document.customer.account))
            built.append(mapped)
        return tuple(built)

    def _reference(self, part: Part) -> str:
        """The order that a refund takes back: the original's, else the document's own, of its destination first."""
        if part.kind is Kind.ORDER or part.placement.reference:
            return part.placement.reference
        return self._orders.get(part.placement.key) or next(iter(self._orders.values()), self._own_order)

    def _ship_from(self, part: Part) -> Place | None:
        if part.placement.original:
            return part.placement.original.ship_from
        if part.placement.in_store:
            return part.placement.place
        origin = find_origin(self._stock(part), self._document, self._company)
        if origin.hold:
            self.holds.append(origin.hold)
        self.notes += origin.sentences
        return origin.place

    def _stock(self, part: Part) -> list[tuple[Line, int]]:
        """The part's lines with their values; a part without lines came from where the others there came from."""
        if own := _valued_lines([part]):
            return own
        beside = _valued_lines(other for other in self.parts if other.placement.key == part.placement.key)
        return beside or _valued_lines(self.parts) or [(line, 0) for line in lines_in_order(self._document)]


def _valued_lines(parts: Iterable[Part]) -> list[tuple[Line, int]]:
    return [(share.item.line, share.value) for part in parts for share in lines_of(part) if share.item.line]

"""Where each line belongs: its destination and, of what came back, the sale that it takes back (design 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from shared.documents import ZERO, OriginalInvoice, PostedDocument
from shared.mapping.address_search import Found
from shared.mapping.countries import US
from shared.mapping.destinations import Destinations
from shared.mapping.ids import order_id
from shared.mapping.items import ONE, Item, Items, Role, group_of, lines_in_order
from shared.mapping.original_sales import OriginalKey, OriginalSale, OriginalTransaction
from shared.mapping.originals import Link, choose_transaction, key_of, link_lines, sentence_of, unlinked
from shared.mapping.outcomes import Hold
from shared.mapping.places import place_key
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import kind_of
from shared.settings import CompanySettings
from shared.transactions import Kind, Place

_ABROAD = ("abroad",)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an item went, or where the sale went that it takes back."""

    place: Place | None
    """``None`` when the sale went abroad, which is all that is known."""
    in_store: bool = False
    """It was handed over there: ship-from is the same place."""
    original: OriginalTransaction | None = None
    """The transaction that a returned line takes back."""
    reference: str = ""
    """Of a returned line the id of the order that it takes back; empty for the document's own order."""

    @property
    def is_abroad(self) -> bool:
        """Whether it is not sent to TaxJar."""
        return self.place is None or self.place.country != US

    @property
    def state(self) -> str:
        """The US state, empty abroad."""
        return "" if self.place is None or self.is_abroad else self.place.state

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for the same destination; all that is abroad is one."""
        return _ABROAD if self.place is None or self.is_abroad else place_key(self.place)


@dataclass(slots=True)
class Placements:
    """The placements of a document's items by their keys, and what is wrong or worth a note."""

    by_key: dict[str, Placement] = field(default_factory=dict)
    anchors: dict[Kind, Item] = field(default_factory=dict)
    """Directions without lines: stands for the document, whose charges go where it went."""
    holds: list[Hold] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, item: Item) -> Placement:
        """The placement of a placed item."""
        return self.by_key[item.key]

    def in_us(self, items: Iterable[Item]) -> list[Item]:
        """Those of ``items`` that did not go abroad, with their lines."""
        return [item for item in items if not self._is_abroad(item)]

    def _is_abroad(self, item: Item) -> bool:
        placement = self.by_key.get(str(item.line.sequence) if item.line else item.key)
        return placement is not None and placement.is_abroad

    @property
    def to_states(self) -> tuple[str, ...]:
        """The US states that are known, in the order of the lines, then those in question, each once."""
        states = [placement.state for placement in self.by_key.values()]
        states += [state for hold in self.holds for state in hold.states]
        return tuple(dict.fromkeys(state for state in states if state))


def place_items(
    items: Items, document: PostedDocument, company: CompanySettings, originals: Mapping[OriginalKey, OriginalSale]
) -> Placements:
    """Place every line of ``items``; lines without a value and without a place of their own follow the others."""
    return _Placing(items, document, company, originals).place()


class _Placing:
    def __init__(
        self,
        items: Items,
        document: PostedDocument,
        company: CompanySettings,
        originals: Mapping[OriginalKey, OriginalSale],
    ) -> None:
        self._items = items
        self._document = document
        self._company = company
        self._originals = originals
        self._destinations = Destinations(document, company)
        self._placements = Placements()
        self._first_of: dict[Kind, Placement] = {}
        # A credit note with a fee is none: what went out are goods, or most of the document.
        out = (
            items.lines
            if kind_of(document.total_amount, document.total_tax) is Kind.REFUND
            else (*items.lines, *items.charges, *items.shipping)
        )
        self._has_own_order = any(item.kind is Kind.ORDER and item.has_value for item in out)

    def place(self) -> Placements:
        kinds = {item.kind for item in self._items.lines}
        charged = [item.kind for item in (*self._items.charges, *self._items.shipping)]
        without_lines = (
            set(charged or [kind_of(self._document.total_amount, self._document.total_tax)] * (not kinds)) - kinds
        )
        self._placements.anchors = {kind: self._anchor(kind) for kind in Kind if kind in without_lines}
        placed = [*self._items.lines, *self._placements.anchors.values()]
        links = link_lines((item for item in placed if item.kind is Kind.REFUND), self._document)
        for item in sorted(placed, key=lambda item: (not item.has_value, item.kind is Kind.REFUND)):
            found = list(self._sale(item) if item.kind is Kind.ORDER else self._return(item, links[item.key]))
            if not item.has_value and not isinstance(found[0], Placement):
                found = [self._same_kind(item) or found[0], *found[1:]]
            self._keep(item, found)
        order = {item.key: position for position, item in enumerate(placed)}
        self._placements.by_key = dict(sorted(self._placements.by_key.items(), key=lambda pair: order[pair[0]]))
        self._placements.holds = list(dict.fromkeys(self._placements.holds))
        self._placements.notes = list(dict.fromkeys(self._placements.notes))
        return self._placements

    def _keep(self, item: Item, found: list[Placement | Hold]) -> None:
        if isinstance(found[0], Placement):
            self._placements.by_key[item.key] = found[0]
            self._first_of.setdefault(item.kind, found[0])
        else:
            self._placements.holds += [hold for hold in found if isinstance(hold, Hold)]

    def _sale(self, item: Item) -> Iterator[Placement | Hold]:
        yield self._placement(self._destinations.of_sale(item.line), item)

    def _return(self, item: Item, link: Link) -> Iterator[Placement | Hold]:
        if link.hold:
            yield link.hold
        elif link.original:
            self._placements.notes.append(sentence_of(link.original))
            yield self._linked(item, link.original)
        else:
            yield from self._unlinked(item)

    def _linked(self, item: Item, original: OriginalInvoice) -> Placement | Hold:
        sale = self._sale_of(original) or OriginalSale()
        own = self._destinations.of_return(item.line)
        own_place = own.place if isinstance(own, Found) else None
        choice = choose_transaction(item, original, sale, own_place, self._document)
        if choice.hold:
            return choice.hold
        if choice.abroad:
            return Placement(None)
        if taken_back := choice.transaction:
            note = f"It goes where {taken_back.transaction_id} went: {_shown(taken_back.ship_to)}."
            self._placements.notes.append(note)
            return Placement(taken_back.ship_to, original=taken_back, reference=taken_back.transaction_id)
        note = f"Where {original.number} went is not known; the credit note's own address counts."
        self._placements.notes.append(note)
        reference = order_id(self._document.key.company, original.number)
        return self._placement(own or self._no_own_address(), item, reference)

    def _unlinked(self, item: Item) -> Iterator[Placement | Hold]:
        own = self._destinations.of_return(item.line)
        if isinstance(own, Found) and own.place.country != US:
            yield self._placement(own, item)
        elif self._has_own_order:
            self._placements.notes.append("What came back refers to the document's own order.")
            yield self._only_destination() if own is None else self._placement(own, item)
        elif self._company.unlinked_credit_notes == "send":
            self._placements.notes.append("No original invoice was found; the refund refers to its own number.")
            yield self._placement(own or self._no_own_address(), item)
        else:
            # The address matters only where the note may be sent; what is wrong with it is named all the same.
            if isinstance(own, Hold):
                yield own
            yield unlinked(self._document)

    def _placement(self, found: Found | Hold, item: Item, reference: str = "") -> Placement | Hold:
        if isinstance(found, Hold):
            return found
        self._placements.notes += [f"Ship-to is {found.source}: {_shown(found.place)}.", *found.repairs]
        return Placement(found.place, self._destinations.is_in_store(item.line), reference=reference)

    def _sale_of(self, original: OriginalInvoice) -> OriginalSale | None:
        return self._originals.get(key_of(original)) or self._originals.get((original.number, None))

    def _same_kind(self, item: Item) -> Placement | None:
        return self._first_of.get(item.kind)

    def _only_destination(self) -> Placement | Hold:
        """Where the document's own order went, for what came back without an address of its own."""
        went = {placement.key: placement for placement in self._placements.by_key.values()}
        if len(went) == 1:
            placement = next(iter(went.values()))
            return Placement(placement.place, placement.in_store)
        return self._no_own_address()

    def _no_own_address(self) -> Hold:
        return Hold(
            HoldReason.ADDRESS_INCOMPLETE,
            f"The only addresses of {self._document.key.number} are the company's own, where goods come back. Complete"
            " the customer's address in F&O, or give the original invoice, then retry the document.",
        )

    def _anchor(self, kind: Kind) -> Item:
        line = next(iter(lines_in_order(self._document)), None)
        return Item(
            key=f"document-{kind}",
            role=Role.LINE,
            kind=kind,
            net=abs(self._document.total_amount) or ONE,
            tax=ZERO,
            product="",
            description="",
            group=group_of(line, self._document),
            line=line,
        )


def _shown(place: Place) -> str:
    return " ".join(part for part in (place.city, place.state, place.zip, place.country) if part)

"""Where each line went: to its own address, or to the store where it was picked up (design 4.3, 4.5, 4.11)."""

from __future__ import annotations

from shared.documents import Address, DocumentType, Line, PostedDocument
from shared.mapping.address_search import Candidate, Found, OwnPlaces, find_address
from shared.mapping.items import lines_in_order
from shared.mapping.outcomes import Hold
from shared.mapping.places import names_a_place
from shared.mapping.reasons import HoldReason
from shared.settings import CompanySettings


class Destinations:
    """Finds the destinations of one document's lines; equal addresses are judged once."""

    def __init__(self, document: PostedDocument, company: CompanySettings) -> None:
        self._document = document
        self._company = company
        self._store: list[Line] | None = None
        self._own_places: OwnPlaces | None = None
        self._found: dict[tuple[object, ...], Found | Hold | None] = {}

    def of_sale(self, line: Line | None) -> Found | Hold:
        """Where ``line`` was sold to; ``None`` stands for a document without lines."""
        if self.is_in_store(line):
            return self.store_of(line)
        return self._delivery(line) or self._nowhere()

    def of_return(self, line: Line | None) -> Found | Hold | None:
        """Where ``line``, which came back, had gone to, as far as its own document tells.

        An address of the company is where it came back to; ``None`` when the document names no other.
        """
        if self.is_in_store(line):
            return self.store_of(line)
        return self._delivery(line, returned=True)

    def is_in_store(self, line: Line | None) -> bool:
        """Whether ``line`` was handed over in a store: picked up, or sold by a POS without a delivery address."""
        document = self._document
        mode = (line.delivery_mode.strip() if line else "") or document.delivery_mode.strip()
        if mode.casefold() in self._company.pickup_delivery_modes:
            return True
        if document.sales_origin.strip().casefold() not in self._company.pos_sales_origins:
            return False
        delivered = (line and line.delivery_address, document.delivery_address)
        ordered = (line and line.order_address, document.order_address)
        return not any(address and names_a_place(address) for address in (*delivered, *ordered))

    def store_of(self, line: Line | None) -> Found | Hold:
        """The store of a line that was handed over there: its warehouse, or that one's site, never the legal entity."""
        stock = line if line and (line.warehouse or line.site) else self._stock()
        candidates: list[Candidate] = []
        if stock:
            candidates = [
                (f"the address of warehouse {stock.warehouse}, where it was handed over", stock.warehouse_address),
                (f"the address of site {stock.site}, where it was handed over", stock.site_address),
            ]
        key = ("store", *(address for _, address in candidates))
        if key not in self._found:
            self._found[key] = find_address(candidates, self._company)
        return self._found[key] or self._no_store(stock)

    def _stock(self) -> Line | None:
        """The first line handed over in a store that tells which."""
        if self._store is None:
            lines = (other for other in lines_in_order(self._document) if other.warehouse or other.site)
            self._store = [other for other in lines if self.is_in_store(other)][:1]
        return self._store[0] if self._store else None

    def _delivery(self, line: Line | None, *, returned: bool = False) -> Found | Hold | None:
        key = (returned, line and line.delivery_address, line and line.order_address)
        if key not in self._found:
            passed_over = self._own() if returned else None
            self._found[key] = find_address(self._candidates(line), self._company, passed_over)
        return self._found[key]

    def _own(self) -> OwnPlaces:
        if self._own_places is None:
            document = self._document
            own = (*document.own_addresses, document.legal_entity_address)
            stock = (address for line in document.lines for address in (line.warehouse_address, line.site_address))
            self._own_places = OwnPlaces.of((*own, *stock), self._company)
        return self._own_places

    def _candidates(self, line: Line | None) -> list[Candidate]:
        document, customer = self._document, self._document.customer
        return [
            ("the line's delivery address on the invoice", line.delivery_address if line else None),
            ("the invoice's delivery address", document.delivery_address),
            ("the posted invoice address", self._invoice_address()),
            ("the order line's delivery address", line.order_address if line else None),
            ("the sales order's delivery address", document.order_address),
            ("the customer's delivery address", customer.delivery_address if customer else None),
            ("the customer's primary address", customer.primary_address if customer else None),
            ("the customer's invoice address", customer.invoice_address if customer else None),
        ]

    def _invoice_address(self) -> Address | None:
        """A free text invoice has no other address of its own; elsewhere it is where the bill went."""
        return self._document.invoice_address if self._document.type is DocumentType.FREE_TEXT else None

    def _nowhere(self) -> Hold:
        return Hold(
            HoldReason.ADDRESS_INCOMPLETE,
            f"No address of {self._document.key.number} names a place: neither invoice nor order nor customer has one."
            " Complete the customer's address in F&O, then retry the document.",
        )

    def _no_store(self, stock: Line | None) -> Hold:
        if stock:
            named = f"warehouse {stock.warehouse}" if stock.warehouse else f"site {stock.site}"
            sentence = f"It was handed over at {named}, which has no address. Give it one in F&O"
        else:
            sentence = "It was handed over in a store, but no line names its warehouse. Give the lines one in F&O"
        return Hold(
            HoldReason.ADDRESS_INCOMPLETE,
            f"{sentence}, then retry the document: the legal entity's address is not taken for a store's.",
        )

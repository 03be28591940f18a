"""What posted rows refer to: addresses, customers, and where those leave gaps, orders, free text and products.

Read for a whole batch at once, and only for the documents that need it: the order behind an invoice may have changed
since, so it is asked only for what the invoice itself does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from shared.documents import Address, DocumentKey, DocumentType
from shared.dynamics.addresses import INVOICED, Countries
from shared.dynamics.customers import DeliveryAddresses, read_delivery_addresses
from shared.dynamics.entities import (
    CUSTOMERS,
    FREE_TEXT_HEADERS,
    FREE_TEXT_LINES,
    ORDER_LINES,
    ORDERS,
    POSTAL_ADDRESSES,
    PRODUCTS,
    STOCK_DIMENSIONS,
    Entity,
)
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.posted import PostedRows
from shared.dynamics.reading import BatchReads
from shared.dynamics.rows import Row, day, folded, record_id, text, verbatim

_Id = TypeVar("_Id", str, int)


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """Rows by the id that refers to them; ids other than record ids are case-folded."""

    addresses: Mapping[int, Row] = field(default_factory=dict)
    in_need_of_order: frozenset[DocumentKey] = frozenset()
    """The documents whose orders were read. No other looks at an order, so that its batch does not change it."""
    in_need_of_modes: frozenset[DocumentKey] = frozenset()
    """Those whose order lines were read for their mode of delivery."""
    orders: Mapping[str, Row] = field(default_factory=dict)
    order_lines: Mapping[str, Row] = field(default_factory=dict)
    """By lot, as it is."""
    free_texts: Sequence[Row] = ()
    free_text_lines: Sequence[Row] = ()
    stock_dimensions: Mapping[str, Row] = field(default_factory=dict)
    products: Mapping[str, Row] = field(default_factory=dict)
    customers: Mapping[str, Row] = field(default_factory=dict)
    delivery_addresses: DeliveryAddresses | None = field(default_factory=dict)
    """Of the customers, if they were asked for; ``None`` when they cannot be read."""

    def order_of(self, document: PostedRows) -> Row | None:
        """The order on the document's header, or the first behind its lines, if it was needed."""
        if document.key not in self.in_need_of_order:
            return None
        number = text(document.header, "SalesOrderNumber") or next(iter(sorted(document.orders)), "")
        return self.orders.get(number.casefold())

    def order_line_of(self, document: PostedRows, journal_line: Row | None, item: str) -> Row | None:
        """The order line behind an invoice line: by lot, else by order and item where these leave no doubt."""
        if document.key not in self.in_need_of_order:
            return None
        lot = text(journal_line, "InventTransId") if journal_line else ""
        if lot and lot in self.order_lines:
            return self.order_lines[lot]
        orders = {order.casefold() for order in document.orders}
        candidates = [
            line
            for line in self.order_lines.values()
            if folded(line, "SalesOrderNumber") in orders and folded(line, "ItemNumber") == item.casefold()
        ]
        differ = any(_without_lot(line) != _without_lot(candidates[0]) for line in candidates)
        return candidates[0] if candidates and not differ else None

    def delivery_mode_of(self, document: PostedRows, journal_line: Row | None, item: str) -> str:
        """The mode of delivery of an invoice line: as posted, else of its order line, where that was needed."""
        if posted := text(journal_line or {}, "MCRDlvMode"):
            return posted
        lot = text(journal_line or {}, "InventTransId")
        if document.key in self.in_need_of_modes and lot in self.order_lines:
            return text(self.order_lines[lot], "DeliveryModeCode")
        return text(self.order_line_of(document, journal_line, item) or {}, "DeliveryModeCode")

    def free_text_of(self, document: PostedRows) -> Row | None:
        """The free text invoice that was posted as this document; drafts have no number yet."""
        if not needs_free_text(document):
            return None
        return next((row for row in self.free_texts if is_free_text_of(document, row)), None)

    def free_text_lines_of(self, document: PostedRows) -> list[Row]:
        """Its lines, in their order."""
        header = self.free_text_of(document)
        if header is None:
            return []
        parent = record_id(header, "InvoiceIdentifier")
        return [row for row in self.free_text_lines if record_id(row, "ParentRecId") == parent]

    def ordering_account(self, document: PostedRows) -> str:
        """The customer who ordered; empty where F&O does not tell."""
        return (
            text(document.journal or {}, "OrderAccount")
            or text(self.order_of(document) or {}, "OrderingCustomerAccountNumber")
            or text(self.free_text_of(document) or {}, "CustomerAccount")
        )

    def customer_account(self, document: PostedRows) -> str:
        """The ordering customer where known, else the invoice account."""
        return self.ordering_account(document) or text(document.header, "InvoiceCustomerAccountNumber")


async def read_related(
    reads: BatchReads,
    company: str,
    documents: Sequence[PostedRows],
    *,
    countries: Countries,
    is_complete: Callable[[Address], bool],
    product_tax_groups: bool,
    line_modes: bool,
    delivery_addresses_of: date | None,
) -> RelatedRows:
    """Read what ``documents`` of ``company`` refer to.

    ``is_complete`` judges whether an address can be reported; ``product_tax_groups`` and ``line_modes`` (of delivery)
    say whether anything uses those; ``delivery_addresses_of`` is the day on which the customers' delivery addresses
    matter, if they do.
    """

    async def read(entity: Entity, field: str, ids: Collection[_Id]) -> list[Row]:
        return await reads.optional_rows(entity, field, ids, company=company if entity.has_company else None) or []

    postal_addresses = {id for document in documents for id in document.postal_addresses}
    addresses = {
        record_id(row, "SourceKey"): row for row in await read(POSTAL_ADDRESSES, "SourceKey", postal_addresses)
    }

    def has_complete_address(row: Row) -> bool:
        address = INVOICED.read(addresses.get(record_id(row, "DeliveryPostalAddress")), countries)
        return address is not None and is_complete(address)

    in_need = [document for document in documents if _needs_order(document, has_complete_address)]
    orders = {order for document in in_need for order in document.orders}
    order_headers = await read(ORDERS, "SalesOrderNumber", orders)
    in_need_of_modes = [document for document in documents if line_modes and _needs_modes(document)]
    orders_of_lines = orders | {order for document in in_need_of_modes for order in document.orders}
    order_lines = await read(ORDER_LINES, "SalesOrderNumber", orders_of_lines)

    free_texts = await read(
        FREE_TEXT_HEADERS,
        "FreeTextNumber",
        {document.key.number for document in documents if needs_free_text(document)},
    )
    without_lines = [document for document in documents if not document.lines and not document.journal_lines]
    free_text_ids = {
        record_id(row, "InvoiceIdentifier")
        for row in free_texts
        if any(is_free_text_of(document, row) for document in without_lines)
    }

    journal_lines = [line for document in documents if not document.lines for line in document.journal_lines.values()]
    dimensions = {text(line, "InventDimId") for line in journal_lines} - {""}
    related = RelatedRows(
        addresses=addresses,
        in_need_of_order=frozenset(document.key for document in in_need),
        in_need_of_modes=frozenset(document.key for document in in_need_of_modes),
        orders={folded(row, "SalesOrderNumber"): row for row in order_headers},
        order_lines={text(row, "InventoryLotId"): row for row in order_lines},
        free_texts=free_texts,
        free_text_lines=await read(FREE_TEXT_LINES, "ParentRecId", free_text_ids),
        stock_dimensions={
            folded(row, "inventDimId"): row for row in await read(STOCK_DIMENSIONS, "inventDimId", dimensions)
        },
    )
    items = _items_without_tax_group(documents, related) if product_tax_groups else set()
    accounts = {related.customer_account(document) for document in documents} - {""}
    # Required: without it an exempt customer's sale would go out as any other.
    customers = await reads.needed_rows(CUSTOMERS, "CustomerAccount", accounts, company=company)
    delivery_addresses: DeliveryAddresses | None = {}
    if delivery_addresses_of:
        delivery_addresses = await read_delivery_addresses(reads, company, accounts, countries, delivery_addresses_of)
    return replace(
        related,
        delivery_addresses=delivery_addresses,
        products={folded(row, "ItemNumber"): row for row in await read(PRODUCTS, "ItemNumber", items)},
        customers={folded(row, "CustomerAccount"): row for row in customers},
    )


def _needs_order(document: PostedRows, has_complete_address: Callable[[Row], bool]) -> bool:
    """Whether the posted rows leave open who ordered, where it went, or how it is taxed.

    Addresses on some of the lines are not enough: those lines may have neither quantity nor amount. The order may
    replace an incomplete one.
    """
    lines = list(document.journal_lines.values())
    addressed = [line for line in lines if record_id(line, "DeliveryPostalAddress")]
    return (
        document.journal is None
        or any(document.journal_line_of(line) is None for line in document.lines)
        or not all(map(has_complete_address, addressed))
        or not (has_complete_address(document.journal) or (lines and len(addressed) == len(lines)))
    )


def _needs_modes(document: PostedRows) -> bool:
    """Whether lines were sold on an order and do not tell how they were delivered."""
    return bool(document.orders) and any(not text(line, "MCRDlvMode") for line in document.journal_lines.values())


def _without_lot(order_line: Row) -> list[object]:
    return [order_line.get(name) for name in ORDER_LINES.fields if name != "InventoryLotId"]


def needs_free_text(document: PostedRows) -> bool:
    """Whether the lines, or other fields of the journal, must be read from the free text invoice."""
    has_lines = document.lines or document.journal_lines
    return document.type is DocumentType.FREE_TEXT and (document.journal is None or not has_lines)


def is_free_text_of(document: PostedRows, row: Row) -> bool:
    """Whether a worksheet was posted as this document."""
    account = text(row, "InvoiceAccount")
    return (
        verbatim(row, "FreeTextNumber") == document.key.number
        and text(row, "IsPosted") != "No"
        and _is_dated(row, document.key.date)
        and account in ("", text(document.header, "InvoiceCustomerAccountNumber"))
    )


def _is_dated(row: Row, on: date) -> bool:
    try:
        return day(row, "InvoiceDate") == on
    except UnreadableRow:
        return False


def _items_without_tax_group(documents: Sequence[PostedRows], related: RelatedRows) -> set[str]:
    """Items of lines of which neither the journal nor the order knows the item tax group."""
    items: set[str] = set()
    for document in documents:
        for line in document.lines:
            item = text(line, "ProductNumber")
            if document.journal_line_of(line) is None and related.order_line_of(document, None, item) is None:
                items.add(item)
    return items - {""}

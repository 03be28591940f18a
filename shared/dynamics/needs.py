"""What a document needs of F&O, and whether F&O has shown it: never mapped without (design 4.1).

A set that was never readable is done without. One that was is required: so are its rows that must be there, such as the
journal row of a header, the customer of a sale or the address that a row refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.documents import DocumentType
from shared.dynamics.entities import (
    CHARGE_CODES,
    CHARGES,
    COUNTRIES,
    CREDIT_REFERENCES,
    CUSTOMER_ADDRESSES,
    CUSTOMERS,
    FREE_TEXT_HEADERS,
    FREE_TEXT_LINES,
    JOURNAL_LINES,
    JOURNALS,
    LEGAL_ENTITIES,
    LINES,
    ORDER_LINES,
    ORDERS,
    POSTAL_ADDRESSES,
    PRODUCTS,
    RETURN_LINES,
    SITES,
    STOCK_DIMENSIONS,
    TAX_GROUP_CODES,
    TAX_GROUPS,
    WAREHOUSES,
    Entity,
)
from shared.dynamics.originals import Originals
from shared.dynamics.posted import PostedRows
from shared.dynamics.project_entities import PROJECT_SETS
from shared.dynamics.reading import BatchReads
from shared.dynamics.reference_data import ReferenceData
from shared.dynamics.related import RelatedRows, needs_free_text
from shared.dynamics.rows import Row, amount, folded, record_id, text
from shared.dynamics.sources import ProblemKind, ReadProblem

_OF_EVERY_DOCUMENT = (
    JOURNALS,
    JOURNAL_LINES,
    CHARGES,
    POSTAL_ADDRESSES,
    WAREHOUSES,
    SITES,
    LEGAL_ENTITIES,
    COUNTRIES,
)


def find_gaps(
    document: PostedRows,
    related: RelatedRows,
    originals: Originals,
    reference: ReferenceData,
    reads: BatchReads,
    *,
    customers_matter: bool,
) -> ReadProblem | tuple[str, ...]:
    """Why the document cannot be put together from what was read, else the sets that it is put together without.

    Those it had a use for, and they cannot be read, or do not show what must be there, and were never readable.
    ``customers_matter`` says that settings ask for something of every customer, also where all is taxed. Raises
    :class:`UnreadableRow` where something is not found because it was asked for with half a character.
    """
    if (trouble := originals.troubles.get(document.key)) is not None:
        return ReadProblem(ProblemKind.UNREADABLE_ROW, f"{document.key}: {trouble}", (JOURNAL_LINES.name,))
    gone = {**reads.gone, **reference.gone}
    needed = _needed(document, related)
    if sets := tuple(name for name in needed if name in gone):
        reasons = " ".join(gone[name] for name in sets)
        return ReadProblem(
            ProblemKind.SOURCE_INCOMPLETE,
            f"{document.key} waits for {', '.join(sets)}, which was readable before. {reasons}",
            sets,
            gone=True,
        )
    for name, what in _broken(document, related, reads) if any(reads.broken.values()) else ():
        sentence = f"{document.key}: F&O cannot show its rows of {name}: {what}"
        return ReadProblem(ProblemKind.UNREADABLE_ROW, sentence, (name,))
    missed = _missed(document, related, originals, reference, customers_matter=customers_matter)
    if absent := [(name, what) for name, what in missed if name in reads.readable]:
        document.check_text()
        sets = _sets_of(name for name, _ in absent)
        sentence = f"{document.key} waits: {sets[0]} does not show {absent[0][1]}, which must be there."
        return ReadProblem(ProblemKind.SOURCE_INCOMPLETE, sentence, sets)
    refused = reads.sets.unreadable
    return _sets_of([*(name for name in needed if name in refused), *(name for name, _ in missed)])


def _sets_of(names: Iterable[str]) -> tuple[str, ...]:
    """The sets, each once, without the company whose part of one is meant."""
    return tuple(dict.fromkeys(name.partition("/")[0] for name in names))


def _needed(document: PostedRows, related: RelatedRows) -> tuple[str, ...]:
    """The sets without which the document is not put together, if they ever were readable."""
    needed = [LINES, CUSTOMERS, TAX_GROUPS, TAX_GROUP_CODES, *asked_sets(document, related)]
    if document.is_project:
        needed = [*needed[1:], *PROJECT_SETS]
    return tuple(dict.fromkeys(entity.name for entity in needed))


def _missed(
    document: PostedRows,
    related: RelatedRows,
    originals: Originals,
    reference: ReferenceData,
    *,
    customers_matter: bool,
) -> list[tuple[str, str]]:
    """What :func:`_absent` finds, but for a customer that decides nothing."""
    absent = list(_absent(document, related, originals, reference))
    if not customers_matter and not _needs_customer(document, related):
        absent = [(name, what) for name, what in absent if name != CUSTOMERS.name]
    return absent


def _broken(document: PostedRows, related: RelatedRows, reads: BatchReads) -> Iterator[tuple[str, str]]:
    """The sets whose rows of this document F&O fails to render, with what it answered."""
    number, voucher = document.key.number.casefold(), document.key.voucher.casefold()
    orders = {order.casefold() for order in document.orders}
    account = related.customer_account(document).casefold()
    lots: set[object] = {folded(line, "InventTransId") for line in document.journal_lines.values()}
    own: dict[str, set[object]] = {
        LINES.name: {number},
        JOURNALS.name: {number, record_id(document.journal or {}, "SourceKey")},
        JOURNAL_LINES.name: {number} | lots,
        CHARGES.name: {voucher},
        POSTAL_ADDRESSES.name: set(document.postal_addresses),
        ORDERS.name: set(orders),
        ORDER_LINES.name: set(orders),
        RETURN_LINES.name: set(orders),
        CREDIT_REFERENCES.name: {record_id(document.journal or {}, "SourceKey")},
        CUSTOMERS.name: {account},
        CUSTOMER_ADDRESSES.name: {account},
        FREE_TEXT_HEADERS.name: {number},
        STOCK_DIMENSIONS.name: {folded(line, "InventDimId") for line in document.journal_lines.values()},
        PRODUCTS.name: {folded(line, "ProductNumber") for line in document.lines},
        **{entity.name: {number} for entity in PROJECT_SETS},
    }
    for name, ids in own.items():
        for value, what in reads.broken.get(name, {}).items():
            if value in ids:
                yield name, what


def _absent(
    document: PostedRows, related: RelatedRows, originals: Originals, reference: ReferenceData
) -> Iterator[tuple[str, str]]:
    """The rows that must be there and are not: (set, what)."""
    if document.journal is None:
        yield JOURNALS.name, "the journal row of this header"
    elif any(document.journal_line_of(line) is None for line in document.lines):
        yield JOURNAL_LINES.name, "the row of one of its lines"
    account = related.customer_account(document)
    if account and account.casefold() not in related.customers:
        yield CUSTOMERS.name, f"the customer {account}"
    if document.postal_addresses - related.addresses.keys():
        yield POSTAL_ADDRESSES.name, "an address that it refers to"
    if not document.has_charge_rows and not document.is_project and amount(document.header, "TotalChargeAmount"):
        yield CHARGES.name, "its charges"
    if document.key in originals.missing:
        yield originals.missing[document.key], "the invoice that it corrects"
    for row in document.lines:
        yield from _stock(row, reference)


def _needs_customer(document: PostedRows, related: RelatedRows) -> bool:
    """Whether the customer decides anything: the exemption of what is untaxed, or an address that nothing else has."""
    lines = [(amount(row, "LineAmount"), amount(row, "LineTotalTaxAmount")) for row in document.lines]
    lines += [(amount(row, "LineAmount"), amount(row, "TaxAmount")) for row in document.journal_lines.values()]
    is_taxed = lines != [] and all(tax or not value for value, tax in lines)
    return not is_taxed or not document.postal_addresses & related.addresses.keys()


def _stock(line: Row, reference: ReferenceData) -> Iterator[tuple[str, str]]:
    warehouse, site = text(line, "InventoryWarehouseId"), text(line, "InventorySiteId")
    if warehouse and warehouse.casefold() not in reference.warehouses:
        yield f"{WAREHOUSES.name}/{folded(line, 'dataAreaId')}", f"the warehouse {warehouse}"
    elif site and site.casefold() not in reference.sites and reference.warehouse_address(warehouse) is None:
        yield f"{SITES.name}/{folded(line, 'dataAreaId')}", f"the site {site}"


def asked_sets(document: PostedRows, related: RelatedRows) -> Iterator[Entity]:
    """The optional sets that this document had a use for."""
    if document.is_project:
        yield from (POSTAL_ADDRESSES, WAREHOUSES, SITES, LEGAL_ENTITIES, COUNTRIES)
    else:
        yield from _OF_EVERY_DOCUMENT
    if document.charges:
        yield CHARGE_CODES
    if document.has_returns:
        yield from (RETURN_LINES, CREDIT_REFERENCES)
    if document.key in related.in_need_of_order and document.orders:
        yield from (ORDERS, ORDER_LINES)
    elif document.key in related.in_need_of_modes:
        yield ORDER_LINES
    if needs_free_text(document):
        yield from (FREE_TEXT_HEADERS, FREE_TEXT_LINES)
    elif document.is_credit_note and document.type is DocumentType.FREE_TEXT:
        yield FREE_TEXT_HEADERS
    if document.journal_lines and not document.lines:
        yield STOCK_DIMENSIONS
    if document.journal is None:
        yield PRODUCTS
    if related.delivery_addresses is None:
        yield CUSTOMER_ADDRESSES

"""Posted documents of one F&O environment: listed for polls, read back in full by key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime

from shared.documents import Address, Customer, DocumentKey, ListedDocument, PostedDocument
from shared.dynamics.assemble import assemble
from shared.dynamics.customers import DeliveryAddresses, list_customers, read_delivery_addresses
from shared.dynamics.entities import (
    CHARGES,
    HEADER_KEY,
    HEADERS,
    JOURNAL_LINES,
    JOURNALS,
    LINES,
    LISTED_HEADERS,
)
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.filters import (
    KEYS_PER_QUERY,
    Filter,
    all_of,
    any_of,
    chunks,
    either,
    equals,
    on_or_after,
    on_or_before,
)
from shared.dynamics.odata import ODataClient
from shared.dynamics.originals import find_originals
from shared.dynamics.posted import PostedRows, group_by_document, read_key
from shared.dynamics.reference_data import ReferenceData, ReferenceDataSource
from shared.dynamics.related import read_related
from shared.dynamics.rows import Row, folded, required_amount
from shared.settings import CompanySettings, ConnectionSettings


class DynamicsReader:
    """Reads the posted customer invoices and credit notes of a connection's companies.

    Every method raises the errors of :mod:`shared.dynamics.errors`. A header, line or customer set that
    cannot be read is an error; any other is replaced by the next best source, and the documents say so in their notes.
    ``is_complete`` judges whether a company can report an address, or the next one must be read.
    """

    def __init__(
        self,
        client: ODataClient,
        connection: ConnectionSettings,
        clock: Callable[[], datetime],
        *,
        is_complete: Callable[[Address, CompanySettings], bool],
    ) -> None:
        self._sets = EntitySets(client, connection.dynamics.entities, clock)
        self._reference = ReferenceDataSource(self._sets, clock)
        self._companies = connection.companies
        self._is_complete = is_complete
        self._clock = clock

    async def list_posted(
        self,
        windows: Mapping[str, date],
        until: date | None = None,
        *,
        left_out: Callable[[UnreadableRow], None] | None = None,
    ) -> AsyncIterator[list[ListedDocument]]:
        """Keys and totals of the documents dated from each company's day on, one server page at a time.

        One query serves all companies. Without ``until`` there is no upper end: F&O may post ahead of today.
        A row that cannot be read is an error, or is left out and told to ``left_out``.
        """
        for companies in chunks(sorted(windows)):
            where = _window({company: windows[company] for company in companies}, until)
            async for page in self._sets.pages(LISTED_HEADERS, where, orderby=HEADER_KEY):
                listed: list[ListedDocument] = []
                for row in page:
                    if folded(row, "dataAreaId") not in companies:
                        continue
                    try:
                        listed.append(_listed(row))
                    except UnreadableRow as unreadable:
                        if left_out is None:
                            raise
                        left_out(unreadable)
                yield listed

    async def find_documents(self, company: str, number: str, date: date | None = None) -> list[ListedDocument]:
        """The documents with this number, of which there may be several; all dates when ``date`` is ``None``."""
        found = (await self.find_many(company, [number]))[number]
        return [document for document in found if date in (None, document.key.date)]

    async def find_many(self, company: str, numbers: Collection[str]) -> dict[str, list[ListedDocument]]:
        """The documents of each number. F&O reads ``*`` as a wildcard, so a number with one is not looked up."""
        wanted = {number for number in numbers if number.strip() and "*" not in number}
        rows = await self._sets.rows(LISTED_HEADERS, "InvoiceNumber", wanted, company=company)
        listed = sorted((_listed(row) for row in rows), key=lambda document: document.key)
        return {
            number: [document for document in listed if document.key.number.casefold() == number.casefold()]
            for number in numbers
        }

    def list_customers(self, companies: Collection[str]) -> AsyncIterator[tuple[str, list[Customer]]]:
        """The customers of ``companies``, each with its company: at most one server page of one company at a time."""
        return list_customers(self._sets, self._reference, companies)

    async def delivery_addresses(self, company: str, accounts: Collection[str]) -> DeliveryAddresses | None:
        """Where these customers have goods delivered to, read by twenty; ``None`` when that cannot be read."""
        countries = await self._reference.countries()
        return await read_delivery_addresses(self._sets, company, accounts, countries, self._clock().date())

    async def read_documents(self, company: str, keys: Sequence[DocumentKey]) -> dict[DocumentKey, PostedDocument]:
        """The documents of ``keys`` (at most twenty, all of ``company``) in full; what F&O does not have is absent.

        The number of calls does not depend on the number of documents.
        """
        if len(keys) > KEYS_PER_QUERY:
            raise ValueError(f"at most {KEYS_PER_QUERY} documents can be read at once, not {len(keys)}")
        settings = self._companies[company]
        custom_field = settings.original_invoice_field
        documents = await self._posted_rows(company, keys, custom_field)
        if not documents:
            return {}
        reference = await self._reference_data(company, documents)
        async with _together() as group:
            related = group.create_task(
                read_related(
                    self._sets,
                    company,
                    documents,
                    countries=reference.countries,
                    is_complete=lambda address: self._is_complete(address, settings),
                    product_tax_groups=bool(settings.product_tax_codes.tax_item_groups),
                    delivery_addresses_of=self._clock().date() if settings.exempt_regions_from_addresses else None,
                )
            )
            originals = group.create_task(find_originals(self._sets, company, documents, custom_field))
        return {
            document.key: assemble(
                document,
                related.result(),
                originals.result().get(document.key, ()),
                reference,
                self._sets.unreadable,
            )
            for document in documents
        }

    async def _reference_data(self, company: str, documents: Sequence[PostedRows]) -> ReferenceData:
        lines = [line for document in documents for line in document.lines]
        charges = [charge for document in documents for charge in document.charges or ()]
        codes_decide = self._companies[company].shipping_charge_codes is not None
        return await self._reference.of(
            company,
            warehouses={folded(line, "InventoryWarehouseId") for line in lines} - {""},
            sites={folded(line, "InventorySiteId") for line in lines} - {""},
            charge_codes=set() if codes_decide else {folded(charge, "MarkupCode") for charge in charges} - {""},
        )

    async def _posted_rows(
        self, company: str, keys: Sequence[DocumentKey], custom_field: str | None
    ) -> list[PostedRows]:
        numbers, vouchers = {key.number for key in keys}, {key.voucher for key in keys}
        if not numbers:
            return []
        dates = [key.date for key in keys]
        span = [on_or_after("InvoiceDate", min(dates)), on_or_before("InvoiceDate", max(dates))]
        own_fields = [custom_field] if custom_field else []
        sets = self._sets
        async with _together() as group:
            headers = group.create_task(
                sets.rows(HEADERS, "InvoiceNumber", numbers, company=company, also=span, own_fields=own_fields)
            )
            lines = group.create_task(sets.rows(LINES, "InvoiceNumber", numbers, company=company, also=span))
            journals = group.create_task(sets.optional_rows(JOURNALS, "InvoiceId", numbers, company=company, also=span))
            journal_lines = group.create_task(
                sets.optional_rows(JOURNAL_LINES, "InvoiceId", numbers, company=company, also=span)
            )
            charges = group.create_task(sets.optional_rows(CHARGES, "Voucher", vouchers - {""}, company=company))
        return group_by_document(
            keys,
            headers=headers.result(),
            lines=lines.result(),
            journals=journals.result() or [],
            journal_lines=journal_lines.result() or [],
            charges=charges.result(),
        )


def _window(from_dates: Mapping[str, date], until: date | None) -> Filter:
    days = set(from_dates.values())
    if len(days) == 1:
        scope = all_of(any_of("dataAreaId", list(from_dates)), on_or_after("InvoiceDate", days.pop()))
    else:
        scope = either(
            *(
                all_of(equals("dataAreaId", company), on_or_after("InvoiceDate", day))
                for company, day in from_dates.items()
            )
        )
    return scope if until is None else all_of(scope, on_or_before("InvoiceDate", until))


def _listed(row: Row) -> ListedDocument:
    key = read_key(row)
    try:
        total, tax = required_amount(row, "TotalInvoiceAmount"), required_amount(row, "TotalTaxAmount")
    except UnreadableRow as unreadable:
        raise UnreadableRow(f"{key}: {unreadable}") from None
    return ListedDocument(key, total, tax)


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group of which the first failure is raised itself, not a group of them."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None

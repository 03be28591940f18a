"""Posted documents of one F&O environment: listed and counted for polls, read back in full by key."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime

from shared.documents import Address, Customer, DocumentKey, ListedDocument, PostedDocument
from shared.dynamics.assemble import assemble
from shared.dynamics.customers import DeliveryAddresses, list_customers, read_delivery_addresses
from shared.dynamics.entities import CHARGES, HEADERS, JOURNAL_LINES, JOURNALS, LINES
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.filters import KEYS_PER_QUERY, on_or_after, on_or_before
from shared.dynamics.listing import LeftOut, Listing, days_of_month
from shared.dynamics.needs import find_gaps
from shared.dynamics.odata import ODataClient
from shared.dynamics.originals import Originals, find_originals
from shared.dynamics.posted import PostedRows, group_by_document
from shared.dynamics.project_entities import PROJECT_HEADERS
from shared.dynamics.projects import merged, read_projects
from shared.dynamics.reading import BatchReads
from shared.dynamics.reference_data import ReferenceData, ReferenceDataSource
from shared.dynamics.related import RelatedRows, read_related
from shared.dynamics.rows import folded
from shared.dynamics.sources import ProblemKind, ReadProblem, SetMemory
from shared.dynamics.storable import unstorable_in
from shared.settings import CompanySettings, ConnectionSettings

logger = logging.getLogger(__name__)


class DynamicsReader:
    """Reads the posted customer invoices and credit notes of a connection's companies.

    Every method raises the errors of :mod:`shared.dynamics.errors`. A header set that cannot be read is an error. Any
    other that was never readable is replaced by the next best source, and the documents say so in their notes; one that
    ``memory`` knows to have been readable is waited for. ``is_complete`` judges whether a company can report an
    address, or the next one must be read.
    """

    def __init__(
        self,
        client: ODataClient,
        connection: ConnectionSettings,
        clock: Callable[[], datetime],
        *,
        is_complete: Callable[[Address, CompanySettings], bool],
        memory: SetMemory | None = None,
    ) -> None:
        self._sets = EntitySets(client, connection.dynamics.entities, clock, memory)
        self._reference = ReferenceDataSource(self._sets, clock)
        self._companies = connection.companies
        projects = [company for company, settings in connection.companies.items() if settings.project_invoices]
        self._listing = Listing(self._sets, projects, clock)
        self._is_complete = is_complete
        self._clock = clock

    def list_posted(
        self, windows: Mapping[str, date], until: date | None = None, *, left_out: LeftOut | None = None
    ) -> AsyncIterator[list[ListedDocument]]:
        """Keys and totals of the documents dated from each company's day on, each once, one server page at a time.

        One query serves all companies. Without ``until`` there is no upper end: F&O may post ahead of today. A read
        that fails is narrowed, down to the row; what it had answered before is used. A row that cannot be read is
        reported to ``left_out``, with its key where that is known, or else to the log.
        """
        return self._listing.window(windows, until, left_out)

    async def list_day(self, company: str, day: date, *, left_out: LeftOut | None = None) -> list[ListedDocument]:
        """The documents of one day; see :meth:`list_posted`."""
        return [listed async for page in self.list_posted({company: day}, day, left_out=left_out) for listed in page]

    async def count_posted(self, windows: Mapping[str, date], until: date | None = None) -> int:
        """How many documents :meth:`list_posted` would list: one call over all companies."""
        return await self._listing.count(windows, until)

    async def count_by_day(self, company: str, days: Iterable[date]) -> dict[date, int]:
        """How many documents of ``company`` are dated on each of ``days``: one call for each."""
        return {day: await self._listing.count({company: day}, day) for day in days}

    async def count_by_month(self, company: str, months: Iterable[date]) -> dict[date, int]:
        """How many documents of ``company`` are dated in the months of these days: one call for each, by first day."""
        spans = [days_of_month(month) for month in months]
        return {first: await self._listing.count({company: first}, last) for first, last in spans}

    async def find_documents(self, company: str, number: str, date: date | None = None) -> list[ListedDocument]:
        """The documents with this number, of which there may be several; all dates when ``date`` is ``None``."""
        found = (await self.find_many(company, [number]))[number]
        return [document for document in found if date in (None, document.key.date)]

    async def find_many(self, company: str, numbers: Collection[str]) -> dict[str, list[ListedDocument]]:
        """The documents of each number. F&O reads ``*`` as a wildcard, so a number with one is not looked up."""
        return await self._listing.by_number(company, numbers)

    def list_customers(self, companies: Collection[str]) -> AsyncIterator[tuple[str, list[Customer]]]:
        """The customers of ``companies``, each with its company: at most one server page of one company at a time."""
        return list_customers(self._sets, self._reference, companies)

    async def delivery_addresses(self, company: str, accounts: Collection[str]) -> DeliveryAddresses | None:
        """Where these customers have goods delivered to, read by twenty; ``None`` when that cannot be read."""
        countries = await self._reference.countries()
        return await read_delivery_addresses(self._sets, company, accounts, countries, self._clock().date())

    async def sets_done_without(self) -> dict[str, str]:
        """The sets found unreadable during the last minutes that never were readable, with the reason."""
        known = await self._sets.ever_readable()
        readable = {name.partition("/")[0] for name in known}
        return {name: why for name, why in self._sets.unreadable.items() if name not in readable}

    async def sets_waited_for(self) -> dict[str, str]:
        """The sets found unreadable during the last minutes that were readable before, with the reason."""
        without = await self.sets_done_without()
        return {name: why for name, why in self._sets.unreadable.items() if name not in without}

    async def ever_readable(self, *, anew: bool = False) -> frozenset[str]:
        """The sets that were ever readable, those of one company with ``/`` and the company; ``anew`` as all know."""
        return await self._sets.ever_readable(anew=anew)

    def ask_refused_sets_again(self) -> None:
        """Ask for the sets that were refused during the last minutes as well."""
        self._sets.forget_refusals()

    async def read_documents(
        self, company: str, keys: Sequence[DocumentKey]
    ) -> dict[DocumentKey, PostedDocument | ReadProblem]:
        """The documents of ``keys`` (at most twenty, all of ``company``) in full; what F&O does not have is absent.

        What keeps one document from being read is its :class:`ReadProblem`; the others are read all the same. The
        number of calls does not depend on the number of documents.
        """
        if len(keys) > KEYS_PER_QUERY:
            raise ValueError(f"at most {KEYS_PER_QUERY} documents can be read at once, not {len(keys)}")
        read, again = await self._read(company, keys)
        for key in again:
            read |= (await self._read(company, [key]))[0]
        return read

    async def _read(
        self, company: str, keys: Sequence[DocumentKey]
    ) -> tuple[dict[DocumentKey, PostedDocument | ReadProblem], list[DocumentKey]]:
        """What was read, and the keys to read alone: a line of theirs came twice."""
        settings = self._companies[company]
        reads = BatchReads(self._sets, await self._sets.ever_readable())
        posted = await self._posted_rows(reads, company, keys)
        found: dict[DocumentKey, PostedDocument | ReadProblem] = {
            key: rows for key, rows in posted.items() if isinstance(rows, ReadProblem)
        }
        documents = [rows for rows in posted.values() if isinstance(rows, PostedRows)]
        if documents:
            reference = await self._reference_data(company, documents)
            related, originals = await self._around(reads, company, documents, reference)
            read = {each.key: self._one(each, related, originals, reference, reads) for each in documents}
            missed = [each for each in documents if _read_without(read[each.key])]
            if missed and await reads.ask_memory():
                # Another instance has seen a set meanwhile: its documents wait for it.
                read |= {each.key: self._one(each, related, originals, reference, reads) for each in missed}
            found |= read
        if settings.project_invoices and PROJECT_HEADERS.name in reads.gone:
            why = reads.gone[PROJECT_HEADERS.name]
            for key in set(keys) - found.keys():
                sentence = f"{key} may be a project invoice, which cannot be read. {why}"
                found[key] = ReadProblem(ProblemKind.SOURCE_INCOMPLETE, sentence, (PROJECT_HEADERS.name,), gone=True)
        repeated = [
            key
            for key, read in found.items()
            if key.number in reads.repeated
            or (isinstance(read, ReadProblem) and read.kind is ProblemKind.REPEATED_LINES)
        ]
        return found, repeated

    def _one(
        self,
        document: PostedRows,
        related: RelatedRows,
        originals: Originals,
        reference: ReferenceData,
        reads: BatchReads,
    ) -> PostedDocument | ReadProblem:
        by_group = bool(self._companies[document.key.company].marketplace.customer_groups)
        rows = document, related, originals, reference
        try:
            gaps = find_gaps(*rows, reads, customers_matter=by_group)
            if isinstance(gaps, ReadProblem):
                return gaps
            read = assemble(*rows, self._sets.unreadable)
            if gaps:
                read = replace(read, read_without=gaps)
        except UnreadableRow as unreadable:
            return ReadProblem(ProblemKind.UNREADABLE_ROW, f"{document.key}: {unreadable}")
        except Exception as defect:
            logger.exception("%s: cannot be put together from its rows", document.key)
            sentence = (
                f"{document.key}: its rows cannot be understood ({type(defect).__name__}); the log has the details."
            )
            return ReadProblem(ProblemKind.UNREADABLE_ROW, sentence)
        if (where := unstorable_in(read)) is not None:
            sentence = (
                f"{document.key}: the value of {where} cannot be stored: it holds half a character, or far too many."
            )
            return ReadProblem(ProblemKind.UNREADABLE_ROW, sentence)
        return read

    async def _around(
        self, reads: BatchReads, company: str, documents: Sequence[PostedRows], reference: ReferenceData
    ) -> tuple[RelatedRows, Originals]:
        settings = self._companies[company]
        async with _together() as group:
            related = group.create_task(
                read_related(
                    reads,
                    company,
                    documents,
                    countries=reference.countries,
                    is_complete=lambda address: self._is_complete(address, settings),
                    product_tax_groups=bool(settings.product_tax_codes.tax_item_groups),
                    line_modes=bool(settings.pickup_delivery_modes),
                    delivery_addresses_of=self._clock().date() if settings.exempt_regions_from_addresses else None,
                )
            )
            originals = group.create_task(find_originals(reads, company, documents, settings.original_invoice_field))
        return related.result(), originals.result()

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
        self, reads: BatchReads, company: str, keys: Sequence[DocumentKey]
    ) -> Mapping[DocumentKey, PostedRows | ReadProblem]:
        settings = self._companies[company]
        numbers, vouchers = {key.number for key in keys}, {key.voucher for key in keys}
        if not numbers:
            return {}
        dates = [key.date for key in keys]
        span = [on_or_after("InvoiceDate", min(dates)), on_or_before("InvoiceDate", max(dates))]
        own_fields = [settings.original_invoice_field] if settings.original_invoice_field else []
        async with _together() as group:
            headers = group.create_task(
                reads.needed_rows(HEADERS, "InvoiceNumber", numbers, company=company, also=span, own_fields=own_fields)
            )
            lines = group.create_task(reads.needed_rows(LINES, "InvoiceNumber", numbers, company=company, also=span))
            journals = group.create_task(
                reads.optional_rows(JOURNALS, "InvoiceId", numbers, company=company, also=span)
            )
            journal_lines = group.create_task(
                reads.optional_rows(JOURNAL_LINES, "InvoiceId", numbers, company=company, also=span)
            )
            charges = group.create_task(reads.optional_rows(CHARGES, "Voucher", vouchers - {""}, company=company))
        posted = group_by_document(
            keys,
            headers=headers.result(),
            lines=lines.result(),
            journals=journals.result() or [],
            journal_lines=journal_lines.result() or [],
            charges=charges.result(),
        )
        for key in keys:
            if key not in posted and (why := reads.broken[HEADERS.name].get(key.number.casefold())):
                sentence = f"{key}: F&O cannot show its header: {why}"
                posted[key] = ReadProblem(ProblemKind.UNREADABLE_ROW, sentence, (HEADERS.name,))
        if not settings.project_invoices:
            return posted
        return merged(posted, await read_projects(reads, company, [key for key in keys if key.voucher]))


def _read_without(read: PostedDocument | ReadProblem) -> tuple[str, ...]:
    return read.read_without if isinstance(read, PostedDocument) else ()


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group of which the first failure is raised itself, not a group of them."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None

"""What F&O has posted, as keys and totals: listed by window, by day and by number, and counted (design 4.1)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

from shared.documents import ZERO, DocumentKey, ListedDocument
from shared.dynamics.entities import LISTED_HEADERS, Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import DynamicsError, EntityMissing, Unavailable, UnreadableRow
from shared.dynamics.filters import Filter, all_of, any_of, chunks, either, equals, on_or_after, on_or_before
from shared.dynamics.narrowing import Windows, is_narrowable
from shared.dynamics.posted import read_key
from shared.dynamics.project_entities import PROJECT_HEADERS, PROJECT_LINES
from shared.dynamics.projects import read_project_key
from shared.dynamics.reading import BatchReads
from shared.dynamics.rows import Row, amount, folded, required_amount

logger = logging.getLogger(__name__)

LeftOut = Callable[[UnreadableRow], None]


class Listing:
    """Lists the documents of an environment. ``project_companies`` are those whose project invoices are read."""

    def __init__(self, sets: EntitySets, project_companies: Collection[str], clock: Callable[[], datetime]) -> None:
        self._sets = sets
        self._projects = frozenset(project_companies)
        self._clock = clock
        self._windows = Windows(sets, clock)

    async def window(
        self, from_dates: Mapping[str, date], until: date | None, left_out: LeftOut | None
    ) -> AsyncIterator[list[ListedDocument]]:
        """The documents dated from each company's day on, each once; see :meth:`DynamicsReader.list_posted`."""
        report = left_out or _log
        for companies in chunks(sorted(from_dates)):
            some = {company: from_dates[company] for company in companies}
            projects = {company: since for company, since in some.items() if company in self._projects}
            listed: set[DocumentKey] = set()
            async for page in self._pages(LISTED_HEADERS, some, until, report):
                found = list(_listed_of(page, some, _listed, report))
                listed.update(document.key for document in found if document.key.company in projects)
                yield found
            async for found in self._project_pages(projects, until, report):
                # Item parts of a project invoice may be posted to the customer journal as well.
                yield [document for document in found if document.key not in listed]

    async def by_number(self, company: str, numbers: Collection[str]) -> dict[str, list[ListedDocument]]:
        """The documents of each number. F&O reads ``*`` as a wildcard, so a number with one is not looked up."""
        wanted = {number for number in numbers if number.strip() and "*" not in number}
        reads = BatchReads(self._sets, frozenset())
        rows = await reads.needed_rows(LISTED_HEADERS, "InvoiceNumber", wanted, company=company)
        for number, why in reads.broken[LISTED_HEADERS.name].items():
            logger.error("%s: F&O cannot show what has the number %s: %s", company, number, why)
        by_key: dict[DocumentKey, ListedDocument] = {}

        def unreadable(row: UnreadableRow) -> None:
            _log(row)
            if row.key:  # the worker finds out what to hold
                by_key[row.key] = ListedDocument(row.key, ZERO, ZERO)

        found = {document.key: document for document in _listed_of(rows, {company}, _listed, unreadable)}
        if company in self._projects:
            projects = await self._project_rows(company, wanted)
            taxes = await self._project_taxes([company], projects)
            for project in _listed_of(projects, {company}, partial(_listed_project, taxes=taxes), unreadable):
                found.setdefault(project.key, project)
        by_number: defaultdict[str, list[ListedDocument]] = defaultdict(list)
        for document in sorted({**by_key, **found}.values(), key=lambda document: document.key):
            by_number[document.key.number.casefold()].append(document)
        return {number: by_number.get(number.casefold(), []) for number in numbers}

    async def count(self, from_dates: Mapping[str, date], until: date | None) -> int:
        """How many documents there are dated from each company's day on: one call for twenty companies."""
        total = 0
        for companies in chunks(sorted(from_dates)):
            some = {company: from_dates[company] for company in companies}
            total += await self._count(LISTED_HEADERS, some, until)
            projects = {company: since for company, since in some.items() if company in self._projects}
            if projects:
                total += await self._count_projects(projects, until)
        return total

    async def _count_projects(self, from_dates: Mapping[str, date], until: date | None) -> int:
        try:
            return await self._count(PROJECT_HEADERS, from_dates, until)
        except DynamicsError as error:
            _tell_missing(error)
            return 0

    async def _count(self, entity: Entity, from_dates: Mapping[str, date], until: date | None) -> int:
        where = _window(from_dates, until)
        try:
            return await self._sets.count(entity, where)
        except Unavailable as trouble:
            first, last = min(from_dates.values()), until or self._clock().date()
            if last <= first or not await is_narrowable(self._sets, entity, None, trouble):
                raise
        middle = first + (last - first) // 2
        earlier = {company: since for company, since in from_dates.items() if since <= middle}
        later = {company: max(since, middle + timedelta(days=1)) for company, since in from_dates.items()}
        return await self._count(entity, earlier, middle) + await self._count(entity, later, until)

    def _pages(
        self, entity: Entity, from_dates: Mapping[str, date], until: date | None, report: LeftOut
    ) -> AsyncIterator[list[Row]]:
        def where(first: date, last: date | None) -> Filter:
            return _window({company: max(since, first) for company, since in from_dates.items()}, last)

        def unreadable(row: Row | None, trouble: Unavailable) -> None:
            report(_broken(row, trouble))

        companies = [equals("dataAreaId", company) for company in sorted(from_dates)]
        return self._windows.pages(entity, where, min(from_dates.values()), until, companies, unreadable)

    async def _project_pages(
        self, from_dates: Mapping[str, date], until: date | None, report: LeftOut
    ) -> AsyncIterator[list[ListedDocument]]:
        """Project invoices; where their set is missing, the others are listed all the same and the log says so."""
        if not from_dates:
            return
        try:
            async for page in self._pages(PROJECT_HEADERS, from_dates, until, report):
                taxes = await self._project_taxes(from_dates, page)
                yield list(_listed_of(page, from_dates, partial(_listed_project, taxes=taxes), report))
        except DynamicsError as error:
            _tell_missing(error)

    async def _project_rows(self, company: str, numbers: Collection[str]) -> list[Row]:
        try:
            return await self._sets.rows(PROJECT_HEADERS, "ProjInvoiceId", numbers, company=company)
        except DynamicsError as error:
            _tell_missing(error)
            return []

    async def _project_taxes(
        self, companies: Iterable[str], page: Iterable[Row]
    ) -> Mapping[tuple[str, object, object], Decimal]:
        """The tax of each project invoice, which only its lines know, by company, number and voucher."""
        taxes: defaultdict[tuple[str, object, object], Decimal] = defaultdict(lambda: ZERO)
        days = [key.date for key in map(_project_key_or_none, page) if key]
        if not days:
            return taxes
        where = all_of(
            any_of("dataAreaId", sorted(companies)),
            on_or_after("InvoiceDate", min(days)),
            on_or_before("InvoiceDate", max(days)),
        )
        for entity in PROJECT_LINES:
            async for rows in self._sets.pages(entity, where):
                for row in rows:
                    taxes[_project_id(row)] += amount(row, "TaxAmount")
        return taxes


def days_of_month(month: date) -> tuple[date, date]:
    """First and last day of the month in which ``month`` lies."""
    first = month.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


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


def _listed_of(
    rows: Iterable[Row], companies: Collection[str], read: Callable[[Row], ListedDocument], report: LeftOut
) -> Iterable[ListedDocument]:
    for row in rows:
        if folded(row, "dataAreaId") not in companies:
            continue
        try:
            yield read(row)
        except UnreadableRow as unreadable:
            report(unreadable)


def _listed(row: Row) -> ListedDocument:
    key = read_key(row)
    return ListedDocument(key, *(_total(row, name, key) for name in ("TotalInvoiceAmount", "TotalTaxAmount")))


def _listed_project(row: Row, taxes: Mapping[tuple[str, object, object], Decimal]) -> ListedDocument:
    key = read_project_key(row)
    return ListedDocument(key, _total(row, "InvoiceAmount", key), taxes.get(_project_id(row), ZERO))


def _project_key_or_none(row: Row) -> DocumentKey | None:
    try:
        return read_project_key(row)
    except UnreadableRow:
        return None


def _project_id(row: Row) -> tuple[str, object, object]:
    return folded(row, "dataAreaId"), row.get("ProjInvoiceId"), row.get("LedgerVoucher")


def _total(row: Row, name: str, key: DocumentKey) -> Decimal:
    try:
        return required_amount(row, name)
    except UnreadableRow as unreadable:
        raise UnreadableRow(f"{key}: {unreadable}", key) from None


def _broken(row: Row | None, trouble: Unavailable) -> UnreadableRow:
    """The report of a row that F&O cannot show: with its key where that much can be read."""
    if row is None:
        return UnreadableRow(f"F&O lists a document that it cannot show, not even its key: {trouble}")
    try:
        key = read_project_key(row) if "ProjInvoiceId" in row else read_key(row)
    except UnreadableRow as unreadable:
        return unreadable
    return UnreadableRow(f"{key}: F&O cannot show its header: {trouble}", key)


def _tell_missing(error: DynamicsError) -> None:
    """Project sets that are missing or forbidden keep nothing else; any other trouble is raised."""
    if not isinstance(error, EntityMissing) and getattr(error, "set", None) is None:
        raise error
    logger.error("PROJECT_INVOICES is on, and project invoices cannot be listed: %s", error)


def _log(unreadable: UnreadableRow) -> None:
    logger.error("left out: %s", unreadable)

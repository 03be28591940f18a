"""Customers: one from its row, and all of a connection's companies page by page."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import astuple
from datetime import date
from itertools import groupby

from shared.documents import Address, Customer
from shared.dynamics.addresses import CUSTOMER_DELIVERY, CUSTOMER_INVOICE, CUSTOMER_PRIMARY, Countries
from shared.dynamics.entities import CUSTOMER_ADDRESSES, CUSTOMERS
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import Unavailable, UnreadableRow
from shared.dynamics.filters import Comparison, any_of, chunks, enum, equals
from shared.dynamics.narrowing import is_narrowable, rows_in_small_pages
from shared.dynamics.reading import BatchReads
from shared.dynamics.reference_data import ReferenceDataSource, UntaxedGroups
from shared.dynamics.rows import Row, day, folded, text, yes

logger = logging.getLogger(__name__)

DeliveryAddresses = Mapping[str, tuple[Address, ...]]
"""Customer account, case-folded, → its delivery addresses; a customer without any is missing."""

_IS_DELIVERY = Comparison("IsRoleDelivery", "eq", enum("NoYes", "Yes"))


def read_customer(row: Row, countries: Countries, untaxed_groups: UntaxedGroups) -> Customer:
    """A customer account, for its exemption and its addresses."""
    person = f"{text(row, 'PersonFirstName')} {text(row, 'PersonLastName')}".strip()
    tax_group = folded(row, "SalesTaxGroup")
    return Customer(
        account=text(row, "CustomerAccount"),
        name=text(row, "OrganizationName") or person or text(row, "NameAlias"),
        tax_group=text(row, "SalesTaxGroup"),
        customer_group=text(row, "CustomerGroupId"),
        federal_indicator=text(row, "FederalIndicator"),
        tax_group_exempt=untaxed_groups.get(tax_group) if tax_group else False,
        delivery_address=CUSTOMER_DELIVERY.read(row, countries),
        primary_address=CUSTOMER_PRIMARY.read(row, countries),
        invoice_address=CUSTOMER_INVOICE.read(row, countries),
    )


async def read_delivery_addresses(
    sets: EntitySets | BatchReads, company: str, accounts: Collection[str], countries: Countries, today: date
) -> DeliveryAddresses | None:
    """The delivery addresses of ``accounts`` that are valid today; ``None`` when they cannot be read."""
    rows = await sets.optional_rows(
        CUSTOMER_ADDRESSES, "CustomerAccountNumber", accounts, company=company, also=[_IS_DELIVERY]
    )
    if rows is None:
        return None
    found: defaultdict[str, set[Address]] = defaultdict(set)
    for row in rows:
        try:
            valid = (day(row, "Effective") or today) <= today <= (day(row, "Expiration") or today)
        except UnreadableRow:
            return None
        address = CUSTOMER_PRIMARY.read(row, countries)
        if address and valid and yes(row, "IsRoleDelivery"):
            found[folded(row, "CustomerAccountNumber")].add(address)
    # The same addresses must look the same each time, in whatever order F&O lists them.
    return {account: tuple(sorted(addresses, key=astuple)) for account, addresses in found.items()}


async def list_customers(
    sets: EntitySets, reference: ReferenceDataSource, companies: Collection[str]
) -> AsyncIterator[tuple[str, list[Customer]]]:
    """The customers of ``companies`` by account: at most one server page of one company at a time."""
    countries = await reference.countries()
    for some in chunks(sorted(companies)):
        groups = {company: await reference.untaxed_groups(company) for company in some}
        async for page in _pages(sets, some):
            for company, rows in groupby(page, key=lambda row: folded(row, "dataAreaId")):
                if company in groups:
                    yield company, [read_customer(row, countries, groups[company]) for row in rows]


async def _pages(sets: EntitySets, companies: Sequence[str]) -> AsyncIterator[list[Row]]:
    """The customers by company and account; one that F&O cannot show is named in the log and keeps no other."""

    def unreadable(row: Row | None, trouble: Unavailable) -> None:
        account = text(row or {}, "CustomerAccount") or "unknown"
        logger.error("left out: customer %s, which F&O cannot show: %s", account, trouble)

    last: Row | None = None
    where = any_of("dataAreaId", companies)
    try:
        async for page in sets.pages(CUSTOMERS, where):
            yield page
            last = page[-1] if page else last
        return
    except Unavailable as trouble:
        if not await is_narrowable(sets, CUSTOMERS, where, trouble):
            raise
    reached = folded(last, "dataAreaId") if last is not None else ""
    for company in companies:
        if company < reached:
            continue
        mine, after = equals("dataAreaId", company), last if company == reached else None
        async for page in rows_in_small_pages(sets, CUSTOMERS, mine, CUSTOMERS.key[1:], unreadable, after=after):
            yield page

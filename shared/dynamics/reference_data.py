"""Master data of an environment that hardly changes: warehouses, sites, companies, countries, charge codes, tax groups.

Each set is read whole, once per company, and kept for an hour. What a copy lacks may be new in F&O: it is looked up
again, at most every five minutes. A set that showed rows before and shows none, or cannot be read, is gone: documents
that need it wait (design 4.1).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from shared.documents import Address
from shared.dynamics.addresses import LEGAL_ENTITY, Countries, stock_address
from shared.dynamics.entities import (
    CHARGE_CODES,
    COUNTRIES,
    LEGAL_ENTITIES,
    SITES,
    TAX_GROUP_CODES,
    TAX_GROUPS,
    WAREHOUSES,
    Entity,
)
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import Unavailable
from shared.dynamics.filters import Comparison, Filter, all_of, enum, equals
from shared.dynamics.narrowing import is_narrowable, rows_in_small_pages
from shared.dynamics.rows import Row, folded, text, yes

logger = logging.getLogger(__name__)

UntaxedGroups = Mapping[str, bool]
"""Sales tax group, case-folded, → whether it taxes nothing. A group that is missing may be either."""

_KEPT = timedelta(hours=1)
_LOOKED_UP_AGAIN = timedelta(minutes=5)
_CUSTOMER_CHARGES = Comparison("ModuleType", "eq", enum("MarkupModuleType", "Cust"))


@dataclass(frozen=True)
class ReferenceData:
    """The master data of one company. Ids are case-folded; ``shipping_codes`` is ``None`` when unreadable."""

    warehouses: Mapping[str, Row]
    sites: Mapping[str, Row]
    countries: Countries
    legal_entity: Row | None = None
    shipping_codes: Mapping[str, bool] | None = None
    untaxed_groups: UntaxedGroups = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    """Sets that were readable before and cannot be read now, with the reason."""

    def warehouse_address(self, warehouse: str) -> Address | None:
        """Where a warehouse is."""
        return self._warehouse_addresses.get(warehouse.casefold())

    def site_address(self, site: str, warehouse: str) -> Address | None:
        """Where a site is; a line that names no site has that of its warehouse."""
        row = self.warehouses.get(warehouse.casefold(), {})
        return self._site_addresses.get(site.casefold() or folded(row, "OperationalSiteId"))

    def is_exempt(self, tax_group: str) -> bool | None:
        """Whether F&O taxes nothing in a sales tax group; ``None`` when that cannot be read, false for no group."""
        return self.untaxed_groups.get(tax_group.casefold()) if tax_group else False

    @cached_property
    def own_addresses(self) -> tuple[Address, ...]:
        """The company's warehouses, sites and its own, each once, in an order that is always the same."""
        found = {*self._warehouse_addresses.values(), *self._site_addresses.values(), self.legal_entity_address}
        return tuple(sorted((address for address in found if address is not None), key=astuple))

    @cached_property
    def _warehouse_addresses(self) -> Mapping[str, Address | None]:
        return {name: stock_address(row, self.countries) for name, row in self.warehouses.items()}

    @cached_property
    def _site_addresses(self) -> Mapping[str, Address | None]:
        return {name: stock_address(row, self.countries) for name, row in self.sites.items()}

    @cached_property
    def legal_entity_address(self) -> Address | None:
        """Where the company is."""
        return LEGAL_ENTITY.read(self.legal_entity, self.countries)


@dataclass(frozen=True, slots=True)
class _Copy:
    read_at: datetime
    rows: Mapping[str, Row]


class ReferenceDataSource:
    """Reads master data and keeps it."""

    def __init__(self, sets: EntitySets, clock: Callable[[], datetime]) -> None:
        self._sets = sets
        self._clock = clock
        self._copies: dict[tuple[str, str], _Copy] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(
        self, company: str, *, warehouses: Collection[str], sites: Collection[str], charge_codes: Collection[str]
    ) -> ReferenceData:
        """The master data of ``company``, in which the case-folded ids given were looked for."""
        gone: dict[str, str] = {}
        mine = equals("dataAreaId", company)
        stock = await self._read(WAREHOUSES, "WarehouseId", company, mine, warehouses, gone)
        site_rows = await self._read(SITES, "SiteId", company, mine, sites, gone)
        entities = await self._read(LEGAL_ENTITIES, "LegalEntityId", "", gone=gone)
        codes = None
        if charge_codes:
            customer_charges = all_of(mine, _CUSTOMER_CHARGES)
            codes = await self._read(CHARGE_CODES, "MarkupCode", company, customer_charges, charge_codes, gone)
        return ReferenceData(
            warehouses=stock or {},
            sites=site_rows or {},
            countries=await self.countries(gone),
            legal_entity=(entities or {}).get(company),
            shipping_codes=None if codes is None else {code: yes(row, "IsShipping") for code, row in codes.items()},
            untaxed_groups=await self.untaxed_groups(company, gone),
            gone=gone,
        )

    async def countries(self, gone: dict[str, str] | None = None) -> Countries:
        """Country/region ids with their two-letter codes; empty when unreadable."""
        rows = await self._read(COUNTRIES, "CountryRegion", "", gone=gone) or {}
        return {country: text(row, "ISOcode") for country, row in rows.items()}

    async def untaxed_groups(self, company: str, gone: dict[str, str] | None = None) -> UntaxedGroups:
        """Which sales tax groups tax nothing: those without a code, and those of which every code is exempt.

        A company of which no code can be seen is one whose codes the app's user may not read: nothing is known then.
        """
        mine = equals("dataAreaId", company)
        codes = await self._read(TAX_GROUP_CODES, ("TaxGroupId", "TaxCodeId"), company, mine, gone=gone)
        if not codes:
            return {}
        groups = await self._read(TAX_GROUPS, "TaxGroupCode", company, mine, gone=gone) or {}
        with_codes = {folded(row, "TaxGroupId") for row in codes.values()}
        taxed = {folded(row, "TaxGroupId") for row in codes.values() if not yes(row, "ExemptTax")}
        return {group: group not in taxed for group in with_codes.union(groups)}

    async def _read(
        self,
        entity: Entity,
        key: str | tuple[str, ...],
        company: str,
        where: Filter | None = None,
        wanted: Collection[str] = (),
        gone: dict[str, str] | None = None,
    ) -> Mapping[str, Row] | None:
        name = f"{entity.name}/{company}" if company else entity.name
        async with self._locks[entity.name, company]:
            copy = self._copies.get((entity.name, company))
            if copy is not None and not self._is_stale(copy, wanted):
                return copy.rows
            rows, why = await self._whole(entity, where)
            if not rows and name in await self._sets.ever_readable(anew=rows is None):
                if gone is not None:
                    gone[entity.name] = why or f"F&O shows no row of {entity.name}, as it did before."
                return None
            if rows is None:
                return None
            if rows:
                await self._sets.note_readable(name)
            copy = _Copy(self._clock(), {_id(row, key): row for row in rows})
            self._copies[entity.name, company] = copy
            return copy.rows

    async def _whole(self, entity: Entity, where: Filter | None) -> tuple[list[Row] | None, str]:
        """All rows, or ``None`` and the reason. A row that F&O cannot show is left out, and missed where it is named.

        Raises :class:`Unavailable` when the set answers nothing at all.
        """
        try:
            rows = await self._sets.whole_optional(entity, where)
            return rows, self._sets.unreadable.get(entity.name, "") if rows is None else ""
        except Unavailable as trouble:
            if not await is_narrowable(self._sets, entity, where, trouble):
                raise
        fixed = {"dataAreaId", "ModuleType"} if where is not None else set()
        fields = [name for name in entity.key if name not in fixed]
        found = [page async for page in rows_in_small_pages(self._sets, entity, where, fields, _log)]
        return [row for page in found for row in page], ""

    def _is_stale(self, copy: _Copy, wanted: Collection[str]) -> bool:
        age = self._clock() - copy.read_at
        return age >= _KEPT or (age >= _LOOKED_UP_AGAIN and any(id not in copy.rows for id in wanted))


def _log(row: Row | None, trouble: Unavailable) -> None:
    logger.error("left out of the master data: a row that F&O cannot show: %s", trouble)


def _id(row: Row, key: str | tuple[str, ...]) -> str:
    return folded(row, key) if isinstance(key, str) else "|".join(folded(row, part) for part in key)

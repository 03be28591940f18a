"""Reading entity sets under their standard names, whatever the environment calls them.

Customers extend entities: settings may give a set another name and rename its fields. Requests are translated on
their way out and rows on their way back, so that nothing else knows of it.

A set may be missing or forbidden. That is remembered for a few minutes, and explained. A set that ever showed a row is
remembered for good: it is required from then on (design 4.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from shared.dynamics.entities import Entity
from shared.dynamics.errors import AccessDenied, BadQuery, DynamicsError, EntityMissing, Unavailable
from shared.dynamics.filters import Filter, all_of, any_of, chunks, equals
from shared.dynamics.odata import ODataClient
from shared.dynamics.rows import Row, folded, is_id
from shared.dynamics.sources import ForgetfulMemory, SetMemory
from shared.settings import EntitySettings

_Id = TypeVar("_Id", str, int)

_REMEMBERED = timedelta(minutes=5)
"""As long as a pause lasts until its next probe: access that is back is noticed as soon."""
_STANDARD = EntitySettings()


class EntitySets:
    """The entity sets of one environment. ``profile`` is the setting ``…__DYNAMICS__ENTITIES``."""

    def __init__(
        self,
        client: ODataClient,
        profile: Mapping[str, EntitySettings],
        clock: Callable[[], datetime],
        memory: SetMemory | None = None,
    ) -> None:
        self.profile = profile
        self._client = client
        self._clock = clock
        self._memory = memory or ForgetfulMemory()
        self._readable: set[str] | None = None
        self._noting = asyncio.Lock()
        self._refused: dict[tuple[str, str], tuple[datetime, str]] = {}

    def set_name(self, entity: Entity) -> str:
        """What the environment calls the set."""
        return self._settings(entity).set or entity.name

    def field_name(self, entity: Entity, field: str) -> str:
        """What the environment calls a field of the set."""
        return self._settings(entity).fields.get(field.casefold(), field)

    def selected(self, entity: Entity) -> tuple[str, ...]:
        """The fields that are asked for, under their standard names."""
        settings = self._settings(entity)
        spare = (field for field in entity.spare if not settings.set or field.casefold() in settings.fields)
        return tuple(dict.fromkeys((*entity.fields, *spare)))

    def _settings(self, entity: Entity) -> EntitySettings:
        return self.profile.get(entity.name.casefold(), _STANDARD)

    async def pages(
        self,
        entity: Entity,
        where: Filter | None = None,
        *,
        orderby: Sequence[str] | None = None,
        own_fields: Sequence[str] = (),
        expand: str = "",
        top: int | None = None,
        skip: int = 0,
    ) -> AsyncIterator[list[Row]]:
        """Pages of rows, in the order of the whole key unless ``orderby`` says otherwise.

        ``own_fields`` are fields of the environment's own, selected and returned as they are.
        """
        rename = partial(self.field_name, entity)
        selected = self.selected(entity)
        names = {rename(field): field for field in selected}
        order = [field for field in entity.key if field in selected] if orderby is None else orderby
        pages = self._client.get_pages(
            self.set_name(entity),
            select=list(dict.fromkeys((*names, *own_fields))),
            filter=where.text(rename) if where else "",
            orderby=[rename(field) for field in order],
            expand=expand,
            top=top,
            skip=skip,
        )
        renamed = {standard: name for name, standard in names.items() if name != standard}
        async for page in pages:
            if renamed:
                yield [row | {standard: row.get(name) for standard, name in renamed.items()} for row in page]
            else:
                yield [*page]

    async def count(self, entity: Entity, where: Filter) -> int:
        """How many rows meet ``where``: one call, no row."""
        rename = partial(self.field_name, entity)
        return await self._client.count(self.set_name(entity), filter=where.text(rename))

    async def answers(self, entity: Entity, where: Filter | None) -> bool:
        """Whether the set answers at all: some one row, or if that is just one that breaks answers, a count."""
        try:
            async for _ in self.pages(Entity(entity.name, entity.key[:1]), orderby=(), top=1):
                return True
        except Unavailable:
            return where is not None and await self._counts(entity, where)
        return True

    async def _counts(self, entity: Entity, where: Filter) -> bool:
        try:
            await self.count(entity, where)
        except Unavailable:
            return False
        return True

    async def rows(
        self,
        entity: Entity,
        field: str,
        values: Collection[_Id],
        *,
        company: str | None = None,
        also: Sequence[Filter] = (),
        own_fields: Sequence[str] = (),
        expand: str = "",
        repeated: Callable[[Row], None] | None = None,
    ) -> list[Row]:
        """The rows of ``company`` whose ``field`` is one of ``values``: one query for twenty of them, none for none.

        Strings are compared as F&O does, so a row too many may come along; match what matters. A row that comes twice
        is dropped and reported to ``repeated``. A value that nothing can have, as it is not text or far too long, is
        not asked for.
        """
        scope = [equals("dataAreaId", company)] if company else []
        wanted = sorted(value for value in values if is_id(value))
        asked = {str(value).strip().casefold() for value in wanted}
        found: dict[int, list[Row]] = {}
        kept: list[Row] = []
        for keys in chunks(wanted):
            where = all_of(*scope, any_of(field, keys), *also)
            async for page in self.pages(entity, where, own_fields=own_fields, expand=expand):
                for row in page:
                    if company and folded(row, "dataAreaId") != company:
                        continue
                    same = found.setdefault(_hash(row, entity), [])
                    if row not in same:
                        same.append(row)
                        kept.append(row)
                    elif repeated is not None:
                        repeated(row)
        if any(_value(row, field) in asked for row in kept):
            await self.note_readable(entity.name)
        return kept

    async def optional_rows(
        self,
        entity: Entity,
        field: str,
        values: Collection[_Id],
        *,
        company: str | None = None,
        also: Sequence[Filter] = (),
        expand: str = "",
    ) -> list[Row] | None:
        """The same for a set that may be missing, forbidden or different: ``None`` when it cannot be read."""
        if not values:
            return []
        read = partial(self.rows, entity, field, values, company=company, also=also, expand=expand)
        return await self.if_readable(entity, read, expand)

    async def whole_optional(self, entity: Entity, where: Filter | None = None) -> list[Row] | None:
        """All rows of an optional set that meet ``where``; ``None`` when it cannot be read."""

        async def read() -> list[Row]:
            return [row async for page in self.pages(entity, where) for row in page]

        return await self.if_readable(entity, read)

    async def if_readable(
        self, entity: Entity, read: Callable[[], Awaitable[list[Row]]], expand: str = ""
    ) -> list[Row] | None:
        """What ``read`` gives of an optional set; ``None`` when it cannot be read: then it is not asked for a while."""
        if self.is_refused(entity, expand):
            return None
        try:
            return await read()
        except DynamicsError as error:
            self.remember_or_raise(entity, expand, error)
            return None

    @property
    def unreadable(self) -> Mapping[str, str]:
        """The optional sets found unreadable during the last minutes, by standard name, with the reason."""
        return {name: why for (name, expand), (_, why) in self._refused.items() if not expand}

    @property
    def seen(self) -> frozenset[str]:
        """The sets that this instance knows to have shown a row at any time."""
        return frozenset(self._readable or ())

    async def ever_readable(self, *, anew: bool = False) -> frozenset[str]:
        """The standard names of the sets that ever showed a row, ``anew`` with what other instances have seen."""
        if self._readable is None or anew:
            self._readable = (self._readable or set()) | await self._memory.readable()
        return frozenset(self._readable)

    async def note_readable(self, name: str) -> None:
        """Remember that the set ``name``, or with ``/`` and a company behind it that company's part, showed a row."""
        async with self._noting:
            if name not in await self.ever_readable():
                await self._memory.remember(name)
                self._readable = {*(self._readable or ()), name}

    def is_refused(self, entity: Entity, expand: str = "") -> bool:
        """Whether the set was refused during the last minutes and is left alone for now."""
        refused = self._refused.get((entity.name, expand))
        if refused is not None and self._clock() >= refused[0]:
            del self._refused[entity.name, expand]
            return False
        return refused is not None

    def forget_refusals(self) -> None:
        """Leave no set alone any longer."""
        self._refused.clear()

    def remember_or_raise(self, entity: Entity, expand: str, error: DynamicsError) -> None:
        """Note that the set is refused; raise ``error`` if it is about more than this set."""
        about_this_set = isinstance(error, EntityMissing | BadQuery) or (
            isinstance(error, AccessDenied) and error.set is not None
        )
        if not about_this_set:
            raise error
        self._refused[entity.name, expand] = (self._clock() + _REMEMBERED, str(error))


def _value(row: Row, field: str) -> str:
    """A value as it compares with what was asked for; some services send 64-bit integers as strings."""
    return str(row.get(field)).strip().casefold()


def _hash(row: Row, entity: Entity) -> int:
    return hash(tuple(str(row.get(name)) for name in entity.key))

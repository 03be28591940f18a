"""Reading entity sets under their standard names, whatever the environment calls them.

Customers extend entities: settings may give a set another name and rename its fields. Requests are translated on
their way out and rows on their way back, so that nothing else knows of it.

Sets that only refine a document may be missing or forbidden. That is remembered for a few minutes, and explained.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from shared.dynamics.entities import Entity
from shared.dynamics.errors import AccessDenied, BadQuery, DynamicsError, EntityMissing
from shared.dynamics.filters import Filter, all_of, any_of, chunks, equals
from shared.dynamics.odata import ODataClient
from shared.dynamics.rows import Row, folded
from shared.settings import EntitySettings

_Id = TypeVar("_Id", str, int)

_REMEMBERED = timedelta(minutes=5)
"""As long as a pause lasts until its next probe: access that is back is noticed as soon."""
_STANDARD = EntitySettings()


class EntitySets:
    """The entity sets of one environment. ``profile`` is the setting ``…__DYNAMICS__ENTITIES``."""

    def __init__(
        self, client: ODataClient, profile: Mapping[str, EntitySettings], clock: Callable[[], datetime]
    ) -> None:
        self.profile = profile
        self._client = client
        self._clock = clock
        self._refused: dict[tuple[str, str], tuple[datetime, str]] = {}

    def set_name(self, entity: Entity) -> str:
        """What the environment calls the set."""
        return self._settings(entity).set or entity.name

    def field_name(self, entity: Entity, field: str) -> str:
        """What the environment calls a field of the set."""
        return self._settings(entity).fields.get(field.casefold(), field)

    def _settings(self, entity: Entity) -> EntitySettings:
        return self.profile.get(entity.name.casefold(), _STANDARD)

    async def pages(
        self,
        entity: Entity,
        where: Filter | None = None,
        *,
        orderby: Sequence[str] = (),
        own_fields: Sequence[str] = (),
        expand: str = "",
        top: int | None = None,
    ) -> AsyncIterator[list[Row]]:
        """Pages of rows. ``own_fields`` are fields of the environment's own, selected and returned as they are."""
        rename = partial(self.field_name, entity)
        names = {rename(field): field for field in entity.fields}
        pages = self._client.get_pages(
            self.set_name(entity),
            select=list(dict.fromkeys((*names, *own_fields))),
            filter=where.text(rename) if where else "",
            orderby=[rename(field) for field in orderby],
            expand=expand,
            top=top,
        )
        async for page in pages:
            yield [row | {standard: row.get(name) for name, standard in names.items()} for row in page]

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
    ) -> list[Row]:
        """The rows of ``company`` whose ``field`` is one of ``values``: one query for twenty of them, none for none.

        Strings are compared as F&O does, so a row too many may come along; match what matters.
        """
        scope = [equals("dataAreaId", company)] if company else []
        found: list[Row] = []
        for keys in chunks(sorted(values)):
            where = all_of(*scope, any_of(field, keys), *also)
            async for page in self.pages(entity, where, own_fields=own_fields, expand=expand):
                found += [row for row in page if not company or folded(row, "dataAreaId") == company]
        return found

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
        if self._remembers(entity, expand):
            return None
        try:
            return await self.rows(entity, field, values, company=company, also=also, expand=expand)
        except DynamicsError as error:
            self._remember_or_raise(entity, expand, error)
            return None

    async def whole_optional(self, entity: Entity, where: Filter | None = None) -> list[Row] | None:
        """All rows of an optional set that meet ``where``; ``None`` when it cannot be read."""
        if self._remembers(entity):
            return None
        try:
            return [row async for page in self.pages(entity, where) for row in page]
        except DynamicsError as error:
            self._remember_or_raise(entity, "", error)
            return None

    @property
    def unreadable(self) -> Mapping[str, str]:
        """The optional sets found unreadable during the last minutes, by standard name, with the reason."""
        return {name: why for (name, expand), (_, why) in self._refused.items() if not expand}

    def _remembers(self, entity: Entity, expand: str = "") -> bool:
        refused = self._refused.get((entity.name, expand))
        if refused is not None and self._clock() >= refused[0]:
            del self._refused[entity.name, expand]
            return False
        return refused is not None

    def _remember_or_raise(self, entity: Entity, expand: str, error: DynamicsError) -> None:
        about_this_set = isinstance(error, EntityMissing | BadQuery) or (
            isinstance(error, AccessDenied) and error.set is not None
        )
        if not about_this_set:
            raise error
        self._refused[entity.name, expand] = (self._clock() + _REMEMBERED, str(error))

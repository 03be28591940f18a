"""The keyed reads of one batch of documents, with what each of them could not show.

One row that F&O cannot render must not keep the other documents: a read that fails is made smaller until only its own
keys fail. A set that was readable before is never done without (design 4.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from typing import TypeVar

from shared.dynamics.entities import Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import AccessDenied, BadQuery, EntityMissing, Unavailable
from shared.dynamics.filters import Filter, all_of, chunks, either, equals
from shared.dynamics.narrowing import ONCE_MORE
from shared.dynamics.rows import Row, folded

_Id = TypeVar("_Id", str, int)


class BatchReads:
    """Reads for one batch. ``ever_readable`` are the sets that were readable at its beginning."""

    def __init__(self, sets: EntitySets, ever_readable: frozenset[str]) -> None:
        self.sets = sets
        self.ever_readable = ever_readable
        self.gone: dict[str, str] = {}
        """Sets that cannot be read and must not be done without, with the reason."""
        self.broken: defaultdict[str, dict[object, str]] = defaultdict(dict)
        """Set → the ids (strings case-folded) whose rows F&O cannot show, with the reason."""
        self.repeated: set[object] = set()
        """Numbers of documents of which a line came twice, as it does while pages shift."""
        self._asked_memory = False

    async def needed_rows(
        self,
        entity: Entity,
        field: str,
        values: Collection[_Id],
        *,
        company: str,
        also: Sequence[Filter] = (),
        own_fields: Sequence[str] = (),
    ) -> list[Row]:
        """Rows of a set without which its documents are not reported; while it is missing, it is noted as gone.

        That the app's user may not read a set that every document needs concerns the whole connection, and is raised.
        """
        try:
            return await self._rows(entity, field, values, company=company, also=also, own_fields=own_fields)
        except (EntityMissing, BadQuery) as error:
            if entity.name in _CORE:
                raise
            self.gone[entity.name] = str(error)
        except AccessDenied as error:
            if error.set is None or entity.name in _OF_ALL:
                raise
            self.gone[entity.name] = str(error)
        return []

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
        """Rows of a set that may never have been readable: ``None`` when it cannot be read now."""
        if not values:
            return []
        read = partial(self._rows, entity, field, values, company=company, also=also, expand=expand)
        rows = await self.sets.if_readable(entity, read, expand)
        if rows is None:
            await self._miss(entity, expand)
        return rows

    async def matching_rows(self, entity: Entity, any_of_these: Sequence[Filter], *, company: str) -> list[Row] | None:
        """The rows of ``company`` that meet one of the filters, ten to a call; ``None`` when F&O fails to find them."""
        rows: list[Row] = []
        try:
            for some in chunks(any_of_these, 10):
                where = all_of(equals("dataAreaId", company), either(*some))
                async for page in self.sets.pages(entity, where):
                    rows += [row for row in page if folded(row, "dataAreaId") == company]
        except Unavailable as trouble:
            if trouble.retry_after is not None:
                raise
            return None
        return rows

    def _note_repeated(self, row: Row) -> None:
        self.repeated.add(row.get("InvoiceNumber") or row.get("InvoiceId"))

    @property
    def readable(self) -> frozenset[str]:
        """The sets that are known to have been readable, now or before."""
        return self.ever_readable | self.sets.seen

    async def ask_memory(self) -> bool:
        """Learn once what other instances have seen; whether that is more than was known."""
        if self._asked_memory:
            return False
        self._asked_memory = True
        known = self.readable
        self.ever_readable |= await self.sets.ever_readable(anew=True)
        return self.readable > known

    async def _miss(self, entity: Entity, expand: str) -> None:
        """Note a set that is refused as gone if any instance ever saw it, now or before."""
        if expand:
            return
        if entity.name not in self.ever_readable:
            await self.ask_memory()
        if entity.name in self.ever_readable:
            self.gone[entity.name] = self.sets.unreadable[entity.name]

    async def _rows(
        self,
        entity: Entity,
        field: str,
        values: Collection[_Id],
        *,
        company: str | None,
        also: Sequence[Filter] = (),
        own_fields: Sequence[str] = (),
        expand: str = "",
    ) -> list[Row]:
        async def read(some: Sequence[_Id]) -> list[Row]:
            return await self.sets.rows(
                entity,
                field,
                some,
                company=company,
                also=also,
                own_fields=own_fields,
                expand=expand,
                repeated=self._note_repeated if entity.name in _WITH_LINES else None,
            )

        async def isolated(some: Sequence[_Id], trouble: Unavailable) -> list[Row]:
            if len(some) == 1:
                for _ in range(ONCE_MORE):
                    try:
                        return await read(some)
                    except Unavailable as again:
                        trouble = again
                broken[_folded(some[0])] = str(trouble)
                return []
            rows: list[Row] = []
            for part in (some[: len(some) // 2], some[len(some) // 2 :]):
                try:
                    rows += await read(part)
                except Unavailable as again:
                    rows += await isolated(part, again)
            return rows

        broken: dict[object, str] = {}
        try:
            return await read(list(values))
        except Unavailable as trouble:
            if trouble.retry_after is not None:
                raise
            if not await self.sets.answers(entity, None):
                if entity.name in _CORE:
                    raise
                self.gone[entity.name] = str(trouble)
                return []
            rows = await isolated(sorted(values), trouble)
        if len(values) > 1 and len(broken) == len(values):
            self.gone[entity.name] = next(iter(broken.values()))
        else:
            self.broken[entity.name] |= broken
        return rows


_OF_ALL = frozenset({"SalesInvoiceHeadersV2", "SalesInvoiceV2Lines", "CustomersV3"})
_CORE = frozenset({"SalesInvoiceHeadersV2"})
"""Where these do not answer, nothing does: the whole batch waits."""


_WITH_LINES = frozenset({"SalesInvoiceV2Lines", "CustInvoiceTransBiEntities"})


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value

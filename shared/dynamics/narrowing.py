"""Reads that F&O answers too slowly, or not at all because of one row, made smaller until they work (design 4.1).

Half the days, down to one day; then pages of fewer rows, down to the row. A row that breaks every answer is reported
and passed over. Nothing is narrowed while the set does not answer at all: then the environment is in trouble.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime, timedelta

from shared.dynamics.entities import Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import Unavailable
from shared.dynamics.filters import Comparison, Filter, all_of, either, literal
from shared.dynamics.rows import Row

Unreadable = Callable[[Row | None, Unavailable], None]
"""Told of a row that cannot be shown: its key fields where F&O shows those, and what F&O answered."""
_LARGEST_PAGE = 1024
_SHRINK = 4
ONCE_MORE = 2
"""Further reads of a single row before it counts as one that F&O cannot show: a fault of the moment hits any row."""
_UNKNOWN_IN_A_ROW = 5
"""Rows passed over one after the other without even a key: more of them are no single rows any more."""
_LEARNED = timedelta(hours=1)
"""How long a set is asked for windows only as long as it was seen to answer."""


async def is_narrowable(sets: EntitySets, entity: Entity, where: Filter | None, trouble: Unavailable) -> bool:
    """Whether a smaller read may succeed: F&O did not ask to wait, and the set answers something."""
    if trouble.retry_after is not None:
        return False
    return await sets.answers(entity, where)


async def rows_in_small_pages(
    sets: EntitySets,
    entity: Entity,
    where: Filter | None,
    fields: Sequence[str],
    unreadable: Unreadable,
    *,
    after: Row | None = None,
) -> AsyncIterator[list[Row]]:
    """The rows that meet ``where``, behind ``after``, in the order of the key, in pages as large as F&O answers.

    ``fields`` are the key fields that ``where`` leaves open. Raises :class:`Unavailable` when the set stops answering.
    """
    size, unknown, skip, failed = _LARGEST_PAGE, 0, 0, 0
    place = _Place(fields)
    place.move([after] if after is not None else [])
    while True:
        rest, passed = place.behind()
        parts = [part for part in (where, rest) if part is not None]
        condition = all_of(*parts) if parts else None
        try:
            rows = await _read(sets, entity, condition, top=size, skip=skip + passed)
        except Unavailable as trouble:
            if trouble.retry_after is not None:
                raise
            if size > 1:
                size = max(1, size // _SHRINK)
                continue
            failed += 1
            if failed <= ONCE_MORE:
                continue
            failed = 0
            keyed = await _key_of_next(sets, entity, condition, skip + passed)
            if keyed == []:
                return
            if keyed is None:
                unknown += 1
                if unknown > _UNKNOWN_IN_A_ROW:
                    raise
                skip += 1
                unreadable(None, trouble)
            else:
                skip, unknown = 0, 0
                place.move(keyed)
                unreadable(keyed[0], trouble)
            continue
        failed = 0
        if rows:
            skip, unknown = 0, 0
            place.move(rows)
            yield rows
        if len(rows) < size:
            return
        size = min(_LARGEST_PAGE, size * _SHRINK)


class Windows:
    """Reads rows by ``InvoiceDate``, in windows as long as each set is seen to answer."""

    def __init__(self, sets: EntitySets, clock: Callable[[], datetime]) -> None:
        self._sets = sets
        self._clock = clock
        self._longest: dict[str, tuple[int, datetime]] = {}

    async def pages(
        self,
        entity: Entity,
        where: Callable[[date, date | None], Filter],
        first: date,
        last: date | None,
        companies: Sequence[Filter],
        unreadable: Unreadable,
    ) -> AsyncIterator[list[Row]]:
        """The rows dated ``first`` to ``last`` (open if ``None``), each once, by company, day and number.

        ``where`` is the filter of a window; ``companies`` are those of each company, for a single day. Where a read
        fails, what it had answered before is used, and the order begins anew with the earliest day that is left.
        """
        seen: set[int] = set()
        windows = self._windows(entity, first, last)
        while windows:
            begin, end = windows.pop()
            try:
                async for page in self._sets.pages(entity, where(begin, end)):
                    yield _fresh(page, entity, seen)
                continue
            except Unavailable as trouble:
                if not await is_narrowable(self._sets, entity, where(begin, end), trouble):
                    raise
            days = _days(begin, end, self._today())
            if days > 1:
                self._longest[entity.name] = (days // 2, self._clock() + _LEARNED)
                middle = begin + timedelta(days=days // 2)
                windows += [(middle, end), (begin, middle - timedelta(days=1))]
                continue
            for company in companies:
                condition = all_of(where(begin, end), company)
                async for page in rows_in_small_pages(self._sets, entity, condition, entity.key[2:], unreadable):
                    yield _fresh(page, entity, seen)

    def _windows(self, entity: Entity, first: date, last: date | None) -> list[tuple[date, date | None]]:
        """The windows to begin with, last one first."""
        longest, until = self._longest.get(entity.name, (0, self._clock()))
        days = _days(first, last, self._today())
        if self._clock() >= until or days <= longest:
            return [(first, last)]
        starts = [first + timedelta(days=offset) for offset in range(0, days, longest)]
        ends: list[date | None] = [start - timedelta(days=1) for start in starts[1:]]
        return list(zip(starts, [*ends, last], strict=True))[::-1]

    def _today(self) -> date:
        return self._clock().date()


def _fresh(page: Sequence[Row], entity: Entity, seen: set[int]) -> list[Row]:
    """The rows of ``page`` that did not come before: pages shift while they are read. ``seen`` are hashes of keys."""
    fresh: list[Row] = []
    for row in page:
        key = hash(key_of(row, entity))
        if key not in seen:
            seen.add(key)
            fresh.append(row)
    return fresh


def key_of(row: Row, entity: Entity) -> tuple[object, ...]:
    """The row's key as it came, for comparisons within one read."""
    return tuple(str(row.get(name)) for name in entity.key)


def _days(first: date, last: date | None, today: date) -> int:
    """The days of a window; one without an end is taken to reach one day beyond today."""
    return max(1, ((last or max(first, today + timedelta(days=1))) - first).days + 1)


async def _read(sets: EntitySets, entity: Entity, where: Filter | None, *, top: int, skip: int) -> list[Row]:
    return [row async for page in sets.pages(entity, where, top=top, skip=skip) for row in page]


async def _key_of_next(sets: EntitySets, entity: Entity, where: Filter | None, skip: int) -> list[Row] | None:
    """The key fields of the next row, which F&O may show though it fails at others; ``None`` when it fails at all."""
    known = tuple(field for field in entity.key if field in sets.selected(entity))
    keys = Entity(entity.name, known, entity.has_company, known)
    try:
        return (await _read(sets, keys, where, top=1, skip=skip))[:1]
    except Unavailable:
        return None


class _Place:
    """How far a read has come in the order of ``fields``."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._last: Row | None = None
        self._alike = 0
        """Rows read last that agree in the first field."""

    def move(self, rows: Sequence[Row]) -> None:
        """``rows`` were read."""
        for row in rows:
            first = self._fields[0]
            alike = self._last is not None and str(row.get(first)).casefold() == str(self._last.get(first)).casefold()
            self._alike = self._alike + 1 if alike else 1
            self._last = row

    def behind(self) -> tuple[Filter | None, int]:
        """The filter for what comes next, and how many rows it lets pass that were read already.

        F&O takes ``*`` in an ``eq`` for a wildcard: with such a value the rows that agree in it are passed over.
        """
        if self._last is None:
            return None, 0
        literals = [literal(name, self._last.get(name)) for name in self._fields]
        if any("*" in text for text in literals):
            return Comparison(self._fields[0], "ge", literals[0]), self._alike
        steps = [
            all_of(
                *(Comparison(self._fields[before], "eq", literals[before]) for before in range(at)),
                Comparison(name, "gt", literals[at]),
            )
            for at, name in enumerate(self._fields)
        ]
        return either(*steps), 0

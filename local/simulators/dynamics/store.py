"""The rows of the simulated F&O, set by set, with what tables insist on: known fields, typed values, unique keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from threading import RLock

from local.simulators.dynamics.metadata import Entity, load_entities
from local.simulators.dynamics.values import Row, UnfitValue, Value, blank, comparable, fit, fold

FIRST_REC_ID = 5637144576
"""RecIds start here in every F&O database, above 2^32."""


class UnknownSet(LookupError):
    """No such entity set, or it is hidden."""


class ForbiddenSet(PermissionError):
    """The role of the calling user does not include the set."""


class UnfitRow(ValueError):
    """A row that its set cannot hold: an unknown field, a wrong value, a missing or a repeated key."""


@dataclass(slots=True)
class _Table:
    rows: list[Row] = field(default_factory=list)
    keys: set[tuple[Value, ...]] = field(default_factory=set)
    indexes: dict[str, dict[Value, list[int]]] = field(default_factory=dict)

    def append(self, row: Row) -> None:
        for name, index in self.indexes.items():
            index.setdefault(fold(row[name]), []).append(len(self.rows))
        self.rows.append(row)


class Store:
    """All entity sets and their rows, in order of insertion."""

    def __init__(self) -> None:
        self._entities = load_entities()
        self._tables = {name: _Table() for name in self._entities}
        self._blanks = {
            name: {field_name: blank(type_name) for field_name, type_name in entity.fields.items()}
            for name, entity in self._entities.items()
        }
        self._hidden: set[str] = set()
        self.closed_companies: set[str] = set()
        """Companies of which the calling user sees no row, though they are listed among the legal entities."""
        self._forbidden: set[str] = set()
        self._rec_ids = count(FIRST_REC_ID)
        self.transaction = RLock()
        """Held while a document is posted and while a query is answered: readers see all of a document or nothing."""

    def new_rec_id(self) -> int:
        """The next record id: unique in the whole database."""
        return next(self._rec_ids)

    def extend(self, set_name: str, name: str, type_name: str = "String") -> None:
        """Add a custom field, as customers do; it is blank in the rows that are there."""
        entity = self.entity(set_name)
        if name in entity.fields:
            raise UnfitRow(f"{set_name} has {name} already")
        entity.fields[name] = type_name
        self._blanks[set_name][name] = blank(type_name)

    def alias(self, set_name: str, as_name: str, fields: Mapping[str, str] | None = None) -> None:
        """Publish the rows of a set under another name too, as an environment with its own entity would.

        ``fields`` maps names of the set to those of the other; with it, only the rows that are there now are published.
        """
        original, renamed = self.entity(set_name), fields or {}

        def other(name: str) -> str:
            return renamed.get(name, name)

        self._entities[as_name] = Entity(
            as_name,
            original.type,
            tuple(map(other, original.keys)),
            {other(name): type_name for name, type_name in original.fields.items()} if renamed else original.fields,
            original.navigations,
        )
        self._tables[as_name] = self._tables[set_name]
        self._blanks[as_name] = self._blanks[set_name]
        if renamed:
            self._tables[as_name] = _Table()
            self._blanks[as_name] = {other(name): value for name, value in self._blanks[set_name].items()}
            for row in self.rows(set_name):
                values = {other(name): value for name, value in row.items()}
                self._tables[as_name].append(Row(values, self._blanks[as_name], row.rec_id))

    def hide(self, set_name: str) -> None:
        """Make a set unknown, as in a release that does not publish it."""
        self._hidden.add(set_name)

    def forbid(self, set_name: str) -> None:
        """Take a set out of the calling user's role."""
        self._forbidden.add(set_name)

    def show(self, set_name: str) -> None:
        """Undo ``hide`` and ``forbid``."""
        self._hidden.discard(set_name)
        self._forbidden.discard(set_name)

    def visible_sets(self) -> list[str]:
        """What the service document lists."""
        return sorted(self._entities.keys() - self._hidden)

    def entity(self, set_name: str) -> Entity:
        """The definition of a set, whether it is hidden or not."""
        try:
            return self._entities[set_name]
        except KeyError:
            raise UnknownSet(set_name) from None

    def readable(self, set_name: str) -> Entity:
        """The definition of a set as a caller finds it.

        Raises:
            UnknownSet: no such set, or hidden. Names are case-sensitive.
            ForbiddenSet: not in the caller's role.
        """
        if set_name in self._hidden:
            raise UnknownSet(set_name)
        entity = self.entity(set_name)
        if set_name in self._forbidden:
            raise ForbiddenSet(set_name)
        return entity

    def rows(self, set_name: str) -> list[Row]:
        """The stored rows themselves, for assertions; ``update`` and ``remove`` change them."""
        self.entity(set_name)
        return self._tables[set_name].rows

    def add(self, set_name: str, row: Mapping[str, object], *, key_may_repeat: bool = False) -> Row:
        """Insert a row; fields that it lacks are blank, ``dataAreaId`` is kept in lower case.

        ``key_may_repeat`` is for the sets whose published key is weaker than the key of the table behind them.

        Raises:
            UnfitRow: an unknown field, a value of another type, a key field missing, or a key that exists.
        """
        entity = self.entity(set_name)
        unknown = row.keys() - entity.fields.keys()
        if unknown:
            raise UnfitRow(f"{set_name} has no {', '.join(sorted(unknown))}")
        missing = [key for key in entity.keys if key not in row]
        if missing:
            raise UnfitRow(f"{set_name} needs {', '.join(missing)}")
        filled = {name: _fitted(entity, name, value) for name, value in row.items()}
        stored = Row(filled, self._blanks[set_name], self.new_rec_id())
        if entity.is_company_bound:
            stored["dataAreaId"] = str(stored["dataAreaId"]).lower()
        table = self._tables[set_name]
        key = self._key(entity, stored)
        if key in table.keys and not key_may_repeat:
            raise UnfitRow(f"{set_name} has {key} already")
        table.keys.add(key)
        table.append(stored)
        return stored

    def update(self, set_name: str, row: Row, values: Mapping[str, object]) -> None:
        """Change fields of a stored row, other than its key."""
        entity = self.entity(set_name)
        unfit = [name for name in values if name not in entity.fields or name in entity.keys]
        if unfit:
            raise UnfitRow(f"{set_name} cannot change {', '.join(unfit)}")
        row.update({name: _fitted(entity, name, value) for name, value in values.items()})
        self._tables[set_name].indexes.clear()

    def remove(self, set_name: str, row: Row) -> None:
        """Delete a stored row."""
        table = self._tables[set_name]
        table.rows[:] = [other for other in table.rows if other is not row]
        table.keys.discard(self._key(self.entity(set_name), row))
        table.indexes.clear()

    def matching(self, set_name: str, values: Mapping[str, Value]) -> Iterator[Row]:
        """The rows whose fields equal ``values`` as a query compares them."""
        wanted = {name: comparable(value) for name, value in values.items()}
        narrow = [name for name, value in wanted.items() if isinstance(value, str | int | Decimal)]
        rows = self.equal_to(set_name, narrow[-1], [wanted[narrow[-1]]]) if narrow else self.rows(set_name)
        for row in rows:
            if all(comparable(row[name]) == value for name, value in wanted.items()):
                yield row

    def equal_to(self, set_name: str, name: str, values: Iterable[Value]) -> Sequence[Row]:
        """The rows where a field has one of the folded ``values``, in order of insertion, through an index."""
        table = self._tables[set_name]
        index = table.indexes.get(name)
        if index is None:
            index = table.indexes[name] = {}
            for position, row in enumerate(table.rows):
                index.setdefault(fold(row[name]), []).append(position)
        positions = sorted({position for value in set(values) for position in index.get(value, ())})
        return [table.rows[position] for position in positions]

    @staticmethod
    def _key(entity: Entity, row: Row) -> tuple[Value, ...]:
        return tuple(fold(row[name]) for name in entity.keys)


def _fitted(entity: Entity, name: str, value: object) -> Value:
    try:
        return fit(entity.fields[name], value)
    except UnfitValue as error:
        raise UnfitRow(f"{entity.set}.{name}: {error}") from None

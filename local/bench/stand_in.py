"""Table Storage within this process, for a ledger of a million documents: Azurite filters whole tables for each read.

It follows Azure's rules as far as the ledger relies on them: rows sorted by key, ranges by key, filters on other
properties that go through the range, ETags, and transactions that take effect together or not at all.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableEntity

_CLAUSE = re.compile(r"(\w+) (eq|ge|gt|le|lt) @(\w+)")


class StandInTable:
    """One table. ``generated`` are document rows whose other properties are those of ``pattern``, made when read."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], generated: Sequence[str] = (), pattern: Mapping[str, Any] | None = None
    ) -> None:
        self.read = 0
        """Rows that reads went through."""
        self._pattern = dict(pattern or {})
        self._rows = {(row["PartitionKey"], row["RowKey"]): dict(row) for row in rows}
        self._versions = 0
        partition = self._pattern.get("PartitionKey", "")
        self._keys = sorted([*self._rows, *((partition, row) for row in generated)])

    async def get_entity(self, partition: str, row: str) -> TableEntity:
        """One row. Raises :class:`ResourceNotFoundError`."""
        self.read += 1
        if not self._has((partition, row)):
            raise ResourceNotFoundError("there is no such row")
        return self._entity((partition, row))

    async def query_entities(
        self, query: str, *, parameters: Mapping[str, Any], select: Sequence[str] | None = None, **_: Any
    ) -> AsyncIterator[TableEntity]:
        """The rows of a range of keys that meet the rest of the filter."""
        of_keys, rest = [*query.split(" and ( ", 1), ""][:2]
        clauses = [(name, how, parameters[value]) for name, how, value in _CLAUSE.findall(of_keys)]
        either = [(name, parameters[value]) for name, _, value in _CLAUSE.findall(rest)]
        [partition] = [value for name, _, value in clauses if name == "PartitionKey"]
        rows = [(how, value) for name, how, value in clauses if name == "RowKey"]
        also = [(name, value) for name, _, value in clauses if name not in ("PartitionKey", "RowKey")]
        lowest = max((value for how, value in rows if how in ("ge", "gt", "eq")), default="")
        for key in self._from((partition, lowest)):
            if key[0] != partition or not all(_below(how, key[1], value) for how, value in rows):
                break
            if ("gt", key[1]) in rows:
                continue
            self.read += 1
            entity = self._entity(key)
            if all(entity.get(name) == value for name, value in also) and (
                not either or any(entity.get(name) == value for name, value in either)
            ):
                yield _selected(entity, select)

    def _from(self, key: tuple[str, str]) -> Iterator[tuple[str, str]]:
        place = bisect_left(self._keys, key)
        while place < len(self._keys):
            yield self._keys[place]
            place += 1

    async def submit_transaction(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        """Write all rows or none. Raises what the real client raises."""
        for verb, row, *options in operations:
            key, wanted = (row["PartitionKey"], row["RowKey"]), (options[0] if options else {}).get("etag")
            if verb == "create" and self._has(key):
                raise ResourceExistsError("the row is there")
            if verb in ("update", "delete") and not self._has(key):
                raise ResourceNotFoundError("there is no such row")
            if wanted and self._entity(key).metadata["etag"] != wanted:
                raise ResourceModifiedError("the row has changed")
        return [self._write(*operation) for operation in operations]

    def _write(self, verb: str, row: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        key = (row["PartitionKey"], row["RowKey"])
        if verb == "delete":
            del self._keys[bisect_left(self._keys, key)]
            self._rows.pop(key, None)
            return {}
        merges = self._has(key) and str((options or {}).get("mode", "")).lower().endswith("merge")
        if not self._has(key):
            insort(self._keys, key)
        self._versions += 1
        self._rows[key] = {**(self._entity(key) if merges else {}), **row, "_etag": f"v{self._versions}"}
        return {"etag": f"v{self._versions}"}

    def _has(self, key: tuple[str, str]) -> bool:
        place = bisect_left(self._keys, key)
        return place < len(self._keys) and self._keys[place] == key

    def _entity(self, key: tuple[str, str]) -> TableEntity:
        values = self._rows.get(key)
        if values is None:
            _, day, number, voucher = key[1].split("|")
            values = {**self._pattern, "RowKey": key[1], "date": day, "number": number, "voucher": voucher}
        entity = TableEntity(values)
        etag = entity.pop("_etag", "v0")
        entity._metadata = {"etag": etag, "timestamp": None}
        return entity


def _below(how: str, key: str, value: str) -> bool:
    return {"lt": key < value, "le": key <= value, "eq": key == value}.get(how, True)


def _selected(entity: TableEntity, select: Sequence[str] | None) -> TableEntity:
    if select is None:
        return entity
    found = TableEntity({name: entity[name] for name in select if name in entity})
    found._metadata = entity.metadata
    return found

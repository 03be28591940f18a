"""Document records as table entities and back.

The parts of a record lie flat in its row. Rows of version 1 held one payload instead of a list of transactions: they
are read as one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from shared.documents import DocumentKey
from shared.filing import FiledTransaction, Proposal, current_id
from shared.filing.proposals import read_proposal
from shared.json_text import dump
from shared.ledger import long_texts, wide
from shared.ledger.records import Attempts, Decisions, DocumentRecord, Filing, State
from shared.transactions import Kind

_PARTS: dict[str, type[Any]] = {"filing": Filing, "attempts": Attempts, "decisions": Decisions}
_STORED_AS = {
    ("attempts", "count"): "attempts",
    ("attempts", "first_at"): "first_attempt_at",
    ("attempts", "next_at"): "next_attempt_at",
    ("filing", "transactions"): "filed",
    ("filing", "count"): "transaction_count",
    ("filing", "to_states"): "to_state",
    ("", "placeholder"): "stand_in",
}
"""Names in the row that differ from those in the record."""
_WIDE = ("filed", "tax_codes", "proposal", "left_out", "reserved")
_WORDS = ("reserved",)
"""Wide ones without blanks in their parts, which are not stored as JSON."""
_NOT_STORED = ("key", "etag")
_FILED = TypeAdapter(tuple[FiledTransaction, ...])


@dataclass(frozen=True, slots=True)
class _Property:
    """One property of the row: where it belongs in the record, and of which type it is."""

    part: str
    name: str
    stored: str
    kind: type[Any]


@cache
def _properties() -> tuple[_Property, ...]:
    return tuple(_walk("", DocumentRecord))


def _walk(part: str, of: type[Any]) -> Iterator[_Property]:
    hints = get_type_hints(of)
    for field in fields(of):
        if not part and field.name in _PARTS:
            yield from _walk(field.name, _PARTS[field.name])
        elif field.name not in _NOT_STORED:
            stored = _STORED_AS.get((part, field.name), field.name)
            yield _Property(part, field.name, stored, _plain_type(hints[field.name]))


def _plain_type(hint: Any) -> type[Any]:
    """``datetime`` of ``datetime | None``; ``tuple`` of ``tuple[str, ...]``."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(argument for argument in get_args(hint) if argument is not type(None))
    origin = get_origin(hint) or hint
    return origin if isinstance(origin, type) else object


_ADDRESSING = ("PartitionKey", "RowKey", "connection", "company", "number", "date", "voucher")
SUMMARY = [
    *(each.stored for each in _properties() if each.stored not in (*_WIDE, "connection")),
    # Version 1, before transactions were counted.
    "payload_hash",
    *_ADDRESSING,
]
"""Properties of a record without its long texts, for range reads."""


def to_entity(record: DocumentRecord, aside: long_texts.Aside) -> dict[str, Any]:
    """The record as a table entity. Texts that are too long for it go to ``aside``."""
    entity = to_summary(record)
    for stored, value in zip(_WIDE, _values(_WIDE)(record), strict=True):
        if value not in (None, ()):
            text = " ".join(value) if stored in _WORDS else _as_json(value)
            entity |= long_texts.pack(stored, text, aside)
    return entity


def to_summary(record: DocumentRecord) -> dict[str, Any]:
    """The record as a table entity, without its long texts."""
    return {
        "PartitionKey": record.partition,
        "RowKey": record.row,
        "company": record.key.company,
        "number": record.key.number,
        "date": record.key.date.isoformat(),
        "voucher": record.key.voucher,
        **to_properties(record, _NARROW),
    }


def to_properties(record: DocumentRecord, stored: tuple[str, ...]) -> dict[str, Any]:
    """The properties of the row that are named ``stored``, as far as the record has values for them."""
    return {
        name: _WRITTEN.get(type(value), str)(value)
        for name, value in zip(stored, _values(stored)(record), strict=True)
        if value is not None
    }


@cache
def _values(stored: tuple[str, ...]) -> Callable[[DocumentRecord], tuple[Any, ...]]:
    """Reads the values of several properties at once."""
    known = {each.stored: each for each in _properties()}
    paths = [f"{known[name].part}.{known[name].name}".removeprefix(".") for name in stored]
    return attrgetter(*paths)


_NARROW = tuple(each.stored for each in _properties() if each.stored not in _WIDE)
_WRITTEN: Mapping[type[Any], Callable[[Any], Any]] = {
    bool: bool,
    int: int,
    date: date.isoformat,
    datetime: datetime.isoformat,
    tuple: " ".join,
}
"""How values are written that are not written as their text."""


def _as_json(value: Any) -> str:
    if isinstance(value, Proposal):
        value = value.stored()
    elif isinstance(value, tuple) and isinstance(value[0], FiledTransaction):
        value = [each.model_dump(mode="json", exclude_defaults=True) for each in value]
    return dump(value, sort_keys=True)


def from_entity(entity: Mapping[str, Any]) -> DocumentRecord:
    """The record that :func:`to_entity` stored, of this version or of version 1; its long texts have to be in it.

    Raises ``ValueError`` where one is not.
    """
    parts: dict[str, dict[str, Any]] = {"": {}, **{name: {} for name in _PARTS}}
    for each in _properties():
        stored = entity.get(each.stored)
        if stored is None and f"{each.stored}{long_texts.NAMED_BY}" in entity:
            raise ValueError(f"the long text {each.stored} of {entity.get('RowKey')} was not read")
        if stored is not None and each.stored != "proposal":
            parts[each.part][each.name] = _read(each, stored, entity)
    filing, decisions = parts["filing"], parts["decisions"]
    if "transactions" not in filing:
        filing |= _version_1(entity, filing)
    if entity.get("proposal"):
        decisions["proposal"] = read_proposal(json.loads(wide.unpack("proposal", entity)), filing["transaction_id"])
    return DocumentRecord(
        **parts[""],
        key=DocumentKey(
            company=entity["company"],
            date=date.fromisoformat(entity["date"]),
            number=entity["number"],
            voucher=entity["voucher"],
        ),
        filing=Filing(**filing),
        attempts=Attempts(**parts["attempts"]),
        decisions=Decisions(**decisions),
        etag=getattr(entity, "metadata", {}).get("etag", ""),
    )


def _read(each: _Property, stored: Any, entity: Mapping[str, Any]) -> Any:
    if each.stored == "filed":
        return _FILED.validate_json(wide.unpack("filed", entity))
    if each.stored in _WORDS:
        return tuple(wide.unpack(each.stored, entity).split())
    if each.stored in _WIDE:
        value = json.loads(wide.unpack(each.stored, entity))
        return tuple(value) if each.kind is tuple else value
    if each.kind is datetime:
        return datetime.fromisoformat(stored)
    if each.kind is tuple:
        return tuple(stored.split())
    if each.kind in (Decimal, State, Kind):
        return each.kind(stored)
    return stored


def _version_1(entity: Mapping[str, Any], filing: Mapping[str, Any]) -> dict[str, Any]:
    """What is filed, of a row that holds one payload: the document's one transaction."""
    if not entity.get("payload"):
        return {"count": filing.get("count", 1 if entity.get("payload_hash") else 0)}
    part, number = filing["transaction_id"], entity.get("corrections") or 0
    transaction = FiledTransaction(
        transaction_id=current_id(part, number),
        kind=filing["kind"],
        payload=json.loads(wide.unpack("payload", entity)),
        part=part,
        number=number,
        line_keys=tuple(filing.get("tax_codes") or ()),
        late=bool(entity.get("late")),
    )
    return {"transactions": (transaction,), "count": 1}

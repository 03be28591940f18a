"""Query options: parsed for one entity set, then applied to its rows, one server page at a time."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.simulators.dynamics.errors import BadQuery
from local.simulators.dynamics.filter import Condition, parse_filter
from local.simulators.dynamics.metadata import Entity, Navigation
from local.simulators.dynamics.row_faults import RowFaults
from local.simulators.dynamics.store import Store
from local.simulators.dynamics.values import Row, comparable

OPTIONS = frozenset({"$filter", "$select", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken"})
_EXPANSION = re.compile(r"(?P<name>\w+)(?:\(\$select=(?P<select>[\w, ]+)\))?", re.ASCII)
_SEPARATOR = re.compile(r",(?![^(]*\))")


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ``$orderby``."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """One navigation of ``$expand``, with what is selected of its target (nothing means all)."""

    name: str
    navigation: Navigation
    select: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What one request asks of one set. ``offset`` is where an earlier page of the same query ended."""

    filter: Condition | None = None
    select: tuple[str, ...] = ()
    order: tuple[Order, ...] = ()
    expand: tuple[Expansion, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    cross_company: bool = False
    offset: int = 0


@dataclass(slots=True)
class Page:
    """Part of an answer; ``next_offset`` is ``None`` on the last one, ``total`` disregards ``$top`` and ``$skip``."""

    rows: Sequence[Row] = field(default_factory=list)
    total: int = 0
    next_offset: int | None = None


def parse_query(options: Sequence[tuple[str, str]], entity: Entity, entity_of: Callable[[str], Entity]) -> Query:
    """Understand the decoded query options of a request. Options without ``$`` that F&O does not know are ignored.

    Raises:
        BadQuery: an unknown system option, one given twice, an unknown field, or a value that does not parse.
    """
    given: dict[str, str] = {}
    for name, value in options:
        if name.startswith("$") and name not in OPTIONS:
            raise BadQuery(f"The query parameter '{name}' is not supported.")
        if name in given and name in OPTIONS:
            raise BadQuery(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        given[name] = value
    return Query(
        filter=parse_filter(given["$filter"], entity) if "$filter" in given else None,
        select=_fields(given.get("$select", ""), entity),
        order=_orders(given.get("$orderby", ""), entity),
        expand=_expansions(given.get("$expand", ""), entity, entity_of),
        top=_whole("$top", given["$top"]) if "$top" in given else None,
        skip=_whole("$skip", given.get("$skip", "0")),
        count=_flag("$count", given.get("$count", "false")),
        cross_company=given.get("cross-company") == "true",
        offset=read_skip_token(given["$skiptoken"]) if "$skiptoken" in given else 0,
    )


def run_query(
    query: Query, entity: Entity, store: Store, *, default_company: str, page_size: int, faults: RowFaults | None = None
) -> Page:
    """The page of rows that ``query`` asks for, at most ``page_size`` of them; with 0 they are only counted.

    Without ``cross-company=true`` only rows of the calling user's default company are seen, silently.
    """
    faults = faults or RowFaults()
    if page_size:
        faults.check_window(entity, query.filter, store.rows(entity.set))
    rows = _candidates(query, entity, store)
    if entity.is_company_bound and not query.cross_company:
        rows = [row for row in rows if row["dataAreaId"] == default_company]
    if entity.is_company_bound and store.closed_companies:
        rows = [row for row in rows if row["dataAreaId"] not in store.closed_companies]
    if query.filter is not None:
        rows = [row for row in rows if query.filter.holds(row)]
    rows = faults.visible(entity, rows)
    total = len(rows)
    first = query.skip + query.offset
    if first and not {order.field for order in query.order}.issuperset(entity.keys):
        # Where the order leaves two rows equal, each request may see another one: between pages rows repeat and vanish.
        rows = rows[::-1]
    rows = faults.repeated(entity, _ordered(rows, query.order))
    last = first + page_size
    end = len(rows) if query.top is None else min(len(rows), query.skip + query.top)
    page = faults.rendered(entity, rows[first : min(last, end)], query.select)
    return Page(page, total, query.offset + page_size if last < end else None)


def skip_token(offset: int) -> str:
    """An opaque mark of where the next page begins."""
    return base64.urlsafe_b64encode(f"row:{offset}".encode()).decode().rstrip("=")


def read_skip_token(token: str) -> int:
    """The reverse of ``skip_token``; a token that was tampered with is a bad query."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(r"row:(\d+)", text, re.ASCII)
    if found is None:
        raise BadQuery("The skip token is invalid.")
    return int(found[1])


def _candidates(query: Query, entity: Entity, store: Store) -> Sequence[Row]:
    """Rows that may pass the filter: all, or fewer by an index on the field that leaves the fewest."""
    equalities = (query.filter.equalities() if query.filter is not None else None) or {}
    usable = {name: values for name, values in equalities.items() if name != "dataAreaId"}
    if not usable:
        return store.rows(entity.set)
    return min((store.equal_to(entity.set, name, values) for name, values in usable.items()), key=len)


def _ordered(rows: Sequence[Row], orders: Sequence[Order]) -> Sequence[Row]:
    """Sorted by the last term first: sorting is stable, and null comes before everything."""
    for order in reversed(orders):

        def key(row: Row, name: str = order.field) -> tuple[bool, Any]:
            value = comparable(row[name])
            return value is not None, value

        rows = sorted(rows, key=key, reverse=order.descending)
    return rows


def _fields(text: str, entity: Entity) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if names == ["*"]:
        return ()
    for name in names:
        entity.field_type(name)
    return tuple(dict.fromkeys(names))


def _orders(text: str, entity: Entity) -> tuple[Order, ...]:
    orders = []
    for term in text.split(",") if text.strip() else []:
        name, *direction = term.split()[:3] or [""]
        if direction not in ([], ["asc"], ["desc"]):
            raise BadQuery(f"Syntax error in '{text}'.")
        entity.field_type(name)
        orders.append(Order(name, direction == ["desc"]))
    return tuple(orders)


def _expansions(text: str, entity: Entity, entity_of: Callable[[str], Entity]) -> tuple[Expansion, ...]:
    expansions = []
    for term in _SEPARATOR.split(text) if text.strip() else []:
        found = _EXPANSION.fullmatch(term.strip())
        if found is None:
            raise BadQuery(f"The expand expression '{term}' is not supported; only one level can be expanded.")
        navigation = entity.navigations.get(found["name"])
        if navigation is None:
            entity.field_type(found["name"])
            raise BadQuery(f"Property '{found['name']}' is not a navigation property.")
        expansions.append(
            Expansion(found["name"], navigation, _fields(found["select"] or "", entity_of(navigation.target)))
        )
    return tuple(expansions)


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadQuery(f"Invalid value '{text}' for {name} query option found. It requires a non-negative integer.")
    return int(text)


def _flag(name: str, text: str) -> bool:
    choices: Mapping[str, bool] = {"true": True, "false": False}
    if text not in choices:
        raise BadQuery(f"Invalid value '{text}' for {name} query option found. Valid values are 'true' and 'false'.")
    return choices[text]

"""Rows as the JSON of ``odata.metadata=minimal``."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from starlette.responses import Response

from local.simulators.dynamics.metadata import Entity
from local.simulators.dynamics.query import Expansion, Query
from local.simulators.dynamics.store import Store
from local.simulators.dynamics.values import Row, render

MEDIA_TYPE = "application/json; odata.metadata=minimal"


def json_response(body: object) -> Response:
    """``body`` with decimals kept exact, under F&O's content type."""
    return Response(render(body), HTTPStatus.OK, {"OData-Version": "4.0"}, MEDIA_TYPE)


def collection(
    base: str, entity: Entity, rows: Iterable[Row], query: Query, store: Store, *, total: int, next_link: str | None
) -> dict[str, object]:
    """The answer to a query of a set; ``base`` is the environment's address."""
    fields = f"({','.join(query.select)})" if query.select else ""
    body: dict[str, object] = {"@odata.context": f"{base}/data/$metadata#{entity.set}{fields}"}
    if query.count:
        body["@odata.count"] = total
    body["value"] = [shown(row, entity, query.select, query.expand, store) for row in rows]
    if next_link is not None:
        body["@odata.nextLink"] = next_link
    return body


def single(base: str, entity: Entity, row: Row, query: Query, store: Store) -> dict[str, object]:
    """The answer to a read by key."""
    fields = f"({','.join(query.select)})" if query.select else ""
    context = f"{base}/data/$metadata#{entity.set}{fields}/$entity"
    return {"@odata.context": context} | shown(row, entity, query.select, query.expand, store)


def shown(
    row: Row, entity: Entity, select: Sequence[str], expand: Sequence[Expansion], store: Store
) -> dict[str, object]:
    """One row: its ETag, the selected fields, and the rows behind each expanded navigation."""
    body: dict[str, object] = {"@odata.etag": etag(row)}
    body |= {name: row[name] for name in select or entity.fields}
    for expansion in expand:
        navigation = expansion.navigation
        target = store.entity(navigation.target)
        found = store.matching(target.set, {theirs: row[own] for own, theirs in navigation.on.items()})
        others = [shown(other, target, expansion.select, (), store) for other in found]
        body[expansion.name] = others if navigation.many else next(iter(others), None)
    return body


def etag(row: Row) -> str:
    """A weak tag out of record version and record id."""
    version = base64.b64encode(f"'1,{row.rec_id}'".encode()).decode()
    return f'W/"{version}"'

"""What people and schedules did, newest first (design 3.1, ``list_activity``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import BeforeValidator, Field

from shared.connector import Connector
from shared.ledger.activity import Act
from shared.ledger.keys import partition
from shared.web import Days, instant

KINDS = ("decision", "period", "backfill", "customer", "nexus", "reconciliation", "fence", "run")
Kind = Literal["decision", "period", "backfill", "customer", "nexus", "reconciliation", "fence", "run"]
ROWS_READ = 5000
"""A page ends behind so many rows, also where few of them fit: the next page goes on there."""
_WORDS = ("by", "person", "way", "function", "subject", "transaction_id", "decision", "reason", "message")
_REQUIRED = ("by", "function", "subject", "decision")


def _kinds(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


class ActivityQuery(Days):
    """The query of ``list_activity``; ``from`` and ``to`` are days (UTC) on which it happened."""

    company: str = ""
    person: str = ""
    """A part of the name, or the object id."""
    subject: str = ""
    """A part of what it was about, or of the document's id in TaxJar."""
    kind: Annotated[tuple[Kind, ...], BeforeValidator(_kinds)] = ()
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: str = ""

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Whether the list has the act."""
        return (
            (not self.kind or row.get("kind") in self.kind)
            and (not self.company or row.get("company") in ("", None, self.company.strip().lower()))
            and _has(self.person, row, "by", "person")
            and _has(self.subject, row, "subject", "transaction_id")
        )


def _has(wanted: str, row: Mapping[str, Any], *names: str) -> bool:
    """Whether one of the texts has ``wanted`` in it, whatever its case."""
    return any(wanted.strip().casefold() in str(row.get(name, "")).casefold() for name in names)


async def list_activity(connector: Connector, connection: str, query: ActivityQuery) -> dict[str, Any]:
    """A page of acts, and the path of the next page.

    Raises :class:`NotFound` for a connection or company that the settings do not have.
    """
    found = connector.connection(connection)
    companies = [found.company(query.company.strip().lower()).id] if query.company else list(found.companies)
    partitions = [partition("backfills", connection), partition(connection, "")]
    partitions += [partition(connection, company) for company in companies]
    acts = connector.activity.read(
        partitions,
        since=_midnight(query.since) if query.since else None,
        until=_midnight(query.until + timedelta(days=1)) if query.until else None,
        after=query.after,
        page=query.limit + 1,
    )
    page: list[Act] = []
    last, read, more = "", 0, False
    async for act in acts:
        if len(page) == query.limit or read == ROWS_READ:
            more = True
            break
        last, read = act.place, read + 1
        if query.fits(act.content):
            page.append(act)
    following = None
    if more:
        asked = query.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"after": last}
        words = {name: ",".join(value) if isinstance(value, list) else value for name, value in asked.items()}
        following = f"/api/activity/{quote(connection)}?{urlencode(words)}"
    return {"activity": [_shown(act.content) for act in page], "next": following}


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": instant(datetime.fromisoformat(row["at"])),
        "kind": row["kind"],
        "company": row.get("company") or None,
        **{name: row.get(name, "" if name in _REQUIRED else None) for name in _WORDS},
        "before": _json(row.get("before")),
        "after": _json(row.get("after")),
    }


def _json(text: str | None) -> Any:
    return json.loads(text) if text else None

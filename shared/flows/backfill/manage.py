"""The backfills of a connection as a list, and how one is stopped (design 3.1)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector, NotFound
from shared.flows.backfill.start import entry, figures_of, shown
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor
from shared.ledger.backfills import BackfillOver, BackfillState
from shared.web import Words


class BackfillsQuery(BaseModel):
    """The query of ``list_backfills``: how many at once, and after which job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: str = ""


class Cancellation(BaseModel):
    """The body of a request to cancel a job; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words | None = None
    by: Words = "function key"


async def list_backfills(connector: Connector, connection: str, query: BackfillsQuery) -> dict[str, Any]:
    """A page of backfills, newest first. Raises :class:`NotFound` for a connection that the settings do not have."""
    connector.connection(connection)
    found = [
        each for each in await connector.backfills.listing(connection) if not query.after or each.job < query.after
    ]
    page, rest = found[: query.limit], found[query.limit :]
    following = None
    if rest:
        words = urlencode({"limit": query.limit, "after": page[-1].job})
        following = f"/api/backfills/{quote(connection)}?{words}"
    return {"backfills": list(await asyncio.gather(*(shown(connector, each) for each in page))), "next": following}


async def cancel_backfill(connector: Connector, connection: str, job: str, cancel: Cancellation) -> dict[str, Any]:
    """Stop a backfill: its next step does nothing. What it has put on the queue is reported all the same.

    Raises :class:`NotFound`, and :class:`Conflict` for one that is over.
    """
    connector.connection(connection)
    backfill = await connector.backfills.get(connection, job)
    if backfill is None:
        raise NotFound(f"connection {connection!r} has no backfill {job!r}")
    if backfill.state is not BackfillState.RUNNING:
        raise Conflict(f"The backfill is {backfill.state} already, there is nothing to stop.")
    figures, now = await figures_of(connector, backfill), connector.clock()
    message = f"Cancelled, {cancel.by}{f': {cancel.reason}' if cancel.reason else ''}."
    cancelled = replace(backfill, state=BackfillState.CANCELLED, message=message, finished_at=now, result=figures)
    audited = entry(connector, backfill, Actor(function="cancel_backfill", by=cancel.by), "cancelled", message)
    try:
        await connector.backfills.write(cancelled, replace(audited, reason=cancel.reason or ""))
    except BackfillOver:
        raise Conflict("The backfill came to its end in this moment. Look at it again.") from None
    return await shown(connector, cancelled)

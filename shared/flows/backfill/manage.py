"""The backfills of a connection as a list, and how one is stopped (design 3.1)."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.connector import Connector
from shared.flows.backfill.start import figures_of, shown
from shared.flows.work.backfill_jobs import KIND
from shared.flows.work.jobs import Cancellation, JobsQuery, cancel_job, find_job, page_of


async def list_backfills(connector: Connector, connection: str, query: JobsQuery) -> dict[str, Any]:
    """A page of backfills, newest first. Raises :class:`NotFound` for a connection that the settings do not have."""
    connector.connection(connection)
    page, following = await page_of(connector, connector.backfills, connection, query, f"backfills/{connection}")
    return {"backfills": list(await asyncio.gather(*(shown(connector, each) for each in page))), "next": following}


async def cancel_backfill(connector: Connector, connection: str, job: str, cancel: Cancellation) -> dict[str, Any]:
    """Stop a backfill: its next step does nothing. What it has put on the queue is reported all the same.

    Raises :class:`NotFound`, and :class:`Conflict` for one that is over.
    """
    connector.connection(connection)
    backfill = await find_job(connector.backfills, connection, job, KIND)
    figures = backfill.result or await figures_of(connector, backfill)
    cancelled = await cancel_job(connector, connector.backfills, backfill, KIND, cancel, result=figures)
    return await shown(connector, cancelled)

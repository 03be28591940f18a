"""Documents older than any window heal as well: a lost message of a retry or a backfill is found by the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

from shared.connector import Company, Connection, Connector
from shared.flows.work.streams import batches
from shared.ledger.records import IN_FLIGHT, DocumentRecord


async def enqueue_overdue(connector: Connector, connection: Connection, company: Company, before: date) -> None:
    """Enqueue the documents dated before ``before`` that are unsettled and due to be worked on."""
    if not await company.account.gate.opens():
        return
    async for keys in batches(_due(connector, connection, company, before)):
        await connector.backfill_queue.put(connection.name, keys)


async def _due(
    connector: Connector, connection: Connection, company: Company, before: date
) -> AsyncIterator[DocumentRecord]:
    now = connector.clock()
    until = before - timedelta(days=1)
    async for record in connector.ledger.listing(connection.name, company.id, until=until, states=IN_FLIGHT):
        if record.is_due(now):
            yield record

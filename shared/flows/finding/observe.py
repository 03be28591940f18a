"""What operators watch: how old the queues are, what is paused, and what has been held for too long."""

from __future__ import annotations

from shared import telemetry
from shared.connector import Connector
from shared.ledger.records import State
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE


async def observe_queues_and_pauses(connector: Connector) -> None:
    """Measure what may change from minute to minute; part of every poll."""
    now = connector.clock()
    for name, queue in ((DOCUMENTS_QUEUE, connector.documents_queue), (BACKFILL_QUEUE, connector.backfill_queue)):
        due = await queue.oldest_due()
        telemetry.queue_age(name, max((now - due).total_seconds(), 0) if due else 0)
    for connection in connector.connections.values():
        telemetry.paused("dynamics", connection.name, now=await connection.gate.is_paused())
        for company in connection.companies.values():
            account, now_paused = company.account.client.account_id, await company.account.gate.is_paused()
            telemetry.paused("taxjar", connection.name, company.id, account, now=now_paused)


async def observe_holds(connector: Connector) -> None:
    """Measure how long documents have been waiting for a person; part of the nightly sweep."""
    now = connector.clock()
    for connection in connector.connections.values():
        for company in connection.companies.values():
            held = connector.ledger.open_work(connection.name, company.id, states=[State.HELD])
            oldest = min([record.since or record.updated_at async for record in held], default=now)
            telemetry.held_age(connection.name, company.id, (now - oldest).total_seconds())

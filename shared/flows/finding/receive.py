"""Receive business events: note which documents they name, and answer at once (design 4.1).

F&O waits ten seconds, tries three times and then gives up, so nothing is asked of F&O or TaxJar here: the worker
finds the documents by number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from azure.core.exceptions import AzureError

from shared.connector import Connector
from shared.dynamics.business_events import NoBusinessEvent, parse_delivery
from shared.queues import NumberToFind
from shared.web import Answer, Problem

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds for the queue: F&O waits ten, and sends an event again that was refused."""
_SEND_AGAIN_AFTER = 30
"""Seconds."""


async def receive_business_event(connector: Connector, connection: str, body: bytes) -> Answer:
    """Enqueue the documents that the events in ``body`` name; what names none is ignored with a log line.

    Raises :class:`Problem` for a body that is not an event or while the queue cannot be reached, ``NotFound`` for an
    unknown connection.
    """
    companies = connector.connection(connection).companies
    try:
        delivery = parse_delivery(body)
    except NoBusinessEvent as error:
        raise Problem(400, "no_business_event", str(error)) from None
    if delivery.handshake:
        return Answer(body={"validationResponse": delivery.handshake})

    now = connector.clock()
    numbers: dict[str, list[NumberToFind]] = {}
    ignored = list(delivery.ignored)
    for event in delivery.posted:
        if event.company in companies:
            number = NumberToFind(number=event.number, dated=event.dated, asked_at=now)
            numbers.setdefault(event.company, []).append(number)
        else:
            ignored.append(f"company {event.company[:10]!r} is not configured")
    for reason in dict.fromkeys(ignored):
        logger.info("%s: business event ignored: %s", connection, reason)
    if numbers:
        await _enqueue(connector, connection, numbers)
    accepted = sum(map(len, numbers.values()))
    return Answer(200 if delivery.is_test else 202, {"accepted": accepted, "ignored": len(ignored)})


async def _enqueue(connector: Connector, connection: str, numbers: Mapping[str, Sequence[NumberToFind]]) -> None:
    """Put the documents of each company on the queue. Raises :class:`Problem` 503 while that takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            await connector.storage.prepare()
            for company, wanted in numbers.items():
                await connector.documents_queue.put_numbers(connection, company, wanted)
    except (AzureError, TimeoutError) as error:
        logger.warning("%s: business event not taken: %s", connection, type(error).__name__)
        message = "The event could not be stored. Send it again; polls find its document in any case."
        raise Problem(503, "storage_unavailable", message, headers={"Retry-After": str(_SEND_AGAIN_AFTER)}) from None

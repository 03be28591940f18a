"""Receive business events: note which documents they name, and answer at once (design 4.1).

F&O waits ten seconds, tries three times and then gives up, so nothing is asked of F&O or TaxJar here: the worker
finds the documents by number.
"""

from __future__ import annotations

import logging

from shared.connector import Connector
from shared.dynamics.business_events import NoBusinessEvent, parse_delivery
from shared.queues import NumberToFind
from shared.web import Answer, Problem

logger = logging.getLogger(__name__)


async def receive_business_event(connector: Connector, connection: str, body: bytes) -> Answer:
    """Enqueue the documents that the events in ``body`` name; what names none is ignored with a log line.

    Raises :class:`Problem` for a body that is no event, ``NotFound`` for an unknown connection.
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
    for company, wanted in numbers.items():
        await connector.documents_queue.put_numbers(connection, company, wanted)

    accepted = sum(map(len, numbers.values()))
    return Answer(200 if delivery.is_test else 202, {"accepted": accepted, "ignored": len(ignored)})

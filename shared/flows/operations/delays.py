"""How long documents took from first sight to TaxJar, as a histogram (``show_status`` with ``detail``)."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from typing import Any

from shared.connector import Connector
from shared.flows.work.run import today_of
from shared.ledger.records import State
from shared.web import instant

BOUNDS = (60, 300, 900, 3600, 14400, 86400)
"""Seconds up to which a delay counts in a bucket; beyond the last it counts in one more."""
LOOK_BACK = timedelta(days=3)
"""Of invoice dates."""
MOST = 2000
"""Documents that are looked at per company: status stays cheap, whatever a day brings."""


async def delays(connector: Connector) -> dict[str, Any]:
    """The documents of the last days that were seen since and are reported, by the time that it took."""
    now = connector.clock()
    start, counts = now - LOOK_BACK, [0] * (len(BOUNDS) + 1)
    for connection in connector.connections.values():
        for company in connection.companies.values():
            since, looked_at = today_of(connector, company.settings) - LOOK_BACK, 0
            rows = connector.ledger.listing(connection.name, company.id, since=since, states={State.REPORTED})
            async for record in rows:
                looked_at += 1
                if looked_at > MOST:
                    break
                if record.seen_at >= start and record.since:
                    took = (record.since - record.seen_at).total_seconds()
                    counts[bisect_left(BOUNDS, took)] += 1
    buckets = [{"up_to_seconds": bound, "count": count} for bound, count in zip((*BOUNDS, None), counts, strict=True)]
    return {"from": instant(start), "to": instant(now), "buckets": buckets}

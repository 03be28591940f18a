"""What a timer does, now: which timers there are, and the note that somebody asked (design 3.1, ``run_now``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from shared.connector import Connector, NotFound
from shared.flows.audit.sealing import seal_days
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.finding.poll import poll_posted_invoices, sweep_posted_invoices
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.nightly import reconcile_and_tell
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition

Timer = Callable[[Connector, str], Awaitable[None]]
TIMERS: Mapping[str, Timer] = {
    "poll_posted_invoices": poll_posted_invoices,
    "sweep_posted_invoices": sweep_posted_invoices,
    "reconcile_nightly": reconcile_and_tell,
    "sync_exempt_customers": sync_exempt_customers,
    "pull_nexus_regions": pull_nexus_regions,
    "seal_audit": seal_days,
}
"""What each timer function does, with the connector and on whose behalf."""


def timer_named(name: str) -> Timer:
    """The flow of the timer function ``name``. Raises :class:`NotFound` with the names that there are."""
    try:
        return TIMERS[name.strip().lower()]
    except KeyError:
        raise NotFound(f"there is no timer function {name!r}", f"There are {', '.join(TIMERS)}.") from None


async def note_asked(connector: Connector, name: str, by: str) -> None:
    """Note in the activity of every connection that ``by`` had the timer run."""
    now = connector.clock()
    entry = AuditEntry(at=now, actor=Actor(function="run_now", by=by), subject=name, decision="started")
    for connection in connector.connections:
        await connector.activity.note(partition(connection, ""), entry, kind="run", name=f"run_now|{name}")

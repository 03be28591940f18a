"""The steps of a backfill over documents that were read without an entity set: they are read again (design 4.1).

What follows from another content is decided as always (design 4.6), and the same content calls nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

from shared.flows.work.enqueue import enqueue, enqueued_until
from shared.flows.work.entries import document_entry
from shared.flows.work.run import Run
from shared.flows.work.streams import batches
from shared.ledger.backfills import Backfill
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import SkipReason

STRAGGLERS = timedelta(minutes=30)
"""How long a function may run (host.json): whoever read a document without the set has settled it by then."""


async def ask_again(run: Run, backfill: Backfill, since: date, until: date) -> tuple[int, int]:
    """Have the documents of these days read again; how many they are, and how many others are worked on now."""
    sets, asked, left = frozenset(backfill.read_without.split()), 0, 0
    async for keys in batches(_to_be_read(run, sets, since, until)):
        again: list[DocumentRecord] = []
        for record in await run.connector.ledger.get_all(run.connection.name, keys):
            if not record.in_flight and (reopened := await _reopen(run, record, backfill)):
                again.append(reopened)
            else:
                left += 1
        await enqueue(run.connector, run.queue, run.connection.name, again)
        asked += len(again)
    return asked, left


async def end_of(run: Run, backfill: Backfill) -> timedelta | None:
    """The end of the days: how long to wait for the rest, or ``None`` once nothing is left and no longer listed."""
    early = backfill.started_at + STRAGGLERS - run.connector.clock()
    if early > timedelta(0):
        return early
    names = backfill.read_without.split()
    missed = await run.connector.read_without.of_company(run.connection.name, run.company.id, anew=True)
    for each in (missed[name] for name in names if name in missed):
        if any(await ask_again(run, backfill, each.since, each.until)):
            return timedelta(minutes=1)
    for name in names:
        await run.connector.read_without.end(run.connection.name, run.company.id, name)
    return None


async def _to_be_read(run: Run, sets: frozenset[str], since: date, until: date) -> AsyncIterator[DocumentRecord]:
    records = run.connector.ledger.listing(
        run.connection.name, run.company.id, since=since, until=until, read_without=True
    )
    async for record in records:
        if sets & set(record.read_without) and _may_change(record):
            yield record


def _may_change(record: DocumentRecord) -> bool:
    """Whether reading may change anything: not what a person settled by hand, approved, or what F&O does not show."""
    by_hand = record.reason == SkipReason.HANDLED_OUTSIDE
    return not (by_hand or record.placeholder or record.correction)


async def _reopen(run: Run, record: DocumentRecord, backfill: Backfill) -> DocumentRecord | None:
    """The document to be read again, or ``None`` where another worker has changed it meanwhile."""
    message = f"Read again: {', '.join(backfill.read_without.split())} can be read."
    after = record.afresh().to(State.RETRYING, message=message).proposing(None)
    # What is held may be held for what TaxJar has: it is asked anew.
    unknown = record.state is not State.REPORTED and record.filing.was_sent
    attempts = replace(after.attempts, outcome_unknown=unknown or after.attempts.outcome_unknown)
    until = enqueued_until(run.connector.clock())
    after = replace(after, attempts=attempts, read_without=(), enqueued_until=until)
    entry = document_entry(after, run.actor, run.connector.clock(), decision="read_again")
    try:
        return await run.connector.ledger.settle(record, after, entry)
    except ClaimLost:
        return None

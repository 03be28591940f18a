"""What documents were read without an entity set: noted by day, and read again once the set is there (design 4.1).

It is noted before the documents are settled, and each says in the ledger what it was read without. When the set shows
its first row, a backfill goes through those days.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from shared.connector import Company, Connection, Connector
from shared.documents import PostedDocument
from shared.dynamics.errors import Unavailable
from shared.flows.work.backfill_jobs import begin
from shared.flows.work.run import Run
from shared.ledger.audit import Actor
from shared.ledger.backfills import Backfill
from shared.ledger.jobs import JobState, job_name
from shared.ledger.read_without import SetMissed

logger = logging.getLogger(__name__)

_ASKED_AT_ONCE = 20


async def note_read_without(run: Run, documents: Iterable[PostedDocument]) -> None:
    """Note what ``documents`` were read without, before they are settled; what is there by now is read again."""
    connector, connection, company = run.connector, run.connection, run.company
    days: defaultdict[str, list[date]] = defaultdict(list)
    for document in documents:
        for name in document.read_without:
            days[name].append(document.key.date)
    if noted := await connector.read_without.note(connection.name, company.id, days):
        logger.warning("%s: read without %s, which never could be read", run.name, ", ".join(sorted(noted)))
    for anew in (False, True):  # another instance may have begun already, which is asked for only where it matters
        missed = (await connector.read_without.of_company(connection.name, company.id, anew=anew)).values()
        there = await connection.reader.ever_readable() if missed else ()
        back = [each for each in missed if not each.job and _is_there(each, company, there)]
        if not back:
            return
    await _read_again(connector, connection, company, back)


async def look_for_sets(connector: Connector, connection: Connection, company: Company) -> None:
    """Part of the nightly sweep: see whether sets that documents were read without are there, and read those again.

    Nothing else may have asked for them since. A job that did not come to its end is followed by another.
    """
    missed = (await connector.read_without.of_company(connection.name, company.id, anew=True)).values()
    if not missed:
        return
    there = await connection.reader.ever_readable(anew=True)
    if away := [each for each in missed if not _is_there(each, company, there)]:
        try:
            await _read_some(connector, connection, company, away)
        except Unavailable as trouble:
            logger.warning("%s: sets done without cannot be asked for: %s", connection.name, trouble)
        there = await connection.reader.ever_readable()
    jobs = {each.job: await connector.backfills.get(connection.name, each.job) for each in missed if each.job}
    running = {name for name, job in jobs.items() if job and job.state is JobState.RUNNING}
    back = [each for each in missed if _is_there(each, company, there) and each.job not in running]
    await _read_again(connector, connection, company, back)


def _is_there(missed: SetMissed, company: Company, readable: Collection[str]) -> bool:
    return missed.set in readable or f"{missed.set}/{company.id}" in readable


async def _read_some(connector: Connector, connection: Connection, company: Company, away: Sequence[SetMissed]) -> None:
    """Read a document for each set: what it shows is remembered."""
    keys = []
    for each in away:
        newest = connector.ledger.listing(
            connection.name, company.id, since=each.until, until=each.until, read_without=True
        )
        async for record in newest:
            if each.set in record.read_without:
                keys.append(record.key)
                break
    if keys:
        connection.reader.ask_refused_sets_again()
        await connection.reader.read_documents(company.id, list(dict.fromkeys(keys))[:_ASKED_AT_ONCE])


async def _read_again(
    connector: Connector, connection: Connection, company: Company, back: Sequence[SetMissed]
) -> None:
    """Start a backfill over the days of all sets that are ``back``."""
    if not back:
        return
    now, names = connector.clock(), [each.set for each in back]
    since = min(each.since for each in back)
    backfill = Backfill(
        connection=connection.name,
        job=job_name(now, connector.random),
        company=company.id,
        since=since,
        until=max(each.until for each in back),
        dry_run=False,
        force=False,
        read_without=" ".join(names),
        by="connector",
        started_at=now,
        cursor=since,
        listed=0,
        touched_at=now,
    )
    logger.warning("%s: %s can be read: what was read without is read again", connection.name, ", ".join(names))
    await begin(connector, backfill, Actor(function="start_backfill", by=backfill.by))
    for name in names:
        await connector.read_without.begin(connection.name, company.id, name, backfill.job)

"""Documents that F&O does not show: asked for by number, tried again for a day, then held ``not_found_in_dynamics``.

A business event may come before its document can be read, and knows neither voucher nor, for certain, the date. What
stays unseen for a day gets a placeholder record, so that nothing vanishes unnoticed; the placeholder is superseded as
soon as F&O shows the document after all.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from shared.connector import Connection, Connector
from shared.documents import DocumentKey, ListedDocument
from shared.flows.work.claims import Claim
from shared.flows.work.enqueue import enqueue_keys, enqueued_until
from shared.flows.work.entries import document_entry
from shared.flows.work.retries import ALONE_FROM, FIRST_DELAY, GIVE_UP_AFTER, TRANSIENT, NotYet, judge
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason, SkipReason, order_id
from shared.queues import NumberToFind

logger = logging.getLogger(__name__)

HOLD_AFTER = timedelta(days=1)
_DATES_AGREE = timedelta(days=1)
"""An event gives its date as an instant, which may fall on the day before or after."""
_EVENTS = Actor(function="receive_business_event", by="business event")
_WHAT_TO_DO = "Check that it is posted in this company; it is reported as soon as F&O shows it."


async def find_by_number(run: Run, numbers: Sequence[NumberToFind]) -> list[DocumentKey]:
    """The documents with these numbers, noted in the ledger as seen. What is not there yet goes back to the queue."""
    if not numbers:
        return []
    try:
        by_number = await run.connection.reader.find_many(run.company.id, {wanted.number for wanted in numbers})
    except TRANSIENT as trouble:
        await _ask_again(run, numbers, trouble)
        return []
    found: dict[DocumentKey, ListedDocument] = {}
    missing: list[NumberToFind] = []
    for wanted in numbers:
        documents = by_number[wanted.number]
        dated_so = [document for document in documents if _agrees(document, wanted)]
        found |= {document.key: document for document in dated_so or documents}
        if documents and _is_overdue(run, wanted):
            await _supersede(run.connector, run.connection, _placeholder_key(run, wanted), documents, run.actor)
        elif not dated_so:
            missing.append(wanted)
    sightings = [sighting(document) for document in found.values()]
    until = enqueued_until(run.connector.clock()) if run.company.settings.reporting else None
    await run.connector.ledger.see(run.connection.name, sightings, _EVENTS, enqueued_until=until)
    # Last: whatever fails before puts the whole message back, and the numbers would be asked for twice from then on.
    await _ask_again_or_hold(run, missing)
    return list(found)


async def look_up_unknown(run: Run, keys: Sequence[DocumentKey], records: Sequence[DocumentRecord]) -> None:
    """Have keys that the ledger does not know, as after a restore, looked up like the documents of events."""
    unknown = sorted(set(keys) - {record.key for record in records})
    if not unknown:
        return
    names = ", ".join(map(str, unknown))
    logger.warning("%s: the ledger does not know %s; F&O is asked for them", run.connection.name, names)
    now = run.connector.clock()
    numbers = [NumberToFind(number=key.number, dated=key.date, asked_at=now) for key in unknown]
    await run.queue.put_numbers(run.connection.name, run.company.id, numbers)


async def why_not_shown(claim: Claim) -> str | None:
    """Why a claimed document that F&O does not show is to be held; ``None`` where another one superseded it.

    During the first day raises ``NotYet``.
    """
    run, record = claim.run, claim.record
    if record.placeholder:
        documents = (await run.connection.reader.find_many(run.company.id, [record.key.number]))[record.key.number]
        if documents:
            await run.connector.ledger.see(run.connection.name, [sighting(document) for document in documents], _EVENTS)
            keys = [document.key for document in documents]
            await enqueue_keys(run.connector, run.queue, run.connection.name, keys)
            await claim.settle(_superseded_by(record, documents))
            return None
    elif record.tried_for(run.connector.clock()) < HOLD_AFTER:
        raise NotYet("F&O does not show this document; it may not be visible yet.")
    message = f"F&O does not show this document. {_WHAT_TO_DO}"
    if record.filing.current and not record.attempts.outcome_unknown:
        held = " and ".join(each.transaction_id for each in record.filing.current)
        message += f" TaxJar holds {held}, which was reported for it: dismiss to keep that."
    return message


async def shown_again(
    connector: Connector,
    connection: Connection,
    held: Sequence[DocumentRecord],
    listed: Sequence[ListedDocument],
    actor: Actor,
) -> list[DocumentRecord]:
    """Those of ``held`` that F&O lists now, to be reported; placeholders are superseded by what it lists."""
    reopened: list[DocumentRecord] = []
    for record in held:
        number = record.key.number.casefold()
        if documents := [document for document in listed if document.key.number.casefold() == number]:
            reopened += await _supersede(connector, connection, record.key, documents, actor)
    return reopened


async def ask_for_missing(connector: Connector, connection: Connection, held: Sequence[DocumentRecord]) -> None:
    """Ask F&O once more for documents that placeholders are held for: their dates may differ from the events'."""
    numbers: dict[str, list[NumberToFind]] = {}
    for record in held:
        if record.placeholder:
            number = NumberToFind(number=record.key.number, dated=record.key.date, asked_at=record.seen_at)
            numbers.setdefault(record.key.company, []).append(number)
    for company, wanted in numbers.items():
        await connector.documents_queue.put_numbers(connection.name, company, wanted)


def is_missing(record: DocumentRecord) -> bool:
    """Whether a document is settled only because F&O did not show it."""
    not_found = record.placeholder or record.reason == HoldReason.NOT_FOUND_IN_DYNAMICS
    return not_found and record.state in (State.HELD, State.FAILED)


def _agrees(document: ListedDocument, wanted: NumberToFind) -> bool:
    return wanted.dated is None or abs(document.key.date - wanted.dated) <= _DATES_AGREE


def _is_overdue(run: Run, wanted: NumberToFind) -> bool:
    return wanted.tried_for(run.connector.clock()) >= HOLD_AFTER


def _placeholder_key(run: Run, wanted: NumberToFind) -> DocumentKey:
    return DocumentKey(run.company.id, wanted.dated or wanted.asked_at.date(), wanted.number, "")


async def _ask_again_or_hold(run: Run, missing: Sequence[NumberToFind]) -> None:
    for wanted in missing:
        if _is_overdue(run, wanted):
            message = f"A business event named this document, and F&O has not shown it for a day. {_WHAT_TO_DO}"
            await _add_placeholder(run, wanted, State.HELD, message, HoldReason.NOT_FOUND_IN_DYNAMICS)
    if waiting := [wanted for wanted in missing if not _is_overdue(run, wanted)]:
        await _ask_again(run, waiting, NotYet("F&O does not show the document yet."))


async def _ask_again(run: Run, numbers: Sequence[NumberToFind], trouble: Exception) -> None:
    """Back to the queue with a delay that grows with the time spent; after seven days of trouble they have failed."""
    now = run.connector.clock()
    attempts = _attempts_by(min(wanted.tried_for(now) for wanted in numbers))
    wait = await judge(run, trouble, attempts)
    waiting: list[NumberToFind] = []
    for wanted in numbers:
        if wait.counts and wanted.tried_for(now) >= GIVE_UP_AFTER:
            message = f"Given up after {GIVE_UP_AFTER.days} days of asking for the document of an event. {trouble}"
            await _add_placeholder(run, wanted, State.FAILED, message)
        else:
            waiting.append(wanted if wait.counts else wanted.after_a_pause(wait.delay(run)))
    alone = attempts >= ALONE_FROM and not isinstance(trouble, NotYet)
    for group in [[wanted] for wanted in waiting] if alone else [waiting]:
        await run.queue.put_numbers(run.connection.name, run.company.id, group, delay=wait.delay(run))


def _attempts_by(tried: timedelta) -> int:
    """The number of attempts that back-off comes to in this time."""
    return int(tried / FIRST_DELAY).bit_length() + 1


async def _add_placeholder(run: Run, wanted: NumberToFind, state: State, message: str, reason: str = "") -> None:
    key = _placeholder_key(run, wanted)
    entry = AuditEntry(
        at=run.connector.clock(), actor=run.actor, subject=str(key), decision=state, reason=reason, message=message
    )
    logger.warning("%s %s: %s", key.company.upper(), key.number, message)
    id = order_id(key.company, key.number)
    await run.connector.ledger.add_placeholder(run.connection.name, key, id, state, entry, since=wanted.asked_at)


async def _supersede(
    connector: Connector,
    connection: Connection,
    key: DocumentKey,
    documents: Sequence[ListedDocument],
    actor: Actor,
) -> list[DocumentRecord]:
    """Settle the placeholder at ``key`` for what F&O shows; a document of that very key is to be worked on again."""
    record = await connector.ledger.get(connection.name, key)
    if record is None or not is_missing(record):
        return []
    if any(document.key == key for document in documents):
        until = enqueued_until(connector.clock())
        shown = replace(record.afresh().to(State.SEEN), placeholder=False, enqueued_until=until)
        return [shown] if await _settle(connector, record, shown, actor, "F&O shows this document now.") else []
    if record.placeholder:
        superseded = _superseded_by(record, documents)
        await _settle(connector, record, superseded, actor, superseded.message)
    return []


def _superseded_by(record: DocumentRecord, documents: Sequence[ListedDocument]) -> DocumentRecord:
    message = f"F&O shows it now as {documents[0].key}, which has a record of its own."
    return record.to(State.SKIPPED, reason=SkipReason.SUPERSEDED, message=message)


async def _settle(
    connector: Connector, before: DocumentRecord, after: DocumentRecord, actor: Actor, message: str
) -> bool:
    """Whether it was settled; another worker that settles it meanwhile knows as much."""
    entry = document_entry(after, actor, connector.clock(), message=message)
    try:
        await connector.ledger.settle(before, after, entry)
    except ClaimLost:
        return False
    return True

"""A dry run: the way of a document up to the call, with nothing sent and nothing changed in the ledger of documents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from shared.backfill_messages import DryRunMessage, dry_run_messages
from shared.connector import Connector, NotFound
from shared.documents import DocumentKey, ListedDocument, PostedDocument
from shared.dynamics.sources import ReadProblem
from shared.fingerprint import fingerprint
from shared.flows.dismissals import content_of
from shared.flows.filing_guard import as_it_stands, why_not_changed
from shared.flows.not_found import is_missing
from shared.flows.postpone import TRANSIENT
from shared.flows.put_back import put_back
from shared.flows.run import Run, mapping_settings
from shared.flows.sighting import sighting
from shared.ledger.audit import Actor
from shared.ledger.backfills import Backfill, BackfillState, DryRunOutcome, DryRunResult
from shared.ledger.records import DocumentRecord, State
from shared.mapping import (
    Held,
    HoldReason,
    Mapped,
    Skipped,
    SkipReason,
    kind_of,
    map_document,
    transaction_id,
)
from shared.queues import DocumentQueue
from shared.taxjar.wire import from_wire, payload_hash, to_wire

logger = logging.getLogger(__name__)

_AS_SETTLED = {
    State.REPORTED: DryRunOutcome.UNCHANGED,
    State.SKIPPED: DryRunOutcome.SKIPPED,
    State.HELD: DryRunOutcome.HELD,
    State.FAILED: DryRunOutcome.FAILED,
}


async def begin(
    run: Run, backfill: Backfill, documents: Sequence[ListedDocument], records: Sequence[DocumentRecord]
) -> None:
    """Note what is settled already, and enqueue the others to be tried."""
    listed = {document.key for document in documents}
    numbers = {key.number.casefold() for key in listed}
    settled = [
        record
        for record in records
        if not (record.in_flight or backfill.force or (is_missing(record) and record.key in listed))
    ]
    results = [
        _as_superseded(record)
        if record.stand_in and is_missing(record) and record.key.number.casefold() in numbers
        else _as_settled(record)
        for record in settled
    ]
    done = {record.key for record in settled}
    sightings = [sighting(document) for document in documents if document.key not in done]
    results += [
        DryRunResult(key=seen.listed.key, outcome=DryRunOutcome.SEEN, transaction_id=seen.transaction_id)
        for seen in sightings
    ]
    await run.connector.backfills.note(backfill, results)
    keys = [seen.listed.key for seen in sightings]
    for message in dry_run_messages(run.connection.name, backfill.job, run.company.id, keys):
        await run.queue.send(message)


async def try_documents(connector: Connector, message: DryRunMessage, actor: Actor, *, queue: DocumentQueue) -> None:
    """Map the documents of one message and note what would become of them. Raises only for a defect of our own."""
    backfill = await connector.backfills.get(message.connection, message.backfill)
    if backfill is None or backfill.state is not BackfillState.RUNNING:
        return
    keys = message.document_keys()
    try:
        connection = connector.connection(message.connection)
        run = Run(connector, connection, connection.company(message.company), actor, queue)
    except NotFound as removed:
        logger.error("backfill %s: %s any more, %d documents cannot be tried", message.backfill, removed, len(keys))
        await connector.backfills.note(backfill, [given_up(key) for key in keys])
        return
    try:
        await connection.gate.open()
        records = {record.key: record for record in await connector.ledger.get_all(connection.name, keys)}
        documents = await connection.reader.read_documents(run.company.id, keys)
        await run.prepare([read for read in documents.values() if not isinstance(read, ReadProblem)])
        results = [await _try(run, backfill, key, records.get(key), documents.get(key)) for key in keys]
    except TRANSIENT as trouble:
        if await put_back(run, message, trouble):
            return
        results = [given_up(key) for key in keys]
    await connector.backfills.note(backfill, results)


def given_up(key: DocumentKey) -> DryRunResult:
    """The result of a document that could not be tried."""
    return DryRunResult(key=key, outcome=DryRunOutcome.FAILED)


async def _try(
    run: Run,
    backfill: Backfill,
    key: DocumentKey,
    record: DocumentRecord | None,
    document: PostedDocument | ReadProblem | None,
) -> DryRunResult:
    if isinstance(document, ReadProblem):
        logger.warning("backfill of %s: %s", backfill.connection, document.sentence)
        return given_up(key)
    if document is None:
        return DryRunResult(key=key, outcome=DryRunOutcome.HELD, reason=HoldReason.NOT_FOUND_IN_DYNAMICS)
    if record and record.payload and record.fingerprint == fingerprint(document) and not backfill.force:
        return _as_settled(record, DryRunOutcome.UNCHANGED)
    outcome = map_document(
        document,
        mapping_settings(run.company.settings, forced=backfill.force or bool(record and record.forced)),
        owns_id=await _would_own_the_id(run, record, document),
        tax_categories=run.tax_categories,
        kept_tax_codes=record.tax_codes if record and not backfill.force else None,
    )
    found, reason = _judge(run, record, outcome)
    return DryRunResult(
        key=key,
        outcome=found,
        reason=reason,
        transaction_id=outcome.transaction_id,
        amount=outcome.amount,
        sales_tax=outcome.sales_tax,
        to_state=outcome.ship_to.state if outcome.ship_to else "",
    )


async def _would_own_the_id(run: Run, record: DocumentRecord | None, document: PostedDocument) -> bool:
    if record and record.owns_id and (record.payload or record.corrections):
        return True
    kind = kind_of(document.total_amount, document.total_tax)
    wanted = transaction_id(kind, document.key.company, document.key.number)
    owner = await run.connector.ledger.owner_of(run.connection.name, run.company.id, wanted)
    return owner is None or owner.key == document.key


def _judge(run: Run, record: DocumentRecord | None, outcome: Mapped | Skipped | Held) -> tuple[DryRunOutcome, str]:
    """What would follow from the mapping, and the reason where the document would be skipped or held."""
    filed = record.payload if record else None
    match outcome:
        case Skipped() if record and filed:
            return _unless_dismissed(record, content_of(None, outcome))
        case Skipped():
            return DryRunOutcome.SKIPPED, outcome.reason
        case Held():
            return DryRunOutcome.HELD, outcome.reason
    if record is None or filed is None:
        return DryRunOutcome.WOULD_SEND, ""
    transaction = as_it_stands(record, outcome.transaction)
    payload = to_wire(transaction)
    if payload_hash(payload) == record.payload_hash:
        return DryRunOutcome.UNCHANGED, ""
    if why_not_changed(run, from_wire(record.kind, filed), transaction):
        return _unless_dismissed(record, content_of(payload))
    return DryRunOutcome.WOULD_CHANGE, ""


def _unless_dismissed(record: DocumentRecord, content: str) -> tuple[DryRunOutcome, str]:
    """Held for a person, who may have decided already."""
    if content in record.dismissed:
        return DryRunOutcome.UNCHANGED, ""
    return DryRunOutcome.HELD, HoldReason.FILED_TRANSACTION_CHANGED


def _as_superseded(record: DocumentRecord) -> DryRunResult:
    """F&O shows now what the record stood in for."""
    return replace(_as_settled(record, DryRunOutcome.SKIPPED), reason=SkipReason.SUPERSEDED)


def _as_settled(record: DocumentRecord, outcome: DryRunOutcome | None = None) -> DryRunResult:
    return DryRunResult(
        key=record.key,
        outcome=outcome or _AS_SETTLED[record.state],
        transaction_id=record.transaction_id,
        reason=record.reason,
        amount=record.amount,
        sales_tax=record.sales_tax,
        to_state=record.to_state,
    )

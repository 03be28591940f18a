"""A dry run: the way of a document up to the call, with nothing sent and nothing changed in the ledger of documents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from shared.backfill_messages import DryRunMessage, dry_run_messages
from shared.connector import Connector, NotFound
from shared.documents import DocumentKey, ListedDocument, PostedDocument
from shared.dynamics.sources import ReadProblem
from shared.filing import End, Ending, Plan, make_plan
from shared.filing.sides import Id, id_of
from shared.fingerprint import fingerprint, is_fingerprint_of
from shared.flows.finding.missing import is_missing
from shared.flows.reporting.document import Sales, map_claimed
from shared.flows.reporting.ids import is_taken
from shared.flows.reporting.originals import sales_of
from shared.flows.work.put_back import put_back
from shared.flows.work.retries import TRANSIENT
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting, unseen
from shared.ledger.audit import Actor
from shared.ledger.backfills import Backfill, DryRunOutcome, DryRunResult, Share
from shared.ledger.jobs import JobState
from shared.ledger.records import DocumentRecord, State
from shared.mapping import Held, HoldReason, Mapped, Skipped, SkipReason
from shared.queues import DocumentQueue
from shared.taxjar.answers import Json

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
        if record.placeholder and is_missing(record) and record.key.number.casefold() in numbers
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
    await _enqueue(run.queue, backfill, [seen.listed.key for seen in sightings])


async def enqueue_remaining(connector: Connector, backfill: Backfill, queue: DocumentQueue) -> None:
    """Put on the queue again what was not tried out yet."""
    results = connector.backfills.results(backfill)
    await _enqueue(queue, backfill, [each.key async for each in results if each.outcome is DryRunOutcome.SEEN])


async def _enqueue(queue: DocumentQueue, backfill: Backfill, keys: Sequence[DocumentKey]) -> None:
    for message in dry_run_messages(backfill.connection, backfill.job, backfill.company, keys):
        await queue.send(message)


async def try_documents(connector: Connector, message: DryRunMessage, actor: Actor, *, queue: DocumentQueue) -> None:
    """Map the documents of one message and note what would become of them. Raises only for a defect of our own."""
    backfill = await connector.backfills.get(message.connection, message.backfill)
    if backfill is None or backfill.state is not JobState.RUNNING:
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
        shown = await connection.reader.read_documents(run.company.id, keys)
        documents = [each for each in shown.values() if isinstance(each, PostedDocument)]
        await run.prepare(documents)
        sales = await sales_of(run, documents)
        results = [await _try(run, backfill, key, records.get(key), shown.get(key), sales) for key in keys]
    except TRANSIENT as trouble:
        if await put_back(run, message, trouble) is not None:
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
    sales: Sales,
) -> DryRunResult:
    if document is None:
        return DryRunResult(key=key, outcome=DryRunOutcome.HELD, reason=HoldReason.NOT_FOUND_IN_DYNAMICS)
    if isinstance(document, ReadProblem):
        return DryRunResult(key=key, outcome=DryRunOutcome.FAILED, reason=document.kind)
    if (
        record
        and record.filing.was_sent
        and not backfill.force
        and is_fingerprint_of(record.filing.fingerprint, document)
    ):
        return _as_settled(record, DryRunOutcome.UNCHANGED)
    tried = record or unseen(run, document)
    forced = backfill.job if backfill.force else tried.decisions.forced
    decisions = replace(tried.decisions, forced=forced, remap=tried.decisions.remap or backfill.force)
    tried = replace(tried, decisions=decisions)
    outcome = map_claimed(run, tried, document, sales)
    if isinstance(outcome, Mapped) and not tried.filing.was_sent and await is_taken(run, key, outcome):
        outcome = map_claimed(run, replace(tried, filing=replace(tried.filing, number_taken=True)), document, sales)
    found, reason = _judge(await plan_of(run, tried, outcome, fingerprint(document)))
    return DryRunResult(
        key=key,
        outcome=found,
        reason=reason,
        transaction_id=outcome.transaction_id,
        shares=_shares(outcome),
    )


def _shares(outcome: Mapped | Skipped | Held) -> tuple[Share, ...]:
    if not isinstance(outcome, Mapped):
        return ()
    sent = [each.transaction for each in outcome.transactions]
    return tuple(Share(each.ship_to.state or "", each.amount, each.sales_tax) for each in sent)


async def plan_of(run: Run, record: DocumentRecord, outcome: Mapped | Skipped | Held, content: str) -> Plan:
    """The plan that reporting would carry out; where it begins with a question, TaxJar is asked."""
    answers: dict[Id, Json | None] = {}
    while True:
        plan = make_plan(record.standing(content), outcome, run.periods, today=run.today, answers=answers or None)
        if plan.question is None:
            return plan
        client = run.company.account.client
        for each in plan.question.transactions:
            answers[id_of(each)] = await client.find(each.kind, each.transaction_id)


def _judge(plan: Plan) -> tuple[DryRunOutcome, str]:
    """What would follow from the plan, and the reason where the document would be skipped or held."""
    end = plan.end or End(Ending.KEEP)
    if end.ending is Ending.SKIP:
        return DryRunOutcome.SKIPPED, end.reason
    if end.ending is Ending.HOLD:
        return DryRunOutcome.HELD, end.reason
    if not plan.steps:
        return DryRunOutcome.UNCHANGED, ""
    return (DryRunOutcome.WOULD_CHANGE if plan.filed else DryRunOutcome.WOULD_SEND), ""


def _as_superseded(record: DocumentRecord) -> DryRunResult:
    """F&O shows now what the record is a placeholder for."""
    return replace(_as_settled(record, DryRunOutcome.SKIPPED), reason=SkipReason.SUPERSEDED)


def _as_settled(record: DocumentRecord, outcome: DryRunOutcome | None = None) -> DryRunResult:
    return DryRunResult(
        key=record.key,
        outcome=outcome or _AS_SETTLED[record.state],
        transaction_id=record.filing.transaction_id,
        reason=record.reason,
    )

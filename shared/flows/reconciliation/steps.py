"""The steps of a reconciliation on the backfill queue: a month, or a part of it, and then the next one (design 4.7).

What a step found is stored before the job goes on, and the next step lies behind what is on the queue by then: the jobs
of all companies take turns. A step may come twice, or be cut off anywhere; of two, one has its findings counted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from shared import telemetry
from shared.backfill_messages import ReconciliationStep
from shared.connector import Connector, NotFound
from shared.documents import DocumentKey
from shared.flows.reconciliation.completeness import readiness_of
from shared.flows.reconciliation.findings import Findings
from shared.flows.reconciliation.jobs import KIND, step_of
from shared.flows.reconciliation.long_ranges import month_of
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.repair import NIGHTLY, NOT_CONFIRMED, Confirmation, Repair
from shared.flows.reconciliation.stored import add_findings, add_proof, stored_findings, stored_proof
from shared.flows.reconciliation.walk import Walk
from shared.flows.work.fence import Fenced, check_fence
from shared.flows.work.jobs import job_entry
from shared.flows.work.put_back import put_back
from shared.flows.work.retries import GIVE_UP_AFTER, TRANSIENT
from shared.flows.work.run import Run
from shared.ledger.audit import Actor
from shared.ledger.jobs import JobOver, JobState
from shared.ledger.reconciliations import Piece, Reconciliation
from shared.ledger.records import State
from shared.queues import DocumentQueue

logger = logging.getLogger(__name__)

LOST = "lost"
"""The section of keys of documents that TaxJar lost."""
_LONGEST = timedelta(minutes=5)
_MANY = 20_000
"""How long a step goes on, and after how many documents it ends with the day."""
_KEYS_AT_ONCE = 100


async def take_step(connector: Connector, step: ReconciliationStep, queue: DocumentQueue) -> None:
    """Take a step of a reconciliation. Raises only for a defect of our own."""
    job = await connector.reconciliations.get(step.connection, step.reconciliation)
    if job is None or job.state is not JobState.RUNNING:
        logger.info("reconciliation %s: the step of %s is over", step.reconciliation, step.day)
        return
    if step.day < job.cursor:
        # Its days are done: it came twice, or its worker ended before it could send the next one.
        await queue.send(step_of(job))
        return
    actor = Actor(function=NIGHTLY if job.nightly else "start_reconciliation", by=job.by)
    try:
        connection = connector.connection(step.connection)
        run = Run(connector, connection, connection.company(job.company), actor, queue)
    except NotFound as removed:
        await fail_reconciliation(connector, job, actor, f"{removed} any more.")
        return
    try:
        await connection.gate.open()
        await run.company.account.gate.open()
        run.fence = await check_fence(connector, connection, run.company, actor)
        if job.cursor > job.until:
            await _finish(run, job)
        else:
            await _compare(run, job)
    except JobOver:
        logger.info("reconciliation %s went on without this step", job.job)
    except Fenced as fenced:
        logger.error("%s: not reconciled: %s", run.name, fenced)
        await fail_reconciliation(connector, job, actor, str(fenced))
    except TRANSIENT as trouble:
        _tell_nightly(job, complete=False)
        delay = await put_back(run, step, trouble)
        if delay is not None:
            await connector.reconciliations.touch(job, connector.clock() + delay)
        else:
            words = f"Given up after {GIVE_UP_AFTER.days} days of trying. {trouble}"
            await fail_reconciliation(connector, job, actor, words)


async def fail_reconciliation(connector: Connector, job: Reconciliation, actor: Actor, message: str) -> None:
    """End a reconciliation that cannot go on; what it has found stays."""
    failed = replace(job, state=JobState.FAILED, message=message, finished_at=connector.clock())
    try:
        entry = job_entry(connector, job, KIND, actor, "failed", message)
        await connector.reconciliations.write(failed, entry)
    except JobOver:
        return
    _tell_nightly(job, complete=False)


def _tell_nightly(job: Reconciliation, *, complete: bool) -> None:
    """Tell whoever watches the nights that one came to its end, or did not get on."""
    if job.nightly:
        telemetry.ran(job.connection, NIGHTLY, complete=complete)


async def _compare(run: Run, job: Reconciliation) -> None:
    """Compare the days up to the end of the month, or as many as one step takes; then send the next step."""
    connector, started = run.connector, run.connector.clock()
    last = min(month_of(job.cursor)[1], job.until)
    findings, proof = Findings(job.cursor, last, job.deep, started), Proof(run.company.settings.report_from)
    repair = Repair(run, findings) if job.heal else None
    walk = Walk(run, findings, proof, compare=job.compare, repair=repair)
    done = job.cursor
    async with aclosing(walk.days(job.cursor, last)) as days:
        async for day in days:
            done = day
            if proof.listed.documents >= _MANY or connector.clock() - started >= _LONGEST:
                break
    await walk.look_at_own_provider(job.cursor, done)
    if done == last:
        await walk.look_at_other_providers(max(job.since, month_of(last)[0]), last, job.providers)
    figures = {
        "findings": stored_findings(findings),
        "proof": stored_proof(proof),
        "nexus": None if walk.notices.nexus is None else sorted(walk.notices.nexus),
    }
    name = f"{connector.random.getrandbits(32):08x}"
    await connector.reconciliations.write_piece(job, name, figures, _rows(findings, repair))
    moved = replace(
        job,
        cursor=done + timedelta(days=1),
        last_piece=name,
        counts=_added(job.counts or {}, findings.counts()) if job.compare else {},
        documents=job.documents + findings.documents,
        touched_at=connector.clock(),
    )
    message = f"{proof.listed.documents} documents from {job.cursor} to {done}."
    entry = job_entry(connector, job, KIND, run.actor, "compared", message)
    await connector.reconciliations.write(moved, entry, after=job.cursor)
    await run.queue.send(step_of(moved))


def _rows(findings: Findings, repair: Repair | None) -> dict[str, list[dict[str, Any]]]:
    """What is kept of every document, by section."""
    lost = repair.missing.records if repair else []
    return {
        "documents": [each.shown() for each in findings.different],
        **findings.lists,
        **findings.settled,
        LOST: [
            {"date": each.key.date.isoformat(), "number": each.key.number, "voucher": each.key.voucher} for each in lost
        ],
    }


def _added(before: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    return {status: before.get(status, 0) + count for status, count in counts.items()}


async def _finish(run: Run, job: Reconciliation) -> None:
    """Send again what TaxJar lost, if it is not too much, and say what all the days come to."""
    connector, ledger = run.connector, run.connector.reconciliations
    pieces = await ledger.pieces(job)
    findings, proof = combined(run, job, pieces)
    if job.heal:
        await _send_again(run, job, pieces, findings)
    nexus = next((piece.figures["nexus"] for piece in reversed(pieces) if piece.figures["nexus"] is not None), None)
    readiness = await readiness_of(run, proof, job.until, None if nexus is None else frozenset(nexus))
    completeness = {"from": job.since.isoformat(), "to": job.until.isoformat(), **readiness.shown()}
    sent = {"enqueued": findings.enqueued, "held": findings.held, "not_sent_again": findings.not_sent_again}
    await ledger.write_end(job, {**sent, "completeness": completeness})
    message = ""
    if findings.not_sent_again:
        message = (
            f"TaxJar no longer has {findings.not_sent_again} of {job.documents} documents: nothing is sent again until"
            " a person confirms it, with heal, confirm and a reason."
        )
    now = connector.clock()
    finished = replace(job, state=JobState.FINISHED, message=message, finished_at=now, touched_at=now)
    figures = ", ".join(f"{status} {count}" for status, count in (job.counts or {}).items())
    words = f"{figures}; enqueued {findings.enqueued}, held {findings.held}."
    entry = job_entry(connector, job, KIND, run.actor, "finished", words)
    await ledger.write(finished, entry, after=job.cursor)
    logger.info("%s reconciled: %s", run.name, words)
    if job.nightly:
        await connector.last_runs.note(run.connection.name, NIGHTLY, company=job.company, by=job.by)
    _tell_nightly(job, complete=True)


async def _send_again(run: Run, job: Reconciliation, pieces: list[Piece], findings: Findings) -> None:
    repair, keys = Repair(run, findings), list[DocumentKey]()
    async for row in run.connector.reconciliations.rows(job, pieces, LOST):
        keys.append(DocumentKey(job.company, date.fromisoformat(row["date"]), row["number"], row["voucher"]))
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = await run.connector.ledger.get_all(run.connection.name, keys[start : start + _KEYS_AT_ONCE])
        repair.missing.records.extend(record for record in some if record.state is State.REPORTED)
    confirmed = Confirmation(job.by, job.reason) if job.confirm else NOT_CONFIRMED
    await repair.finish(job.documents, confirmed=confirmed)


def combined(run: Run, job: Reconciliation, pieces: list[Piece]) -> tuple[Findings, Proof]:
    """The figures of all pieces; their rows stay where they are."""
    findings = Findings(job.since, job.until, job.deep, job.started_at)
    proof = Proof(run.company.settings.report_from)
    for piece in pieces:
        add_findings(findings, piece.figures["findings"])
        add_proof(proof, piece.figures["proof"])
    return findings, proof

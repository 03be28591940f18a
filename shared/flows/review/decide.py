"""What people decide about documents: try again, approve a correction, or leave what was filed (design 4.6)."""

from __future__ import annotations

import asyncio
from datetime import date
from enum import StrEnum
from typing import Any

from azure.core.exceptions import ResourceExistsError
from pydantic import BaseModel, ConfigDict

from shared.connector import Connector, NotFound
from shared.documents import DocumentKey
from shared.flows.reporting.dismissals import VANISHED, dismissed_also, totals_of
from shared.flows.reporting.proposals import Proposal, Step, correction_under_way, free_number, proposal_of
from shared.flows.review.documents import Chosen, describe, find_document
from shared.flows.work.batches import batches
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason, SkipReason, net_and_tax
from shared.taxjar.wire import payload_hash
from shared.web import Days, Problem, Words

_RETRIED = frozenset({State.HELD, State.FAILED, State.SKIPPED, State.REPORTED})
"""States that a person's retry fits: the document is mapped anew from F&O, and design 4.6 decides what follows."""
_REDRIVEN = (State.HELD, State.FAILED, State.SKIPPED)
_GONE = frozenset({HoldReason.MISSING_IN_DYNAMICS, HoldReason.NOT_FOUND_IN_DYNAMICS})
_REASONS = {reason.value for reason in (*HoldReason, *SkipReason)}


class Decision(StrEnum):
    """The last part of the route of ``decide_document``."""

    RETRY = "retry"
    APPROVE = "approve"
    DISMISS = "dismiss"


class Why(BaseModel):
    """Why a person decides, and who it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words
    by: Words = "function key"


class Redrive(Why):
    """The body of ``retry_documents``; the filter may stand here or in the query."""

    state: State | None = None
    reason_code: str = ""


class RedriveFilter(Days):
    """The query of ``retry_documents``, by invoice date."""

    state: State | None = None
    reason: str = ""


async def decide_document(
    connector: Connector, connection: str, company: str, transaction_id: str, decision: str, why: Why, chosen: Chosen
) -> dict[str, Any]:
    """Carry out ``decision`` and return the document as it is then.

    Raises :class:`NotFound`, and :class:`Problem` 409 for a decision that does not fit, which then has no effect.
    """
    if decision not in set(Decision):
        raise NotFound(f"there is no decision {decision!r}, only {', '.join(Decision)}")
    record = await find_document(connector, connection, company, transaction_id, chosen)
    act = {Decision.RETRY: _retry, Decision.APPROVE: _approve, Decision.DISMISS: _dismiss}[Decision(decision)]
    try:
        record = await act(connector, record, why)
    except ClaimLost:
        raise Problem(409, "conflict", "The document changed in this moment. Look at it again, then decide.") from None
    if record.in_flight:
        await connector.documents_queue.put(connection, [record.key])
    return await describe(connector, record)


async def retry_documents(
    connector: Connector, connection: str, company: str, where: RedriveFilter, redrive: Redrive
) -> int:
    """Retry all documents of a state or reason; return how many there were.

    Raises :class:`NotFound`, and :class:`Problem` 400 without a filter or for a state that cannot be re-driven.
    """
    connector.connection(connection).company(company)
    state = where.state or redrive.state
    # Who gives a reason code as the reason means these documents only.
    code = where.reason or redrive.reason_code or (redrive.reason if redrive.reason in _REASONS else "")
    if state is None and not code:
        raise Problem(400, "bad_request", "Say which documents: give a state or a reason code.")
    if state not in (None, *_REDRIVEN):
        hint = "Use a backfill with force for reported ones." if state is State.REPORTED else "It is being worked on."
        raise Problem(400, "bad_request", f"Documents in state {state} cannot be re-driven all at once. {hint}")
    rows = connector.ledger.listing(
        connection,
        company,
        since=where.since or date.min,
        until=where.until,
        states=[state] if state else _REDRIVEN,
        reason=code,
    )
    retried = 0
    async for keys in batches(rows):
        tried = await asyncio.gather(*(_retry_if_still(connector, connection, key, redrive) for key in keys))
        done = [key for key in tried if key]
        # History must not delay today.
        await connector.backfill_queue.put(connection, done)
        retried += len(done)
    return retried


async def _retry_if_still(connector: Connector, connection: str, key: DocumentKey, why: Why) -> DocumentKey | None:
    record = await connector.ledger.get(connection, key)
    if record is None or record.state not in _REDRIVEN:
        return None
    try:
        await _retry(connector, record, Why(reason=why.reason, by=why.by), function="retry_documents")
    except ClaimLost:
        return None
    return key


async def _retry(
    connector: Connector, record: DocumentRecord, why: Why, *, function: str = "decide_document"
) -> DocumentRecord:
    """Map the document anew from F&O; an approved correction is brought to its end instead."""
    if record.state not in _RETRIED:
        raise _misfit(Decision.RETRY, record, "it is being worked on")
    under_way = correction_under_way(record)
    return await connector.ledger.settle(
        record,
        _entry(connector, record, Decision.RETRY, why, function),
        state=State.RETRYING,
        reason="",
        message=f"To be tried again, {why.by}: {why.reason}",
        remap=not under_way,
        proposal=record.proposal if under_way else None,
        **_AFRESH,
    )


async def _approve(connector: Connector, record: DocumentRecord, why: Why) -> DocumentRecord:
    """Fix ids and date of the proposed pair, own the ids, and have the worker send it."""
    proposal = _waiting(Decision.APPROVE, record)
    number, reserve = await free_number(connector.ledger, record)
    approved = proposal.numbered(record.transaction_id, number, connector.clock().date())
    approved = approved.model_copy(update={"step": Step.APPROVED})
    entry = _entry(connector, record, Decision.APPROVE, why, request={"proposal": approved.shown()})
    try:
        return await connector.ledger.settle(
            record,
            entry,
            reserve=reserve,
            state=State.RETRYING,
            reason="",
            message=f"The correction is approved, {why.by}: {why.reason}",
            proposal=approved.stored(),
            **_AFRESH,
        )
    except ResourceExistsError:
        raise ClaimLost(str(record.key)) from None


async def _dismiss(connector: Connector, record: DocumentRecord, why: Why) -> DocumentRecord:
    """Keep what TaxJar holds, and remember what was not sent instead."""
    totals = totals_of(*net_and_tax(record.total_amount, record.total_tax))
    keeps = record.payload and not record.outcome_unknown
    if record.state is State.HELD and keeps and not record.proposal:
        return await connector.ledger.settle(
            record,
            _entry(connector, record, Decision.DISMISS, why),
            state=State.REPORTED,
            reason="",
            message=f"What TaxJar holds is kept, {why.by}: {why.reason}",
            dismissed=dismissed_also(record, VANISHED if record.reason in _GONE else totals),
        )
    proposal = _waiting(Decision.DISMISS, record)
    payload = record.payload or proposal.filed
    return await connector.ledger.settle(
        record,
        _entry(connector, record, Decision.DISMISS, why, request={"proposal": proposal.shown()}),
        state=State.REPORTED,
        reason="",
        message=f"What was filed is kept, {why.by}: {why.reason}",
        proposal=None,
        dismissed=dismissed_also(record, proposal.content, totals),
        fingerprint=proposal.fingerprint,
        payload=payload,
        payload_hash=payload_hash(payload),
    )


_AFRESH: dict[str, Any] = {"attempts": 0, "first_attempt_at": None}


def _waiting(decision: Decision, record: DocumentRecord) -> Proposal:
    proposal = proposal_of(record)
    if record.state is not State.HELD or record.reason != HoldReason.FILED_TRANSACTION_CHANGED or proposal is None:
        raise _misfit(decision, record, "nothing is proposed for it")
    return proposal


def _misfit(decision: Decision, record: DocumentRecord, why: str) -> Problem:
    state = f"{record.state} ({record.reason})" if record.reason else record.state
    return Problem(409, "conflict", f"{decision} does not fit this document: it is {state}, and {why}.")


def _entry(
    connector: Connector,
    record: DocumentRecord,
    decision: Decision,
    why: Why,
    function: str = "decide_document",
    request: dict[str, Any] | None = None,
) -> AuditEntry:
    return AuditEntry(
        at=connector.clock(),
        actor=Actor(function=function, by=why.by),
        subject=str(record.key),
        decision=decision,
        reason=why.reason,
        before={"state": record.state, "reason": record.reason, "message": record.message},
        request=request,
    )

"""What people decide about documents (design 4.6). Every decision has a reason and a person, and is audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector, NotFound
from shared.filing import VANISHED, Proposal, dismissed_also, totals_of
from shared.filing.proposals import accepted, next_numbers
from shared.flows.review.documents import Chosen, describe, find_document
from shared.flows.work.enqueue import enqueue, enqueued_until
from shared.flows.work.entries import NOTHING_EXCHANGED, Exchange, document_entry
from shared.flows.work.problems import BadInput, Conflict
from shared.flows.work.run import today_of
from shared.ledger.audit import Actor
from shared.ledger.documents import ClaimLost, IdTaken
from shared.ledger.records import WAITING, DocumentRecord, State
from shared.mapping import HoldReason, SkipReason, net_and_tax
from shared.web import Words

_RETRIED = frozenset({State.HELD, State.FAILED, State.SKIPPED, State.REPORTED})
"""States that a person's retry fits: the document is mapped anew from F&O, and design 4.6 decides what follows."""
_GONE = frozenset({HoldReason.MISSING_IN_DYNAMICS, HoldReason.NOT_FOUND_IN_DYNAMICS})


class Decision(StrEnum):
    """The last part of the route of ``decide_document``."""

    RETRY = "retry"
    APPROVE = "approve"
    DISMISS = "dismiss"
    SETTLE = "settle"
    NOTE = "note"
    ASSIGN = "assign"


class Why(BaseModel):
    """Why a person decides, and who it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words
    by: Words


class DecisionBody(BaseModel):
    """The body of ``decide_document``. Which fields are needed depends on the decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words | None = None
    by: Words
    transaction_ids: tuple[Words, ...] = Field(default=(), max_length=100)
    """``settle``: the ids in TaxJar of what was entered there by hand."""
    text: Words | None = None
    """``note``: what to remember."""
    to: str | None = Field(default=None, max_length=200)
    """``assign``: to whom; empty for nobody."""

    def why(self) -> Why:
        """Reason and person. Raises :class:`BadInput` without a reason."""
        if self.reason is None:
            raise BadInput("reason: say why, it is kept in the audit")
        return Why(reason=self.reason, by=self.by)


async def decide_document(
    connector: Connector,
    connection: str,
    company: str,
    transaction_id: str,
    decision: str,
    body: DecisionBody,
    chosen: Chosen,
    actor: Actor | None = None,
) -> dict[str, Any]:
    """Carry out ``decision`` and return the document as it is then.

    Raises :class:`NotFound`, :class:`BadInput`, and :class:`Conflict` for a decision that does not fit, which then has
    no effect.
    """
    if decision not in set(Decision):
        raise NotFound(f"there is no decision {decision!r}, only {', '.join(Decision)}")
    record = await find_document(connector, connection, company, transaction_id, chosen)
    actor = actor or Actor(function="decide_document", by=body.by)
    desk = Desk(connector, actor)
    try:
        record = await desk.act(Decision(decision), record, body)
    except (ClaimLost, IdTaken):
        raise Conflict("The document changed in this moment. Look at it again, then decide.") from None
    if record.in_flight and decision in (Decision.RETRY, Decision.APPROVE):
        await enqueue(connector, connector.documents_queue, connection, [record])
    return await describe(connector, record)


class Desk:
    """Where one person decides."""

    def __init__(self, connector: Connector, actor: Actor) -> None:
        self._connector = connector
        self._actor = actor

    async def act(self, decision: Decision, record: DocumentRecord, body: DecisionBody) -> DocumentRecord:
        """Carry out ``decision`` on ``record``. Raises what does not fit, ``ClaimLost`` and ``IdTaken``."""
        acts: dict[Decision, Callable[[DocumentRecord, DecisionBody], Awaitable[DocumentRecord]]] = {
            Decision.RETRY: lambda found, asked: self.retry(found, asked.why()),
            Decision.APPROVE: lambda found, asked: self._approve(found, asked.why()),
            Decision.DISMISS: lambda found, asked: self._dismiss(found, asked.why()),
            Decision.SETTLE: self._settle,
            Decision.NOTE: self._note,
            Decision.ASSIGN: self._assign,
        }
        return await acts[decision](record, body)

    async def retry(self, record: DocumentRecord, why: Why) -> DocumentRecord:
        """Map the document anew from F&O; an approved correction is brought to its end instead."""
        if record.state not in _RETRIED:
            raise _misfit(Decision.RETRY, record, "it is being worked on")
        message = f"To be tried again, {why.by}: {why.reason}"
        after = record.afresh().to(State.RETRYING, message=message)
        # What is held may be held for what TaxJar has: it is asked anew.
        unknown = record.state is not State.REPORTED and record.filing.was_sent
        after = replace(
            after, attempts=replace(after.attempts, outcome_unknown=unknown or after.attempts.outcome_unknown)
        )
        decisions = replace(after.decisions, remap=True, proposal=None, retried_by=why.by)
        if record.correction:
            decisions = replace(record.decisions, retried_by=why.by)
        enqueued = enqueued_until(self._connector.clock())
        return await self._write(
            Decision.RETRY, record, replace(after, decisions=decisions, enqueued_until=enqueued), why
        )

    async def _approve(self, record: DocumentRecord, why: Why) -> DocumentRecord:
        """Fix ids and date of what is proposed, own the ids, and have the worker send it."""
        proposal = self._waiting(Decision.APPROVE, record)
        company = self._connector.connection(record.connection).company(record.key.company)
        today = today_of(self._connector, company.settings)
        approved, reserve = await self._numbered(record, proposal, today)
        after = record.afresh().to(State.RETRYING, message=f"The correction is approved, {why.by}: {why.reason}")
        filing = replace(after.filing, reserved=(*after.filing.reserved, *reserve))
        after = replace(
            after.proposing(approved), filing=filing, enqueued_until=enqueued_until(self._connector.clock())
        )
        shown = Exchange(request={"proposal": approved.shown()})
        return await self._write(Decision.APPROVE, record, after, why, shown, reserve=reserve)

    async def _numbered(self, record: DocumentRecord, proposal: Proposal, today: Any) -> tuple[Proposal, list[str]]:
        """The proposal under ids that no other document owns, and which of them this one does not own yet."""
        numbers = next_numbers(proposal.pairs, record.filing.transactions)
        owned = {*record.filing.reserved, *(each.transaction_id for each in record.filing.transactions)}
        while True:
            approved = proposal.approved(numbers, today)
            ids = list(dict.fromkeys(each.transaction_id for each in approved.sent))
            owners = [
                await self._connector.ledger.owner_of(record.connection, record.key.company, each) for each in ids
            ]
            if all(owner is None or owner.key == record.key for owner in owners):
                free = [each for each, owner in zip(ids, owners, strict=True) if owner is None and each not in owned]
                return approved, free
            numbers = tuple(number + 1 if number else 0 for number in numbers)

    async def _dismiss(self, record: DocumentRecord, why: Why) -> DocumentRecord:
        """Keep what TaxJar holds, and remember what was not sent instead."""
        totals = totals_of(*net_and_tax(record.total_amount, record.total_tax))
        proposal = record.decisions.proposal
        if record.state is not State.HELD or not (proposal or record.filing.current):
            raise _misfit(Decision.DISMISS, record, "TaxJar holds nothing of it that could be kept")
        if record.attempts.outcome_unknown and proposal is None:
            raise _misfit(Decision.DISMISS, record, "what TaxJar holds is not known; retry it")
        after = record.to(State.REPORTED, message=f"What TaxJar holds is kept, {why.by}: {why.reason}")
        names = [VANISHED if record.reason in _GONE else totals]
        request: Exchange = NOTHING_EXCHANGED
        if proposal:
            names.insert(0, proposal.content)
            request = Exchange(request={"proposal": proposal.shown()})
            after = after.filed(accepted(proposal, record.filing.transactions))
            after = replace(after, filing=replace(after.filing, fingerprint=proposal.fingerprint))
        dismissed = dismissed_also(record.decisions.dismissed, *(name for name in names if name))
        after = replace(after.proposing(None), decisions=replace(after.decisions, proposal=None, dismissed=dismissed))
        return await self._write(Decision.DISMISS, record, after, why, request)

    async def _settle(self, record: DocumentRecord, body: DecisionBody) -> DocumentRecord:
        """Close what was handled outside of the connector; the ids of what was entered by hand become its own."""
        why, settled = body.why(), record.reason == SkipReason.HANDLED_OUTSIDE
        if record.state not in WAITING and not settled:
            raise _misfit(Decision.SETTLE, record, "only what is held or failed can be settled")
        known = (*record.filing.handled_outside, *record.filing.reserved)
        ids = [each for each in dict.fromkeys(body.transaction_ids) if each not in known]
        reserve = await self._unowned(record, ids)
        told = f", in TaxJar as {', '.join(body.transaction_ids)}" if body.transaction_ids else ""
        after = record.to(
            State.SKIPPED,
            reason=SkipReason.HANDLED_OUTSIDE,
            message=f"Handled outside{told}, {why.by}: {why.reason}",
        ).proposing(None)
        filing = replace(
            after.filing,
            handled_outside=(*after.filing.handled_outside, *ids),
            reserved=(*after.filing.reserved, *reserve),
        )
        return await self._write(Decision.SETTLE, record, replace(after, filing=filing), why, reserve=reserve)

    async def _unowned(self, record: DocumentRecord, ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` that no document owns. Raises :class:`Conflict` for one that belongs to another."""
        unowned = []
        for each in ids:
            owner = await self._connector.ledger.owner_of(record.connection, record.key.company, each)
            if owner and owner.key != record.key:
                raise Conflict(f"{each} is the transaction of {owner.key}; it cannot be this document's as well.")
            unowned += [] if owner else [each]
        return unowned

    async def _note(self, record: DocumentRecord, body: DecisionBody) -> DocumentRecord:
        if body.text is None:
            raise BadInput("text: say what to note")
        why = Why(reason=body.text, by=body.by)
        return await self._write(Decision.NOTE, record, record, why)

    async def _assign(self, record: DocumentRecord, body: DecisionBody) -> DocumentRecord:
        if body.to is None:
            raise BadInput("to: say to whom; an empty text for nobody")
        why = Why(reason=body.reason or (f"to {body.to}" if body.to.strip() else "to nobody"), by=body.by)
        after = replace(record, decisions=replace(record.decisions, assignee=body.to.strip()))
        return await self._write(Decision.ASSIGN, record, after, why)

    async def _write(
        self,
        decision: Decision,
        before: DocumentRecord,
        after: DocumentRecord,
        why: Why,
        exchange: Exchange = NOTHING_EXCHANGED,
        *,
        reserve: Sequence[str] = (),
    ) -> DocumentRecord:
        was = {"state": before.state.value, "reason": before.reason, "message": before.message}
        entry = document_entry(
            after,
            self._actor,
            self._connector.clock(),
            decision=decision,
            reason=why.reason,
            message="",
            exchange=replace(exchange, before=was),
        )
        return await self._connector.ledger.settle(before, after, entry, reserve=reserve)

    def _waiting(self, decision: Decision, record: DocumentRecord) -> Proposal:
        proposal = record.decisions.proposal
        if record.state is not State.HELD or proposal is None:
            raise _misfit(decision, record, "nothing is proposed for it")
        return proposal


def _misfit(decision: Decision, record: DocumentRecord, why: str) -> Conflict:
    state = f"{record.state} ({record.reason})" if record.reason else record.state
    return Conflict(f"{decision} does not fit this document: it is {state}, and {why}.")

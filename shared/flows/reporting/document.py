"""One claimed document: what F&O shows is mapped, planned, carried out and settled (design 4.2 to 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from shared.documents import ZERO, DocumentType, PostedDocument
from shared.dynamics.sources import ProblemKind, ReadProblem
from shared.filing import End, Ending, Plan, make_plan
from shared.filing.sides import Answers
from shared.fingerprint import fingerprint, is_fingerprint_of
from shared.flows.customers.put import put_customer_first
from shared.flows.finding.missing import why_not_shown
from shared.flows.reporting.act import NotStoredAsSent, TaxJarHoldsAnother, ask, carry_out
from shared.flows.reporting.holds import (
    hold_elsewhere,
    hold_not_stored,
    hold_refused,
    is_elsewhere,
    with_facts,
)
from shared.flows.reporting.ids import own_ids
from shared.flows.work.claims import Claim
from shared.flows.work.entries import NOTHING_EXCHANGED, Exchange
from shared.flows.work.retries import NotYet
from shared.flows.work.run import Run, mapping_settings
from shared.ledger.records import DocumentRecord, State
from shared.mapping import (
    Held,
    HoldReason,
    KeptTransaction,
    Mapped,
    OriginalKey,
    OriginalSale,
    Skipped,
    map_document,
)
from shared.taxjar.errors import Rejected

HOLD_SOURCE_AFTER = timedelta(days=1)
"""How long a document waits for an entity set that cannot be read before it is held for a person."""
_HALF_POSTED = frozenset(
    {
        HoldReason.LINES_MISSING,
        HoldReason.AMOUNTS_DO_NOT_ADD_UP,
        HoldReason.TAXES_DO_NOT_ADD_UP,
        HoldReason.SOURCE_INCOMPLETE,
    }
)
"""What a document looks like while F&O is still posting it."""
_ENDS = {
    Ending.REPORT: State.REPORTED,
    Ending.KEEP: State.REPORTED,
    Ending.SKIP: State.SKIPPED,
    Ending.HOLD: State.HELD,
}

Sales = Mapping[OriginalKey, OriginalSale]


async def report(claim: Claim, shown: PostedDocument | ReadProblem | None, sales: Sales) -> None:
    """Report, skip or hold the document. ``sales`` are the originals that it names, as reported or as F&O shows them.

    Raises what postpones it, ``ClaimLost``, or a defect.
    """
    if isinstance(shown, PostedDocument):
        claim.note_read_without(shown.read_without)
    if isinstance(shown, PostedDocument) and _is_as_filed(claim, shown):
        await claim.settle(claim.record.to(State.REPORTED, message="Unchanged since it was reported."))
    elif is_elsewhere(claim) and (claim.record.correction or isinstance(shown, PostedDocument)):
        await hold_elsewhere(claim)
    elif claim.record.correction:
        # What was approved is sent, whatever F&O shows by now.
        await _follow_plan(claim, _as_filed(claim.record, HoldReason.FILED_TRANSACTION_CHANGED, ""), "")
    elif shown is None:
        if message := await why_not_shown(claim):
            await _hold_unread(claim, HoldReason.NOT_FOUND_IN_DYNAMICS, message)
    elif isinstance(shown, ReadProblem):
        await _settle_unread(claim, shown)
    else:
        await _report_shown(claim, shown, sales)


async def _report_shown(claim: Claim, document: PostedDocument, sales: Sales) -> None:
    outcome = map_claimed(claim.run, claim.record, document, sales)
    if isinstance(outcome, Held) and _may_be_half_posted(claim, outcome, document):
        raise NotYet(f"F&O may still be posting this document. {outcome.message}")
    while isinstance(outcome, Mapped) and await own_ids(claim, outcome):
        outcome = map_claimed(claim.run, claim.record, document, sales)
    if isinstance(outcome, Mapped):
        try:
            await put_customer_first(claim.run, document.customer)
        except Rejected as refusal:
            await hold_refused(claim, outcome, refusal, "TaxJar refuses the exempt customer")
            return
    await _follow_plan(claim, outcome, fingerprint(document), document)


def _is_as_filed(claim: Claim, document: PostedDocument) -> bool:
    """Whether F&O shows what was filed, and nothing asks for more."""
    record = claim.record
    asked = record.correction or record.decisions.remap or record.attempts.outcome_unknown
    return record.filing.was_sent and not asked and is_fingerprint_of(record.filing.fingerprint, document)


def map_claimed(run: Run, record: DocumentRecord, document: PostedDocument, sales: Sales) -> Mapped | Skipped | Held:
    """What the mapping makes of ``document``; ids and tax codes that it was sent with are kept."""
    return map_document(
        document,
        mapping_settings(run.company.settings, forced=bool(record.decisions.forced)),
        tax_categories=run.tax_categories,
        originals=sales,
        kept_transactions=[
            KeptTransaction(each.part, each.kind, frozenset(each.line_keys)) for each in record.filing.current
        ],
        kept_tax_codes=None if record.decisions.remap else record.filing.tax_codes,
        number_taken=record.filing.number_taken,
    )


async def _follow_plan(
    claim: Claim, outcome: Mapped | Skipped | Held, content: str, document: PostedDocument | None = None
) -> None:
    """Plan, ask TaxJar where the plan begins with a question, carry the plan out, settle."""
    answers: Answers | None = None
    while True:
        plan = _plan(claim, outcome, content, answers)
        if plan.question:
            answers = {**(answers or {}), **await ask(claim, plan.question)}
            continue
        try:
            exchange = await carry_out(claim, plan)
        except TaxJarHoldsAnother as other:
            answers = {**(answers or {}), **other.answers}
            continue
        except NotStoredAsSent as other:
            await hold_not_stored(claim, outcome, other)
            return
        except Rejected as refusal:
            await hold_refused(claim, outcome, refusal, "TaxJar refuses the document")
            return
        await _settle_end(claim, plan, outcome, content, exchange, document)
        return


def _plan(claim: Claim, outcome: Mapped | Skipped | Held, content: str, answers: Answers | None) -> Plan:
    run = claim.run
    return make_plan(claim.record.standing(content), outcome, run.periods, today=run.today, answers=answers)


async def _settle_end(
    claim: Claim,
    plan: Plan,
    outcome: Mapped | Skipped | Held,
    content: str,
    exchange: Exchange,
    document: PostedDocument | None,
) -> None:
    end, record = plan.end or End(Ending.KEEP), claim.record
    correction = record.correction
    if not plan.steps:
        record = record.filed(plan.filed)
    after = record.to(_ENDS[end.ending], reason=end.reason, message=end.message).certain().proposing(end.proposal)
    if correction and end.ending is Ending.HOLD:
        # What was approved could not be sent as it was: a retry asks TaxJar first.
        after = replace(after, attempts=replace(after.attempts, outcome_unknown=True))
    if end.ending is Ending.REPORT:
        codes: Mapping[str, str] | None = outcome.tax_codes if isinstance(outcome, Mapped) else None
        if correction:
            # What was restored as it was filed keeps the codes that it was filed with.
            codes = record.filing.tax_codes if correction.tax_codes is None else correction.tax_codes
        filing = replace(after.filing, fingerprint=correction.fingerprint if correction else content, tax_codes=codes)
        after = replace(after, filing=filing)
        if plan.steps and after.decisions.dismissed:
            after = replace(after, decisions=replace(after.decisions, dismissed=()))
    elif end.ending is Ending.KEEP:
        after = replace(after, filing=replace(after.filing, fingerprint=content))
    if document:
        after = with_facts(after, outcome, document)
    asked = {"proposal": end.proposal.shown()} if end.proposal else None
    await claim.settle(
        after,
        exchange=replace(exchange, request=asked) if asked else exchange,
        notes=() if correction else outcome.notes,
    )


async def _settle_unread(claim: Claim, problem: ReadProblem) -> None:
    """A document that cannot be read waits, or is held; it goes on by itself once it can be read."""
    record, now = claim.record, claim.run.connector.clock()
    waits = problem.kind is ProblemKind.SOURCE_INCOMPLETE and record.tried_for(now) < HOLD_SOURCE_AFTER
    if waits or problem.kind is ProblemKind.REPEATED_LINES:
        raise NotYet(problem.sentence)
    reason = (
        HoldReason.SOURCE_INCOMPLETE if problem.kind is ProblemKind.SOURCE_INCOMPLETE else HoldReason.UNREADABLE_ROW
    )
    await _hold_unread(claim, reason, problem.sentence)


async def _hold_unread(claim: Claim, reason: HoldReason, message: str) -> None:
    """Hold a document without its content. What TaxJar holds of it is looked up first where that is not known."""
    record = claim.record
    if record.filing.was_sent and record.attempts.outcome_unknown:
        await _follow_plan(claim, _as_filed(record, reason, message), record.filing.fingerprint)
    else:
        await claim.settle(record.to(State.HELD, reason=reason, message=message), exchange=NOTHING_EXCHANGED)


def _may_be_half_posted(claim: Claim, outcome: Held, document: PostedDocument) -> bool:
    minutes = claim.run.connection.settings.dynamics.half_posted_minutes
    age = claim.run.connector.clock() - claim.record.seen_at
    no_lines = not document.lines and document.type is not DocumentType.FREE_TEXT
    return age < timedelta(minutes=minutes) and (no_lines or bool(_HALF_POSTED & set(outcome.reasons)))


def _as_filed(record: DocumentRecord, reason: HoldReason, message: str) -> Held:
    """Stands for the mapping of a document whose content does not count or is not known."""
    return Held(
        transaction_id=record.filing.transaction_id,
        kind=record.filing.kind,
        amount=record.filing.amount or ZERO,
        sales_tax=record.filing.sales_tax or ZERO,
        to_states=record.filing.to_states,
        notes=(),
        reasons=(reason,),
        message=message,
    )

"""The plan for one document: what is asked, sent, proposed, held or kept, and why (design 4.2, 4.6).

The rules, in the order in which they are asked:

1. An approved correction comes to its end as it was approved.
2. Where an outcome is unknown, or a person would have to decide, TaxJar is asked first.
3. What TaxJar lost or somebody changed there is restored in an open period, and held in a closed one.
4. A changed part in open periods is updated, a new part is created.
5. A changed part in a closed period, and a part that is gone, make a proposal; then nothing of the document is sent.
6. A change that a person dismissed is not proposed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from shared.filing.changes import Change, changes_between
from shared.filing.correcting import plan_correction
from shared.filing.dismissals import content_of
from shared.filing.filed import FiledTransaction, Role, held_in_taxjar, replaced
from shared.filing.guard import Guard
from shared.filing.periods import FilingPeriods
from shared.filing.proposals import Proposal, ProposalStep
from shared.filing.sides import Answers, Look, Outcome, id_of, look_at, new_parts, with_adopted
from shared.filing.steps import Ask, Create, End, Ending, Step, Update
from shared.mapping import Held, HoldReason, Mapped, Skipped

_CREATED_AGAIN = "TaxJar no longer held it: created again as it was filed."


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of a document before it is planned."""

    filed: tuple[FiledTransaction, ...] = ()
    outcome_unknown: bool = False
    """The last call may have taken effect, or TaxJar is suspected to have lost something."""
    dismissed: tuple[str, ...] = ()
    proposal: Proposal | None = None
    """A correction that waits for a person, or is approved and under way."""
    fingerprint: str = ""
    """Of the document as F&O shows it now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and what the document is when they are done."""

    steps: tuple[Step, ...]
    end: End | None
    """``None`` where the plan begins with a question: plan again with the answers."""
    filed: tuple[FiledTransaction, ...]
    """What is filed before the steps, in the light of TaxJar's answers."""

    @property
    def question(self) -> Ask | None:
        """What TaxJar has to be asked before anything else can be planned."""
        return self.steps[0] if self.steps and isinstance(self.steps[0], Ask) else None


def make_plan(
    standing: Standing,
    outcome: Outcome,
    periods: FilingPeriods,
    *,
    today: date,
    answers: Answers | None = None,
) -> Plan:
    """What is to happen with a document that the mapping makes ``outcome`` of. ``today`` is the company's."""
    guard = Guard(periods, today)
    if standing.proposal and standing.proposal.step is ProposalStep.APPROVED:
        return Plan(*plan_correction(standing.proposal, standing.filed, answers, unknown=standing.outcome_unknown))
    new = new_parts(outcome, standing.filed)
    candidates = new or (_expected(outcome),)
    if standing.outcome_unknown and answers is None:
        asked = {id_of(each): each for each in (*held_in_taxjar(standing.filed), *candidates)}
        return _ask(standing.filed, asked.values(), "What happened to the last call is not known.")
    filed = with_adopted(standing.filed, candidates, answers or {})
    looks = look_at(filed, answers or {})
    if isinstance(outcome, Held):
        return _set_aside(standing, outcome, filed, looks, guard)
    changes = changes_between(looks, new)
    content = content_of([each.hash for each in new], outcome if isinstance(outcome, Skipped) else None)
    reason = guard.reason(looks, changes, outcome)
    if reason and content in standing.dismissed and not any(look.is_lost or look.is_edited for look in looks):
        return Plan((), End(Ending.KEEP, message="What was filed is kept: this change was dismissed before."), filed)
    if reason:
        unasked = [each for each in held_in_taxjar(filed) if id_of(each) not in (answers or {})]
        if unasked:
            return _ask(filed, unasked, "A decision has to be about what TaxJar holds.")
        return _propose(standing, outcome, filed, looks, changes, content, guard, reason)
    if isinstance(outcome, Skipped):
        gone = tuple(_deleted(each) for each in filed)
        return Plan((), End(Ending.SKIP, outcome.reason, outcome.message), gone)
    return _send(filed, looks, changes, guard)


def _ask(filed: tuple[FiledTransaction, ...], asked: Iterable[FiledTransaction], reason: str) -> Plan:
    return Plan((Ask(tuple(asked), reason),), None, filed)


def _expected(outcome: Outcome) -> FiledTransaction:
    """What an earlier attempt may have sent of a document that is not to be sent now."""
    return FiledTransaction(
        transaction_id=outcome.transaction_id, kind=outcome.kind, payload={}, part=outcome.transaction_id
    )


def _send(filed: tuple[FiledTransaction, ...], looks: Sequence[Look], changes: Sequence[Change], guard: Guard) -> Plan:
    """Everything may be sent: restore, update, create."""
    steps: list[Step] = [*_restored(looks, guard)]
    adopted = False
    for change in changes:
        new, look = change.new, change.look
        if new is None:
            # Lost in TaxJar and no longer wanted: nothing is left to take back.
            filed = tuple(_deleted(each) if look and each is look.sent else each for each in filed)
        elif look is None or look.is_lost:
            why = "" if look is None else "TaxJar no longer held it: created again."
            steps.append(Create(guard.dated(new, first=look is None), why))
        elif change.differs:
            why = "Changed in TaxJar, the filing period is open."
            steps.append(Update(new, look.filed.payload, why))
        else:
            adopted = adopted or look.is_edited
            filed = replaced(filed, new.model_copy(update={"late": look.sent.late}))
    message = "" if steps else "Unchanged in TaxJar."
    if adopted or (not steps and any(look.sent.payload == {} for look in looks)):
        message = "TaxJar already held exactly this."
    return Plan(tuple(steps), End(Ending.REPORT, message=message), filed)


def _restored(looks: Sequence[Look], guard: Guard) -> list[Create | Update]:
    """Reversals and what they took back, as they were filed, where TaxJar lost or changed them in an open period."""
    steps: list[Create | Update] = []
    for look in looks:
        if look.sent.role is Role.CURRENT or guard.is_closed(look.sent):
            continue
        if look.is_lost:
            steps.append(Create(look.sent, _CREATED_AGAIN))
        elif look.is_edited:
            steps.append(Update(look.sent, look.filed.payload, "Changed in TaxJar: put back as it was filed."))
    return steps


def _set_aside(
    standing: Standing, outcome: Held, filed: tuple[FiledTransaction, ...], looks: Sequence[Look], guard: Guard
) -> Plan:
    """Send nothing new. What was filed is there still, or again; where that takes a person, it is proposed."""
    wanted = [look.sent for look in looks if look.sent.role is Role.CURRENT]
    changes = changes_between(looks, wanted)
    if reason := guard.reason(looks, changes, outcome):
        content = content_of([each.hash for each in wanted])
        held = _propose(standing, outcome, filed, looks, changes, content, guard, reason)
        end = held.end or End(Ending.HOLD)
        return replace(held, end=replace(end, reason=outcome.reason, message=f"{outcome.message} {end.message}"))
    names = " and ".join(each.transaction_id for each in wanted)
    kept = f" TaxJar holds {names}. TaxJar keeps what was reported before." if wanted else ""
    plan = _send(filed, looks, changes, guard)
    return replace(plan, end=End(Ending.HOLD, outcome.reason, outcome.message + kept))


def _propose(
    standing: Standing,
    outcome: Outcome,
    filed: tuple[FiledTransaction, ...],
    looks: Sequence[Look],
    changes: Sequence[Change],
    content: str,
    guard: Guard,
    reason: HoldReason,
) -> Plan:
    """Hold the document with a complete proposal.

    Where what is closed is as it was filed, what was lost in an open period is there again first. Else nothing is sent:
    a reversal that is restored without what it reverses would make the sum wrong.
    """
    steps: list[Create | Update] = []
    if reason is HoldReason.FILED_TRANSACTION_CHANGED:
        lost = [look.sent for look in looks if look.is_lost and look.sent.role is Role.CURRENT]
        again = [each for each in lost if not guard.is_closed(each)]
        steps = [*_restored(looks, guard), *(Create(each, _CREATED_AGAIN) for each in again)]
    restored = [step.transaction for step in steps]
    proposal = guard.proposal(looks, changes, restored).model_copy(
        update={
            "content": content,
            # What is held is not as filed: it is read again.
            "fingerprint": "" if isinstance(outcome, Held) else standing.fingerprint,
            "tax_codes": outcome.tax_codes if isinstance(outcome, Mapped) else None,
            "skip": (outcome.reason.value, outcome.message) if isinstance(outcome, Skipped) else None,
        }
    )
    if not proposal.pairs and isinstance(outcome, Skipped):
        return Plan(tuple(steps), End(Ending.SKIP, outcome.reason, outcome.message), tuple(map(_deleted, filed)))
    message = guard.sentence(reason, proposal, changes, outcome)
    return Plan(tuple(steps), End(Ending.HOLD, reason, message, proposal), filed)


def _deleted(each: FiledTransaction) -> FiledTransaction:
    return each.model_copy(update={"role": Role.DELETED}) if each.role is Role.CURRENT else each

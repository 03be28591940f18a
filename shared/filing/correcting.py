"""An approved correction: each reversal, then its replacement, each exactly once (design 4.6).

All transactions were fixed when a person approved them, so that a second attempt after a crash sends the same again,
is refused, and finds in TaxJar what it would have sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.filing.filed import FiledTransaction, Role, replaced
from shared.filing.proposals import Pair, Proposal
from shared.filing.sides import Answers, Id, id_of, look_at
from shared.filing.steps import Ask, Create, End, Ending, Step
from shared.mapping import HoldReason

_RETRY = "Retry the document: what is missing is restored as it was filed, and the change is proposed anew."
_Planned = tuple[tuple[Step, ...], End | None, tuple[FiledTransaction, ...]]


def plan_correction(
    proposal: Proposal, filed: tuple[FiledTransaction, ...], answers: Answers | None, *, unknown: bool
) -> _Planned:
    """The steps that are left of ``proposal``, the end, and what is filed before them."""
    answers = answers or {}
    done = {id_of(each) for each in filed}
    left = [each for each in proposal.sent if id_of(each) not in done]
    asked = _to_be_reversed(proposal, done)
    if unknown:
        asked = [*asked, *left]
    if unasked := [each for each in asked if id_of(each) not in answers]:
        return (Ask(tuple(unasked), "A correction is about what TaxJar holds."),), None, filed
    for each in left:
        stored = answers.get(id_of(each))
        if stored is None:
            continue
        [look] = look_at([each], answers)
        if look.is_edited:
            message = f"TaxJar holds another {each.kind} under id {each.transaction_id}. {_RETRY}"
            return (), End(Ending.HOLD, HoldReason.REJECTED_BY_TAXJAR, message), filed
        filed = after(proposal, filed, each)
        done.add(id_of(each))
    if problem := _not_as_filed(_to_be_reversed(proposal, done), answers):
        end = End(Ending.HOLD, HoldReason.FILED_TRANSACTION_CHANGED, f"{problem}. Nothing was sent. {_RETRY}")
        return (), end, filed
    steps = tuple(_step(pair, each) for pair in proposal.pairs for each in pair.sent if id_of(each) not in done)
    return steps, _end(proposal), filed


def after(
    proposal: Proposal, filed: tuple[FiledTransaction, ...], sent: FiledTransaction
) -> tuple[FiledTransaction, ...]:
    """What is filed once ``sent``, a transaction of ``proposal``, is in TaxJar."""
    for pair in proposal.pairs:
        if pair.reversal == sent and pair.filed:
            # As TaxJar holds it: that is what was reversed.
            filed = replaced(filed, pair.filed.model_copy(update={"role": Role.REVERSED}))
        elif pair.replacement == sent and pair.lost:
            filed = _with_role(filed, pair.lost, Role.DELETED)
    return replaced(filed, sent)


def _with_role(
    filed: tuple[FiledTransaction, ...], target: FiledTransaction, role: Role
) -> tuple[FiledTransaction, ...]:
    return tuple(each.model_copy(update={"role": role}) if id_of(each) == id_of(target) else each for each in filed)


def _step(pair: Pair, sent: FiledTransaction) -> Create:
    if sent is pair.reversal and pair.filed:
        return Create(sent, f"What was filed is reversed by {sent.kind} {sent.transaction_id}.", reverses=pair.filed)
    return Create(sent, f"Corrected: {sent.kind} {sent.transaction_id} says what is right.")


def _to_be_reversed(proposal: Proposal, done: set[Id]) -> list[FiledTransaction]:
    return [pair.filed for pair in proposal.pairs if pair.filed and pair.reversal and id_of(pair.reversal) not in done]


def _not_as_filed(targets: Sequence[FiledTransaction], answers: Answers) -> str:
    """Why the reversals would not take back what TaxJar holds; empty where they do."""
    for look in look_at(targets, answers):
        what = f"{look.sent.kind} {look.sent.transaction_id}"
        if look.is_lost:
            return f"TaxJar no longer holds {what}, which was to be reversed"
        if look.filed.sums != look.sent.sums:
            return f"TaxJar holds other amounts in {what} than were to be reversed"
    return ""


def _end(proposal: Proposal) -> End:
    if proposal.skip:
        reason, message = proposal.skip
        return End(Ending.SKIP, reason, f"{message} What was filed is reversed.")
    named = " and ".join(f"{each.kind} {each.transaction_id}" for each in proposal.sent)
    return End(Ending.REPORT, message=f"Corrected by {named}.")

"""What a state may have received is not changed without a person (design 4.6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from shared.filing.changes import Change
from shared.filing.filed import FiledTransaction, Role, sums_of
from shared.filing.periods import FilingPeriods
from shared.filing.proposals import Pair, Proposal, next_numbers, reversal_for
from shared.filing.sides import Look, Outcome
from shared.mapping import HoldReason, Skipped
from shared.money import plain

_SHOWN_CHANGES = 12
"""How many changed fields the message names; the proposal has them all."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges by the filing periods as of ``today``, the company's."""

    periods: FilingPeriods
    today: date

    def is_closed(self, transaction: FiledTransaction) -> bool:
        """Whether a state may have received the transaction."""
        return self.periods.is_closed(transaction.date, transaction.to_state, today=self.today)

    def dated(self, new: FiledTransaction, *, first: bool) -> FiledTransaction:
        """``new``, marked late where it is sent for the first time after its period had closed."""
        return new.model_copy(update={"late": new.late or (first and not new.number and self.is_closed(new))})

    def reason(self, looks: Sequence[Look], changes: Sequence[Change], outcome: Outcome) -> HoldReason | None:
        """Why a person has to decide; ``None`` where everything may be sent."""
        closed = [look for look in looks if self.is_closed(look.sent) or self.is_closed(look.filed)]
        wanted = {change.look.sent.part for change in changes if change.look and change.new}
        if any(look.is_lost and (look.sent.role is not Role.CURRENT or look.sent.part in wanted) for look in closed):
            return HoldReason.DELETED_IN_TAXJAR
        if any(change.is_gone or (change.differs and self._guards(change)) for change in changes):
            edited = any(change.look and change.look.is_edited and _as_sent(change) for change in changes)
            return HoldReason.CHANGED_IN_TAXJAR if edited else HoldReason.FILED_TRANSACTION_CHANGED
        if any(look.is_edited and look.sent.role is not Role.CURRENT for look in closed):
            return HoldReason.CHANGED_IN_TAXJAR
        return None

    def _guards(self, change: Change) -> bool:
        sides = (change.look.filed, change.look.sent) if change.look else ()
        return any(self.is_closed(side) for side in (*sides, *([change.new] if change.new else [])))

    def proposal(
        self, looks: Sequence[Look], changes: Sequence[Change], restored: Collection[FiledTransaction]
    ) -> Proposal:
        """Every correction that puts the document right, dated today; the day of approval dates it anew."""
        pairs = [*self._of_corrections(looks, restored)]
        for change in changes:
            look, new = change.look, change.new
            lost = look.sent if look and look.is_lost and look.sent not in restored else None
            filed = look.filed if look and not lost else None
            if not (filed or new) or (filed and new and not change.differs):
                continue
            part = (filed or lost or new).part  # type: ignore[union-attr]
            pairs.append(
                Pair(
                    part=part,
                    filed=filed,
                    lost=lost,
                    reversal=reversal_for(filed, self.today) if filed else None,
                    replacement=new.model_copy(update={"part": part, "late": False}) if new else None,
                    difference=change.difference,
                )
            )
        numbers = next_numbers(pairs, [look.sent for look in looks])
        return Proposal(pairs=tuple(pairs), content="").numbered(numbers, self.today)

    def _of_corrections(self, looks: Sequence[Look], restored: Collection[FiledTransaction]) -> list[Pair]:
        """Reversals, and what they took back, that were lost or changed and are not put right already."""
        return [
            Pair(
                part=look.sent.part,
                filed=look.filed if look.is_edited else None,
                lost=look.sent if look.is_lost else None,
                reversal=reversal_for(look.filed, self.today) if look.is_edited else None,
                replacement=look.sent,
            )
            for look in looks
            if look.sent.role is not Role.CURRENT and (look.is_lost or look.is_edited) and look.sent not in restored
        ]

    def sentence(self, reason: HoldReason, proposal: Proposal, changes: Sequence[Change], outcome: Outcome) -> str:
        """What happened and what to decide, for a clerk."""
        return f"{self._because(reason, changes, outcome)} {_words(proposal)} {_choice(proposal)}"

    def _because(self, reason: HoldReason, changes: Sequence[Change], outcome: Outcome) -> str:
        if isinstance(outcome, Skipped):
            return f"The document would now be skipped ({outcome.reason}): {outcome.message}"
        if reason is HoldReason.DELETED_IN_TAXJAR:
            return "TaxJar no longer holds what was filed in a closed period."
        if reason is HoldReason.CHANGED_IN_TAXJAR:
            return "TaxJar holds something else than was filed in a closed period."
        gone = [change.look.filed for change in changes if change.is_gone and change.look]
        if gone:
            named = " and ".join(f"{each.kind} {each.transaction_id}" for each in gone)
            return f"TaxJar holds {named}, which the document no longer has."
        closed = dict.fromkeys(
            f"{side.date:%Y-%m} of {side.to_state}"
            for change in changes
            if change.differs
            for side in ((change.look.filed if change.look else None), change.new)
            if side and self.is_closed(side)
        )
        return f"The filing period {' and '.join(closed)} is closed."


def _as_sent(change: Change) -> bool:
    """Whether only TaxJar's side has changed: the document would be sent as it was."""
    return bool(change.look and change.new and change.look.sent.hash == change.new.hash)


def _words(proposal: Proposal) -> str:
    named: list[str] = []
    for pair in proposal.pairs:
        where = f"{pair.part}: " if len(proposal.pairs) > 1 else ""
        named += [
            f"{where}{field} {change['filed'] or 'none'} → {change['new'] or 'none'}"
            for field, change in pair.difference.items()
        ]
    more = len(named) - _SHOWN_CHANGES
    changes = "; ".join(named[:_SHOWN_CHANGES]) + (f"; and {more} more" if more > 0 else "")
    in_all = sums_of(proposal.sent)
    told = f"It would now be sent differently: {changes}. " if changes else ""
    return f"{told}In all amount {plain(in_all.amount)}, sales tax {plain(in_all.sales_tax)}."


def _choice(proposal: Proposal) -> str:
    sent = " and ".join(f"{each.kind} {each.transaction_id}" for each in proposal.sent)
    return f"Approve to send {sent}, or dismiss to keep what was filed."


def withdrawal(filed: Sequence[FiledTransaction], reason: HoldReason, message: str, today: date) -> Proposal:
    """The proposal to take back everything that is filed of a document that F&O no longer has."""
    pairs = [
        Pair(part=each.part, filed=each, reversal=reversal_for(each, today))
        for each in filed
        if each.role is Role.CURRENT
    ]
    proposal = Proposal(pairs=tuple(pairs), content="", skip=(reason.value, message))
    return proposal.numbered(next_numbers(pairs, filed), today)

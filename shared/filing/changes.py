"""What differs between the parts that are filed and those that would be filed now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.filing.filed import FiledTransaction, Role
from shared.filing.proposals import Difference
from shared.filing.sides import Look, id_of
from shared.money import plain
from shared.taxjar.compare import differences

_MONEY = ("amount", "shipping", "sales_tax")


@dataclass(frozen=True, slots=True)
class Change:
    """One part: as it is filed, and as it would be filed now. One of them may be absent."""

    look: Look | None
    new: FiledTransaction | None

    @property
    def is_gone(self) -> bool:
        """TaxJar holds the part, and the document no longer has it."""
        return self.new is None and self.look is not None and not self.look.is_lost

    @property
    def differs(self) -> bool:
        """Both are there and say different things."""
        if self.look is None or self.new is None or self.look.is_lost:
            return False
        return self.look.filed.hash != self.new.hash and bool(_compared(self.new, self.look.filed))

    @property
    def difference(self) -> Difference:
        """Field → ``filed`` and ``new``."""
        filed = self.look.filed if self.look and not self.look.is_lost else None
        if filed and self.new:
            return {
                field: {"filed": theirs, "new": ours}
                for field, (ours, theirs) in _compared(self.new, filed).items()
                if field not in ("transaction_id", "transaction_date") or self.new.number == filed.number
            }
        one = filed or self.new
        if one is None:
            return {}
        side, other = ("filed", "new") if filed else ("new", "filed")
        return {name: {side: plain(getattr(one.sums, name)), other: None} for name in _MONEY}


def changes_between(looks: Sequence[Look], new: Sequence[FiledTransaction]) -> tuple[Change, ...]:
    """Each part of the document once: the new ones in their order, then those that are gone."""
    current = {look.sent.part: look for look in looks if look.sent.role is Role.CURRENT}
    kept = {each.part for each in new}
    return (
        *(Change(current.get(each.part), each) for each in new),
        *(Change(look, None) for part, look in current.items() if part not in kept),
    )


def _compared(new: FiledTransaction, filed: FiledTransaction) -> dict[str, tuple[str | None, str | None]]:
    return differences(new.payload, filed.payload) if id_of(new)[0] is filed.kind else {"kind": (new.kind, filed.kind)}

"""Documents that are not sent: skipped or held, with what is known of them (design 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.documents import PostedDocument
from shared.mapping.items import Item, Items
from shared.mapping.left_out import left_out_payments
from shared.mapping.origins import find_origin
from shared.mapping.outcomes import Held, Hold, OriginalTransaction, Skipped
from shared.mapping.part_ids import PartIds
from shared.mapping.placing import Placements
from shared.mapping.reasons import HoldReason, SkipReason
from shared.mapping.signs import net_and_tax
from shared.settings import CompanySettings
from shared.transactions import Kind, Place

_MOST_SENTENCES = 20


@dataclass(frozen=True, slots=True)
class Unsent:
    """What is known of ``document`` when there is nothing to send."""

    document: PostedDocument
    company: CompanySettings
    items: Items
    placements: Placements
    ids: PartIds
    notes: Sequence[str]

    def skipped(self, reason: SkipReason, message: str) -> Skipped:
        """The document is out of scope."""
        return Skipped(**self._facts(), reason=reason, message=message)

    def held(self, holds: Sequence[Hold]) -> Held:
        """The document waits for a person; the reasons come in the order of the rules, the message names them all."""
        order = list(HoldReason)
        in_order = sorted(dict.fromkeys(holds), key=lambda hold: order.index(hold.reason))
        sentences = [hold.sentence for hold in in_order]
        if (more := len(sentences) - _MOST_SENTENCES) > 0:
            sentences = [*sentences[:_MOST_SENTENCES], f"There are {more} more of these."]
        reasons = tuple(dict.fromkeys(hold.reason for hold in in_order))
        return Held(**self._facts(), reasons=reasons, message=" ".join(sentences), went=self._went())

    def _went(self) -> tuple[OriginalTransaction, ...]:
        if self.placements.holds:
            return ()
        went: dict[tuple[str, ...], list[Item]] = {}
        for item in self.items.lines:
            if item.kind is Kind.ORDER and not self.placements.of(item).is_abroad:
                went.setdefault(self.placements.of(item).key, []).append(item)
        ids = self.ids.of([(Kind.ORDER, frozenset(item.key for item in items)) for items in went.values()])
        return tuple(self._order(id_, items) for id_, items in zip(ids, went.values(), strict=True))

    def _order(self, id_: str, items: Sequence[Item]) -> OriginalTransaction:
        placement = self.placements.of(items[0])
        lines = [(item.line, item.cents) for item in items if item.line]
        origin = find_origin(lines, self.document, self.company).place
        lots = frozenset(line.lot for line, _ in lines if line.lot)
        place = placement.place or Place("")
        return OriginalTransaction(id_, place, place if placement.in_store else origin, None, lots)

    def _facts(self) -> dict[str, Any]:
        kinds = {item.kind for item in self.items.sent if item.has_value} or set(self.items.directions)
        first_id, kind = self.ids.first(Kind.ORDER if Kind.ORDER in kinds else Kind.REFUND)
        net, tax = net_and_tax(self.document.total_amount, self.document.total_tax)
        left_out = left_out_payments(self.items)
        return {
            "transaction_id": first_id,
            "kind": kind,
            "amount": net - sum(left.amount for left in left_out),
            "sales_tax": tax - sum(left.sales_tax for left in left_out),
            "to_states": self.placements.to_states,
            "notes": tuple(dict.fromkeys(self.notes)),
            "left_out": left_out,
        }

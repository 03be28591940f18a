"""The ids of a document's transactions: a part that was there before keeps its id (design 4.3, 4.11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.documents import DocumentKey
from shared.mapping.ids import taken_suffix, transaction_id
from shared.mapping.outcomes import KeptTransaction
from shared.transactions import Kind

PartLines = tuple[Kind, frozenset[str]]
"""A part's kind and the keys of its lines."""


@dataclass(frozen=True, slots=True)
class PartIds:
    """Gives the parts of the document ``key`` their ids."""

    key: DocumentKey
    kept: Sequence[KeptTransaction] = ()
    number_taken: bool = False

    def of(self, parts: Sequence[PartLines]) -> list[str]:
        """The id of each of ``parts``, which are in the order in which new ids are counted, per kind."""
        found = _kept_ids(parts, self.kept)
        used = {transaction.transaction_id for transaction in self.kept}
        fresh = {kind: self._fresh(kind) for kind in Kind}
        for position, (kind, _) in enumerate(parts):
            if position not in found:
                found[position] = next(id_ for id_ in fresh[kind] if id_ not in used)
        return [found[position] for position in range(len(parts))]

    def own_order(self) -> str:
        """The id of the document's order, whether or not there is one."""
        return self.first(Kind.ORDER)[0]

    def first(self, kind: Kind) -> tuple[str, Kind]:
        """The id, and its kind, of the first transaction, as it is or would be; orders come first."""
        for transaction in sorted(self.kept, key=lambda transaction: transaction.kind is Kind.REFUND):
            if kind is Kind.REFUND or transaction.kind is kind:
                return transaction.transaction_id, transaction.kind
        return next(self._fresh(kind)), kind

    def _fresh(self, kind: Kind) -> Iterator[str]:
        suffix = taken_suffix(self.key) if self.number_taken else ""
        part = 1
        while True:
            yield transaction_id(kind, self.key.company, self.key.number, suffix, part)
            part += 1


def _kept_ids(parts: Sequence[PartLines], kept: Sequence[KeptTransaction]) -> dict[int, str]:
    """Position of a part → the id that it keeps: that of the transaction with which it shares the most lines."""
    overlaps = sorted(
        (-len(lines & transaction.line_keys), order, position)
        for position, (kind, lines) in enumerate(parts)
        for order, transaction in enumerate(kept)
        if transaction.kind is kind and lines & transaction.line_keys
    )
    found: dict[int, str] = {}
    given: set[int] = set()
    for _, order, position in overlaps:
        if order not in given and position not in found:
            found[position] = kept[order].transaction_id
            given.add(order)
    for transaction in kept:
        if transaction.line_keys:
            continue
        # Its lines are not known: it was the only one of its kind, so it is the first part that has no id yet.
        rest = [i for i, (kind, _) in enumerate(parts) if kind is transaction.kind and i not in found]
        if rest:
            found[rest[0]] = transaction.transaction_id
    return found

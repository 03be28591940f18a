"""Reductions: negative lines and charges, then the end discount, lower lines by value (design 4.3, 4.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.documents import ZERO, PostedDocument
from shared.mapping.amounts import EndDiscount
from shared.mapping.cents import apportion, from_cents, spread
from shared.mapping.items import Item, Items, Role, group_of
from shared.mapping.outcomes import Hold
from shared.mapping.parts import Part, Parts, Share, targets
from shared.mapping.placing import Placement
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import opposite
from shared.transactions import Kind


@dataclass(slots=True)
class _Reduction:
    """One reduction, in cents, positive; what is left of it once it has lowered what it can."""

    item: Item
    cents: int
    tax: int


def apply_reductions(
    parts: Parts, items: Items, end_discount: EndDiscount, document: PostedDocument
) -> tuple[list[str], list[Hold]]:
    """Lower the lines in ``parts``; what they cannot take becomes lines of the other direction. Notes and holds."""
    notes: list[str] = []
    holds: list[Hold] = []
    rest: list[Item] = []
    of_parts: dict[tuple[int, bool], tuple[Part, list[Item]]] = {}
    for item in items.reductions:
        if home := parts.home_of(item):
            of_parts.setdefault((id(home), item.is_taxed), (home, []))[1].append(item)
        else:
            rest.append(item)
    for home, group in of_parts.values():
        own = [share for share in home.shares if not share.is_leftover]
        _lower(parts, own, [home], _reductions(group), notes, holds)
    for kind in Kind:
        for is_taxed in (True, False):
            group = [item for item in rest if item.kind is kind and item.is_taxed is is_taxed]
            _lower(parts, _shares(parts, kind, items), parts.of_kind(kind), _reductions(group), notes, holds)
    if end_discount.cents:
        _lower_by_end_discount(parts, _shares(parts, end_discount.kind, items), end_discount, document, notes)
    return notes, holds


def _reductions(items: Sequence[Item]) -> list[_Reduction]:
    return [_Reduction(item, item.cents, item.tax_cents) for item in items]


def _shares(parts: Parts, kind: Kind, items: Items) -> list[Share]:
    """All lines of one direction, in the document's order: ties go to the first."""
    shares = [share for part in parts.of_kind(kind) for share in part.shares if not share.is_leftover]
    shares += [share for share in parts.floating if share.item.kind is kind]
    order = {item.key: position for position, item in enumerate(items.sent)}
    return sorted(shares, key=lambda share: order[share.item.key])


def _lower(
    parts: Parts,
    shares: Sequence[Share],
    scope: Sequence[Part],
    reductions: Sequence[_Reduction],
    notes: list[str],
    holds: list[Hold],
) -> None:
    """Lower ``shares`` by reductions of one direction and treatment, in proportion to their values."""
    if not reductions:
        return
    is_taxed = reductions[0].item.is_taxed
    lowered = targets(shares, is_taxed=is_taxed)
    room = sum(share.value for share in lowered)
    values = [share.value for share in lowered]
    taken, taken_tax, leftovers = 0, 0, []
    for reduction in reductions:
        takes = min(reduction.cents, room - taken)
        whole = takes == reduction.cents
        takes_tax = reduction.tax if whole else reduction.tax * takes // reduction.cents
        taken, taken_tax = taken + takes, taken_tax + takes_tax
        if not whole:
            leftovers.append(_Reduction(reduction.item, reduction.cents - takes, reduction.tax - takes_tax))
    too_much = max(taken_tax - sum(share.tax for share in lowered), 0)
    if too_much > len(lowered):
        holds.append(_too_much_tax(reductions[0], too_much))
    elif too_much:
        leftovers.append(_Reduction(reductions[-1].item, 0, too_much))
    weights = [share.value for share in lowered]
    for share, cents in zip(lowered, apportion(taken, weights, values), strict=True):
        share.lowered += cents
    taxes = [share.tax for share in lowered]
    for share, cents in zip(lowered, apportion(taken_tax - too_much, weights, taxes), strict=True):
        share.tax -= cents
    if taken:
        name = "taxed" if is_taxed else "untaxed"
        notes.append(f"Reductions of {from_cents(taken)} were spread over the {name} lines as discount.")
    for leftover in leftovers:
        _leave(parts, leftover, _destinations(scope, is_taxed), notes)


def _lower_by_end_discount(
    parts: Parts, shares: Sequence[Share], end_discount: EndDiscount, document: PostedDocument, notes: list[str]
) -> None:
    values = [share.value for share in shares]
    taken = min(end_discount.cents, sum(values))
    for share, cents in zip(shares, apportion(taken, values, values), strict=True):
        share.lowered += cents
    if taken:
        notes.append(f"The end discount of {from_cents(taken)} was spread over the lines.")
    if left := end_discount.cents - taken:
        item = Item(
            key="end-discount",
            role=Role.REDUCTION,
            kind=end_discount.kind,
            net=ZERO,
            tax=ZERO,
            product="",
            description=f"End discount of {document.key.number}",
            group=group_of(None, document),
        )
        _leave(parts, _Reduction(item, left, 0), _destinations(parts.of_kind(end_discount.kind), None), notes)


def _destinations(scope: Sequence[Part], is_taxed: bool | None) -> list[tuple[Placement, int]]:
    """Where what could not be lowered went, and its worth; all the lines where none has the treatment."""
    for treatment in (is_taxed, None):
        worth: dict[tuple[str, ...], tuple[Placement, int]] = {}
        for part in scope:
            shares = [share for share in targets(part.shares, is_taxed=treatment) if not share.is_leftover]
            net = sum(share.net for share in shares)
            placement, before = worth.get(part.placement.key, (part.placement, 0))
            worth[part.placement.key] = (placement, before + net)
        if any(net for _, net in worth.values()):
            return list(worth.values())
    return list(worth.values())


def _leave(parts: Parts, left: _Reduction, where: Sequence[tuple[Placement, int]], notes: list[str]) -> None:
    """The rest becomes a line of the other direction, at the destinations of what it could not lower."""
    item = left.item
    kind = opposite(item.kind)
    where = where or [(parts.all[0].placement, 0)]
    worth = [net for _, net in where]
    shares = zip(where, spread(left.cents, worth), spread(left.tax, worth), strict=True)
    for (placement, _), cents, tax in shares:
        if not cents and not tax:
            continue
        existing = [part for part in parts.of_kind(kind) if part.placement.key == placement.key]
        # It refers to what is taken back there already, else to the document's own order.
        there = (
            existing[0].placement if existing else Placement(placement.place, placement.in_store, placement.original)
        )
        part = parts.part(kind, there, item.group, is_taxed=tax > 0)
        part.shares.append(Share(item, cents, tax, tax > 0, is_leftover=True))
    notes.append(
        f"{from_cents(left.cents)} of {item.product or item.description} was more than such lines could take; it became"
        f" a line of the {kind}."
    )


def _too_much_tax(reduction: _Reduction, too_much: int) -> Hold:
    item = reduction.item
    return Hold(
        HoldReason.TAXES_DO_NOT_ADD_UP,
        f"The reduction {item.product or item.description} takes back {from_cents(too_much)} of tax more than the lines"
        " carry that it lowers. Check the posted sales tax in F&O, then retry the document.",
    )

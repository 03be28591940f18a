"""What belongs to the whole document is spread over its transactions by value (design 4.3, 4.11)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.mapping.cents import from_cents, spread
from shared.mapping.items import Item, Items
from shared.mapping.outcomes import Hold
from shared.mapping.parts import TAXABLE, Part, Parts, Share
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import sign_of


def spread_charges(parts: Parts, items: Items) -> None:
    """Give every charge of the whole document, and all shipping, to the parts of its direction.

    By what those are worth before, so that charges do not weigh for each other.
    """
    weights = {id(part): _weight(part) for part in parts.all}
    homes = [(item, parts.home_of(item)) for item in items.shipping]
    for item, home in homes:
        if home:
            _ship(home, item, item.cents, item.tax_cents)
    for share in parts.floating:
        _spread_share(share, *_takers(parts, share.item, weights))
    for item, home in homes:
        if not home:
            takers, shares = _takers(parts, item, weights)
            amounts = zip(takers, spread(item.cents, shares), spread(item.tax_cents, shares), strict=True)
            for part, cents, tax in amounts:
                _ship(part, item, cents, tax)
    parts.floating.clear()


def spread_rounding(parts: Parts, rounding: int) -> str | Hold | None:
    """Spread the document's rounding, in cents with F&O's sign, over the transactions by value; the note on it."""
    takers = [part for part in parts.all if not part.placement.is_abroad and not part.is_empty]
    if not rounding:
        return None
    takers = takers or [part for part in parts.all if not part.is_empty] or parts.all[:1]
    sign = 1 if rounding > 0 else -1
    for part, cents in zip(takers, spread(abs(rounding), [part.value for part in takers]), strict=True):
        if not _round(part, sign * sign_of(part.kind) * cents):
            return Hold(
                HoldReason.AMOUNTS_DO_NOT_ADD_UP,
                f"The document's rounding of {from_cents(rounding)} (InvoiceRoundOff) is more than what it rounds."
                " Check the document in F&O, then retry it.",
            )
    return f"The document is rounded by {from_cents(rounding)} (InvoiceRoundOff), which was spread over the lines."


def _takers(parts: Parts, item: Item, weights: dict[int, int]) -> tuple[list[Part], list[int]]:
    """The parts that take a share of a document charge, with their weights, by the identity of the part.

    Taxed ones never go to exempt parts, and abroad only with taxed lines: their tax would be left out with them.
    """
    candidates = parts.of_kind(item.kind)
    if item.is_taxed:
        takers = [part for part in candidates if part.is_taxed and part.exemption is TAXABLE]
        candidates = [part for part in candidates if not part.placement.is_abroad] or candidates
        takers = takers or [part for part in candidates if part.exemption is TAXABLE]
        if not takers:
            beside: dict[int, Part] = {}
            for part in candidates:
                made = parts.taxable_beside(part)
                beside[id(made)] = made
                weights[id(made)] = weights.get(id(made), 0) + weights.get(id(part), 0)
            takers = list(beside.values())
    else:
        candidates = [part for part in candidates if not part.is_beside] or candidates
        takers = [part for part in candidates if part.has_lines] or candidates
    return takers, [weights.get(id(part), 0) for part in takers]


def _weight(part: Part) -> int:
    lines = [share for share in part.shares if not share.is_leftover]
    return sum(share.value for share in lines or part.shares)


def _ship(part: Part, item: Item, cents: int, tax: int) -> None:
    if cents or tax:
        part.shipping_keys.append(item.key)
    part.shipping += cents
    part.shipping_tax += tax


def _spread_share(share: Share, takers: Sequence[Part], weights: Sequence[int]) -> None:
    """Spread what reductions leave of it, and apart from that its tax and what they took."""
    values, taxes, lowered = (spread(cents, weights) for cents in (share.value, share.tax, share.lowered))
    whole = not (share.net or share.tax)
    for position, (part, value, tax, off) in enumerate(zip(takers, values, taxes, lowered, strict=True)):
        if value or tax or off or (whole and position == 0):
            part.shares.append(Share(share.item, value + off, tax, share.is_taxed, off))


def _round(part: Part, cents: int) -> bool:
    """Change the part's lines by ``cents``, by value, and where that is too much its shipping; whether it can be."""
    shares = [share for share in part.shares if share.value > 0]
    values = [share.value for share in shares]
    taken = min(abs(cents), sum(values)) if cents < 0 else (cents if shares else 0)
    sign = -1 if cents < 0 else 1
    for share, change in zip(shares, spread(taken, values) if shares else [], strict=True):
        share.net += sign * change
    part.shipping += cents - sign * taken
    return part.shipping >= 0

"""An order's amounts in whole cents (design 4.4).

Whatever was posted, ``amount`` is the sum of ``unit_price * quantity - discount`` over the lines, plus ``shipping``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.documents import ZERO
from shared.mapping.cents import apportion, is_whole_cents, round_to_total, to_cents
from shared.mapping.lines import OrderLine, OrderParts
from shared.mapping.outcomes import Note, NoteCode

_CENT = Decimal("0.01")
_HALF_CENT = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line's price as TaxJar gets it, in cents; ``unit_price * quantity - discount`` is never negative."""

    quantity: int
    unit_price: int
    discount: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """The prices of the lines that are sent, in their order, and shipping in cents."""

    prices: tuple[PricedLine, ...]
    shipping: int
    notes: tuple[Note, ...]


class AmountsDoNotAddUp(ValueError):
    """Lines, charges and discounts do not make the document's net. The message gives the figures."""


def settle_amounts(net: int, parts: OrderParts, end_discount: Decimal) -> Amounts:
    """Price the lines of an order whose net is ``net`` cents (≥ 0); negative lines are spread over the others.

    Lines, charges and discounts may miss the net by a cent per line that is sent, or by rounding. More than that raises
    :class:`AmountsDoNotAddUp`.
    """
    sent, shipping = parts.sent, max(parts.shipping, ZERO)
    negative = -sum((line.net for line in parts.negative), min(parts.shipping, ZERO))
    goods = sum((line.net for line in sent), ZERO)
    residual = Decimal(net).scaleb(-2) - (goods - negative - end_discount + shipping)
    if abs(residual) > max(_CENT * len(sent), _HALF_CENT):
        raise AmountsDoNotAddUp(
            f"lines and other charges {goods:.2f}, less negative lines {negative:.2f} and end discount"
            f" {end_discount:.2f}, plus shipping {shipping:.2f} differ from the net amount by {residual:.2f}"
        )
    notes = []
    if abs(residual) > _HALF_CENT:
        sentence = f"A residual of {residual:.2f} between the lines and the net amount was spread over the lines."
        notes.append(Note(NoteCode.RESIDUAL_SPREAD, sentence))
    if negative:
        sentence = f"Negative lines or charges of {negative:.2f} were spread over the others as discount."
        notes.append(Note(NoteCode.NEGATIVES_SPREAD, sentence))

    discount = to_cents(negative + end_discount)
    goods_cents = max(net - to_cents(shipping) + discount, 0) if sent else 0
    nets = round_to_total([line.net for line in sent], goods_cents)
    taken = min(discount, goods_cents)
    shares = apportion(taken, nets, nets)
    prices = tuple(_price(line, *cents) for line, *cents in zip(sent, nets, shares, strict=True))
    # Shipping is what remains, so that discounts beyond the lines' value lower it, and the sum always holds.
    return Amounts(prices, net - (goods_cents - taken), tuple(notes))


def _price(line: OrderLine, net: int, share: int) -> PricedLine:
    gross = line.net + line.discount
    exact = line.discount >= 0 and is_whole_cents(line.discount) and line.net.scaleb(2) == net
    if line.quantity > 0 and line.quantity == line.quantity.to_integral_value() and exact:
        unit_price, fraction = divmod(to_cents(gross), int(line.quantity))
        if not fraction:
            return PricedLine(int(line.quantity), unit_price, to_cents(line.discount) + share)
    return PricedLine(1, net, share)

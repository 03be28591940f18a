"""The document's amounts in whole cents: they add up to its net, or it is held (design 4.4, 4.11)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from shared.documents import ZERO, PostedDocument
from shared.mapping.cents import from_cents, round_to_total, to_cents
from shared.mapping.items import Items
from shared.mapping.outcomes import Hold
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import Totals, kind_of, sign_of
from shared.transactions import Kind

_CENT = Decimal("0.01")
_HALF_CENT = Decimal("0.005")
_MOST_ROUNDING = Decimal(1)
# No sales tax takes more than this off a discount in prices that include it.
_LEAST_NET_OF_DISCOUNT = Decimal("0.75")


@dataclass(frozen=True, slots=True)
class EndDiscount:
    """The discount on the whole document, in cents, and the direction that it lowers."""

    kind: Kind
    cents: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """What belongs to no line or charge; the items carry their own cents."""

    end_discount: EndDiscount
    rounding: int
    """``InvoiceRoundOff`` as far as it is in the net, in cents with F&O's sign."""
    notes: tuple[str, ...]


class AmountsDoNotAddUp(ValueError):
    """Lines, charges and discounts do not make the document's net. The message gives the figures."""


def settle_amounts(items: Items, document: PostedDocument) -> Amounts | Hold:
    """Give each item its ``cents``, so that all of them make the document's net."""
    try:
        return _settle(items, document)
    except AmountsDoNotAddUp as error:
        return Hold(
            HoldReason.AMOUNTS_DO_NOT_ADD_UP,
            f"The amounts do not add up: {error}. Check lines, charges and discounts of {document.key.number} in F&O,"
            " then retry the document.",
        )


@dataclass(frozen=True, slots=True)
class _Fit:
    """One way to read end discount and rounding, and what it leaves between the parts and the net."""

    kind: Kind
    discount: Decimal
    rounding: Decimal
    residual: Decimal


def _settle(items: Items, document: PostedDocument) -> Amounts:
    net = Totals.of(document.total_amount, document.total_tax).net
    posted = sum((item.sign * item.net for item in (*items.sent, *items.unsent)), ZERO)
    posted += sum((payment.net for payment in items.payments), ZERO)
    fit = _best_fit(Decimal(net).scaleb(-2) - posted, items, document)
    tolerance = max(_CENT * len(items.sent), _HALF_CENT)
    if abs(fit.residual) > tolerance or any(item.net < 0 for item in items.sent):
        raise AmountsDoNotAddUp(
            f"lines and charges {posted:.2f}, end discount {document.end_discount:.2f} and rounding"
            f" {document.round_off:.2f} differ from the net amount, {from_cents(net)}, by {fit.residual:.2f}"
        )
    if abs(fit.rounding) > _MOST_ROUNDING:
        raise AmountsDoNotAddUp(f"its rounding (InvoiceRoundOff) of {fit.rounding:.2f} is more than 1.00")
    discount = EndDiscount(fit.kind, to_cents(fit.discount))
    rounding = to_cents(fit.rounding)
    _round(items, net - rounding + sign_of(fit.kind) * discount.cents)
    notes = []
    if abs(fit.residual) > _HALF_CENT:
        notes.append(
            f"A residual of {fit.residual:.2f} between the lines and the net amount was spread over the lines."
        )
    return Amounts(discount, rounding, tuple(notes))


def _best_fit(missing: Decimal, items: Items, document: PostedDocument) -> _Fit:
    """Which direction the end discount lowers, and whether the rounding is in the net, are what adds up best."""
    kinds = sorted(items.directions, key=lambda kind: kind is not kind_of(document.total_amount, document.total_tax))
    # F&O's sign of the rounding is not documented: the first that adds up counts.
    roundings = list(dict.fromkeys([document.round_off, ZERO, -document.round_off]))
    fits = [_fit(missing, kind, rounding, document) for rounding, kind in product(roundings, kinds)]
    tolerance = max(_CENT * len(items.sent), _HALF_CENT)
    return next((fit for fit in fits if abs(fit.residual) <= _HALF_CENT), None) or next(
        (fit for fit in fits if abs(fit.residual) <= tolerance), fits[0]
    )


def _fit(missing: Decimal, kind: Kind, rounding: Decimal, document: PostedDocument) -> _Fit:
    discount, sign = document.end_discount, sign_of(kind)
    if discount and document.prices_include_tax:
        # Its tax is not shown: what it lowers the net by is what makes lines and charges come to the net.
        net_of_tax = -sign * (missing - rounding)
        discount = min(max(net_of_tax, discount * _LEAST_NET_OF_DISCOUNT), discount)
    return _Fit(kind, discount, rounding, missing + sign * discount - rounding)


def _round(items: Items, total: int) -> None:
    """Round to cents so that everything sums to ``total``, signed: lines take what rounding the others leaves."""
    for item in items.unsent:
        item.cents = to_cents(item.net)
    others = sum(item.sign * item.cents for item in items.unsent)
    others += sum(to_cents(payment.net) for payment in items.payments)
    groups = {kind: [item for item in items.sent if item.kind is kind] for kind in Kind}
    sums = {kind: to_cents(sum((item.net for item in group), ZERO)) for kind, group in groups.items()}
    off = total - others - sum(sign_of(kind) * cents for kind, cents in sums.items())
    heaviest = max((kind for kind in Kind if groups[kind]), key=lambda kind: sums[kind], default=None)
    if heaviest:
        sums[heaviest] += sign_of(heaviest) * off
    elif off:
        absorbing = next(iter(items.unsent), None)
        if absorbing is None:
            raise AmountsDoNotAddUp(f"nothing carries the net amount of {from_cents(total)}")
        absorbing.cents += absorbing.sign * off
    for kind, group in groups.items():
        if sums[kind] < 0:
            raise AmountsDoNotAddUp(f"its lines come to {from_cents(sign_of(kind) * sums[kind])}")
        for item, cents in zip(group, round_to_total([item.net for item in group], sums[kind]), strict=True):
            item.cents = cents

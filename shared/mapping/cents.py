"""Whole cents: rounding money and sharing it out so that the parts always make the whole."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal


def to_cents(value: Decimal) -> int:
    """``value`` in whole cents, a half rounded away from zero."""
    return int(value.scaleb(2).to_integral_value(ROUND_HALF_UP))


def from_cents(cents: int) -> Decimal:
    """Cents as an amount with exactly two decimals; zero is never negative."""
    return Decimal(cents).scaleb(-2)


def is_whole_cents(value: Decimal) -> bool:
    """Whether ``value`` can be written with two decimals."""
    return value.scaleb(2) == value.scaleb(2).to_integral_value()


def round_to_total(values: Sequence[Decimal], total: int) -> list[int]:
    """Non-negative ``values`` in cents that sum to ``total`` (≥ 0), by largest remainder, ties to the first.

    None falls below 0, and what is 0 changes last. Without values, ``total`` must be 0.
    """
    cents = [int(value.scaleb(2).to_integral_value(ROUND_FLOOR)) for value in values]
    remainders = [value.scaleb(2) - floor for value, floor in zip(values, cents, strict=True)]
    raising = sorted(range(len(values)), key=lambda i: (-remainders[i], not values[i]))
    lowering = sorted(range(len(values)), key=lambda i: (remainders[i], not values[i]))
    missing = total - sum(cents)
    while missing > 0:
        for i in raising[:missing]:
            cents[i] += 1
            missing -= 1
    while missing < 0:
        for i in [i for i in lowering if cents[i] > 0][:-missing]:
            cents[i] -= 1
            missing += 1
    return cents


def apportion(total: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """``total`` shared out by weight, by largest remainder, no share above its cap; ``total`` ≤ the sum of the caps.

    What a capped share cannot take goes to the others by their weight, and last to those without weight, evenly.
    """
    shares = [0] * len(caps)
    rooms = [i for i, cap in enumerate(caps) if cap > 0]
    while total and rooms:
        takers = [i for i in rooms if weights[i] > 0] or rooms
        whole = sum(weights[i] for i in takers)
        weight = {i: weights[i] if whole else 1 for i in takers}
        whole = whole or len(takers)
        full = {i for i in takers if total * weight[i] >= caps[i] * whole}
        if not full:
            ideal = {i: divmod(total * weight[i], whole) for i in takers}
            left = total - sum(share for share, _ in ideal.values())
            by_remainder = sorted(takers, key=lambda i: -ideal[i][1])
            for position, i in enumerate(by_remainder):
                shares[i] = ideal[i][0] + (1 if position < left else 0)
            break
        for i in full:
            shares[i] = caps[i]
            total -= caps[i]
        rooms = [i for i in rooms if i not in full]
    return shares


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """``total`` (≥ 0) shared out by largest remainder, ties to the first; without any weight all goes to the first."""
    if not any(weight > 0 for weight in weights):
        return [total if position == 0 else 0 for position in range(len(weights))]
    return apportion(total, weights, [total if weight > 0 else 0 for weight in weights])

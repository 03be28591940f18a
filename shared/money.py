"""Amounts as answers and audit show them."""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")


def plain(amount: Decimal | None) -> str | None:
    """``amount`` as a decimal string with cents, never in scientific notation and never ``-0.00``."""
    if amount is None:
        return None
    cents = amount.quantize(CENT)
    return format(abs(cents) if cents.is_zero() else cents, "f")

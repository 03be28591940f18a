"""How F&O arrives at the amounts of a document: line amounts, taxes and totals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from local.simulators.dynamics.specs import ZERO, ChargeSpec, InvoiceSpec, LineSpec

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """``amount`` in whole cents, half a cent away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def line_amount(line: LineSpec) -> Decimal:
    """Net of the line discount."""
    if line.amount is not None:
        return Decimal(line.amount)
    return cents(Decimal(line.quantity) * line.price / line.price_unit - line.discount)


def line_taxes(spec: InvoiceSpec) -> list[Decimal]:
    """Tax of each line, on what the end discount leaves of it."""
    amounts = [line_amount(line) for line in spec.lines]
    total = sum(amounts, ZERO)
    left = 1 - spec.end_discount / total if total else Decimal(1)
    return [
        Decimal(line.tax) if line.tax is not None else tax_of(amount * left, spec)
        for line, amount in zip(spec.lines, amounts, strict=True)
    ]


def charge_tax(charge: ChargeSpec, spec: InvoiceSpec) -> Decimal:
    """Tax of one charge."""
    return Decimal(charge.tax) if charge.tax is not None else tax_of(Decimal(charge.amount), spec)


def tax_of(amount: Decimal, spec: InvoiceSpec) -> Decimal:
    """Tax on an amount at the document's rate, or inside it where prices include tax."""
    if spec.prices_include_tax:
        return cents(amount - amount / (1 + spec.tax_rate))
    return cents(amount * spec.tax_rate)


def total_tax(spec: InvoiceSpec, taxes: Sequence[Decimal]) -> Decimal:
    """Tax of the document."""
    return sum(taxes, ZERO) if spec.total_tax is None else Decimal(spec.total_tax)


def total_amount(spec: InvoiceSpec, amounts: Sequence[Decimal], tax: Decimal) -> Decimal:
    """Gross amount of the document; ``amounts`` are those of lines and charges."""
    if spec.total_amount is not None:
        return Decimal(spec.total_amount)
    added = ZERO if spec.prices_include_tax else tax
    return sum(amounts, ZERO) - spec.end_discount + added + spec.round_off

"""Corrections of transactions that a state may have received: a full reversal and a replacement (design 4.6).

The reversal takes back the whole transaction as it was filed, by one of the other kind; the replacement says what is
right now. Both belong to the day on which a person approved them, so that they fall into an open filing period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from shared.mapping import derived_id
from shared.transactions import Kind, LineItem, Transaction


@dataclass(frozen=True, slots=True)
class CorrectionIds:
    """The two ids in TaxJar of one correction."""

    reversal: str
    replacement: str


def correction_ids(part: str, number: int) -> CorrectionIds:
    """The ids of correction ``number`` (from 1) of the part that was filed first as ``part``."""
    return CorrectionIds(derived_id(part, f"-reversal-{number}"), derived_id(part, f"-{number}"))


def current_id(part: str, corrections: int) -> str:
    """The id under which a part stands in TaxJar after so many corrections."""
    return correction_ids(part, corrections).replacement if corrections else part


def reversal_of(filed: Transaction, transaction_id: str, on: date) -> Transaction:
    """The transaction of the other kind that takes all of ``filed`` back.

    It mirrors the lines. Where what TaxJar holds does not add up, which TaxJar would not accept again, one line stands
    for all of them.
    """
    kind = Kind.ORDER if filed.kind is Kind.REFUND else Kind.REFUND
    lines = filed.line_items if _adds_up(filed) else (_all_in_one(filed),)
    return replace(
        filed,
        kind=kind,
        transaction_id=transaction_id,
        transaction_date=on,
        transaction_reference_id=filed.transaction_id if kind is Kind.REFUND else "",
        amount=-filed.amount,
        shipping=-filed.shipping,
        sales_tax=-filed.sales_tax,
        line_items=tuple(replace(line, unit_price=-line.unit_price, sales_tax=-line.sales_tax) for line in lines),
    )


def _adds_up(filed: Transaction) -> bool:
    lines = sum((abs(line.unit_price) * line.quantity - line.discount for line in filed.line_items), Decimal(0))
    return lines + abs(filed.shipping) == abs(filed.amount)


def _all_in_one(filed: Transaction) -> LineItem:
    return LineItem(
        quantity=1,
        unit_price=filed.amount - filed.shipping,
        discount=Decimal(0),
        sales_tax=filed.sales_tax,
        description=f"All of {filed.transaction_id}",
    )

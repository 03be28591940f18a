"""What the signs of a document's totals say, and how a credit note is turned into an order and back (design 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from shared.documents import Charge, Line, PostedDocument
from shared.mapping.cents import from_cents, to_cents
from shared.transactions import Kind


@dataclass(frozen=True, slots=True)
class Totals:
    """A document's totals in cents, with F&O's signs."""

    net: int
    """Without tax, with charges."""
    tax: int

    @classmethod
    def of(cls, total_amount: Decimal, total_tax: Decimal) -> Totals:
        """The totals from F&O's gross total and its tax."""
        return cls(to_cents(total_amount - total_tax), to_cents(total_tax))

    @property
    def kind(self) -> Kind:
        """Negative is a refund, by the net, and where that is 0 by the tax."""
        return Kind.REFUND if (self.net or self.tax) < 0 else Kind.ORDER

    @property
    def is_zero(self) -> bool:
        """Nothing to report."""
        return self.net == 0 == self.tax

    @property
    def is_mixed(self) -> bool:
        """Net and tax have opposite signs."""
        return self.net * self.tax < 0


def kind_of(total_amount: Decimal, total_tax: Decimal) -> Kind:
    """Order or refund, from F&O's gross total and its tax; a document without value shows as an order."""
    return Totals.of(total_amount, total_tax).kind


def net_and_tax(total_amount: Decimal, total_tax: Decimal) -> tuple[Decimal, Decimal]:
    """What a document's transaction has as ``amount`` and ``sales_tax``, from F&O's gross total and its tax."""
    totals = Totals.of(total_amount, total_tax)
    return from_cents(totals.net), from_cents(totals.tax)


def as_order(document: PostedDocument) -> PostedDocument:
    """``document`` with the signs of an order: a credit note is negated, but for its discounts, which have no sign."""
    if kind_of(document.total_amount, document.total_tax) is Kind.ORDER:
        return document
    return replace(
        document,
        total_amount=-document.total_amount,
        total_tax=-document.total_tax,
        total_charges=-document.total_charges,
        lines=tuple(_negated_line(line) for line in document.lines),
        charges=None if document.charges is None else tuple(_negated_charge(charge) for charge in document.charges),
    )


def _negated_line(line: Line) -> Line:
    return replace(line, quantity=-line.quantity, amount=-line.amount, tax=-line.tax)


def _negated_charge(charge: Charge) -> Charge:
    return replace(charge, amount=-charge.amount, tax=-charge.tax)

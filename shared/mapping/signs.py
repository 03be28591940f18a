"""What the signs of a document's totals say: order or refund, and its net and tax in cents (design 4.3, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

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
        """Neither has a value."""
        return self.net == 0 == self.tax


def kind_of(total_amount: Decimal, total_tax: Decimal) -> Kind:
    """Order or refund, from F&O's gross total and its tax; a document without value shows as an order.

    It is the kind of a document's first transaction unless the document has both.
    """
    return Totals.of(total_amount, total_tax).kind


def net_and_tax(total_amount: Decimal, total_tax: Decimal) -> tuple[Decimal, Decimal]:
    """A document's net and tax with two decimals, from F&O's gross total and its tax.

    They are what its transactions sum to, less what is left out.
    """
    totals = Totals.of(total_amount, total_tax)
    return from_cents(totals.net), from_cents(totals.tax)


def sign_of(kind: Kind) -> int:
    """1 for what went out, -1 for what came back."""
    return -1 if kind is Kind.REFUND else 1


def opposite(kind: Kind) -> Kind:
    """The other direction."""
    return Kind.ORDER if kind is Kind.REFUND else Kind.REFUND

"""What the demo posts in F&O and what has to become of each document, decided before the connector sees any."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from local.simulators.dynamics.cases import Expected
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import InvoiceSpec, PostedInvoice

SHIPPING_CODES = frozenset({"FREIGHT", "EXPRESS"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """One posted document and what should become of it."""

    posted: PostedInvoice
    expected: Expected

    @property
    def key(self) -> tuple[str, str, str]:
        """Company, number and voucher."""
        return self.posted.company, self.posted.number, self.posted.voucher


class Desk(Posting):
    """A posting desk that remembers what it posted."""

    def __init__(self, simulator: DynamicsSimulator, company: str) -> None:
        super().__init__(simulator, company)
        self.posted: list[PostedInvoice] = []

    def invoice(self, spec: InvoiceSpec) -> PostedInvoice:
        posted = super().invoice(spec)
        self.posted.append(posted)
        return posted


def ordinary(posted: PostedInvoice, *, state: str | None = None) -> Expectation:
    """The expectation of a document that maps as it stands: reported, with the freight of its charges."""
    shipping = sum((charge.amount for charge in posted.charges if charge.spec.code in SHIPPING_CODES), Decimal(0))
    kind = "refund" if posted.total_amount < 0 else "order"
    ship_to = posted.spec.ship_to
    expected = Expected(kind=kind, shipping=abs(shipping), ship_to_state=state or (ship_to.state if ship_to else ""))
    return Expectation(posted, expected)

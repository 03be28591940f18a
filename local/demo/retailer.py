"""A month of a retailer ``usrt``: several hundred ordinary documents, and every awkward case once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from local.demo.expectations import Desk, Expectation, ordinary
from local.simulators.dynamics.cases import CASES
from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.retail_company import RETAIL_SETTINGS, open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice

COMPANY = "usrt"
SETTINGS = RETAIL_SETTINGS
_INVOICES = 240
_CREDIT_NOTES = 40
_DAYS = 28

_PLACES = (
    (AddressSpec("77 Barton Springs Rd", "Austin", "TX", "78704"), "0.0825"),
    (AddressSpec("1 Market St", "San Francisco", "CA", "94105"), "0.08625"),
    (AddressSpec("233 S Wacker Dr", "Chicago", "IL", "60606-6306"), "0.1025"),
    (AddressSpec("350 5th Ave", "New York", "NY", "10118"), "0.08875"),
    (AddressSpec("400 Broad St", "Seattle", "WA", "98109"), "0.1035"),
    (AddressSpec("900 SW 5th Ave", "Portland", "OR", "97204"), "0"),
    (AddressSpec("200 E Colfax Ave", "Denver", "CO", "80203"), "0.0881"),
    (AddressSpec("1 Capitol Sq", "Columbus", "OH", "43215"), "0.075"),
)
_PRODUCTS = (("P-1000", "125.00"), ("P-2000", "59.90"), ("P-SHIRT", "34.99"), ("P-TEA", "12.49"), ("P-1000", "0.99"))


def post_retailer(simulator: DynamicsSimulator, today: date, seed: int = 2026) -> list[Expectation]:
    """Post the month. The random numbers are seeded: every run posts the same documents, around its own day."""
    open_retail_company(simulator, COMPANY)
    desk, random = Desk(simulator, COMPANY), Random(seed)
    found = [ordinary(_invoice(desk, random, today, number)) for number in range(_INVOICES)]
    originals = [expectation.posted for expectation in found]
    for number in range(_CREDIT_NOTES):
        original = random.choice(originals)
        on = min(original.date + timedelta(days=random.randrange(4)), today)
        link = Link.CREDIT_INVOICING if number % 2 else Link.RETURNED_LOT
        # Goods come back to the warehouse; the refund goes where the sale went.
        state = original.spec.ship_to.state if original.spec.ship_to else None
        found.append(ordinary(desk.credit_note(original, f"CRN-{5000 + number}", on, link=link), state=state))
    return found + _cases(desk, today)


def _invoice(desk: Desk, random: Random, today: date, number: int) -> PostedInvoice:
    ship_to, rate = random.choice(_PLACES)
    lines = [_line(random) for _ in range(random.randint(1, 6))]
    charges = [ChargeSpec("FREIGHT", Decimal(random.randint(0, 4000)).scaleb(-2))] if random.random() < 0.7 else []
    if random.random() < 0.15:
        charges.append(ChargeSpec("HANDLING", Decimal("4.50")))
    goods = sum((Decimal(line.price) * Decimal(line.quantity) - Decimal(line.discount) for line in lines), Decimal(0))
    end_discount = _cents(goods / 20) if random.random() < 0.1 else Decimal(0)
    return desk.invoice(
        InvoiceSpec(
            f"INV-{10_000 + number}",
            today - timedelta(days=random.randrange(_DAYS)),
            lines=lines,
            charges=charges,
            customer=random.choice(("C-1000", "C-1001")),
            ship_to=ship_to,
            tax_rate=Decimal(rate),
            end_discount=end_discount,
        )
    )


def _line(random: Random) -> LineSpec:
    product, price = random.choice(_PRODUCTS)
    quantity = random.choice((1, 1, 2, 3, 5, 12, Decimal("1.5")))
    discount = _cents(Decimal(price) * quantity / 10) if random.random() < 0.3 else Decimal(0)
    return LineSpec(product, quantity, Decimal(price), discount)


def _cases(desk: Desk, today: date) -> list[Expectation]:
    found: list[Expectation] = []
    for case in CASES.values():
        before = len(desk.posted)
        posted = case.post(desk, today - timedelta(days=2))
        found += [ordinary(other) for other in desk.posted[before:] if other is not posted]
        found.append(Expectation(posted, case.expected))
    return found


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)

"""What the benchmark posts in F&O, and the bare TaxJar orders that come of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import RETAIL_SETTINGS, open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AUSTIN, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice

COMPANY = "usrt"
SETTINGS = {**RETAIL_SETTINGS, "exempt_regions_from_addresses": False}
_RATE = Decimal("0.0825")


def open_company(simulator: DynamicsSimulator) -> Posting:
    """The company that is posted into."""
    return open_retail_company(simulator, COMPANY)


def post(desk: Posting, count: int, today: date, *, series: str) -> list[PostedInvoice]:
    """``count`` ordinary invoices of three lines with freight."""
    lines = [
        LineSpec("P-1000", 2, Decimal("125.00")),
        LineSpec("P-2000", 1, Decimal("59.90")),
        LineSpec("P-TEA", 3, 12),
    ]
    return [
        desk.invoice(
            InvoiceSpec(
                f"{series}-{number:05d}", today, lines=lines, charges=[ChargeSpec("FREIGHT", 25)], tax_rate=_RATE
            )
        )
        for number in range(count)
    ]


def order(posted: PostedInvoice, prefix: str) -> dict[str, Any]:
    """A TaxJar order for ``posted``, about as long as the connector's own."""
    shipping = sum((charge.amount for charge in posted.charges), Decimal(0))
    lines = [
        {
            "quantity": int(line.spec.quantity),
            "product_identifier": line.spec.product,
            "description": line.name,
            "unit_price": str(line.spec.price),
            "sales_tax": str(line.tax),
        }
        for line in posted.lines
    ]
    return {
        "transaction_id": f"{prefix}-{posted.number}",
        "transaction_date": posted.date.isoformat(),
        "amount": str(posted.total_amount - posted.total_tax),
        "shipping": str(shipping),
        "sales_tax": str(posted.total_tax),
        "customer_id": f"USRT-{posted.spec.customer}",
        "to_country": "US",
        "to_state": AUSTIN.state,
        "to_zip": AUSTIN.zip,
        "to_city": AUSTIN.city,
        "to_street": AUSTIN.street,
        "line_items": lines,
    }

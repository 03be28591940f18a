"""The AdventureWorks sales orders, posted as invoices of a company ``awlt``."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from local.demo.expectations import Desk, Expectation, ordinary
from local.simulators.dynamics.cases import Expected
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec

COMPANY = "awlt"
SETTINGS: dict[str, Any] = {}
_FOLDER = Path(__file__).parent / "adventureworks"
_TAX_RATE = Decimal("0.08")
_STATES = {"California": "CA", "Utah": "UT", "New Mexico": "NM", "Colorado": "CO", "Nevada": "NV"}
_BOTHELL = AddressSpec("8713 Yosemite Ct.", "Bothell", "WA", "98011", country="United States")
_DAYS = 6
"""The orders are dated over the last days, so that an ordinary poll finds them."""


def post_adventureworks(simulator: DynamicsSimulator, today: date) -> list[Expectation]:
    """Post all 32 orders: what ships to the US is to be reported, the rest is out of scope.

    Line amounts keep their four and more decimals; totals and freight are rounded to cents, tax is 8 %.
    """
    desk = Desk(simulator, COMPANY)
    desk.legal_entity("AdventureWorks Cycles", _BOTHELL)
    desk.warehouse("W-DAL", _BOTHELL)
    desk.charge_code("FREIGHT", "Freight", is_shipping=True)
    for country, iso in (("United States", "US"), ("United Kingdom", "GB")):
        desk.country(country, iso)
    products = {row["ProductID"]: row for row in _rows("Product")}
    addresses = {row["AddressID"]: row for row in _rows("Address")}
    customers = {row["CustomerID"]: row["CompanyName"] for row in _rows("Customer")}
    lines: dict[str, list[LineSpec]] = defaultdict(list)
    for row in _rows("SalesOrderDetail"):
        lines[row["SalesOrderID"]].append(_line(row, products[row["ProductID"]]))
    found = []
    for position, order in enumerate(_rows("SalesOrderHeader")):
        desk.customer(order["CustomerID"], customers[order["CustomerID"]])
        address = addresses[order["ShipToAddressID"]]
        spec = _invoice(order, lines[order["SalesOrderID"]], address, today - timedelta(days=position % _DAYS))
        state = _STATES.get(address["StateProvince"])
        posted = desk.invoice(spec)
        found.append(ordinary(posted, state=state) if state else Expectation(posted, Expected("skipped", "not_us")))
    return found


def _invoice(order: Mapping[str, str], lines: list[LineSpec], address: Mapping[str, str], on: date) -> InvoiceSpec:
    net = _cents(sum((Decimal(line.amount or 0) for line in lines), Decimal(0)))
    tax, freight = _cents(net * _TAX_RATE), _cents(Decimal(order["Freight"]))
    return InvoiceSpec(
        order["SalesOrderNumber"],
        on,
        lines=lines,
        charges=[ChargeSpec("FREIGHT", freight, tax=0)],
        customer=order["CustomerID"],
        order=order["SalesOrderNumber"],
        ship_to=AddressSpec(
            "\n".join(filter(None, (address["AddressLine1"], address["AddressLine2"]))),
            address["City"],
            address["StateProvince"],
            address["PostalCode"],
            country=address["CountryRegion"],
        ),
        total_amount=net + tax + freight,
        total_tax=tax,
    )


def _line(row: Mapping[str, str], product: Mapping[str, str]) -> LineSpec:
    amount, price, quantity = Decimal(row["LineTotal"]), Decimal(row["UnitPrice"]), Decimal(row["OrderQty"])
    return LineSpec(
        product["ProductNumber"],
        quantity,
        price,
        discount=price * quantity - amount,
        amount=amount,
        tax=_cents(amount * _TAX_RATE),
        name=product["Name"],
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))

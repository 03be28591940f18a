"""What a person finds to do in the world that ``up`` leaves running: one document of each kind, made for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from local.demo import retailer
from local.demo.today import today as of_today
from local.simulation import CONNECTION, Simulation
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec, LineSpec
from local.simulators.taxjar.records import Account, StoredLine, StoredTransaction
from local.stage import Host

CHANGED, LATE, MISMATCH, BY_HAND = "INV-30001", "INV-30002", "INV-30003", "INV-30004"
HAND_ID = "HAND-4711"
"""The transaction that somebody entered in TaxJar for ``BY_HAND``."""
FILED_STATE = "WA"
"""Its return is filed: what changes there needs approval."""
_WA_RATE, _TX_RATE = Decimal("0.1035"), Decimal("0.0825")
_RIGHT_ZIP, _WRONG_ZIP = "98101", "98121"
_AUSTIN = AddressSpec("600 Congress Ave", "Austin", "TX", "78701")
_NO_ZIP_NO_STATE = AddressSpec("", "", "TX", "")
_ADDRESSES = "LogisticsPostalAddressBiEntities"
_WHO = {"by": "Demo accountant"}
_PATIENCE = 60
"""Seconds until a decided document has to be settled."""


@dataclass(frozen=True, slots=True)
class ToDo:
    """A document that waits for a person."""

    what: str
    number: str

    @property
    def transaction_id(self) -> str:
        """In TaxJar."""
        return f"{retailer.COMPANY.upper()}-{self.number}"


TO_DO = (
    ToDo("changed after its return was filed", CHANGED),
    ToDo("came after its period had closed", LATE),
    ToDo("somebody changed its tax in TaxJar", MISMATCH),
    ToDo(f"held, but entered by hand in TaxJar as {HAND_ID}", BY_HAND),
)


def post_to_do(posting: Posting, today: date) -> int:
    """Post the four documents; return how many there are."""
    posting.customer("C-3001", "Lakeside Events")
    on = today - timedelta(days=1)
    specs = [
        to_be_changed(CHANGED, today),
        _sale(LATE, last_closed_day(today), _AUSTIN, _TX_RATE),
        _sale(MISMATCH, on, _AUSTIN, _TX_RATE),
        replace(_sale(BY_HAND, on, _NO_ZIP_NO_STATE, _TX_RATE), customer="C-3001"),
    ]
    for spec in specs:
        posting.invoice(spec)
    return len(specs)


def to_be_changed(number: str, today: date) -> InvoiceSpec:
    """An invoice of yesterday to an address of its own, whose ZIP code is wrong."""
    address = AddressSpec(_street(number), "Seattle", FILED_STATE, _WRONG_ZIP)
    return _sale(number, today - timedelta(days=1), address, _WA_RATE)


def _street(number: str) -> str:
    return f"{number.removeprefix('INV-')} 3rd Ave"


def _sale(number: str, on: date, ship_to: AddressSpec, rate: Decimal) -> InvoiceSpec:
    lines = [LineSpec("P-1000", quantity=2, price=Decimal("125.00")), LineSpec("P-2000", price=Decimal("59.90"))]
    return InvoiceSpec(number, on, lines, ship_to=ship_to, tax_rate=rate)


def last_closed_day(today: date, lock_day: int = 4) -> date:
    """The last day of the month before, of whose return TaxJar has begun to file."""
    end = today.replace(day=1) - timedelta(days=1)
    return end if today.day >= lock_day else end.replace(day=1) - timedelta(days=1)


def make_to_do(host: Host, simulation: Simulation, account: Account) -> None:
    """Bring the documents, once they are reported, into the condition that ``TO_DO`` says."""
    yesterday = of_today() - timedelta(days=1)
    period = f"/api/filing-periods/{CONNECTION}/{retailer.COMPANY}/{FILED_STATE}"
    host.call("PUT", period, filed_through=yesterday.isoformat(), reason="The return was filed", confirm=True, **_WHO)
    correct_address(host, simulation, CHANGED)
    stored = account.transactions["api", f"{retailer.COMPANY.upper()}-{MISMATCH}"]
    lines = (replace(stored.line_items[0], sales_tax=stored.line_items[0].sales_tax - 1), *stored.line_items[1:])
    account.edit(stored.transaction_id, sales_tax=stored.sales_tax - 1, line_items=lines)
    account.store(by_hand(HAND_ID, yesterday))
    days = {"from": str(yesterday - timedelta(days=30)), "to": str(yesterday)}
    host.call("POST", f"/api/reconciliation-jobs/{CONNECTION}/{retailer.COMPANY}", deep=True, **days, **_WHO)
    wait_for_reconciliations(host, [retailer.COMPANY])


def wait_for_reconciliations(host: Host, companies: Iterable[str]) -> None:
    """Wait until no reconciliation of the companies runs."""
    deadline = time.monotonic() + _PATIENCE
    for company in companies:
        path = f"/api/reconciliation-jobs/{CONNECTION}/{company}"
        while any(job["state"] == "running" for job in host.get(path)["jobs"]) and time.monotonic() < deadline:
            time.sleep(0.2)


def correct_address(host: Host, simulation: Simulation, number: str) -> Mapping[str, Any]:
    """Correct the ZIP code of :func:`to_be_changed` in F&O, have it read again, and return it as it is then."""
    store = simulation.dynamics.store
    with store.transaction:
        for row in [row for row in store.rows(_ADDRESSES) if row["Street"] == _street(number)]:
            store.update(_ADDRESSES, row, {"ZipCode": _RIGHT_ZIP})
    path = f"/api/documents/{CONNECTION}/{retailer.COMPANY}/{retailer.COMPANY.upper()}-{number}"
    document = host.call("POST", f"{path}/retry", reason="The ZIP code was wrong", **_WHO)
    deadline = time.monotonic() + _PATIENCE
    while document["state"] in ("reporting", "retrying") and time.monotonic() < deadline:
        time.sleep(0.2)
        document = host.get(path)
    return dict(document)


def by_hand(transaction_id: str, on: date) -> StoredTransaction:
    """``BY_HAND``, or another of its figures, as somebody entered it in TaxJar."""
    amounts = ((2, "P-1000", "125.00", "20.63"), (1, "P-2000", "59.90", "4.94"))
    lines = tuple(_line(quantity, product, Decimal(price), Decimal(tax)) for quantity, product, price, tax in amounts)
    return StoredTransaction(
        kind="order",
        transaction_id=transaction_id,
        transaction_date=datetime(on.year, on.month, on.day, tzinfo=UTC),
        amount=sum((line.unit_price * line.quantity for line in lines), Decimal(0)),
        shipping=Decimal(0),
        sales_tax=sum((line.sales_tax for line in lines), Decimal(0)),
        to_country="US",
        to_zip="78701",
        to_state="TX",
        from_country="US",
        from_zip="75207",
        from_state="TX",
        line_items=lines,
    )


def _line(quantity: int, product: str, price: Decimal, tax: Decimal) -> StoredLine:
    return StoredLine(quantity=quantity, product_identifier=product, unit_price=price, sales_tax=tax)


def lines_to_do() -> Iterator[str]:
    """The documents, a line each."""
    for each in TO_DO:
        yield f"{each.transaction_id:16} {each.what}"

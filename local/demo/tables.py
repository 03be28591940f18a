"""What the demo prints, and what it finds wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from local.demo.expectations import Expectation
from local.simulation import Simulation
from local.simulators.dynamics.cases import Expected, ids_of
from local.simulators.taxjar.records import Account, StoredTransaction

ZERO = Decimal(0)
Document = Mapping[str, str]


@dataclass(slots=True)
class Totals:
    """Sums over transactions, refunds negative."""

    transactions: int = 0
    amount: Decimal = ZERO
    tax: Decimal = ZERO
    shipping: Decimal = ZERO

    def add(self, amount: Decimal, tax: Decimal, shipping: Decimal) -> None:
        self.transactions += 1
        self.amount += amount
        self.tax += tax
        self.shipping += shipping


def print_not_reported(records: Iterable[Document]) -> None:
    """Every document that was skipped or held, by reason, with one example of each."""
    by_reason: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for record in records:
        if record["state"] != "reported":
            by_reason[record["state"], record["reason"]].append(record)
    print("\nNot reported, and why")
    for (state, reason), found in sorted(by_reason.items()):
        print(f"  {len(found):4} {state}: {reason}")
        print(f"       {found[0]['company'].upper()} {found[0]['number']}: {found[0]['message']}")


def print_differences(expectations: Iterable[Expectation], records: Iterable[Document], account: Account) -> int:
    """Compare every document with what was expected of it; print what differs and return how much does."""
    found = {(record["company"], record["number"], record["kind"], record["date"]): record for record in records}
    wrong = 0
    for expectation in expectations:
        posted, expected = expectation.posted, expectation.expected
        record = found.get((posted.company, posted.number, expected.kind, posted.date.isoformat()), {})
        actual = record.get("state"), record.get("reason") or ""
        if actual != (expected.state, expected.reason):
            wrong += 1
            print(f"  WRONG: {posted.company.upper()} {posted.number} is {actual}, expected {expected}: {record}")
        elif expected.state == "reported":
            stored = [account.transactions.get(("api", each)) for each in ids_of(record["transaction_id"], expected)]
            if not _fit(expectation, stored):
                wrong += 1
                print(f"  WRONG: {posted.company.upper()} {posted.number} in TaxJar: {stored}, expected {expected}")
    return wrong


def print_totals(expectations: Iterable[Expectation], simulation: Simulation, account: Account) -> int:
    """F&O's totals against TaxJar's, per state and in all; return how many rows differ."""
    headers = {
        (str(row["dataAreaId"]), str(row["InvoiceNumber"]), str(row["LedgerVoucher"])): row
        for row in simulation.dynamics.rows("SalesInvoiceHeadersV2")
    }
    ours: dict[str, Totals] = defaultdict(Totals)
    for expectation in expectations:
        if expectation.expected.state == "reported":
            row = headers[expectation.key]
            gross, tax = Decimal(str(row["TotalInvoiceAmount"])), Decimal(str(row["TotalTaxAmount"]))
            for state, *figures in _parts(expectation.expected, _cents(gross - tax), _cents(tax)):
                for group in (state, "total"):
                    ours[group].add(*figures)
    theirs: dict[str, Totals] = defaultdict(Totals)
    for stored in account.transactions.values():
        for group in (stored.to_state, "total"):
            theirs[group].add(stored.amount, stored.sales_tax, stored.shipping)
    print("\nstate  transactions         amount               tax          shipping")
    wrong = 0
    for group in sorted({*ours, *theirs}, key=lambda name: (name == "total", name)):
        same = ours[group] == theirs[group]
        wrong += not same
        print(f"{_row(group, 'F&O', ours[group])}\n{_row('', 'TaxJar', theirs[group])}   {'=' if same else 'DIFFERS'}")
    return wrong


def _fit(expectation: Expectation, stored: Sequence[StoredTransaction | None]) -> bool:
    """Whether TaxJar holds each transaction of a document as it was expected."""
    posted, expected = expectation.posted, expectation.expected
    parts = _parts(expected, _cents(posted.total_amount - posted.total_tax), _cents(posted.total_tax))
    return all(
        found is not None
        and (found.to_state, found.amount, found.sales_tax, found.shipping) == figures
        and found.kind == one.kind
        and found.exemption_type == (one.exemption_type or "non_exempt")
        and found.transaction_date.date() == posted.date
        for found, one, figures in zip(stored, expected.transactions, parts, strict=True)
    )


def _parts(expected: Expected, net: Decimal, tax: Decimal) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """State, amount, tax and shipping of each transaction of a document; the last has what the others leave."""
    *others, last = expected.transactions
    for one in others:
        sign = -1 if one.kind == "refund" else 1
        amount, own_tax = sign * (one.amount or ZERO), sign * (one.sales_tax or ZERO)
        net, tax = net - amount, tax - own_tax
        yield one.ship_to_state, amount, own_tax, sign * one.shipping
    yield last.ship_to_state, net, tax, -last.shipping if last.kind == "refund" else last.shipping


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def money(*amounts: Decimal) -> str:
    """Amounts in columns."""
    return "".join(f"{amount:18,.2f}" for amount in amounts)


def _row(group: str, side: str, totals: Totals) -> str:
    return f"{group:6} {side:7}{totals.transactions:5}{money(totals.amount, totals.tax, totals.shipping)}"

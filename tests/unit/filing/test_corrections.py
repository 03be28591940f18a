"""A reversal takes everything back, adds up for TaxJar, and bears an id of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.filing import correction_ids, current_id, reversal_of
from shared.mapping import order_id
from shared.taxjar.wire import from_wire, to_wire
from shared.transactions import ExemptionType, Kind, LineItem, Place, Transaction
from tests.unit.mapping.builders import lines_sum

TODAY = date(2026, 11, 20)
CENTS = st.integers(0, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))
TEXTS = st.text("abc XYZ-1", max_size=8).map(str.strip)
PLACES = st.builds(Place, st.just("US"), st.sampled_from(["TX", "CA"]), st.just("78701"), TEXTS, TEXTS)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Orders and refunds that add up."""
    kind = draw(st.sampled_from(Kind))
    sign = -1 if kind is Kind.REFUND else 1
    lines = tuple(
        LineItem(draw(st.integers(1, 50)), sign * draw(CENTS), Decimal(0), sign * draw(CENTS), draw(TEXTS), draw(TEXTS))
        for _ in range(draw(st.integers(1, 4)))
    )
    shipping = sign * draw(CENTS)
    return Transaction(
        kind=kind,
        transaction_id="USMF-INV-1",
        transaction_date=draw(st.dates(date(2020, 1, 1), date(2030, 1, 1))),
        amount=sum((line.unit_price * line.quantity for line in lines), shipping),
        shipping=shipping,
        sales_tax=sign * draw(CENTS),
        customer_id="USMF-C-1",
        ship_to=draw(PLACES),
        ship_from=draw(st.none() | PLACES),
        line_items=lines,
        exemption_type=draw(st.sampled_from(ExemptionType)),
        transaction_reference_id="USMF-INV-0" if kind is Kind.REFUND else "",
    )


@given(transactions())
def test_what_is_read_back_from_the_wire_is_what_was_sent(transaction: Transaction) -> None:
    assert from_wire(transaction.kind, to_wire(transaction)) == transaction


@given(transactions())
def test_a_transaction_and_its_reversal_net_to_nothing(filed: Transaction) -> None:
    reversal = reversal_of(filed, "R", TODAY)
    assert reversal.kind is not filed.kind
    assert (
        reversal.amount + filed.amount,
        reversal.shipping + filed.shipping,
        reversal.sales_tax + filed.sales_tax,
    ) == (
        0,
        0,
        0,
    )
    assert lines_sum(reversal) == reversal.amount
    assert (reversal.ship_to, reversal.customer_id, reversal.exemption_type) == (
        filed.ship_to,
        filed.customer_id,
        filed.exemption_type,
    )
    assert reversal.transaction_date == TODAY


@given(transactions())
def test_every_line_of_a_reversal_takes_back_price_and_tax_of_the_filed_one(filed: Transaction) -> None:
    reversal = reversal_of(filed, "R", TODAY)
    assert [replace(line, unit_price=-line.unit_price, sales_tax=-line.sales_tax) for line in reversal.line_items] == [
        *filed.line_items
    ]


@given(transactions())
def test_reversing_a_reversal_gives_the_money_back(filed: Transaction) -> None:
    twice = reversal_of(reversal_of(filed, "R", TODAY), filed.transaction_id, filed.transaction_date)
    reference = "R" if filed.kind is Kind.REFUND else ""
    assert twice == replace(filed, transaction_reference_id=reference)


@given(transactions(), CENTS.filter(bool))
def test_what_does_not_add_up_is_reversed_in_one_line_that_does(filed: Transaction, off: Decimal) -> None:
    filed = replace(filed, amount=filed.amount + (off if filed.kind is Kind.ORDER else -off))
    reversal = reversal_of(filed, "R", TODAY)
    assert [line.sales_tax for line in reversal.line_items] == [-filed.sales_tax]
    assert lines_sum(reversal) == reversal.amount == -filed.amount


def test_only_a_refund_refers_to_what_it_reverses() -> None:
    order = from_wire(Kind.ORDER, {"transaction_id": "O", "transaction_date": "2026-10-01", "to_country": "US"})
    refund = reversal_of(order, "R", TODAY)
    assert (refund.kind, refund.transaction_reference_id) == (Kind.REFUND, "O")
    assert reversal_of(refund, "O2", TODAY).transaction_reference_id == ""


@given(st.text(min_size=1, max_size=60), st.integers(1, 999))
def test_ids_of_corrections_follow_the_limits_and_stay_apart(number: str, correction: int) -> None:
    base = order_id("usmf", number)
    ids = correction_ids(base, correction)
    following = correction_ids(base, correction + 1)
    found = {base, ids.reversal, ids.replacement, following.reversal, following.replacement}
    assert len(found) == 5
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,50}", one) for one in found)


def test_the_current_id_is_that_of_the_last_replacement() -> None:
    assert [current_id("USMF-INV-1", corrections) for corrections in (0, 1, 2)] == [
        "USMF-INV-1",
        "USMF-INV-1-1",
        "USMF-INV-1-2",
    ]

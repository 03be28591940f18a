"""Charges and rounding of the whole document are spread over its transactions by value."""

from __future__ import annotations

from typing import Any

import pytest

from shared.documents import Customer
from shared.mapping import HoldReason
from tests.unit.mapping.builders import (
    AUSTIN,
    DENVER,
    LONDON,
    RENO,
    charge,
    company,
    document,
    figures,
    held,
    line,
    mapped,
    money,
    notes,
    outcome,
    parts,
)

EXEMPT = company(exempt_tax_groups={"EX": "wholesale"})
CHURCH = Customer("C-1", tax_group="EX")


def shipping(*args: Any, **options: Any) -> list[str]:
    sent = [part.transaction for part in parts(*args, **options)]
    return [f"{one.ship_to.state} {one.exemption_type} {one.shipping} {one.sales_tax}" for one in sent]


def test_freight_is_split_by_value_with_its_tax() -> None:
    lines = (line("100", tax="8.25"), line("120", tax="10.65", sequence=2, delivery_address=DENVER))
    posted = document(*lines, charges=(charge("22.00", tax="1.90"),))
    assert figures(posted) == ["order TX 110.00/9.11", "order CO 132.00/11.69"]
    assert shipping(posted) == ["TX non_exempt 10.00 9.11", "CO non_exempt 12.00 11.69"]


def test_cents_go_by_largest_remainder_and_ties_to_the_first_line() -> None:
    lines = [line("10", sequence=i, delivery_address=place) for i, place in enumerate((AUSTIN, DENVER, RENO))]
    assert shipping(document(*lines, charges=(charge("0.02"),))) == [
        "TX non_exempt 0.01 0.00",
        "CO non_exempt 0.01 0.00",
        "NV non_exempt 0.00 0.00",
    ]


def test_the_value_is_that_after_reductions() -> None:
    lines = (
        line("100", tax="8", delivery_address=DENVER),
        line("50", sequence=2, delivery_address=RENO),
        line("-50", tax="-4", sequence=3),
    )
    posted = document(*lines, charges=(charge("20"),))
    assert [amount.split()[2] for amount in shipping(posted)] == ["10.00", "10.00"]


def test_another_charge_is_a_line_of_each_transaction_with_its_share() -> None:
    lines = (line("100", tax="8.25"), line("300", tax="24.75", sequence=2, delivery_address=DENVER))
    posted = document(*lines, charges=(charge("4", "HANDLING", shipping=False, tax="0.33"),))
    first, second = (part.transaction.line_items[-1] for part in parts(posted))
    assert (str(first.unit_price), str(first.sales_tax)) == ("1.00", "0.08")
    assert (str(second.unit_price), str(second.sales_tax)) == ("3.00", "0.25")
    assert (first.quantity, first.product_identifier) == (1, "HANDLING")


def test_charges_do_not_weigh_for_each_other() -> None:
    lines = (line("100", tax="8.25"), line("100", sequence=2, delivery_address=DENVER))
    fees = (charge("50", "HANDLING", shipping=False, tax="4.13"), charge("30"))
    assert figures(document(*lines, charges=fees)) == ["order TX 165.00/12.38", "order CO 115.00/0.00"]


def test_taxed_charges_go_only_to_transactions_with_taxed_lines() -> None:
    lines = (line("100", tax="8.25"), line("300", sequence=2, delivery_address=DENVER))
    assert shipping(document(*lines, charges=(charge("10", tax="0.83"),))) == [
        "TX non_exempt 10.00 9.08",
        "CO non_exempt 0.00 0.00",
    ]


def test_a_taxed_charge_without_taxed_lines_joins_the_transaction_that_is_not_exempt() -> None:
    posted = document(line("100"), charges=(charge("10", tax="0.83"),))
    assert shipping(posted) == ["TX non_exempt 10.00 0.83"]
    lines = (line("100", tax_group="EX"), line("100", sequence=2))
    assert shipping(document(*lines, charges=(charge("10", tax="0.83"),)), EXEMPT) == [
        "TX wholesale 0.00 0.00",
        "TX non_exempt 10.00 0.83",
    ]


def test_where_all_are_exempt_a_taxed_charge_is_a_transaction_of_its_own_without_other_charges() -> None:
    posted = document(line("100"), charges=(charge("10", tax="0.83"), charge("5", "SECOND")), customer=CHURCH)
    assert shipping(posted, EXEMPT) == ["TX wholesale 5.00 0.00", "TX non_exempt 10.00 0.83"]
    own = parts(posted, EXEMPT)[1].transaction
    assert (own.transaction_id, own.line_items) == ("USMF-INV-9-part-2", ())


@pytest.mark.parametrize("customer", [None, CHURCH])
def test_the_tax_of_a_charge_is_not_left_out_with_untaxed_goods_that_go_abroad(customer: Customer | None) -> None:
    lines = (line("100"), line("100", sequence=2, delivery_address=LONDON))
    posted = document(*lines, charges=(charge("20", tax="1.65"),), customer=customer)
    assert sum(part.transaction.sales_tax for part in parts(posted, EXEMPT)) == money("1.65")
    (left,) = outcome(posted, EXEMPT).left_out
    assert (str(left.amount), str(left.sales_tax)) == ("100.00", "0.00")


def test_the_tax_of_a_charge_goes_abroad_with_the_only_taxed_goods() -> None:
    lines = (line("100"), line("100", tax="13", sequence=2, delivery_address=LONDON))
    posted = document(*lines, charges=(charge("20", tax="2.60"),))
    assert figures(posted) == ["order TX 100.00/0.00"]
    assert str(outcome(posted).left_out[0].sales_tax) == "15.60"


def test_a_lines_charge_follows_its_line_but_a_taxed_one_never_into_an_exempt_transaction() -> None:
    lines = (line("100"), line("100", tax="8", sequence=2, delivery_address=DENVER))
    posted = document(*lines, charges=(charge("6", of_line=1), charge("9", "X", of_line=2)))
    assert shipping(posted) == ["TX non_exempt 6.00 0.00", "CO non_exempt 9.00 8.00"]
    posted = document(line("100"), charges=(charge("6", tax="0.50", of_line=1),), customer=CHURCH)
    assert shipping(posted, EXEMPT) == ["TX wholesale 0.00 0.00", "TX non_exempt 6.00 0.50"]


def test_a_charge_of_a_line_that_is_not_there_is_one_of_the_document() -> None:
    assert shipping(document(line("100"), charges=(charge("6", of_line=77),))) == ["TX non_exempt 6.00 0.00"]


@pytest.mark.parametrize("off", ["0.03", "-0.03", "1.00", "-0.99"])
def test_the_documents_rounding_is_spread_by_value_and_named(off: str) -> None:
    lines = (line("100", tax="8.25"), line("300", tax="24.75", sequence=2, delivery_address=DENVER))
    posted = document(*lines, net=money("400") + money(off), round_off=money(off))
    amounts = [part.transaction.amount for part in parts(posted)]
    assert sum(amounts) == money("400") + money(off)
    assert abs(amounts[0] - 100 - money(off) / 4) < money("0.01")
    assert f"rounded by {off}" in notes(posted)


def test_a_rounding_that_is_not_in_the_total_changes_nothing() -> None:
    posted = document(line("100"), round_off=money("0.03"))
    assert figures(posted) == ["order TX 100.00/0.00"]
    assert "rounded" not in notes(posted)


def test_a_rounding_of_more_than_a_dollar_is_held() -> None:
    posted = document(line("100"), net="101.01", round_off=money("1.01"))
    assert held(posted).reasons == (HoldReason.AMOUNTS_DO_NOT_ADD_UP,)


def test_a_rounding_larger_than_what_it_rounds_is_held() -> None:
    posted = document(line("0.01"), net="-0.01", round_off=money("-0.02"))
    assert held(posted).reasons == (HoldReason.AMOUNTS_DO_NOT_ADD_UP,)


def test_the_rounding_of_an_exchange_keeps_its_sign() -> None:
    lines = (line("100"), line("-50", quantity=-1, sequence=2))
    assert figures(document(*lines, net="50.03", round_off=money("0.03"))) == [
        "order TX 100.02/0.00",
        "refund TX -49.99/0.00",
    ]


def test_a_charge_alone_goes_where_the_document_went() -> None:
    order = mapped(document(line("0", quantity=0), charges=(charge("5", "FEE", shipping=False),)))
    assert [item.product_identifier for item in order.line_items] == ["FEE"]
    assert order.ship_to.state == "TX"

"""Reductions lower lines of their own direction and treatment; what these cannot take goes the other way."""

from __future__ import annotations

from typing import Any

import pytest

from shared.documents import Line
from shared.mapping import HoldReason
from tests.unit.mapping.builders import (
    AUSTIN,
    DENVER,
    RENO,
    charge,
    company,
    credit_note,
    document,
    figures,
    held,
    line,
    mapped,
    notes,
    outcome,
    parts,
)

COUPONS = company(discount_items=["coupon"])


def coupon(amount: str, quantity: int = -1, sequence: int = 9, **values: Any) -> Line:
    return line(amount, product="COUPON", quantity=quantity, sequence=sequence, **values)


def discounts(*args: Any, **options: Any) -> list[list[str]]:
    return [[str(item.discount) for item in part.transaction.line_items] for part in parts(*args, **options)]


def test_an_exchange_moves_nothing_onto_exempt_goods() -> None:
    lines = (line("600"), line("600", tax="49.50", sequence=2), line("-500", quantity=-1, tax="-41.25", sequence=3))
    assert figures(document(*lines)) == ["order TX 1200.00/49.50", "refund TX -500.00/-41.25"]


def test_a_reduction_lowers_lines_of_its_treatment_over_all_destinations() -> None:
    lines = (
        line("100", tax="10", delivery_address=DENVER),
        line("300", tax="30", sequence=2, delivery_address=RENO),
        line("500", sequence=3, delivery_address=DENVER),
        line("-40", tax="-4", sequence=4),
    )
    assert figures(document(*lines)) == ["order CO 590.00/9.00", "order NV 270.00/27.00"]
    assert discounts(document(*lines)) == [["10.00", "0.00"], ["30.00"]]


@pytest.mark.parametrize("quantity", [1, -1])
def test_an_item_of_discount_items_is_a_reduction_whatever_its_quantity(quantity: int) -> None:
    posted = document(line("100", tax="8"), coupon("-10", quantity, tax="-0.80"))
    assert figures(posted, COUPONS) == ["order TX 90.00/7.20"]


def test_a_discount_item_of_a_return_lowers_what_came_back() -> None:
    posted = credit_note(line("-100", quantity=-1, tax="-8"), coupon("10", 1, tax="0.80"))
    assert figures(posted, COUPONS) == ["refund TX -90.00/-7.20"]


def test_a_discount_item_that_adds_is_an_ordinary_line() -> None:
    assert figures(document(line("100"), coupon("10", 1)), COUPONS) == ["order TX 110.00/0.00"]
    assert figures(credit_note(line("-100", quantity=-1), coupon("-10")), COUPONS) == ["refund TX -110.00/0.00"]


def test_in_an_exchange_a_discount_item_lowers_what_went_out() -> None:
    posted = document(line("100"), line("-50", quantity=-1, sequence=2), coupon("-10"))
    assert figures(posted, COUPONS) == ["order TX 90.00/0.00", "refund TX -50.00/0.00"]


def test_what_lines_of_its_treatment_cannot_take_becomes_a_line_of_the_other_direction() -> None:
    posted = document(line("100", tax="8.25"), line("4", sequence=2), line("-10", sequence=3, product="GIFT"))
    assert figures(posted) == ["order TX 100.00/8.25", "refund TX -6.00/0.00"]
    assert "6.00 of GIFT was more than such lines could take" in notes(posted)


def test_a_taxed_reduction_leaves_its_share_of_the_tax_too() -> None:
    posted = document(line("100", tax="8.00"), line("-150", tax="-12.00", sequence=2))
    assert figures(posted) == ["refund TX -50.00/-4.00"]


def test_a_restocking_fee_is_an_order_of_its_own_unless_it_is_taxed_like_the_goods() -> None:
    goods = line("-100", quantity=-1, tax="-8.25")
    untaxed = credit_note(goods, charges=(charge("15", "RESTOCK", shipping=False),))
    assert figures(untaxed) == ["order TX 15.00/0.00", "refund TX -100.00/-8.25"]
    taxed = credit_note(goods, charges=(charge("15", "RESTOCK", shipping=False, tax="1.24"),))
    assert figures(taxed) == ["refund TX -85.00/-7.01"]


def test_leftovers_stand_where_what_they_could_not_lower_went() -> None:
    lines = (
        line("10", delivery_address=DENVER),
        line("30", sequence=2, delivery_address=RENO),
        line("100", tax="8", sequence=3, delivery_address=AUSTIN),
        line("-48", sequence=4, delivery_address=AUSTIN),
    )
    posted = document(*lines)
    assert figures(posted) == ["order TX 100.00/8.00", "refund CO -2.00/0.00", "refund NV -6.00/0.00"]


def test_a_leftover_joins_the_transaction_that_is_there() -> None:
    lines = (line("10", tax="0.80"), line("-15", sequence=2), line("-20", quantity=-1, sequence=3))
    order, refund = (part.transaction for part in parts(document(*lines)))
    assert (str(order.amount), str(refund.amount), len(refund.line_items)) == ("10.00", "-35.00", 2)


def test_the_end_discount_lowers_all_lines_after_the_other_reductions() -> None:
    lines = (line("100", tax="8"), line("100", sequence=2), line("-50", sequence=3))
    posted = document(*lines, end_discount="15")
    assert discounts(posted) == [["10.00", "55.00"]]


def test_in_an_exchange_the_end_discount_lowers_the_direction_of_its_sign() -> None:
    lines = (line("100"), line("-40", quantity=-1, sequence=2))
    assert figures(document(*lines, net="55", end_discount="5")) == ["order TX 95.00/0.00", "refund TX -40.00/0.00"]
    assert figures(document(*lines, net="65", end_discount="5")) == ["order TX 100.00/0.00", "refund TX -35.00/0.00"]
    assert held(document(*lines, net="60", end_discount="5")).reasons == (HoldReason.AMOUNTS_DO_NOT_ADD_UP,)


def test_a_negative_charge_of_a_line_lowers_its_lines_transaction_alone() -> None:
    lines = (line("100", delivery_address=DENVER), line("100", sequence=2, delivery_address=RENO))
    posted = document(*lines, charges=(charge("-10", "REBATE", shipping=False, of_line=2),))
    assert figures(posted) == ["order CO 100.00/0.00", "order NV 90.00/0.00"]
    of_document = document(*lines, charges=(charge("-10", "REBATE", shipping=False),))
    assert figures(of_document) == ["order CO 95.00/0.00", "order NV 95.00/0.00"]


def test_a_charge_of_an_exchange_belongs_to_the_direction_of_its_sign_or_to_that_of_its_line() -> None:
    lines = (line("100"), line("-50", quantity=-1, sequence=2))
    by_sign = document(*lines, charges=(charge("9"), charge("-4", "HANDLING", shipping=False)))
    assert figures(by_sign) == ["order TX 109.00/0.00", "refund TX -54.00/0.00"]
    of_line = document(*lines, charges=(charge("6", "RESTOCK", shipping=False, of_line=2),))
    assert figures(of_line) == ["order TX 100.00/0.00", "refund TX -44.00/0.00"]


def test_shipping_of_a_return_is_negative_shipping() -> None:
    refund = mapped(credit_note(line("-100", quantity=-1), charges=(charge("-9"),)))
    assert (str(refund.shipping), str(refund.amount)) == ("-9.00", "-109.00")


def test_shipping_is_netted_by_line_and_treatment() -> None:
    lines = (line("100", tax="8", delivery_address=DENVER), line("100", tax="8", sequence=2, delivery_address=RENO))
    charges = (
        charge("10", tax="0.80", of_line=1),
        charge("10", tax="0.80", of_line=2),
        charge("-4", "FREE", tax="-0.32", of_line=2),
    )
    assert figures(document(*lines, charges=charges)) == ["order CO 110.00/8.80", "order NV 106.00/8.48"]


def test_reductions_are_noted() -> None:
    assert "Reductions of 10.00 were spread over the untaxed lines" in notes(document(line(), line("-10", sequence=2)))


@pytest.mark.parametrize("reason", ["payment", "fee"])
def test_payments_and_fees_are_no_part_of_the_sale(reason: str) -> None:
    settings = company(payment_charge_codes=["store credit"], fee_charge_codes=["RDF"])
    amount, code = ("-30", "Store Credit") if reason == "payment" else ("0.28", "rdf")
    posted = document(line("100", tax="8.25"), charges=(charge(amount, code),))
    assert figures(posted, settings) == ["order TX 100.00/8.25"]
    (left,) = outcome(posted, settings).left_out
    assert (left.reason, left.amount, left.sales_tax) == (reason, posted.charges[0].amount, 0)  # type: ignore[index]
    assert left.sentence in notes(posted, settings)


@pytest.mark.parametrize("code", ["CREDIT", "RDF"])
def test_a_payment_or_fee_that_carries_tax_is_held(code: str) -> None:
    settings = company(payment_charge_codes=["CREDIT"], fee_charge_codes=["RDF"])
    posted = document(line("100", tax="8.25"), charges=(charge("10", code, tax="0.83"),))
    assert held(posted, settings).reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)


def test_a_payment_as_large_as_the_sale_leaves_the_sale() -> None:
    settings = company(payment_charge_codes=["CREDIT"])
    assert figures(document(line("100"), charges=(charge("-100", "CREDIT"),)), settings) == ["order TX 100.00/0.00"]


def test_a_coupon_on_an_order_of_freight_alone_refers_to_that_order() -> None:
    posted = document(line("0"), line("-10", sequence=2), charges=(charge("20"),))
    order, refund = (part.transaction for part in parts(posted))
    assert (str(order.amount), str(order.shipping), str(refund.amount)) == ("20.00", "20.00", "-10.00")
    assert refund.transaction_reference_id == order.transaction_id


def test_a_fee_makes_no_order_that_an_unlinked_credit_note_could_refer_to() -> None:
    posted = document(line("-100", quantity=-1), charges=(charge("15", "RESTOCK", shipping=False),))
    assert held(posted).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)

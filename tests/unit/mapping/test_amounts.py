"""amount = Σ(unit_price * quantity - discount) + shipping, to the cent, or the document is held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.documents import DocumentType, Line
from shared.mapping import HoldReason
from shared.transactions import Transaction
from tests.unit.mapping.builders import (
    charge,
    company,
    document,
    figures,
    held,
    line,
    lines_sum,
    mapped,
    money,
    notes,
    parts,
)


def prices(order: Transaction) -> list[tuple[int, str, str]]:
    assert lines_sum(order) == order.amount
    return [(item.quantity, str(item.unit_price), str(item.discount)) for item in order.line_items]


def several(*amounts: str, **values: Any) -> list[Line]:
    return [line(amount, sequence=i, **values) for i, amount in enumerate(amounts, 1)]


def test_a_whole_quantity_with_a_unit_price_in_cents_is_sent_as_is_with_its_discount() -> None:
    assert prices(mapped(document(line("480.00", quantity=4, discount="20.00")))) == [(4, "125.00", "20.00")]


@pytest.mark.parametrize(
    ("amount", "quantity", "discount"),
    [("10.00", "3", "0"), ("10.00", "2.5", "0"), ("10.00", "-1", "0"), ("10.00", "0", "0"), ("20.002", "4", "0"),
     ("10.00", "1", "0.005"), ("19.995", "2", "0.005")],
)  # fmt: skip
def test_otherwise_quantity_one_and_the_extended_price(amount: str, quantity: str, discount: str) -> None:
    order = mapped(document(line(amount, quantity=quantity, discount=discount)))
    assert prices(order) == [(1, str(order.amount), "0.00")]


def test_line_values_are_rounded_so_that_they_sum_to_the_rounded_total() -> None:
    order = mapped(document(*several("3.3333", "3.3333", "3.3334")))
    assert prices(order) == [(1, "3.33", "0.00"), (1, "3.33", "0.00"), (1, "3.34", "0.00")]
    assert str(order.amount) == "10.00"


@pytest.mark.parametrize("off", ["0.01", "0.02", "-0.01", "-0.02"])
def test_a_residual_within_one_cent_per_line_is_spread_and_noted(off: str) -> None:
    posted = document(*several("10.00", "20.00"), net=money("30.00") + money(off))
    assert prices(mapped(posted))
    assert off in notes(posted)


@pytest.mark.parametrize("off", ["0.03", "-0.03", "5.00", "-25"])
def test_a_larger_residual_is_held(off: str) -> None:
    result = held(document(*several("10.00", "20.00"), net=money("30.00") + money(off)))
    assert result.reasons == (HoldReason.AMOUNTS_DO_NOT_ADD_UP,)
    assert f"{money(off):.2f}" in result.message


def test_only_lines_that_are_sent_count_for_the_residual() -> None:
    posted = document(*several("10.00", "20.00", "-5.00", "0.00"))
    dropped = replace(posted.lines[3], quantity=money(0))
    posted = replace(posted, lines=(*posted.lines[:3], dropped), total_amount=posted.total_amount + money("0.03"))
    assert held(posted).reason is HoldReason.AMOUNTS_DO_NOT_ADD_UP


def test_rounding_alone_is_no_residual() -> None:
    assert "residual" not in notes(document(*several("3.3333", "3.3333", "3.3333")))


def test_an_end_discount_is_spread_over_the_lines_by_value() -> None:
    order = mapped(document(*several("30.00", "60.00", "10.00"), end_discount="10.00"))
    assert prices(order) == [(1, "30.00", "3.00"), (1, "60.00", "6.00"), (1, "10.00", "1.00")]


def test_an_end_discount_adds_to_a_line_discount() -> None:
    order = mapped(document(line("90.00", quantity=2, discount="10.00"), end_discount="9.00"))
    assert prices(order) == [(2, "50.00", "19.00")]


def test_a_negative_line_becomes_a_discount_of_the_others() -> None:
    posted = document(*several("60.00", "30.00", "-10.00"))
    assert prices(mapped(posted)) == [(1, "60.00", "6.67"), (1, "30.00", "3.33")]
    assert "10.00" in notes(posted)


def test_a_negative_charge_becomes_a_discount_of_the_lines() -> None:
    order = mapped(document(line("60.00"), charges=(charge("-6.00", "REBATE", shipping=False),)))
    assert prices(order) == [(1, "60.00", "6.00")]


def test_shipping_charges_of_both_signs_are_netted_first() -> None:
    order = mapped(document(line("60.00"), charges=(charge("10.00"), charge("-4.00", "FREIGHT2"))))
    assert prices(order) == [(1, "60.00", "0.00")]
    assert str(order.shipping) == "6.00"


def test_negative_net_shipping_is_spread_over_the_lines() -> None:
    order = mapped(document(line("60.00"), charges=(charge("4.00"), charge("-10.00", "FREIGHT2"))))
    assert prices(order) == [(1, "60.00", "6.00")]
    assert str(order.shipping) == "0.00"


def test_what_the_lines_cannot_take_becomes_a_line_of_the_refund_and_never_lowers_shipping() -> None:
    order, refund = (
        part.transaction for part in parts(document(*several("10.00", "-15.00"), charges=(charge("20.00"),)))
    )
    assert prices(order) == [(1, "10.00", "10.00")]
    assert (str(order.shipping), str(refund.amount)) == ("20.00", "-5.00")
    assert refund.transaction_reference_id == order.transaction_id


def test_an_end_discount_beyond_the_lines_becomes_a_line_of_the_refund() -> None:
    posted = document(*several("10.00"), charges=(charge("20.00"),), end_discount="15.00", net="15")
    assert figures(posted) == ["order TX 20.00/0.00", "refund TX -5.00/0.00"]


def test_a_line_of_amount_zero_is_sent() -> None:
    assert prices(mapped(document(*several("10.00", "0.00")))) == [(1, "10.00", "0.00"), (1, "0.00", "0.00")]


def test_a_line_of_quantity_zero_and_amount_zero_is_dropped() -> None:
    assert prices(mapped(document(line("10.00"), line("0.00", quantity=0, sequence=2)))) == [(1, "10.00", "0.00")]


def test_prices_that_include_tax_are_sent_net_as_quantity_one() -> None:
    posted = document(
        line("110.00", quantity=2, discount="10.00", tax="10.00"),
        charges=(charge("11.00", tax="1.00"), charge("5.50", "FEE", shipping=False, tax="0.50")),
        prices_include_tax=True,
    )
    order = mapped(posted)
    assert prices(order) == [(1, "100.00", "0.00"), (1, "5.00", "0.00")]
    assert (str(order.amount), str(order.shipping), str(order.sales_tax)) == ("115.00", "10.00", "11.50")


def test_an_end_discount_with_tax_included_closes_to_the_net_as_line_taxes_are_posted_after_it() -> None:
    posted = document(line("110.00", tax="9.00"), end_discount="11.00", prices_include_tax=True)
    assert prices(mapped(posted)) == [(1, "101.00", "11.00")]
    assert str(mapped(posted).amount) == "90.00"


def test_sub_cent_shipping_alone_is_no_residual() -> None:
    dropped = line("0.00", quantity=0)
    order = mapped(document(dropped, charges=(charge("5.0049"),)))
    assert (prices(order), str(order.shipping)) == ([], "5.00")


def test_a_free_text_invoice_without_lines_is_one_line_with_the_net_less_charges() -> None:
    posted = document(
        net="120.00",
        tax="10.00",
        charges=(charge("15.00", tax="1.25"), charge("5.00", "FEE", shipping=False, tax="0.40")),
        type=DocumentType.FREE_TEXT,
        number="FTI-1",
    )
    order = mapped(posted)
    assert prices(order) == [(1, "100.00", "0.00"), (1, "5.00", "0.00")]
    whole = order.line_items[0]
    assert (whole.description, str(whole.sales_tax)) == ("Free text invoice FTI-1", "8.35")


def test_an_end_discount_of_a_free_text_invoice_without_lines_is_sent_as_a_discount() -> None:
    posted = document(net="90.00", end_discount="10.00", type=DocumentType.FREE_TEXT)
    assert prices(mapped(posted)) == [(1, "100.00", "10.00")]


def test_a_free_text_invoice_with_lines_is_mapped_by_them() -> None:
    order = mapped(document(line("10.00", description="Consulting"), type=DocumentType.FREE_TEXT))
    assert [item.description for item in order.line_items] == ["Consulting"]


@pytest.mark.parametrize("kind", [DocumentType.SALES_ORDER, DocumentType.PROJECT])
def test_any_other_document_without_lines_is_held(kind: DocumentType) -> None:
    result = held(document(net="100.00", type=kind), company(project_invoices=True))
    assert result.reasons == (HoldReason.LINES_MISSING,)

"""The sign of the net decides between order and refund; a refund is a mirrored order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.mapping import HoldReason, SkipReason, kind_of
from shared.transactions import Kind
from tests.unit.mapping.builders import charge, credit_note, document, figures, held, line, mapped, money, skipped


@pytest.mark.parametrize(
    ("total", "tax", "kind"),
    [("110", "10", Kind.ORDER), ("-110", "-10", Kind.REFUND), ("10", "10", Kind.ORDER), ("-10", "-10", Kind.REFUND),
     ("-5", "-10", Kind.ORDER), ("0", "0", Kind.ORDER), ("0.004", "0", Kind.ORDER), ("-100", "0", Kind.REFUND)],
)  # fmt: skip
def test_the_sign_of_the_net_and_then_of_the_tax_decides(total: str, tax: str, kind: Kind) -> None:
    assert kind_of(Decimal(total), Decimal(tax)) is kind


def test_amount_is_the_net_with_shipping_and_without_tax() -> None:
    order = mapped(document(line("100.00", tax="8.25"), charges=(charge("12.50", tax="1.03"),)))
    assert (order.amount, order.shipping, order.sales_tax) == (money("112.50"), money("12.50"), money("9.28"))


def test_shipping_is_sent_as_zero() -> None:
    assert str(mapped(document(line())).shipping) == "0.00"


def test_a_document_without_tax_is_sent() -> None:
    assert str(mapped(document(line())).sales_tax) == "0.00"


def test_totals_are_rounded_half_up_to_cents() -> None:
    order = mapped(document(line("100.005", tax="8.2551")))
    assert (str(order.amount), str(order.sales_tax)) == ("100.01", "8.26")


def test_a_refund_has_negative_money_and_positive_quantity_and_discount() -> None:
    posted = credit_note(
        line("-80.00", quantity=-2, discount="20.00", tax="-6.60"), charges=(charge("-5", tax="-0.41"),), number="CRN-1"
    )
    refund = mapped(posted)
    item = refund.line_items[0]
    assert refund.kind is Kind.REFUND
    assert refund.transaction_id == "USMF-CRN-1-refund"
    assert (str(refund.amount), str(refund.shipping), str(refund.sales_tax)) == ("-85.00", "-5.00", "-7.01")
    assert (item.quantity, str(item.unit_price)) == (2, "-50.00")
    assert (str(item.discount), str(item.sales_tax)) == ("20.00", "-6.60")


def test_zeros_of_a_refund_are_plain() -> None:
    refund = mapped(credit_note(line("-80.00", quantity=-1)))
    zeros = (refund.shipping, refund.sales_tax, refund.line_items[0].discount, refund.line_items[0].sales_tax)
    assert {str(zero) for zero in zeros} == {"0.00"}


def test_a_refund_has_its_own_date() -> None:
    assert mapped(credit_note(line("-80"), dated=date(2026, 4, 2))).transaction_date == date(2026, 4, 2)


def test_an_amount_against_the_direction_of_its_line_lowers_that_direction() -> None:
    refund = mapped(credit_note(line("-80.00", quantity=-1), line("10.00", quantity=-1, sequence=2)))
    (item,) = refund.line_items
    assert (str(refund.amount), str(item.unit_price), str(item.discount)) == ("-70.00", "-80.00", "10.00")


def test_an_adjustment_of_tax_alone_is_sent() -> None:
    refund = mapped(credit_note(line("0.00", quantity=-1, tax="-8.25")))
    assert (refund.kind, str(refund.amount), str(refund.sales_tax)) == (Kind.REFUND, "0.00", "-8.25")
    assert str(refund.line_items[0].sales_tax) == "-8.25"


def test_a_document_without_value_is_skipped() -> None:
    result = skipped(document(line("0"), line("0", quantity=2, sequence=2)))
    assert result.reason is SkipReason.ZERO_VALUE
    assert result.transaction_id == "USMF-INV-9"


def test_an_exchange_of_equal_value_has_a_value() -> None:
    assert figures(document(line("100"), line("-100", quantity=-1, sequence=2))) == [
        "order TX 100.00/0.00",
        "refund TX -100.00/0.00",
    ]


def test_a_document_whose_discount_takes_all_has_nothing_to_send() -> None:
    assert skipped(document(line("100"), end_discount="100", net="0")).reason is SkipReason.ZERO_VALUE


@pytest.mark.parametrize("quantity", [1, -1])
def test_a_line_whose_amount_and_tax_have_opposite_signs_is_held(quantity: int) -> None:
    posted = credit_note(line(100 * quantity, quantity=quantity, tax="8.25" if quantity < 0 else "-8.25"))
    result = held(posted)
    assert result.reasons == (HoldReason.MIXED_SIGNS,)
    assert "100.00" in result.message
    assert "8.25" in result.message


def test_skipped_and_held_documents_carry_signed_amounts() -> None:
    result = held(credit_note(line("-100.00", quantity=-1, tax="-8.25"), originals=()))
    assert (str(result.amount), str(result.sales_tax)) == ("-100.00", "-8.25")
    assert result.transaction_id == "USMF-INV-9-refund"

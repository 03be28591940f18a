"""Which charges are shipping, and what becomes of the others."""

from __future__ import annotations

from shared.documents import Charge
from shared.mapping import HoldReason
from tests.unit.mapping.builders import (
    charge,
    company,
    credit_note,
    document,
    held,
    line,
    lines_sum,
    mapped,
    money,
    notes,
)


def test_the_charge_table_says_what_is_shipping() -> None:
    order = mapped(document(line(), charges=(charge("9.00"), charge("4.00", "HANDLING", shipping=False))))
    assert str(order.shipping) == "9.00"
    assert len(order.line_items) == 2


def test_the_settings_win_over_the_charge_table() -> None:
    settings = company(shipping_charge_codes=["handling"])
    order = mapped(document(line(), charges=(charge("9.00"), charge("4.00", "HANDLING", shipping=False))), settings)
    assert str(order.shipping) == "4.00"


def test_another_charge_is_a_line_in_every_respect() -> None:
    order = mapped(
        document(line(), charges=(charge("4.00", "HANDLING", shipping=False, tax="0.33"),), end_discount="26.00")
    )
    item = order.line_items[1]
    assert (item.quantity, item.product_identifier, item.description) == (1, "HANDLING", "HANDLING charge")
    assert (str(item.unit_price), str(item.discount), str(item.sales_tax)) == ("4.00", "1.00", "0.33")


def test_a_charge_without_text_is_described_by_its_code() -> None:
    fee = Charge(code="FEE", text="", amount=money(4), is_shipping=False)
    assert mapped(document(line(), charges=(fee,))).line_items[1].description == "FEE"


def test_a_charge_that_the_table_cannot_classify_counts_as_shipping_and_is_noted() -> None:
    posted = document(line(), charges=(charge("9.00", shipping=None),))
    assert str(mapped(posted).shipping) == "9.00"
    assert "FREIGHT" in notes(posted)


def test_a_charge_without_a_code_is_named_in_its_note() -> None:
    assert "Charge (blank) of 9.00" in notes(document(line(), charges=(charge("9.00", "", shipping=None),)))


def test_charges_of_an_environment_that_never_shows_them_count_as_shipping_with_a_note() -> None:
    posted = document(line(tax="8.25"), charges=None, total_charges="9.00", tax="9.00")
    order = mapped(posted)
    assert (str(order.shipping), str(order.amount)) == ("9.00", "109.00")
    assert "The charge rows cannot be read: all charges, 9.00, are shipping." in notes(posted)


def test_charges_whose_rows_are_missing_are_never_guessed() -> None:
    result = held(document(line(tax="8.25"), charges=(), total_charges="9.00", tax="9.00"))
    assert result.reasons == (HoldReason.SOURCE_INCOMPLETE,)
    assert "9.00" in result.message


def test_unread_charges_with_tax_included_carry_the_tax_the_lines_leave() -> None:
    posted = document(
        line("108.00", tax="8.00"), charges=None, total_charges="10.80", tax="8.80", prices_include_tax=True
    )
    order = mapped(posted)
    assert (str(order.shipping), str(order.amount)) == ("10.00", "110.00")


def test_unread_charges_of_a_credit_note_are_negative_shipping() -> None:
    refund = mapped(credit_note(line("-100.00"), charges=None, total_charges="-9.00"))
    assert (str(refund.shipping), str(refund.amount)) == ("-9.00", "-109.00")


def test_unread_charges_carry_no_tax_where_the_lines_leave_none() -> None:
    posted = document(
        line("108.00", tax="8.01"), charges=None, total_charges="10.00", tax="8.00", prices_include_tax=True
    )
    assert str(mapped(posted).shipping) == "10.00"


def test_unread_negative_charges_are_spread_with_their_tax() -> None:
    order = mapped(document(line(tax="8.00"), charges=None, total_charges="-10.00", tax="7.20"))
    assert (str(order.shipping), str(order.line_items[0].discount)) == ("0.00", "10.00")
    assert str(order.line_items[0].sales_tax) == "7.20"
    assert lines_sum(order) == order.amount


def test_no_charges_need_no_note() -> None:
    assert "charge" not in notes(document(line(), charges=None))

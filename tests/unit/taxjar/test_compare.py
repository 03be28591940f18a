from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.taxjar.compare import Aspect, aspects, differences, same
from shared.taxjar.wire import to_wire, update_to_wire
from shared.transactions import ExemptionType, Place, Transaction

Stored = dict[str, Any]


def test_an_order_stored_as_sent_is_the_same(order: Transaction, stored_order: Stored) -> None:
    assert differences(to_wire(order), stored_order) == {}


def test_a_refund_stored_as_sent_is_the_same(refund: Transaction, stored_refund: Stored) -> None:
    assert differences(to_wire(refund), stored_refund) == {}


@pytest.mark.parametrize("field", ["amount", "shipping", "sales_tax"])
def test_a_cent_is_a_difference(order: Transaction, stored_order: Stored, field: str) -> None:
    payload = to_wire(order)
    stored_order[field] = str(Decimal(stored_order[field]) + Decimal("0.01"))
    assert differences(payload, stored_order) == {field: (payload[field], stored_order[field])}


@pytest.mark.parametrize("field", ["unit_price", "discount", "sales_tax", "quantity"])
def test_a_changed_number_on_a_line_is_a_difference(order: Transaction, stored_order: Stored, field: str) -> None:
    stored_order["line_items"][1][field] = "7.77"
    assert list(differences(to_wire(order), stored_order)) == [f"line_items.2.{field}"]


@pytest.mark.parametrize(
    "field",
    [
        *("transaction_id", "transaction_date", "transaction_reference_id", "customer_id", "exemption_type"),
        *("to_country", "to_state", "to_zip", "to_city", "to_street"),
        *("from_country", "from_state", "from_zip", "from_city", "from_street"),
    ],
)
def test_any_other_text_is_a_difference(order: Transaction, stored_order: Stored, field: str) -> None:
    stored_order[field] = "other"
    assert list(differences(to_wire(order), stored_order)) == [field]


@pytest.mark.parametrize("field", ["product_identifier", "description", "product_tax_code"])
def test_any_other_text_on_a_line_is_a_difference(order: Transaction, stored_order: Stored, field: str) -> None:
    stored_order["line_items"][0][field] = "other"
    found = differences(to_wire(order), stored_order)
    assert list(found) == [f"line_items.1.{field}"]
    assert found[f"line_items.1.{field}"][1] == "other"


@pytest.mark.parametrize("field", ["to_street", "customer_id", "from_zip"])
def test_a_value_that_taxjar_lost_is_a_difference(order: Transaction, stored_order: Stored, field: str) -> None:
    stored_order[field] = None
    assert differences(to_wire(order), stored_order) == {field: (to_wire(order)[field], None)}


def test_an_exemption_that_we_no_longer_send_is_a_difference(order: Transaction, stored_order: Stored) -> None:
    stored_order["exemption_type"] = "wholesale"
    assert differences(to_wire(order), stored_order) == {"exemption_type": ("non_exempt", "wholesale")}
    assert same(to_wire(replace(order, exemption_type=ExemptionType.WHOLESALE)), stored_order)


@pytest.mark.parametrize("sent", [None, "non_exempt"])
@pytest.mark.parametrize("held", [None, "", "non_exempt"])
def test_no_exemption_is_non_exempt(
    order: Transaction, stored_order: Stored, sent: str | None, held: str | None
) -> None:
    stored_order["exemption_type"] = held
    assert same({**to_wire(order), "exemption_type": sent}, stored_order)


def test_marketplace_may_come_back_as_none_where_no_law_applies(order: Transaction, stored_order: Stored) -> None:
    payload = {**to_wire(order), "exemption_type": "marketplace"}
    assert same(payload, stored_order)
    assert list(differences(payload, {**stored_order, "exemption_type": "non_exempt"})) == ["exemption_type"]
    assert list(differences(to_wire(order), {**stored_order, "exemption_type": "marketplace"})) == ["exemption_type"]


@pytest.mark.parametrize("exemption", ["wholesale", "government", "other"])
def test_an_exemption_that_did_not_stick_is_a_difference(
    order: Transaction, stored_order: Stored, exemption: str
) -> None:
    payload = to_wire(replace(order, exemption_type=ExemptionType(exemption)))
    assert differences(payload, stored_order) == {"exemption_type": (exemption, None)}


@pytest.mark.parametrize("field", ["from_state", "from_zip", "from_city", "from_street"])
def test_a_ship_from_that_was_emptied_must_be_gone(refund: Transaction, stored_refund: Stored, field: str) -> None:
    body = update_to_wire(refund)
    assert same(body, stored_refund)
    assert list(differences(body, {**stored_refund, field: "old"})) == [field]


@pytest.mark.parametrize(
    ("field", "aspect"),
    [
        *(("amount", "amount"), ("sales_tax", "tax"), ("shipping", "shipping"), ("to_state", "state")),
        *(("to_country", "state"), ("transaction_date", "date"), ("exemption_type", "exemption")),
        *(("to_street", None), ("to_zip", None), ("customer_id", None), ("from_state", None)),
    ],
)
def test_a_deep_comparison_names_what_differs(
    order: Transaction, stored_order: Stored, field: str, aspect: str | None
) -> None:
    found = differences(to_wire(order), {**stored_order, field: "7"})
    assert list(found) == [field]
    assert aspects(found) == (() if aspect is None else (aspect,))


def test_lines_are_one_aspect_and_aspects_are_named_once(order: Transaction, stored_order: Stored) -> None:
    for line in stored_order["line_items"]:
        line |= {"unit_price": "7", "sales_tax": "7"}
    found = differences(to_wire(order), {**stored_order, "amount": "7"})
    assert aspects(found) == (Aspect.AMOUNT, Aspect.LINES)
    stored_order["line_items"].pop()
    assert aspects(differences(to_wire(order), stored_order)) == (Aspect.LINES,)


@pytest.mark.parametrize("strange", ["NaN", "sNaN", "Infinity"])
def test_what_is_no_amount_is_a_difference_whatever_was_sent(
    order: Transaction, stored_order: Stored, strange: str
) -> None:
    stored_order["amount"] = strange
    assert list(differences(to_wire(order), stored_order)) == ["amount"]


def test_a_ship_from_that_was_never_sent_is_taxjars_own_addition(refund: Transaction, stored_refund: Stored) -> None:
    assert stored_refund["from_country"] == "US"
    assert same(to_wire(refund), stored_refund)
    assert same(to_wire(refund), {**stored_refund, "from_state": "CA", "from_zip": "92093"})


def test_a_sent_from_country_counts(order: Transaction, stored_order: Stored) -> None:
    abroad = to_wire(replace(order, ship_from=Place("CA", "BC", "V6G 3E2", "La Jolla", "9500 Gilman Dr")))
    assert differences(abroad, stored_order)["from_country"] == ("CA", "US")


@pytest.mark.parametrize("field", ["user_id", "provider", "plugin", "created_at"])
def test_bookkeeping_of_taxjar_is_ignored(order: Transaction, stored_order: Stored, field: str) -> None:
    assert same(to_wire(order), {**stored_order, field: "anything"})


def test_lines_are_compared_by_position_whatever_their_ids(order: Transaction, stored_order: Stored) -> None:
    for line in stored_order["line_items"]:
        line["id"] = "x"
    assert same(to_wire(order), stored_order)
    stored_order["line_items"].reverse()
    assert "line_items.1.product_identifier" in differences(to_wire(order), stored_order)


def test_a_missing_and_an_additional_line_are_named(order: Transaction, stored_order: Stored) -> None:
    payload, removed = to_wire(order), stored_order["line_items"].pop()
    assert differences(payload, stored_order) == {"line_items.2": ("1 x Printed guide book at 9.02", None)}
    stored_order["line_items"] += [removed, removed]
    assert differences(payload, stored_order) == {"line_items.3": (None, "1 x Printed guide book at 9.02")}
    assert not same(payload, {**stored_order, "line_items": None})


def test_dates_count_by_the_day(order: Transaction, stored_order: Stored) -> None:
    stored_order["transaction_date"] = "2026/03/17"
    assert same(to_wire(order), stored_order)
    stored_order["transaction_date"] = "2026-03-18T00:00:00.000Z"
    assert list(differences(to_wire(order), stored_order)) == ["transaction_date"]


@pytest.mark.parametrize("zero", [None, "0.0", "-0.0", 0, "", Decimal("-0.00")])
def test_zero_in_any_form_is_no_discount(order: Transaction, stored_order: Stored, zero: object) -> None:
    stored_order["line_items"][1]["discount"] = zero
    assert same(to_wire(order), stored_order)


@pytest.mark.parametrize("form", [str, lambda amount: Decimal(amount), lambda amount: f"{amount}0", lambda a: f"-{a}"])
def test_money_is_compared_as_a_number(order: Transaction, stored_order: Stored, form: Callable[[str], Any]) -> None:
    stored_order["amount"] = form("50.0")
    assert same(to_wire(order), stored_order)


@pytest.mark.parametrize(("field", "sent"), [("amount", "50.00"), ("shipping", "0.00")])
def test_an_unreadable_amount_is_a_difference(order: Transaction, stored_order: Stored, field: str, sent: str) -> None:
    stored_order[field] = "n/a"
    assert differences({**to_wire(order), field: sent}, stored_order) == {field: (sent, "n/a")}


@given(city=st.text(min_size=1, max_size=30))
def test_no_city_differs_from_its_upper_case(city: str) -> None:
    assert "to_city" not in differences({"to_city": city}, {"to_city": city.upper()})

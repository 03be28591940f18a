from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.taxjar.wire import from_wire, payload_hash, to_wire, update_to_wire
from shared.transactions import ExemptionType, Kind, LineItem, Place, Transaction


def test_an_order_goes_out_in_taxjars_field_names(order: Transaction) -> None:
    assert to_wire(order) == {
        "plugin": "dynamicstaxjar",
        "transaction_id": "USMF-CIV-000712",
        "transaction_date": "2026-03-17",
        "customer_id": "USMF-US-014",
        "exemption_type": "non_exempt",
        "to_country": "US",
        "to_state": "CA",
        "to_zip": "90002",
        "to_city": "Los Angeles",
        "to_street": "1335 E 103rd St",
        "from_country": "US",
        "from_state": "CA",
        "from_zip": "92093",
        "from_city": "La Jolla",
        "from_street": "9500 Gilman Dr",
        "amount": "50.00",
        "shipping": "5.00",
        "sales_tax": "4.39",
        "line_items": [
            {
                "id": "1",
                "quantity": 2,
                "product_identifier": "D0001",
                "description": "Mid-range speaker",
                "unit_price": "19.99",
                "discount": "4.00",
                "sales_tax": "3.51",
            },
            {
                "id": "2",
                "quantity": 1,
                "product_identifier": "D0007",
                "description": "Printed guide book",
                "product_tax_code": "81100",
                "unit_price": "9.02",
                "discount": "0.00",
                "sales_tax": "0.88",
            },
        ],
    }


def test_a_refund_carries_its_reference_and_its_signs(refund: Transaction) -> None:
    body = to_wire(refund)
    assert body["transaction_reference_id"] == "USMF-CIV-000712"
    assert (body["amount"], body["sales_tax"]) == ("-9.02", "-0.88")
    assert body["line_items"][0]["unit_price"] == "-9.02"
    assert body["line_items"][0]["quantity"] == 1


def test_shipping_is_sent_also_when_zero(order: Transaction) -> None:
    assert to_wire(replace(order, shipping=Decimal(0)))["shipping"] == "0.00"


def test_zero_has_no_sign(refund: Transaction) -> None:
    assert to_wire(replace(refund, shipping=Decimal("-0.00")))["shipping"] == "0.00"


def test_what_is_unknown_is_left_out_and_never_null(order: Transaction) -> None:
    bare = replace(
        order,
        ship_to=Place("US", "CA", "90002"),
        ship_from=None,
        line_items=(LineItem(1, Decimal("45.00"), Decimal("0.00"), Decimal("4.39")),),
    )
    body = to_wire(bare)
    assert set(body) == {
        *("plugin", "transaction_id", "transaction_date", "customer_id", "to_country", "to_state", "to_zip"),
        *("exemption_type", "amount", "shipping", "sales_tax", "line_items"),
    }
    assert body["line_items"] == [
        {"id": "1", "quantity": 1, "unit_price": "45.00", "discount": "0.00", "sales_tax": "4.39"}
    ]


@pytest.mark.parametrize("to_body", [to_wire, update_to_wire])
@pytest.mark.parametrize("exemption", [None, *ExemptionType])
def test_an_exemption_is_always_sent_by_its_name(
    order: Transaction, exemption: ExemptionType | None, to_body: Callable[[Transaction], dict[str, Any]]
) -> None:
    sent = to_body(replace(order, exemption_type=exemption))["exemption_type"]
    assert sent == (exemption.value if exemption else "non_exempt")
    assert type(sent) is str


def test_an_update_says_everything_and_empties_with_an_empty_text(order: Transaction) -> None:
    bare = replace(
        order,
        customer_id="",
        ship_to=Place("US", "CA", "90002"),
        ship_from=None,
        line_items=(LineItem(1, Decimal("45.00"), Decimal("0.00"), Decimal("4.39")),),
    )
    full, body = update_to_wire(order), update_to_wire(bare)
    assert body.keys() == full.keys()
    assert body["line_items"][0].keys() == full["line_items"][1].keys()
    emptied = {name for name, value in body.items() if value == ""}
    assert emptied == {
        *("customer_id", "to_city", "to_street"),
        *("from_country", "from_state", "from_zip", "from_city", "from_street"),
    }
    assert {name for name, value in body["line_items"][0].items() if value == ""} == {
        *("product_identifier", "description", "product_tax_code")
    }
    assert None not in body.values()


def test_only_refunds_name_a_reference(order: Transaction, refund: Transaction) -> None:
    assert "transaction_reference_id" not in update_to_wire(order)
    assert update_to_wire(refund)["transaction_reference_id"] == "USMF-CIV-000712"


@pytest.mark.parametrize("to_body", [to_wire, update_to_wire])
@pytest.mark.parametrize("bare", [False, True])
def test_both_bodies_are_read_as_the_transaction_they_are_and_hash_alike(
    order: Transaction, refund: Transaction, to_body: Callable[[Transaction], dict[str, Any]], bare: bool
) -> None:
    for transaction in (order, refund):
        sent = replace(transaction, exemption_type=ExemptionType.NON_EXEMPT)
        if bare:
            sent = replace(sent, customer_id="", ship_from=None, ship_to=Place("US", "CA", "90002"))
        assert from_wire(sent.kind, to_body(sent)) == sent
        assert payload_hash(to_body(sent)) == payload_hash(to_wire(sent))


def test_taxjars_answer_is_read_as_the_transaction_it_is(refund: Transaction, stored_refund: dict[str, Any]) -> None:
    read = from_wire(Kind.REFUND, stored_refund)
    expected = replace(
        refund,
        customer_id="",
        exemption_type=ExemptionType.NON_EXEMPT,
        ship_to=replace(refund.ship_to, city="LOS ANGELES", street=read.ship_to.street),
    )
    assert replace(read, customer_id="") == expected


def test_a_payload_of_an_earlier_version_hashes_as_it_did_and_as_the_same_content_now(order: Transaction) -> None:
    payload = to_wire(order)
    earlier = {name: value for name, value in payload.items() if name != "exemption_type"}
    content = {name: value for name, value in earlier.items() if name != "plugin"}
    as_it_was = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert payload_hash(earlier) == payload_hash(payload) == as_it_was
    assert from_wire(Kind.ORDER, earlier) == from_wire(Kind.ORDER, payload)


@pytest.mark.parametrize("exemption", [kind for kind in ExemptionType if kind != "non_exempt"])
def test_an_exemption_counts_in_the_hash(order: Transaction, exemption: ExemptionType) -> None:
    assert payload_hash(to_wire(replace(order, exemption_type=exemption))) != payload_hash(to_wire(order))


def test_an_ended_exemption_of_a_customer_counts_in_the_hash() -> None:
    customer = {"customer_id": "USMF-C", "name": "N", "exemption_type": "non_exempt"}
    assert payload_hash(customer) != payload_hash({**customer, "exemption_type": ""})
    assert payload_hash(customer) == "a1ec1eabe76ed4ad375d3493458888a4157a759f1f52d2e528829af8e3d6a22f"


def test_a_fraction_of_a_cent_is_a_defect(order: Transaction) -> None:
    with pytest.raises(ValueError, match="exact in cents"):
        to_wire(replace(order, amount=Decimal("50.005")))


@given(cents=st.integers(-(10**15), 10**15), places=st.integers(2, 6))
def test_money_survives_the_wire_to_the_cent(cents: int, places: int) -> None:
    value = Decimal(cents).scaleb(-2).quantize(Decimal(1).scaleb(-places))
    amount = to_wire(_order_of(value))["amount"]
    assert Decimal(amount) * 100 == cents
    assert amount[-3] == "."


def _order_of(value: Decimal) -> Transaction:
    return Transaction(
        kind=Kind.ORDER,
        transaction_id="USMF-1",
        transaction_date=date(2026, 3, 17),
        amount=value,
        shipping=Decimal(0),
        sales_tax=Decimal(0),
        customer_id="USMF-C",
        ship_to=Place("US", "CA", "90002"),
        ship_from=None,
        line_items=(LineItem(1, value, Decimal(0), Decimal(0)),),
    )


def test_the_hash_is_that_of_the_content(order: Transaction) -> None:
    payload = to_wire(order)
    assert payload_hash(payload) == payload_hash(dict(reversed(payload.items())))
    assert payload_hash(payload) == payload_hash({**payload, "plugin": "other"})
    assert payload_hash(payload) != payload_hash({**payload, "amount": "50.01"})
    assert payload_hash(payload) != payload_hash({**payload, "line_items": payload["line_items"][::-1]})


def test_the_hash_stays_the_same_between_releases() -> None:
    known = "90a8afd60f3ecaf30c514ab146cba2dbb8e403eb44f44cc260082ddde58d4f23"
    assert payload_hash({"plugin": "x", "to_city": "Zürich", "amount": "1.00"}) == known

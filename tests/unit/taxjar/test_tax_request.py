"""What ``POST /taxes`` would refuse is refused before the call, by the field's name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.taxjar.errors import Unavailable
from shared.taxjar.taxes import TaxRequest, as_numbers, checked_rate, checked_tax
from shared.web import Problem, read_json

SALE: dict[str, Any] = {
    "to_country": "US",
    "to_state": "CA",
    "to_zip": "90002",
    "amount": 45,
    "shipping": 5,
    "line_items": [{"id": "7", "quantity": 1, "unit_price": 45, "discount": 0}],
}
TAX: dict[str, Any] = {
    "order_total_amount": Decimal("50.0"),
    "shipping": Decimal("5.0"),
    "taxable_amount": Decimal("45.0"),
    "amount_to_collect": Decimal("4.39"),
    "rate": Decimal("0.0975"),
    "has_nexus": True,
    "freight_taxable": False,
    "tax_source": "destination",
}


def read(**changes: Any) -> TaxRequest:
    sale = {name: value for name, value in (SALE | changes).items() if value is not ...}
    return read_json(json.dumps(sale).encode(), TaxRequest)


def line(**changes: Any) -> dict[str, Any]:
    return {"line_items": [SALE["line_items"][0] | changes]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to_country": ...}, "to_country: is required"),
        ({"to_country": "USA"}, "to_country: must be a two-letter code"),
        ({"to_country": "  "}, "to_country: is required"),
        ({"to_zip": ...}, "to_zip: is required when to_country is US"),
        ({"to_zip": "9000"}, "to_zip: must be a US ZIP code"),
        ({"to_zip": 90002}, "to_zip: Input should be a valid string"),
        ({"to_state": ...}, "to_state: is required when to_country is US or CA"),
        ({"to_country": "CA", "to_state": None, "to_zip": "K1A 0B1"}, "to_state: is required when to_country is US or"),
        ({"to_state": "California"}, "to_state: must be a two-letter code"),
        ({"from_country": "US", "from_zip": "123", "from_state": "TX"}, "from_zip: must be a US ZIP code"),
        ({"from_country": "US", "from_zip": "78704", "from_state": "Texas"}, "from_state: must be a two-letter code"),
        ({"from_zip": "123"}, "from_zip: must be a US ZIP code"),
        ({"from_zip": "ABC", "from_country": " "}, "from_zip: must be a US ZIP code"),
        ({"from_state": "California"}, "from_state: must be a two-letter code"),
        ({"from_country": "CA", "from_state": "Ontario"}, "from_state: must be a two-letter code"),
        ({"to_city": "Los\0Angeles"}, "to_city: holds a control character"),
        ({"from_street": "1 Main St\x1b[0m"}, "from_street: holds a control character"),
        ({"customer_id": "C\x7f1"}, "customer_id: holds a control character"),
        ({"shipping": ...}, "shipping: is required"),
        ({"shipping": "free"}, "shipping: Input should be a valid decimal"),
        ({"shipping": True}, "shipping: "),
        ({"amount": ..., "line_items": ...}, "line_items: give amount, or at least one line"),
        ({"amount": ..., "line_items": []}, "line_items: give amount, or at least one line"),
        ({"exemption_type": "resale"}, "exemption_type: Input should be 'wholesale', 'government', 'other'"),
        ({"nexus_addresses": [{"country": "US"}]}, "nexus_addresses.0.state: is required"),
        ({"nexus_addresses": [{"state": "CA"}]}, "nexus_addresses.0.country: is required"),
        ({"nexus_addresses": [{"country": "US", "state": "Calif"}]}, "nexus_addresses.0.state: must be a two-letter"),
        (
            {"nexus_addresses": [{"country": "US", "state": "CA", "zip": "1"}]},
            "nexus_addresses.0.zip: must be a US ZIP",
        ),
        ({"nexus_addresses": [{"country": "US", "state": ["CA"]}]}, "nexus_addresses.0.state: Input should be a valid"),
        ({"amount": float("nan")}, "amount: Input should be a finite number"),
        ({"amount": "NaN"}, "amount: Input should be a finite number"),
        ({"shipping": float("inf")}, "shipping: Input should be a finite number"),
        ({"amount": 10**15}, "amount: Decimal input should have no more than 15 digits"),
        (line(unit_price="-Infinity"), "line_items.0.unit_price: Input should be a finite number"),
        (line(unit_price=False), "line_items.0.unit_price: Decimal input should be"),
        (line(discount=True), "line_items.0.discount: Decimal input should be"),
        (line(quantity=0), "line_items.0.quantity: Input should be greater than or equal to 1"),
        (line(quantity=-1), "line_items.0.quantity: Input should be greater than or equal to 1"),
        (line(quantity=10**9), "line_items.0.quantity: Input should be less than or equal to 999999999"),
        (line(quantity=10**25), "line_items.0.quantity: Input should be less than or equal to 999999999"),
        (line(quantity=1.5), "line_items.0.quantity: Input should be a valid integer"),
        (line(quantity=True), "line_items.0.quantity: Input should be a valid integer"),
        (line(quantity="2"), "line_items.0.quantity: Input should be a valid integer"),
        (line(id=True), "line_items.0.id: Input should be a valid string"),
        (line(sales_tax=1), "line_items.0.sales_tax: Extra inputs are not permitted"),
        ({"shiping": 5}, "shiping: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_sale_is_refused_by_the_name_of_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as refused:
        read(**changes)
    assert refused.value.status == 400
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ...},
        {"line_items": ...},
        {"exemption_type": "marketplace"},
        {"to_country": "GB", "to_state": ..., "to_zip": "SW1A 1AA"},
        {"to_country": "CA", "to_state": "ON", "to_zip": "K1A 0B1"},
        {"from_country": "US", "from_zip": "78704-1000", "from_state": "TX"},
        {"from_zip": "78704", "from_state": "tx"},
        {"from_country": "GB", "from_zip": "SW1A 1AA", "from_state": "London"},
        line(quantity=999_999_999, id=7),
        {"nexus_addresses": [{"id": "Main", "country": "US", "state": "CA", "zip": "92093"}]},
    ],
)
def test_a_good_sale_passes(changes: dict[str, Any]) -> None:
    assert read(**changes).to_wire()["shipping"] == 5


def test_codes_are_upper_cased_texts_put_on_one_line_and_blanks_left_out() -> None:
    wire = read(to_state="ca", to_street="1335 E\n103rd St", to_city=" ", customer_id=None, plugin="mine").to_wire()
    assert (wire["to_state"], wire["to_street"], wire["plugin"]) == ("CA", "1335 E 103rd St", "dynamicstaxjar")
    assert {"to_city", "customer_id", "exemption_type"}.isdisjoint(wire)


@given(st.decimals("-99999999999", "99999999999", places=4))
def test_money_reaches_taxjar_and_the_caller_as_the_number_it_was(amount: Decimal) -> None:
    body = json.dumps({**SALE, "amount": "@"}).replace('"@"', format(amount, "f")).encode()
    sent = json.dumps(read_json(body, TaxRequest).to_wire())
    assert json.loads(sent, parse_float=Decimal, parse_int=Decimal)["amount"] == amount
    assert json.loads(json.dumps(as_numbers({"tax": [amount]})), parse_float=Decimal)["tax"] == [amount]


def test_an_answer_without_the_tax_is_no_answer() -> None:
    assert checked_tax(TAX) == TAX
    for name in ("amount_to_collect", "has_nexus", "rate"):
        with pytest.raises(Unavailable):
            checked_tax({key: value for key, value in TAX.items() if key != name})


@pytest.mark.parametrize(
    ("rate", "good"),
    [
        ({"zip": "90002", "combined_rate": "0.0975"}, True),
        ({"country": "DE", "standard_rate": "0.19"}, True),
        ({"zip": "90002", "combined_rate": "n/a"}, False),
        ({"zip": "90002"}, False),
    ],
)
def test_an_answer_without_a_rate_is_no_answer(rate: dict[str, Any], good: bool) -> None:
    if good:
        assert checked_rate(rate) == rate
    else:
        with pytest.raises(Unavailable):
            checked_rate(rate)

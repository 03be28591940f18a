"""Where each line went: which of its many addresses counts, and that the audit says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.documents import Address, Customer, DocumentType, Line
from shared.mapping import HoldReason, SkipReason
from tests.unit.mapping.builders import (
    AUSTIN,
    BLANK,
    DALLAS,
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
    notes,
    outcome,
    parts,
    skipped,
)

NOWHERE = replace(RENO, country="XYZ", country_iso="")
"""In a country that is no code, no name and not mapped."""
BOSTON = Address(country="USA", country_iso="US", state="MA", zip="2108", city="Boston", street="1 Beacon St")
PICKUP = company(pickup_delivery_modes=["Pickup"])


def ship_to(*lines: Line, **values: Any) -> str:
    return mapped(document(*lines, **values)).ship_to.city


def customer(
    delivery: Address | None = None, primary: Address | None = None, invoice: Address | None = None
) -> Customer:
    return Customer("C-1", delivery_address=delivery, primary_address=primary, invoice_address=invoice)


def test_each_line_goes_to_its_own_address_and_nothing_to_the_header() -> None:
    lines = (
        line("600", tax="57", delivery_address=DENVER),
        line("500", tax="44.38", sequence=2, delivery_address=RENO),
    )
    assert figures(document(*lines)) == ["order CO 600.00/57.00", "order NV 500.00/44.38"]


def test_lines_of_the_same_address_go_together_in_the_first_lines_spelling() -> None:
    same = replace(DENVER, city=" DENVER ", street="1  wynkoop st")
    order = mapped(document(line(delivery_address=DENVER), line(sequence=2, delivery_address=same)))
    assert len(order.line_items) == 2
    assert (order.ship_to.city, order.ship_to.street) == ("Denver", "1 Wynkoop St")


@pytest.mark.parametrize("other", [{"zip": "80203"}, {"city": "Boulder"}, {"street": "2 Wynkoop St"}])
def test_another_zip_code_city_or_street_is_another_destination(other: dict[str, str]) -> None:
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=replace(DENVER, **other)))
    assert len(parts(document(*lines))) == 2


@pytest.mark.parametrize("nowhere", [None, BLANK, replace(BLANK, country="USA"), replace(BLANK, country="DEU")])
def test_a_line_whose_address_names_no_place_goes_to_the_next_one(nowhere: Address | None) -> None:
    assert ship_to(line(delivery_address=nowhere)) == "Austin"
    assert ship_to(line(delivery_address=nowhere), delivery_address=nowhere, order_address=DENVER) == "Denver"


@pytest.mark.parametrize("known", range(7))
def test_the_sources_follow_in_their_order(known: int) -> None:
    sources = [None] * known + [DENVER] + [RENO] * (6 - known)
    own, header, order_line, order, delivery, primary, invoice = sources
    posted = document(
        line(delivery_address=own, order_address=order_line),
        delivery_address=header,
        order_address=order,
        customer=customer(delivery=delivery, primary=primary, invoice=invoice),
    )
    assert mapped(posted).ship_to.city == "Denver"
    words = [
        "line's delivery address",
        "invoice's delivery address",
        "order line's",
        "sales order's",
        "customer's delivery",
        "customer's primary",
        "customer's invoice",
    ]
    assert f"{words[known]}" in notes(posted)


def test_the_posted_invoice_address_counts_for_free_text_invoices_alone() -> None:
    values: dict[str, Any] = {"delivery_address": None, "invoice_address": DENVER, "order_address": RENO}
    assert ship_to(line(), type=DocumentType.FREE_TEXT, **values) == "Denver"
    assert ship_to(line(), **values) == "Reno"
    assert ship_to(line(), type=DocumentType.FREE_TEXT, **(values | {"delivery_address": AUSTIN})) == "Austin"


def test_a_nearer_address_that_can_be_repaired_is_never_passed_over() -> None:
    posted = document(line(), delivery_address=BOSTON, customer=customer(primary=AUSTIN))
    order = mapped(posted)
    assert (order.ship_to.state, order.ship_to.zip, order.ship_to.city) == ("MA", "02108", "Boston")
    assert "'2108', which is read as 02108" in notes(posted)


@pytest.mark.parametrize(
    "nearer",
    [
        replace(DENVER, zip=""),
        replace(DENVER, zip="8020"),
        replace(DENVER, country="", country_iso=""),
    ],
)
def test_a_farther_address_stands_in_only_in_the_same_state(nearer: Address) -> None:
    boulder = replace(DENVER, city="Boulder", zip="80301")
    posted = document(line(), delivery_address=nearer, customer=customer(delivery=AUSTIN, primary=boulder))
    assert mapped(posted).ship_to.city == "Boulder"
    assert "is used instead" in notes(posted)
    for elsewhere in (AUSTIN, LONDON, Address(country="CAN", state="CO", city="Ottawa"), replace(boulder, zip="10001")):
        result = held(document(line(), delivery_address=nearer, customer=customer(primary=elsewhere)))
        assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)


@pytest.mark.parametrize(
    "nearer",
    [
        replace(DENVER, state="", zip=""),
        replace(DENVER, state="", zip="42223"),
        replace(DENVER, state="Mile High"),
        NOWHERE,
        replace(NOWHERE, state="CO"),
    ],
)
def test_where_the_state_is_not_certain_nothing_stands_in(nearer: Address) -> None:
    posted = document(line(), delivery_address=nearer, customer=customer(primary=DENVER))
    assert held(posted).reasons == (HoldReason.ADDRESS_INCOMPLETE,)


def test_a_zip_code_that_is_not_in_its_state_is_never_stood_in_for() -> None:
    wrong = replace(DALLAS, state="CO")
    result = held(document(line(), delivery_address=wrong, order_address=DENVER, customer=customer(primary=DENVER)))
    assert result.reasons == (HoldReason.ZIP_STATE_MISMATCH,)
    assert "75201 is not in CO" in result.message
    assert result.to_states == ("CO", "TX")


def test_the_companys_own_states_of_a_zip_code_count() -> None:
    posted = document(line(), delivery_address=replace(DENVER, zip="82801", state="MT"))
    assert held(posted).reasons == (HoldReason.ZIP_STATE_MISMATCH,)
    assert figures(posted, company(zip_states={"82801": ["MT", "WY"]})) == ["order MT 100.00/0.00"]


@pytest.mark.parametrize(
    ("zip_code", "state"), [("42223", "TN"), ("02861", "MA"), ("97635", "CA"), ("86515", "NM"), ("89439", "CA")]
)
def test_a_zip_code_in_two_states_is_right_in_both(zip_code: str, state: str) -> None:
    address = replace(DENVER, zip=zip_code, state=state)
    assert mapped(document(line(), delivery_address=address)).ship_to.state == state


def test_no_complete_ship_to_is_held_with_what_is_missing() -> None:
    result = held(document(line(), delivery_address=replace(AUSTIN, zip=""), customer=customer(primary=LONDON)))
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "has no ZIP code" in result.message
    assert "Austin" in result.message
    assert result.to_states == ("TX",)


def test_no_address_at_all_is_held() -> None:
    assert held(document(line(), delivery_address=None, customer=None)).reason is HoldReason.ADDRESS_INCOMPLETE


def test_an_address_in_an_unknown_country_says_how_to_name_it() -> None:
    message = held(document(line(), delivery_address=NOWHERE)).message
    assert "'XYZ'" in message
    assert "COUNTRY_CODES" in message


def test_a_foreign_address_is_not_passed_over_for_a_customer_in_the_us() -> None:
    posted = document(line(), delivery_address=LONDON, customer=customer(primary=AUSTIN))
    assert skipped(posted).reason is SkipReason.NOT_US


def test_a_dropped_line_has_no_say() -> None:
    lines = (line(delivery_address=DENVER), line(0, quantity=0, sequence=2, delivery_address=RENO))
    assert figures(document(*lines)) == ["order CO 100.00/0.00"]


def test_where_all_lines_are_dropped_the_first_tells_where_the_charges_went() -> None:
    empty = line(0, quantity=0, delivery_address=DENVER, warehouse="W1", warehouse_address=RENO)
    order = mapped(document(empty, charges=(charge("5"),)))
    assert order.ship_from
    assert (order.ship_to.city, order.ship_from.city, str(order.shipping)) == ("Denver", "Reno", "5.00")


def test_a_line_of_no_value_without_an_address_goes_with_the_others() -> None:
    lines = (line("0", delivery_address=replace(RENO, zip="")), line(sequence=2, delivery_address=DENVER))
    assert len(mapped(document(*lines)).line_items) == 2


def test_a_pick_up_ships_to_where_it_ships_from() -> None:
    posted = document(line(warehouse="W1", warehouse_address=RENO), delivery_mode="PICKUP")
    order = mapped(posted, PICKUP)
    assert order.ship_to == order.ship_from
    assert "warehouse W1, where it was handed over" in notes(posted, PICKUP)


def test_a_lines_own_delivery_mode_counts_where_it_has_one() -> None:
    stock: dict[str, Any] = {"warehouse": "W1", "warehouse_address": RENO}
    lines = (line("100", delivery_mode="pickup", **stock), line("50", sequence=2, **stock))
    assert figures(document(*lines), PICKUP) == ["order NV 100.00/0.00", "order TX 50.00/0.00"]
    lines = (line("100", delivery_mode="Truck", **stock), line("50", sequence=2, **stock))
    assert figures(document(*lines, delivery_mode="Pickup"), PICKUP) == ["order TX 100.00/0.00", "order NV 50.00/0.00"]


def test_a_pick_up_at_a_warehouse_without_an_address_is_at_its_site_and_never_at_the_legal_entity() -> None:
    posted = document(line(warehouse="W1", site="S1", site_address=RENO), delivery_mode="Pickup")
    assert figures(posted, PICKUP) == ["order NV 100.00/0.00"]
    for stock in ({"warehouse": "W1"}, {"warehouse": "W1", "warehouse_address": BLANK, "site": "S1"}, {}):
        result = held(document(line(**stock), delivery_mode="Pickup"), PICKUP)
        assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
        assert "legal entity" in result.message


def test_a_pos_sale_without_a_delivery_address_happened_in_the_store() -> None:
    settings = company(pos_sales_origins=["POS"])
    stock = line(warehouse="W1", warehouse_address=RENO)
    values: dict[str, Any] = {"sales_origin": "pos", "customer": customer(primary=DENVER)}
    assert figures(document(stock, delivery_address=None, **values), settings) == ["order NV 100.00/0.00"]
    assert figures(document(stock, delivery_address=AUSTIN, **values), settings) == ["order TX 100.00/0.00"]
    assert figures(document(stock, delivery_address=None, customer=customer(primary=DENVER))) == [
        "order CO 100.00/0.00"
    ]


def test_what_goes_abroad_is_left_out_with_its_tax_and_its_share_of_charges_and_reductions() -> None:
    lines = (
        line("100", tax="8.00"),
        line("300", tax="24.00", sequence=2, delivery_address=LONDON),
        line("-40", tax="-3.20", sequence=3),
    )
    posted = document(*lines, charges=(charge("20", tax="1.60"),), end_discount="36")
    assert figures(posted) == ["order TX 86.00/7.60"]
    (left,) = outcome(posted).left_out
    assert (left.reason, str(left.amount), str(left.sales_tax)) == ("not_us", "258.00", "22.80")
    assert left.sentence in notes(posted)

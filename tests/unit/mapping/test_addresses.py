"""Ship-to and ship-from: which of the many addresses counts, and that the audit says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.documents import Address, Customer, Line
from shared.mapping import HoldReason, NoteCode, Skipped, SkipReason
from shared.mapping.addresses import find_route
from shared.mapping.places import clean_place
from tests.unit.mapping.builders import (
    AUSTIN,
    BLANK,
    DALLAS,
    DENVER,
    RENO,
    charge,
    company,
    document,
    held,
    line,
    mapped,
    notes,
    outcome,
)


def ship_to(*lines: Line, **values: Any) -> str:
    return mapped(document(*lines, **values)).ship_to.city


NOWHERE = replace(RENO, country="XYZ", country_iso="")
"""In a country that is no code, no name and not mapped."""


def customer(
    delivery: Address | None = None, primary: Address | None = None, invoice: Address | None = None
) -> Customer:
    return Customer("C-1", delivery_address=delivery, primary_address=primary, invoice_address=invoice)


def test_the_address_the_lines_agree_on_comes_first() -> None:
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=replace(DENVER, city=" DENVER ")))
    assert ship_to(*lines) == "Denver"


@pytest.mark.parametrize("nowhere", [None, BLANK, replace(BLANK, country="USA")])
def test_lines_that_name_no_place_do_not_disagree(nowhere: Address | None) -> None:
    lines = (line(delivery_address=nowhere), line(sequence=2, delivery_address=DENVER))
    assert ship_to(*lines) == "Denver"
    assert NoteCode.ADDRESSES_DISAGREE not in notes(document(*lines))


def test_a_line_whose_address_is_not_complete_disagrees_with_the_others() -> None:
    lines = (line("90", delivery_address=replace(RENO, zip="")), line("10", sequence=2, delivery_address=DENVER))
    assert ship_to(*lines) == "Austin"
    assert ship_to(*lines, delivery_address=None) == "Denver"
    for header in (AUSTIN, None):
        posted = document(*lines, delivery_address=header)
        assert "2 different" in notes(posted)[NoteCode.ADDRESSES_DISAGREE]


def test_a_line_whose_address_is_not_complete_leaves_it_to_the_header() -> None:
    lines = (line(delivery_address=replace(RENO, zip="")), line(sequence=2))
    assert ship_to(*lines) == "Austin"
    assert NoteCode.ADDRESSES_DISAGREE not in notes(document(*lines))


def test_lines_that_disagree_leave_it_to_the_header_and_that_is_noted() -> None:
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=RENO))
    assert ship_to(*lines) == "Austin"
    assert "2 different" in notes(document(*lines))[NoteCode.ADDRESSES_DISAGREE]


def test_lines_that_disagree_and_a_header_without_one_take_the_address_with_the_most_value() -> None:
    lines = (
        line("60", delivery_address=DENVER),
        line("50", sequence=2, delivery_address=RENO),
        line("50", sequence=3, delivery_address=RENO),
    )
    posted = document(*lines, delivery_address=replace(AUSTIN, zip=""), order_address=AUSTIN)
    assert mapped(posted).ship_to.city == "Reno"
    assert NoteCode.ADDRESSES_DISAGREE in notes(posted)


def test_of_addresses_with_the_same_value_the_first_lines_counts() -> None:
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=RENO))
    assert ship_to(*lines, delivery_address=None) == "Denver"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_line_against_the_sign_of_the_document_takes_from_its_address_and_its_warehouse(sign: int) -> None:
    there = {"delivery_address": RENO, "warehouse": "W1", "warehouse_address": RENO}
    lines = (
        line(100 * sign, quantity=sign, **there),
        line(-40 * sign, quantity=-sign, sequence=2, **there),
        line(80 * sign, quantity=sign, sequence=3, delivery_address=DENVER, warehouse="W2", warehouse_address=DENVER),
    )
    route = find_route(document(*lines, delivery_address=None), company())
    assert (route.ship_to, route.ship_from) == (clean_place(DENVER, company()),) * 2


def test_where_prices_include_tax_lines_weigh_without_it() -> None:
    lines = (
        line("108", tax="18", delivery_address=DENVER, warehouse="W1", warehouse_address=DENVER),
        line("105", tax="5", sequence=2, delivery_address=RENO, warehouse="W2", warehouse_address=RENO),
    )
    order = mapped(document(*lines, delivery_address=None, prices_include_tax=True))
    assert order.ship_from
    assert (order.ship_to.city, order.ship_from.city) == ("Reno", "Reno")


@pytest.mark.parametrize("known", range(6))
def test_the_sources_follow_in_their_order(known: int) -> None:
    incomplete = replace(RENO, zip="")
    sources = [incomplete] * known + [DENVER] + [AUSTIN] * (5 - known)
    header, order_line, order, delivery, primary, invoice = sources
    posted = document(
        line(delivery_address=incomplete, order_address=order_line),
        delivery_address=header,
        order_address=order,
        customer=customer(delivery=delivery, primary=primary, invoice=invoice),
    )
    assert mapped(posted).ship_to.city == "Denver"
    words = [
        "invoice's",
        "order's lines",
        "sales order's",
        "customer's delivery",
        "customer's primary",
        "customer's invoice",
    ]
    assert words[known] in notes(posted)[NoteCode.SHIP_TO_SOURCE]


def test_order_lines_that_disagree_leave_it_to_the_order() -> None:
    lines = (line(order_address=DENVER), line(sequence=2, order_address=RENO))
    assert ship_to(*lines, delivery_address=None, order_address=AUSTIN) == "Austin"
    assert ship_to(*lines, delivery_address=None, customer=customer(delivery=AUSTIN)) == "Denver"


def test_no_complete_ship_to_is_held_with_what_is_missing() -> None:
    result = held(document(line(), delivery_address=replace(AUSTIN, zip=""), customer=None))
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "has no ZIP code" in result.message
    assert "Austin" in result.message
    assert result.ship_to is None


def test_no_address_at_all_is_held() -> None:
    assert held(document(line(), delivery_address=None, customer=None)).reason is HoldReason.ADDRESS_INCOMPLETE


@pytest.mark.parametrize("source", range(6))
def test_an_address_in_an_unknown_country_is_never_passed_over(source: int) -> None:
    sources: list[Address | None] = [None] * source + [NOWHERE] + [AUSTIN] * (5 - source)
    header, order_line, order, delivery, primary, invoice = sources
    result = held(
        document(
            line(order_address=order_line),
            delivery_address=header,
            order_address=order,
            customer=customer(delivery=delivery, primary=primary, invoice=invoice),
        )
    )
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "'XYZ'" in result.message
    assert "COUNTRY_CODES" in result.message


def test_a_line_in_an_unknown_country_counts_against_the_others_by_value() -> None:
    lines = (line("60", delivery_address=NOWHERE), line("50", sequence=2, delivery_address=DENVER))
    assert ship_to(*lines) == "Austin"
    assert held(document(*lines, delivery_address=None)).reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    lines = (line("40", delivery_address=NOWHERE), line("50", sequence=2, delivery_address=DENVER))
    assert ship_to(*lines, delivery_address=None) == "Denver"
    assert "2 different" in notes(document(*lines, delivery_address=None))[NoteCode.ADDRESSES_DISAGREE]


def test_a_foreign_address_is_not_passed_over_for_a_customer_in_the_us() -> None:
    posted = document(line(), delivery_address=Address(country="DEU"), customer=customer(primary=AUSTIN))
    result = outcome(posted)
    assert isinstance(result, Skipped)
    assert result.reason is SkipReason.NOT_US


def test_a_dropped_line_has_no_say_in_where_goods_went_and_came_from() -> None:
    lines = (
        line(delivery_address=DENVER, warehouse="W1", warehouse_address=RENO),
        line(0, quantity=0, sequence=2, delivery_address=RENO, warehouse="W2", warehouse_address=DENVER),
    )
    order = mapped(document(*lines))
    assert order.ship_from
    assert (order.ship_to.city, order.ship_from.city) == ("Denver", "Reno")
    assert NoteCode.ADDRESSES_DISAGREE not in notes(document(*lines))


def test_where_all_lines_are_dropped_they_tell_where_goods_went_and_came_from() -> None:
    empty = line(0, quantity=0, delivery_address=DENVER, warehouse="W1", warehouse_address=RENO)
    order = mapped(document(empty, charges=(charge("5"),)))
    assert order.ship_from
    assert (order.ship_to.city, order.ship_from.city) == ("Denver", "Reno")


def test_a_derived_state_is_noted() -> None:
    posted = document(line(), delivery_address=replace(AUSTIN, state=""))
    assert mapped(posted).ship_to.state == "TX"
    assert "TX" in notes(posted)[NoteCode.STATE_DERIVED]


def test_ship_from_is_the_warehouse_with_the_most_value() -> None:
    lines = (
        line("60", warehouse="W1", warehouse_address=RENO),
        line("50", sequence=2, warehouse="W2", warehouse_address=DENVER),
        line("50", sequence=3, warehouse="w2", warehouse_address=DENVER),
        line("500", sequence=4),
    )
    place = mapped(document(*lines)).ship_from
    assert place
    assert place.city == "Denver"
    assert notes(document(*lines))[NoteCode.ADDRESSES_DISAGREE] == (
        "The lines come from 2 different warehouses; ship-from is the address of warehouse W2."
    )


def test_lines_of_one_warehouse_do_not_disagree() -> None:
    lines = (line(warehouse="W1", warehouse_address=RENO), line(sequence=2, warehouse="w1", warehouse_address=RENO))
    assert NoteCode.ADDRESSES_DISAGREE not in notes(document(*lines))


def test_a_warehouse_without_an_address_leaves_it_to_its_own_site() -> None:
    lines = (
        line("60", warehouse="W1", warehouse_address=BLANK, site="S1", site_address=RENO),
        line("50", sequence=2, warehouse="W2", warehouse_address=DENVER, site="S2", site_address=DENVER),
    )
    posted = document(*lines)
    place = mapped(posted).ship_from
    assert place
    assert place.city == "Reno"
    assert "site S1" in notes(posted)[NoteCode.SHIP_FROM_SOURCE]


def test_without_warehouses_the_site_with_the_most_value_counts() -> None:
    lines = (line("60", site="S1", site_address=RENO), line("61", sequence=2, site="S2", site_address=DENVER))
    place = mapped(document(*lines)).ship_from
    assert place
    assert place.city == "Denver"
    assert "come from 2 different sites" in notes(document(*lines))[NoteCode.ADDRESSES_DISAGREE]


def test_a_warehouse_in_an_unknown_country_is_not_passed_over_for_the_legal_entity() -> None:
    posted = document(line(warehouse="W1", warehouse_address=NOWHERE))
    assert mapped(posted).ship_from is None
    assert "warehouse W1 has a country, 'XYZ'" in notes(posted)[NoteCode.SHIP_FROM_SOURCE]


def test_the_legal_entity_is_the_last_ship_from() -> None:
    place = mapped(document(line(warehouse="W1"))).ship_from
    assert place
    assert place.city == "Dallas"


def test_a_document_without_any_ship_from_is_sent_and_noted() -> None:
    posted = document(line(), legal_entity_address=None)
    assert mapped(posted).ship_from is None
    assert NoteCode.SHIP_FROM_SOURCE in notes(posted)


def test_a_pick_up_ships_to_where_it_ships_from() -> None:
    settings = company(pickup_delivery_modes=["Pickup"])
    posted = document(line(warehouse="W1", warehouse_address=RENO), delivery_mode="PICKUP")
    order = mapped(posted, settings)
    assert order.ship_to == order.ship_from
    assert "pick-up" in notes(posted, settings)[NoteCode.SHIP_TO_SOURCE]


def test_a_pick_up_without_a_ship_from_is_held_for_nobody_knows_where_it_was() -> None:
    settings = company(pickup_delivery_modes=["Pickup"])
    result = held(document(line(), delivery_mode="Pickup", legal_entity_address=None), settings)
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "neither the warehouse, its site nor the legal entity has a complete address" in result.message


def test_a_pick_up_from_a_warehouse_in_an_unknown_country_is_held() -> None:
    settings = company(pickup_delivery_modes=["Pickup"])
    posted = document(line(warehouse="W1", warehouse_address=NOWHERE), delivery_mode="Pickup")
    result = held(posted, settings)
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "warehouse W1" in result.message
    assert "'XYZ'" in result.message


@pytest.mark.parametrize(("field", "word"), [("delivery_address", "ship-to"), ("legal_entity_address", "ship-from")])
def test_a_zip_code_of_another_state_is_held_and_the_sentence_says_which(field: str, word: str) -> None:
    values: dict[str, Any] = {field: replace(DALLAS, state="CA")}
    result = held(document(line(), **values))
    assert result.reasons == (HoldReason.ZIP_STATE_MISMATCH,)
    assert f"The {word} ZIP code 75201 is not in CA" in result.message


def test_a_zip_code_of_no_state_is_held() -> None:
    assert held(document(line(), delivery_address=replace(AUSTIN, zip="00001"))).reason is HoldReason.ZIP_STATE_MISMATCH

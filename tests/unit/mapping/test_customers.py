"""F&O's customers as TaxJar is told of them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import Address, Customer
from shared.mapping import map_customer
from shared.taxjar.customers import customer_to_wire
from shared.transactions import ExemptionType, Place, TaxJarCustomer
from tests.unit.mapping.builders import AUSTIN, DENVER, LONDON, RENO, company

REGIONS = company(exempt_regions={"RESALE": ["tx", "CA"], "C-2": ["NY"], "C-3": [], "CLUBS": ["OK"]})
WHOLESALE = ExemptionType.WHOLESALE
TEXTS = st.text(max_size=12)


def mapped(customer: Customer, exemption: ExemptionType = WHOLESALE) -> TaxJarCustomer:
    told = map_customer("usmf", customer, REGIONS, exemption)
    assert told
    return told


@pytest.mark.parametrize(
    ("account", "tax_group", "customer_group", "states"),
    [
        ("C-1", "resale", "CLUBS", ("CA", "TX")),
        ("c-2", "RESALE", "CLUBS", ("NY",)),
        ("C-3", "RESALE", "CLUBS", ()),
        ("C-1", "EXEMPT", "clubs", ("OK",)),
        ("C-1", "EXEMPT", "", ()),
    ],
)
def test_the_customers_own_regions_win_over_its_tax_groups_and_those_over_its_customer_groups_and_none_means_everywhere(
    account: str, tax_group: str, customer_group: str, states: tuple[str, ...]
) -> None:
    assert mapped(Customer(account, tax_group=tax_group, customer_group=customer_group)).exempt_states == states


@pytest.mark.parametrize(
    ("deliveries", "delivery", "primary", "states"),
    [
        ((AUSTIN, DENVER, replace(AUSTIN, state="Texas"), LONDON), RENO, RENO, ("CO", "TX")),
        ((replace(AUSTIN, state="Lone Star"), replace(AUSTIN, state="", zip="80202")), None, RENO, ("CO", "TX")),
        ((LONDON, replace(AUSTIN, state="Atlantis")), RENO, AUSTIN, ("NV",)),
        ((), None, AUSTIN, ("TX",)),
        ((), LONDON, None, None),
        (None, RENO, AUSTIN, None),
    ],
)
def test_regions_from_addresses_are_their_us_states_once_each_and_never_everywhere(
    deliveries: tuple[Address, ...] | None,
    delivery: Address | None,
    primary: Address | None,
    states: tuple[str, ...] | None,
) -> None:
    settings = company(
        exempt_regions={"RESALE": ["TX"]}, exempt_regions_from_addresses=True, state_codes={"lone star": "TX"}
    )
    customer = Customer(
        "C-1", delivery_address=delivery, primary_address=primary, invoice_address=AUSTIN, delivery_addresses=deliveries
    )
    told = map_customer("usmf", customer, settings, WHOLESALE)
    assert (told and told.exempt_states) == states
    of_group = map_customer("usmf", replace(customer, tax_group="RESALE"), settings, WHOLESALE)
    assert of_group
    assert of_group.exempt_states == ("TX",)
    assert map_customer("usmf", customer, settings, ExemptionType.NON_EXEMPT)


def test_an_exemption_that_ended_keeps_no_regions() -> None:
    assert mapped(Customer("C-1", tax_group="RESALE"), ExemptionType.NON_EXEMPT).exempt_states == ()


def test_the_first_complete_address_is_the_customers() -> None:
    incomplete = Address(country="USA", country_iso="US", city="Austin")
    customer = Customer("C-1", primary_address=incomplete, delivery_address=DENVER, invoice_address=AUSTIN)
    assert mapped(customer).place == Place("US", "CO", "80202", "Denver", "1 Wynkoop St")
    assert mapped(Customer("C-1", primary_address=LONDON)).place.country == "GB"


def test_a_name_is_never_empty() -> None:
    assert mapped(Customer("C-1", name=" \n ")).name == "C-1"


def test_what_is_unknown_is_left_out_but_regions_are_always_said() -> None:
    assert customer_to_wire(mapped(Customer("C-1", name="Prairie"))) == {
        "customer_id": "USMF-C-1",
        "exemption_type": "wholesale",
        "name": "Prairie",
        "exempt_regions": [],
    }


@given(st.builds(Address, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS))
def test_whatever_the_address_its_codes_have_two_letters_and_its_texts_one_line(address: Address) -> None:
    wire = customer_to_wire(mapped(Customer("C-1", name="Prairie", primary_address=address)))
    for name in ("country", "state"):
        assert re.fullmatch("[A-Z]{2}", wire.get(name, "US"))
    assert all(text == " ".join(text.split()) and text for text in wire.values() if isinstance(text, str))

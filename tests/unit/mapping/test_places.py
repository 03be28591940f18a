"""An address is cleaned for TaxJar, or it is incomplete and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.documents import Address
from shared.mapping import clean_place
from shared.mapping.places import clean_address
from shared.transactions import Place
from tests.unit.mapping.builders import AUSTIN, LONDON, company

US = Address(country="USA", state="TX", zip="78701")


def test_a_us_address_is_sent_with_codes() -> None:
    assert clean_place(AUSTIN, company()) == Place("US", "TX", "78701", "Austin", "410 Congress Ave")


def test_no_address_is_no_place() -> None:
    assert clean_place(None, company()) is None


@pytest.mark.parametrize(
    ("zip_code", "sent"),
    [("78701", "78701"), ("787011234", "78701-1234"), ("78701-1234", "78701-1234"), (" 78701 ", "78701"),
     ("78701 1234", "78701-1234")],
)  # fmt: skip
def test_a_zip_code_is_written_as_taxjar_wants_it(zip_code: str, sent: str) -> None:
    place = clean_place(replace(US, zip=zip_code), company())
    assert place
    assert place.zip == sent


@pytest.mark.parametrize(
    "zip_code", ["", "7870", "78701-", "ABCDE", "78701-12", "1234567", "\u0667\u0668\u0667\u0660\u0661"]
)
def test_a_us_address_without_a_proper_zip_code_is_incomplete(zip_code: str) -> None:
    assert "ZIP code" in clean_address(replace(US, zip=zip_code), company()).problem
    assert clean_place(replace(US, zip=zip_code), company()) is None


def test_a_missing_state_follows_from_an_unambiguous_zip_code() -> None:
    cleaned = clean_address(replace(US, state=" "), company())
    assert cleaned.place
    assert cleaned.place.state == "TX"
    assert cleaned.state_derived


@pytest.mark.parametrize("zip_code", ["73960", "00001"])
def test_a_zip_code_that_does_not_tell_the_state_leaves_the_address_incomplete(zip_code: str) -> None:
    assert clean_place(replace(US, state="", zip=zip_code), company()) is None


def test_a_state_that_is_no_code_name_or_mapped_value_is_incomplete() -> None:
    assert clean_place(replace(US, state="Lone Star"), company()) is None
    place = clean_place(replace(US, state="Lone Star"), company(state_codes={"LONE STAR": "TX"}))
    assert place
    assert place.state == "TX"


@pytest.mark.parametrize(
    ("country", "iso", "sent"),
    [("USA", "", "US"), ("US", "", "US"), ("United States", "", "US"), ("U.S.A.", "", "US"), ("XYZ", "US", "US"),
     ("XYZ", "us", "US"), ("XYZ", "USA", "US")],
)  # fmt: skip
def test_a_country_is_recognised(country: str, iso: str, sent: str) -> None:
    place = clean_place(replace(US, country=country, country_iso=iso), company())
    assert place
    assert place.country == sent


@pytest.mark.parametrize(
    ("country", "sent"),
    [("DEU", "DE"), ("deu", "DE"), ("CHE", "CH"), ("GBR", "GB"), ("UK", "GB"), ("U.K.", "GB"), ("Canada", "CA")],
)
def test_a_country_of_three_letters_or_a_name_needs_no_country_table(country: str, sent: str) -> None:
    assert clean_place(Address(country=country), company()) == Place(sent)


def test_the_country_map_wins_over_a_code_of_three_letters() -> None:
    assert clean_place(Address(country="DEU"), company(country_codes={"DEU": "AT"})) == Place("AT")


def test_the_country_map_wins_over_the_iso_code() -> None:
    place = clean_place(replace(US, country="PRI", country_iso="PR"), company(country_codes={"pri": "US"}))
    assert place
    assert place.country == "US"


@pytest.mark.parametrize("country", ["", "XYZ"])
def test_without_a_country_an_address_is_incomplete(country: str) -> None:
    assert clean_place(replace(US, country=country), company()) is None


def test_abroad_a_country_is_enough() -> None:
    assert clean_place(Address(country="GBR"), company()) == Place("GB")
    assert clean_place(LONDON, company()) == Place("GB", "", "SW1A 1AA", "London", "1 The Mall")


@pytest.mark.parametrize(("state", "sent"), [("on", "ON"), ("Ontario", "")])
def test_abroad_a_state_is_sent_only_as_two_letters(state: str, sent: str) -> None:
    place = clean_place(Address(country="CAN", state=state), company())
    assert place
    assert place.state == sent


def test_line_breaks_in_a_street_become_spaces() -> None:
    place = clean_place(replace(US, street="410 Congress Ave\r\nSuite 7\n", city=" Austin\t"), company())
    assert place
    assert (place.street, place.city) == ("410 Congress Ave Suite 7", "Austin")

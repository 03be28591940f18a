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
     ("78701 1234", "78701-1234"), ("78701-", "78701"), ("78701\u20131234", "78701-1234"), ("TX 78701", "78701"),
     ("tx78701", "78701"), ("Tex. 78701", "78701"), ("78701 TX", "78701"),
     ("78701, Texas", "78701"), ("US-78701", "78701"), ("USA 78701", "78701"), ("78701 USA", "78701"),
     ("78701.0", "78701"),
     ("78701.", "78701"), ("'78701", "78701"), ("78701--1234", "78701-1234"),
     ("\uff17\uff18\uff17\uff10\uff11", "78701")],
)  # fmt: skip
def test_a_zip_code_is_written_as_taxjar_wants_it(zip_code: str, sent: str) -> None:
    place = clean_place(replace(US, zip=zip_code), company())
    assert place
    assert place.zip == sent


@pytest.mark.parametrize(
    "zip_code",
    [
        "",
        "7870",
        "ABCDE",
        "78701-12",
        "1234567",
        "O8701",
        "MA 78701",
        "78701 MA",
        "787 01",
        "7870I",
        "\u0667\u0668\u0667\u0660\u0661",
    ],
)
def test_a_us_address_without_a_proper_zip_code_is_incomplete(zip_code: str) -> None:
    assert "ZIP code" in clean_address(replace(US, zip=zip_code), company()).problem
    assert clean_place(replace(US, zip=zip_code), company()) is None


def test_a_missing_state_follows_from_an_unambiguous_zip_code() -> None:
    cleaned = clean_address(replace(US, state=" "), company())
    assert cleaned.place
    assert cleaned.place.state == "TX"
    assert cleaned.repairs == ("has no state; TX follows from ZIP code 78701",)


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


@pytest.mark.parametrize("country", ["", "XYZ", "XX"])
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


@pytest.mark.parametrize(
    ("state", "typed", "sent"),
    [("MA", "2134", "02134"), ("NY", "501", "00501"), ("MA", "2134-1001", "02134-1001"), ("MA", "O2134", "02134"),
     ("MA", "21341001", "02134-1001"), ("", "MA 2134", "02134"), ("NJ", "o7O30", "07030"), ("PR", "901", "00901")],
)  # fmt: skip
def test_a_lost_zero_and_a_letter_o_are_put_right_where_the_state_confirms_it(
    state: str, typed: str, sent: str
) -> None:
    cleaned = clean_address(replace(US, state=state, zip=typed), company())
    assert cleaned.place
    assert cleaned.place.zip == sent
    assert f"has ZIP code '{typed}', which is read as {sent}" in cleaned.repairs


@pytest.mark.parametrize(
    ("state", "typed"), [("TX", "2134"), ("", "2134"), ("", "O2134"), ("CA", "501"), ("TX", "O2134")]
)
def test_what_the_state_does_not_confirm_is_incomplete(state: str, typed: str) -> None:
    cleaned = clean_address(replace(US, state=state, zip=typed), company())
    assert cleaned.place is None
    assert "does not confirm" in cleaned.problem


def test_a_state_in_the_zip_field_stands_for_a_blank_one_and_must_not_contradict_the_other() -> None:
    place = clean_place(replace(US, state="", zip="MA 02134"), company())
    assert place
    assert (place.state, place.zip) == ("MA", "02134")
    assert clean_place(replace(US, state="TX", zip="MA 02134"), company()) is None


def test_a_state_that_was_read_is_a_repair() -> None:
    assert clean_address(replace(US, state="Tex."), company()).repairs == ("has state 'Tex.', which is read as TX",)
    assert clean_address(replace(US, state="tx"), company()).repairs == ()


@pytest.mark.parametrize(
    ("country", "zip_code", "state"),
    [("PRI", "00901", "PR"), ("VIR", "00802", "VI"), ("GUM", "96910", "GU"), ("ASM", "96799", "AS"),
     ("MNP", "96950", "MP"),
     ("PR", "00901", "PR"), ("Puerto Rico", "00901", "PR")],
)  # fmt: skip
@pytest.mark.parametrize("typed", ["", "San Juan", "same"])
def test_a_territory_is_a_us_state(country: str, zip_code: str, state: str, typed: str) -> None:
    address = Address(country=country, state=state if typed == "same" else typed, zip=zip_code)
    assert clean_place(address, company()) == Place("US", state, zip_code)


def test_a_territory_with_another_state_is_incomplete() -> None:
    assert clean_place(Address(country="PRI", state="TX", zip="00901"), company()) is None


def test_an_incomplete_address_tells_the_state_that_it_names_for_certain() -> None:
    assert clean_address(replace(US, zip=""), company()).us_state == "TX"
    assert clean_address(replace(US, country=""), company()).us_state == "TX"
    assert clean_address(replace(US, state="Lone Star"), company()).us_state == ""
    assert clean_address(replace(US, country="XYZ"), company()).us_state == ""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dynamics.errors import UnreadableRow
from shared.dynamics.rows import amount, day, folded, record_id, required_amount, text, verbatim, yes


@given(st.dates(min_value=date(1900, 1, 2)), st.sampled_from(["", "T00:00:00Z", "T12:00:00Z", "T23:59:59-12:00"]))
def test_a_date_is_its_first_ten_characters_whatever_the_time(expected: date, time: str) -> None:
    assert day({"D": expected.isoformat() + time}, "D") == expected


@pytest.mark.parametrize("value", [None, "", "1900-01-01T12:00:00Z", "1900-01-01T00:00:00Z"])
def test_blank_dates_are_none(value: str | None) -> None:
    assert day({"D": value}, "D") is None


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(UnreadableRow, match="InvoiceDate"):
        day({"InvoiceDate": "17.03.2026"}, "InvoiceDate")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "5"),
        (Decimal("611.61"), "611.61"),
        ("12.50", "12.50"),
        (10**20 - 1, "99999999999999999999"),
        (None, "0"),
        ("", "0"),
        (-3, "-3"),
    ],
)
def test_numbers_are_exact_and_blanks_are_zero(value: object, expected: str) -> None:
    found = amount({"N": value}, "N")
    assert found == Decimal(expected)
    assert isinstance(found, Decimal)


@pytest.mark.parametrize("value", ["abc", True, [1], Decimal("NaN"), "Infinity", 1.5, "1e400", 10**20])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(UnreadableRow, match="LineAmount"):
        amount({"LineAmount": value}, "LineAmount")


def test_a_total_must_be_there() -> None:
    with pytest.raises(UnreadableRow, match="TotalTaxAmount"):
        required_amount({"TotalTaxAmount": None}, "TotalTaxAmount")


def test_texts_lose_their_margins_and_null_is_blank() -> None:
    row = {"A": " FREIGHT ", "B": None}
    assert (text(row, "A"), text(row, "B"), text(row, "C")) == ("FREIGHT", "", "")
    assert folded(row, "A") == "freight"


def test_a_text_of_a_key_keeps_its_margins_unless_it_is_blank() -> None:
    row = {"A": " INV-1 ", "B": None, "C": "  ", "D": 712}
    assert [verbatim(row, field) for field in "ABCDE"] == [" INV-1 ", "", "", "712", ""]


def test_only_the_member_yes_is_yes() -> None:
    assert yes({"E": "Yes"}, "E")
    assert not any(yes({"E": value}, "E") for value in ("No", "", None))


def test_record_ids_may_come_as_strings_and_are_zero_when_blank() -> None:
    ids = [record_id({"R": value}, "R") for value in (5637144576, "5637144576", None, "", "x")]
    assert ids == [5637144576, 5637144576, 0, 0, 0]

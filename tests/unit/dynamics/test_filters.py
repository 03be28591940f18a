from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.dynamics.filters import all_of, any_of, chunks, either, enum, equals, on_or_after, on_or_before, quoted


def test_a_quote_inside_a_literal_is_doubled() -> None:
    assert equals("InvoiceNumber", "O'Neil").text() == "InvoiceNumber eq 'O''Neil'"


def test_record_ids_are_written_without_quotes() -> None:
    assert equals("SourceKey", 5637144576).text() == "SourceKey eq 5637144576"


def test_a_day_spans_its_noon_on_both_sides() -> None:
    day = date(2026, 3, 10)
    assert on_or_after("InvoiceDate", day).text() == "InvoiceDate ge 2026-03-10T00:00:00Z"
    assert on_or_before("InvoiceDate", day).text() == "InvoiceDate le 2026-03-10T23:59:59Z"


def test_enum_literals_carry_the_full_type_name() -> None:
    assert enum("NoYes", "Yes") == "Microsoft.Dynamics.DataEntities.NoYes'Yes'"


def test_an_or_chain_inside_an_and_is_bracketed() -> None:
    where = all_of(equals("dataAreaId", "ctus"), any_of("InvoiceNumber", ["A", "B"]))
    assert where.text() == "dataAreaId eq 'ctus' and (InvoiceNumber eq 'A' or InvoiceNumber eq 'B')"


def test_an_and_inside_an_or_is_bracketed() -> None:
    first, second = (all_of(equals("dataAreaId", company), equals("N", 1)) for company in ("a", "b"))
    assert either(first, second).text() == "(dataAreaId eq 'a' and N eq 1) or (dataAreaId eq 'b' and N eq 1)"


def test_a_single_part_needs_no_brackets() -> None:
    assert all_of(any_of("InvoiceNumber", ["A"]), equals("N", 1)).text() == "InvoiceNumber eq 'A' and N eq 1"


def test_fields_are_renamed_and_literals_are_not() -> None:
    where = any_of("InvoiceNumber", ["InvoiceNumber"])
    assert where.text(lambda field: f"My{field}") == "MyInvoiceNumber eq 'InvoiceNumber'"


@given(st.text())
def test_a_literal_never_ends_before_its_last_quote(text: str) -> None:
    literal = quoted(text)
    assert literal[0] == literal[-1] == "'"
    assert literal[1:-1].replace("''", "") == text.replace("'", "")
    assert literal[1:-1].count("'") == 2 * text.count("'")


@given(st.lists(st.integers()))
def test_chunks_hold_everything_once_and_at_most_twenty(values: list[int]) -> None:
    pieces = list(chunks(values))
    assert [value for piece in pieces for value in piece] == values
    assert all(1 <= len(piece) <= 20 for piece in pieces)

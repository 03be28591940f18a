"""Keys of the ledger table: allowed characters, no two things with one key, rows in the order of dates."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.ledger import keys
from shared.table_keys import encode

_characters = st.characters(exclude_categories=["Cs"])
texts = st.text(_characters, max_size=20) | st.builds(
    "{}{}".format, st.text(_characters, max_size=3), st.just("日" * 60)
)
days = st.dates()
documents = st.builds(DocumentKey, st.just("usmf"), days, texts, texts)

# What Table Storage forbids, and what its query language or an URL could read differently.
ALLOWED = re.compile(r"[A-Za-z0-9._=|-]*")
HEAD = "f" * 64


@given(texts, texts)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(documents, texts, texts)
def test_keys_have_only_characters_that_table_storage_allows(document: DocumentKey, one: str, other: str) -> None:
    row = keys.document_row(document)
    for key in (keys.partition(one, other), row, keys.id_row(one), keys.audit_row(row, 1, HEAD)):
        assert ALLOWED.fullmatch(key)
        assert len(key) <= 512


def test_keys_stay_readable() -> None:
    assert keys.document_row(DocumentKey("usmf", date(2026, 3, 17), "INV 7/2", "ARI-1")) == (
        "doc|2026-03-17|INV=207=2f2|ARI-1"
    )


@given(documents, documents)
def test_documents_have_rows_of_their_own(one: DocumentKey, other: DocumentKey) -> None:
    assert (keys.document_row(one) == keys.document_row(other)) == (one == other)


@given(texts, texts, texts, texts)
def test_companies_have_partitions_of_their_own(one: str, first: str, other: str, second: str) -> None:
    assert (keys.partition(one, first) == keys.partition(other, second)) == ((one, first) == (other, second))


@given(documents, days)
def test_a_range_of_rows_is_a_range_of_dates(document: DocumentKey, day: date) -> None:
    row = keys.document_row(document)
    assert (row >= keys.document_rows_from(day)) == (document.date >= day)
    assert (row < keys.document_rows_through(day)) == (document.date <= day)
    assert row < keys.DOCUMENT_ROWS_END


@given(documents, texts)
def test_neither_ids_nor_audit_entries_are_in_the_range_of_documents(document: DocumentKey, identifier: str) -> None:
    for row in (keys.audit_row(keys.document_row(document), 1, HEAD), keys.id_row(identifier)):
        assert not keys.document_rows_from(date.min) <= row < keys.DOCUMENT_ROWS_END


@given(documents, st.integers(1, 999_998))
def test_audit_entries_sort_by_their_sequence(document: DocumentKey, sequence: int) -> None:
    row = keys.document_row(document)
    assert keys.audit_row(row, sequence, HEAD) < keys.audit_row(row, sequence + 1, "0" * 64)


@given(documents, st.integers(1, 10**7))
def test_the_place_of_an_entry_is_read_from_its_key(document: DocumentKey, number: int) -> None:
    """Also from the keys of the first version, which have no hash."""
    row = keys.document_row(document)
    assert keys.audit_place(keys.audit_row(row, number, HEAD)) == (row, number)
    assert keys.audit_place(f"audit|{row}|{number:06d}") == (row, number)

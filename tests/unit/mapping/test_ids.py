"""Ids are safe in URLs, at most 50 characters, and different for different numbers."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mapping import customer_id, derived_id, order_id, refund_id, transaction_id
from shared.transactions import Kind

SAFE = re.compile(r"[A-Za-z0-9_-]{1,50}")
COMPANIES = st.text("abcdefghij0123456789", min_size=1, max_size=4)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def test_an_order_is_the_upper_case_company_and_the_invoice_number() -> None:
    assert order_id("usmf", "INV-104417") == "USMF-INV-104417"


def test_a_refund_ends_in_refund() -> None:
    assert refund_id("usmf", "CRN_1") == "USMF-CRN_1-refund"


def test_the_kind_chooses_the_id() -> None:
    assert transaction_id(Kind.ORDER, "usmf", "7") == "USMF-7"
    assert transaction_id(Kind.REFUND, "usmf", "7") == "USMF-7-refund"


def test_a_customer_is_the_company_and_the_account() -> None:
    assert customer_id("usmf", "US 014") == f"USMF-US-014-{digest('US 014')}"


def test_an_unsafe_character_becomes_a_dash_and_a_hash_follows() -> None:
    assert order_id("usmf", "INV/1#2") == f"USMF-INV-1-2-{digest('INV/1#2')}"


def test_a_hash_precedes_refund() -> None:
    assert refund_id("usmf", "INV/1") == f"USMF-INV-1-{digest('INV/1')}-refund"


def test_a_number_that_just_fits_is_kept() -> None:
    number = "9" * 45
    assert order_id("usmf", number) == f"USMF-{number}"
    assert refund_id("usmf", "9" * 38) == f"USMF-{'9' * 38}-refund"


def test_a_number_one_too_long_is_cut_and_hashed() -> None:
    number = "9" * 46
    assert order_id("usmf", number) == f"USMF-{'9' * 36}-{digest(number)}"
    number = "9" * 39
    assert refund_id("usmf", number) == f"USMF-{'9' * 29}-{digest(number)}-refund"


@pytest.mark.parametrize(
    ("base", "expected"), [("USMF-1", "USMF-1-reversal-1"), ("USMF-1-refund", "USMF-1-refund-reversal-1")]
)
def test_an_id_made_from_an_id_appends_its_suffix(base: str, expected: str) -> None:
    assert derived_id(base, "-reversal-1") == expected


def test_an_id_made_from_a_long_id_is_cut_and_hashed() -> None:
    base = order_id("usmf", "9" * 45)
    assert derived_id(base, "-reversal-1") == f"{base[:30]}-{digest(base)}-reversal-1"


@given(COMPANIES, st.text(min_size=1, max_size=80), st.sampled_from(["", "-1", "-12", "-reversal-1"]))
def test_every_id_is_safe_short_and_repeatable(company: str, number: str, suffix: str) -> None:
    for make in (order_id, refund_id, customer_id):
        made = make(company, number)
        assert SAFE.fullmatch(made)
        assert make(company.upper(), number) == made
        assert SAFE.fullmatch(derived_id(made, suffix))


@given(COMPANIES, st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_different_numbers_get_different_ids(company: str, one: str, other: str) -> None:
    for make in (order_id, refund_id):
        assert (make(company, one) == make(company, other)) == (one == other)


@given(COMPANIES, st.text(min_size=1, max_size=80))
def test_an_order_and_a_refund_of_one_number_do_not_meet(company: str, number: str) -> None:
    assert order_id(company, number) != refund_id(company, number)

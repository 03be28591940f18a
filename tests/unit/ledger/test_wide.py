"""Texts of any length in table entities."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.wide import pack, unpack

PROPERTY_LIMIT = 32_768
"""UTF-16 units of a string property."""


@given(st.text() | st.text().map(lambda text: "zlib:" + text))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert unpack("entry", pack("entry", text)) == text


@pytest.mark.parametrize("length", [0, 1, 29_999, 30_000, 30_001, 500_000])
@pytest.mark.parametrize("letter", ["a", "ü", "🧾"])
def test_a_text_of_any_length_fits(length: int, letter: str) -> None:
    text = letter * length
    stored = pack("entry", text)
    assert unpack("entry", stored) == text
    assert all(len(value.encode("utf-16-le")) // 2 <= PROPERTY_LIMIT for value in stored.values())


def test_what_does_not_compress_is_spread_over_several_properties() -> None:
    text = json.dumps([(number * 7919) % 1_000_003 for number in range(20_000)])
    stored = pack("entry", text)
    assert len(stored) > 1
    assert unpack("entry", {**stored, "entry_note": "x", "other": "y"}) == text


def test_a_short_text_is_stored_as_it_is() -> None:
    assert pack("payload", '{"amount": "1.00"}') == {"payload": '{"amount": "1.00"}'}


def test_nothing_stored_is_an_empty_text() -> None:
    assert unpack("payload", {}) == ""

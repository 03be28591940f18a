"""Shares of an amount always make the amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mapping.cents import apportion, from_cents, round_to_total, spread, to_cents

MONEY = st.decimals(min_value=0, max_value=1000, places=4)


@pytest.mark.parametrize(("value", "cents"), [("1.005", 101), ("-1.005", -101), ("1.0049", 100), ("0", 0)])
def test_half_a_cent_rounds_away_from_zero(value: str, cents: int) -> None:
    assert to_cents(Decimal(value)) == cents


def test_zero_cents_are_never_negative() -> None:
    assert str(from_cents(-0)) == "0.00"
    assert str(from_cents(-5)) == "-0.05"


def test_the_largest_remainder_gets_the_missing_cent() -> None:
    assert round_to_total([Decimal("1.003"), Decimal("1.004"), Decimal("1.003")], 301) == [100, 101, 100]


def test_a_difference_beyond_rounding_goes_to_the_first_values_and_last_to_what_is_nothing() -> None:
    assert round_to_total([Decimal(1), Decimal(3), Decimal(2)], 602) == [101, 301, 200]
    assert round_to_total([Decimal(0), Decimal(3), Decimal(2)], 501) == [0, 301, 200]
    assert round_to_total([Decimal(1), Decimal(3), Decimal(0)], 398) == [99, 299, 0]


@given(st.lists(MONEY, min_size=1, max_size=8), st.integers(-8, 8))
def test_rounded_values_make_the_total(values: list[Decimal], off: int) -> None:
    total = max(to_cents(sum(values, Decimal(0))) + off, 0)
    cents = round_to_total(values, total)
    assert sum(cents) == total
    assert all(c >= 0 for c in cents)


@given(st.lists(MONEY, min_size=1, max_size=8))
def test_plain_rounding_moves_no_value_by_a_cent(values: list[Decimal]) -> None:
    cents = round_to_total(values, to_cents(sum(values, Decimal(0))))
    assert all(abs(from_cents(c) - v) < Decimal("0.01") for c, v in zip(cents, values, strict=True))


def test_shares_follow_the_weights() -> None:
    assert apportion(100, [1, 1, 2], [100, 100, 100]) == [25, 25, 50]
    assert apportion(10, [1, 1, 1], [10, 10, 10]) == [4, 3, 3]


def test_what_a_capped_share_cannot_take_goes_to_the_others() -> None:
    assert apportion(100, [2, 1, 1], [10, 100, 100]) == [10, 45, 45]


def test_those_without_weight_take_only_what_the_others_cannot() -> None:
    assert apportion(5, [1, 0], [3, 9]) == [3, 2]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=8), st.floats(0, 1))
def test_shares_make_the_total_and_respect_the_caps(parts: list[tuple[int, int]], part: float) -> None:
    weights, caps = [w for w, _ in parts], [c for _, c in parts]
    total = int(sum(caps) * part)
    shares = apportion(total, weights, caps)
    assert sum(shares) == total
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))


def test_without_any_weight_all_goes_to_the_first() -> None:
    assert spread(5, [0, 0]) == [5, 0]
    assert spread(5, [0, 2]) == [0, 5]
    assert spread(2, [1, 1, 1]) == [1, 1, 0]
    assert spread(0, []) == []


def test_a_share_that_would_pass_its_cap_by_a_fraction_stops_at_it() -> None:
    assert apportion(5, [1, 1], [2, 9]) == [2, 3]

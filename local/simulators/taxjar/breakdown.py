"""The ``breakdown`` of a tax calculation, whose field names differ between order, shipping and line."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from local.simulators.taxjar.tables import State

_CENT = Decimal("0.01")


def cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)


def breakdown(
    state: State, total: Decimal, shipping: Decimal, lines: Iterable[tuple[str, Decimal]]
) -> dict[str, object]:
    """``total`` is the taxable amount of the order; ``lines`` are ids with taxable amounts.

    Each tax is rounded by itself, so lines and levels need not add up to the order's tax, as with TaxJar.
    """
    answer = _order(state, total)
    if state.freight_taxable and shipping:
        answer["shipping"] = _part(state, shipping) | _special(state, shipping, base="special_taxable_amount")
    answer["line_items"] = [
        {"id": line, **_part(state, taxable), **_special(state, taxable, base="special_district_taxable_amount")}
        for line, taxable in lines
    ]
    return answer


def _order(state: State, taxable: Decimal) -> dict[str, object]:
    answer: dict[str, object] = _combined(state, taxable)
    levels = (("state", state.state_rate), ("county", state.county_rate), ("city", state.city_rate))
    for level, rate in levels:
        answer[f"{level}_taxable_amount"] = _base(taxable, rate)
        answer[f"{level}_tax_rate"] = float(rate)
        answer[f"{level}_tax_collectable"] = float(cents(taxable * rate))
    answer["special_district_taxable_amount"] = _base(taxable, state.special_rate)
    answer["special_tax_rate"] = float(state.special_rate)
    answer["special_district_tax_collectable"] = float(cents(taxable * state.special_rate))
    return answer


def _part(state: State, taxable: Decimal) -> dict[str, object]:
    """State, county and city of a line or of shipping."""
    answer: dict[str, object] = _combined(state, taxable)
    levels = (
        ("state", "state_sales_tax_rate", state.state_rate),
        ("county", "county_tax_rate", state.county_rate),
        ("city", "city_tax_rate", state.city_rate),
    )
    for level, rate_name, rate in levels:
        answer[f"{level}_taxable_amount"] = _base(taxable, rate)
        answer[rate_name] = float(rate)
        answer[f"{level}_amount"] = float(cents(taxable * rate))
    return answer


def _special(state: State, taxable: Decimal, *, base: str) -> dict[str, object]:
    return {
        base: _base(taxable, state.special_rate),
        "special_tax_rate": float(state.special_rate),
        "special_district_amount": float(cents(taxable * state.special_rate)),
    }


def _combined(state: State, taxable: Decimal) -> dict[str, object]:
    return {
        "taxable_amount": float(taxable),
        "tax_collectable": float(cents(taxable * state.combined_rate)),
        "combined_tax_rate": float(state.combined_rate),
    }


def _base(taxable: Decimal, rate: Decimal) -> float:
    return float(taxable if rate else 0)

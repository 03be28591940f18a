"""Line taxes are those posted, and never more in sum than the document's tax."""

from __future__ import annotations

import pytest

from shared.documents import PostedDocument
from shared.mapping import HoldReason
from tests.unit.mapping.builders import charge, document, held, line, mapped, notes


def taxes(posted: PostedDocument) -> list[str]:
    return [str(item.sales_tax) for item in mapped(posted).line_items]


def test_line_taxes_are_sent_as_posted() -> None:
    assert taxes(document(line(tax="8.25"), line("50", tax="0", sequence=2))) == ["8.25", "0.00"]


def test_tax_on_shipping_is_on_no_line() -> None:
    posted = document(line(tax="8.25"), charges=(charge("10.00", tax="0.83"),))
    assert taxes(posted) == ["8.25"]
    assert str(mapped(posted).sales_tax) == "9.08"


def test_an_excess_of_a_cent_per_line_is_taken_off_the_largest_line_tax_and_noted() -> None:
    posted = document(line("10", tax="0.80"), line("90", tax="7.20", sequence=2), tax="7.98")
    assert taxes(posted) == ["0.80", "7.18"]
    assert "0.02" in notes(posted)


def test_a_larger_excess_is_held() -> None:
    result = held(document(line("10", tax="0.80"), line("90", tax="7.20", sequence=2), tax="7.97"))
    assert result.reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)
    assert "0.03" in result.message


def test_line_taxes_are_rounded_so_that_they_sum_to_their_rounded_total() -> None:
    posted = document(*(line("1.00", tax="0.335", sequence=i) for i in range(4)))
    assert taxes(posted) == ["0.34", "0.34", "0.33", "0.33"]
    assert "adjusted" not in notes(posted)


def test_a_gap_of_a_cent_per_line_goes_to_the_largest_line_tax_or_to_taxed_shipping() -> None:
    lines = (line("10", tax="0.80"), line("90", tax="7.20", sequence=2))
    assert taxes(document(*lines, tax="8.02")) == ["0.80", "7.22"]
    posted = document(*lines, charges=(charge("10.00", tax="0.80"),), tax="8.81")
    assert taxes(posted) == ["0.80", "7.20"]
    assert str(mapped(posted).sales_tax) == "8.81"


@pytest.mark.parametrize(("line_tax", "document_tax"), [("0", "82.50"), ("80.00", "82.50"), ("0", "0.01")])
def test_tax_that_neither_a_line_nor_a_charge_carries_is_held(line_tax: str, document_tax: str) -> None:
    result = held(document(line("1000", tax=line_tax), tax=document_tax))
    assert result.reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)


def test_a_taxed_reduction_takes_its_tax_off_the_taxed_lines_by_value() -> None:
    posted = document(line("60", tax="6.00"), line("30", tax="3.00", sequence=2), line("-9", tax="-0.90", sequence=3))
    assert taxes(posted) == ["5.40", "2.70"]


def test_a_taxed_reduction_never_takes_tax_off_untaxed_lines() -> None:
    posted = document(line("60", tax="0"), line("30", tax="3.00", sequence=2), line("-9", tax="-0.90", sequence=3))
    assert taxes(posted) == ["0.00", "2.10"]


def test_a_reduction_with_more_tax_than_its_lines_carry_is_held() -> None:
    posted = document(line("60", tax="0.50"), line("-9", tax="-0.90", sequence=2), tax="-0.40", net="51")
    assert held(posted).reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)


def test_negative_net_shipping_takes_its_tax_off_the_lines() -> None:
    assert taxes(document(line("60", tax="6.00"), charges=(charge("-10", tax="-1.00"),))) == ["5.00"]


@pytest.mark.parametrize("quantity", [1, -1])
def test_a_tax_against_the_direction_of_a_line_without_amount_is_held(quantity: int) -> None:
    lines = (line("60", tax="6.00"), line("0", quantity=quantity, tax=-quantity, sequence=2))
    assert held(document(*lines)).reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)


@pytest.mark.parametrize("shipping", [True, False])
def test_a_charge_whose_tax_is_against_its_amount_is_held(shipping: bool) -> None:
    posted = document(line("60", tax="6.00"), charges=(charge("10", shipping=shipping, tax="-1"),))
    assert held(posted).reasons == (HoldReason.MIXED_SIGNS,)

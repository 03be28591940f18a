"""Line taxes are those posted, and never more in sum than the document's tax."""

from __future__ import annotations

import pytest

from shared.documents import PostedDocument
from shared.mapping import HoldReason, NoteCode
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
    assert "0.02" in notes(posted)[NoteCode.TAX_EXCESS]


def test_a_larger_excess_is_held() -> None:
    result = held(document(line("10", tax="0.80"), line("90", tax="7.20", sequence=2), tax="7.97"))
    assert result.reasons == (HoldReason.TAXES_DO_NOT_ADD_UP,)
    assert "0.03" in result.message


def test_line_taxes_are_rounded_so_that_they_sum_to_their_rounded_total() -> None:
    posted = document(*(line("1.00", tax="0.335", sequence=i) for i in range(4)))
    assert taxes(posted) == ["0.34", "0.34", "0.33", "0.33"]
    assert NoteCode.TAX_EXCESS not in notes(posted)


def test_a_negative_line_takes_its_tax_off_the_others_by_value() -> None:
    posted = document(line("60", tax="6.00"), line("30", tax="3.00", sequence=2), line("-9", tax="-0.90", sequence=3))
    assert taxes(posted) == ["5.40", "2.70"]


def test_a_line_tax_never_falls_below_zero() -> None:
    posted = document(line("60", tax="0"), line("30", tax="3.00", sequence=2), line("-9", tax="-0.90", sequence=3))
    assert taxes(posted) == ["0.00", "2.10"]


def test_a_negative_tax_of_a_line_is_spread_too() -> None:
    posted = document(line("60", tax="6.00"), line("0", tax="-1.00", sequence=2))
    assert taxes(posted) == ["5.00", "0.00"]


def test_negative_net_shipping_takes_its_tax_off_the_lines() -> None:
    assert taxes(document(line("60", tax="6.00"), charges=(charge("-10", tax="-1.00"),))) == ["5.00"]


@pytest.mark.parametrize("tax", ["0", "5.00"])
def test_line_taxes_below_the_documents_are_left_alone(tax: str) -> None:
    assert taxes(document(line(tax=tax), tax="5.00")) == [f"{float(tax):.2f}"]

"""The parts put together: customer, text, links between refunds and orders, several holds at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from shared.documents import OriginalInvoice, OriginalRoute
from shared.mapping import HoldReason
from tests.unit.mapping.builders import (
    AUSTIN,
    company,
    credit_note,
    document,
    held,
    line,
    mapped,
    notes,
)


def original(number: str, dated: date | None, route: OriginalRoute = OriginalRoute.CREDIT_INVOICING) -> OriginalInvoice:
    return OriginalInvoice(number, dated, route)


def test_the_customer_is_the_ordering_one() -> None:
    assert mapped(document(line(), order_account="C-2", invoice_account="C-1")).customer_id == "USMF-C-2"


def test_the_customer_is_the_invoice_account_where_the_ordering_one_is_unknown() -> None:
    assert mapped(document(line(), order_account="", invoice_account="C-1")).customer_id == "USMF-C-1"


def test_the_transaction_date_is_the_invoice_date() -> None:
    assert mapped(document(line(), dated=date(2026, 3, 31))).transaction_date == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("posted", "sent"),
    [("Torque\ndriver", "Torque driver"), (" a\r\nb\t", "a b"), ("a\x00b\u2028c", "a b c"), ("é" * 300, "é" * 255),
     ("x" * 254 + " y", "x" * 254)],
)  # fmt: skip
def test_a_description_is_one_line_of_at_most_255_characters(posted: str, sent: str) -> None:
    assert mapped(document(line(description=posted))).line_items[0].description == sent


def test_an_order_refers_to_nothing() -> None:
    assert mapped(document(line(), originals=(original("INV-1", None),))).transaction_reference_id == ""


def test_a_refund_refers_to_the_order_of_its_original_and_the_route_is_noted() -> None:
    posted = credit_note(line("-10"), originals=(original("INV/1", date(2026, 1, 5), OriginalRoute.RETURNED_LOT),))
    assert mapped(posted).transaction_reference_id.startswith("USMF-INV-1-")
    assert "returned lot" in notes(posted)


def test_a_credit_note_without_an_original_is_held() -> None:
    assert held(credit_note(line("-10"), originals=())).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)


def test_a_credit_note_without_an_original_is_sent_with_its_own_number_if_the_company_wants_it() -> None:
    settings = company(unlinked_credit_notes="send")
    posted = credit_note(line("-10"), originals=(), number="CRN-1")
    assert mapped(posted, settings).transaction_reference_id == "USMF-CRN-1"
    assert "No original invoice was found" in notes(posted, settings)


def test_several_holds_give_the_first_reason_and_name_them_all() -> None:
    settings = company(product_tax_codes={"items": {"P-1": "99999"}})
    posted = credit_note(
        line("-100", quantity=-1, tax="-20"),
        net="-90",
        tax="-8",
        delivery_address=replace(AUSTIN, state="CA"),
        originals=(),
    )
    result = held(posted, settings, tax_categories=set())
    assert result.reasons == (
        HoldReason.ZIP_STATE_MISMATCH,
        HoldReason.AMOUNTS_DO_NOT_ADD_UP,
        HoldReason.TAXES_DO_NOT_ADD_UP,
        HoldReason.UNKNOWN_PRODUCT_TAX_CODE,
        HoldReason.CREDIT_NOTE_UNLINKED,
    )
    assert result.reason is HoldReason.ZIP_STATE_MISMATCH
    for words in ("78701", "amounts", "taxes", "99999", "original invoice"):
        assert words in result.message


def test_a_missing_address_comes_before_missing_lines() -> None:
    result = held(document(net="100", tax="-1", delivery_address=None, customer=None))
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE, HoldReason.LINES_MISSING)


def test_what_the_reader_had_to_work_around_is_among_the_notes() -> None:
    assert "The warehouses cannot be read." in notes(document(line(), notes=("The warehouses cannot be read.",)))

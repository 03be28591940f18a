"""What is skipped, and which rule comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.documents import Address, DocumentType
from shared.mapping import Held, HoldReason, SkipReason
from tests.unit.mapping.builders import AUSTIN, BLANK, LONDON, company, document, held, line, mapped, outcome, skipped

# In the order of the rules: each entry is one more thing that puts a document out of scope.
RULES: list[tuple[SkipReason, dict[str, Any]]] = [
    (SkipReason.BEFORE_START, {"dated": date(2025, 12, 31)}),
    (SkipReason.INTEREST_NOTE, {"type": DocumentType.INTEREST_NOTE}),
    (SkipReason.PREPAYMENT, {"is_prepayment": True}),
    (SkipReason.PROFORMA, {"is_proforma": True}),
    (SkipReason.INTERCOMPANY, {"is_intercompany": True}),
    (SkipReason.PROJECT_INVOICE, {"type": DocumentType.PROJECT}),
    (SkipReason.NOT_US, {"delivery_address": LONDON}),
    (SkipReason.NOT_USD, {"currency": "EUR"}),
]


@pytest.mark.parametrize(("reason", "values"), RULES, ids=[reason.value for reason, _ in RULES])
def test_a_document_out_of_scope_is_skipped(reason: SkipReason, values: dict[str, Any]) -> None:
    assert skipped(document(line(), **values)).reason is reason


@pytest.mark.parametrize("first", range(len(RULES)))
def test_the_first_rule_gives_the_reason(first: int) -> None:
    values: dict[str, Any] = {}
    for _, broken in reversed(RULES[first:]):
        values |= broken
    assert skipped(document(line(), **values)).reason is RULES[first][0]


def test_the_first_day_is_reported() -> None:
    assert mapped(document(line(), dated=date(2026, 1, 1)))


def test_project_invoices_are_reported_when_switched_on() -> None:
    assert mapped(document(line(), type=DocumentType.PROJECT), company(project_invoices=True))


def test_a_document_without_a_complete_address_is_held_not_skipped() -> None:
    assert isinstance(outcome(document(line(), delivery_address=replace(LONDON, country="", country_iso=""))), Held)
    assert isinstance(outcome(document(line(), delivery_address=BLANK, currency="USD")), Held)


def test_a_skip_goes_before_every_hold() -> None:
    posted = document(net="100", tax="-1", delivery_address=LONDON)
    assert skipped(posted).reason is SkipReason.NOT_US


def test_a_skipped_document_shows_its_id_and_amounts() -> None:
    result = skipped(document(line("100"), currency="CAD"))
    assert (result.transaction_id, str(result.amount), str(result.sales_tax)) == ("USMF-INV-9", "100.00", "0.00")
    assert "CAD" in result.message


@pytest.mark.parametrize(
    "values",
    [
        {"currency": "CAD"},
        {"is_prepayment": True},
        {"is_proforma": True},
        {"is_intercompany": True},
        {"type": DocumentType.PROJECT},
        {"type": DocumentType.INTEREST_NOTE},
    ],
)
@pytest.mark.parametrize("address", [AUSTIN, replace(AUSTIN, zip="")])
def test_a_rule_that_would_swallow_tax_of_the_us_holds_instead_and_is_named(
    values: dict[str, Any], address: Address
) -> None:
    result = held(document(line("100", tax="8.88"), delivery_address=address, **values))
    assert result.reasons == (HoldReason.TAX_ON_SKIPPED,)
    assert "8.88" in result.message


def test_a_document_before_the_start_is_skipped_with_its_tax() -> None:
    assert skipped(document(line(tax="8.88"), dated=date(2025, 12, 31))).reason is SkipReason.BEFORE_START


def test_tax_of_what_went_abroad_does_not_hold_a_rule_up() -> None:
    lines = (line(tax="8.88", delivery_address=LONDON), line("50", sequence=2))
    assert skipped(document(*lines, currency="CAD")).reason is SkipReason.NOT_USD
    assert (
        skipped(document(line(tax="8.88"), delivery_address=LONDON, is_prepayment=True)).reason is SkipReason.PREPAYMENT
    )


def test_taxes_that_cancel_out_are_still_tax() -> None:
    lines = (line("100", tax="8.88"), line("-100", quantity=-1, tax="-8.88", sequence=2))
    assert held(document(*lines, currency="CAD")).reasons == (HoldReason.TAX_ON_SKIPPED,)


def test_a_document_without_lines_is_judged_by_its_address() -> None:
    posted = document(net="3000", tax="247.50", is_prepayment=True)
    assert held(posted).reasons == (HoldReason.TAX_ON_SKIPPED,)
    assert skipped(replace(posted, delivery_address=LONDON)).reason is SkipReason.PREPAYMENT


def test_a_document_without_any_value_is_skipped() -> None:
    assert skipped(document(line("0"), delivery_address=BLANK)).reason is SkipReason.ZERO_VALUE

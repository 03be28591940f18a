"""What is skipped, and which rule comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.documents import DocumentType, PostedDocument
from shared.mapping import Held, Skipped, SkipReason
from tests.unit.mapping.builders import BLANK, LONDON, company, document, line, mapped, outcome

# In the order of the rules: each entry is one more thing that puts a document out of scope.
RULES: list[tuple[SkipReason, dict[str, Any]]] = [
    (SkipReason.BEFORE_START, {"dated": date(2025, 12, 31)}),
    (SkipReason.INTEREST_NOTE, {"type": DocumentType.INTEREST_NOTE}),
    (SkipReason.PREPAYMENT, {"is_prepayment": True}),
    (SkipReason.PROFORMA, {"is_proforma": True}),
    (SkipReason.INTERCOMPANY, {"is_intercompany": True}),
    (SkipReason.PROJECT_INVOICE, {"type": DocumentType.PROJECT}),
    (SkipReason.ZERO_VALUE, {"net": 0, "tax": 0}),
    (SkipReason.NOT_US, {"delivery_address": LONDON}),
    (SkipReason.NOT_USD, {"currency": "EUR"}),
]


def skipped(posted: PostedDocument, **options: Any) -> Skipped:
    result = outcome(posted, **options)
    assert isinstance(result, Skipped), result
    assert result.message.endswith(".")
    return result


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
    assert skipped(posted, owns_id=False).reason is SkipReason.NOT_US


def test_a_skipped_document_shows_its_id_and_amounts() -> None:
    result = skipped(document(line("100", tax="8.25"), currency="CAD"))
    assert (result.transaction_id, str(result.amount), str(result.sales_tax)) == ("USMF-INV-9", "100.00", "8.25")
    assert "CAD" in result.message

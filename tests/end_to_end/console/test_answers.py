"""The made-up answers are such as the API gives: they fit the models that describe it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.console import answers

connector = pytest.importorskip("shared.api_models.connector")
documents = pytest.importorskip("shared.api_models.documents")
jobs = pytest.importorskip("shared.api_models.jobs")
months = pytest.importorskip("shared.api_models.months")
taxjar = pytest.importorskip("shared.api_models.taxjar")

YOU = {"id": "0a1b", "name": "Ada Approver", "roles": ["approver"]}
ANSWERS = {
    "status": (connector.Status, answers.status(YOU, 12, [])),
    "activity": (connector.Activity, answers.activity()),
    "ping": (connector.Ping, answers.CHECKS),
    "documents": (documents.DocumentList, {"documents": [answers.document(1)], "count": 1, "next": None}),
    "document": (documents.DocumentShown, answers.full_document()),
    "completeness": (months.Completeness, answers.completeness("2026-09-01", "2026-09-30", 12)),
    "filing periods": (months.FilingPeriods, answers.filing_periods()),
    "reconciliation": (jobs.ReconciliationResult, answers.job("r1", "finished")),
    "backfill": (jobs.BackfillShown, answers.backfill("b1", "finished")),
    "customers": (taxjar.ExemptCustomers, answers.customers()),
    "nexus": (taxjar.NexusRegionList, answers.NEXUS),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_made_up_answer_fits_the_model_of_the_api(name: str) -> None:
    model, answer = ANSWERS[name]
    shown: dict[str, Any] = model.model_validate(answer).model_dump(by_alias=True)
    assert shown

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from local.simulators.dynamics.cases import CASES
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator

TODAY = date(2026, 3, 31)


@pytest.fixture
def posting() -> Posting:
    clock = datetime(2026, 3, 31, 20, tzinfo=UTC)
    return open_retail_company(
        DynamicsSimulator("https://fno.test", lambda _: None, clock=lambda: clock, default_company="usrt")
    )


def test_all_cases_can_be_posted_into_one_company_within_a_month(posting: Posting) -> None:
    posted = [case.post(posting, TODAY) for case in CASES.values()]
    headers = posting.simulator.rows("SalesInvoiceHeadersV2")

    assert len({document.voucher for document in posted}) == len(CASES)
    assert all(TODAY - timedelta(days=31) <= header["InvoiceDate"] <= TODAY for header in headers)  # type: ignore[operator]
    assert len(headers) > len(posted)


@pytest.mark.parametrize("name", CASES)
def test_a_case_posts_its_document_and_says_what_becomes_of_it(posting: Posting, name: str) -> None:
    case = CASES[name]
    document = case.post(posting, TODAY)
    expected = case.expected

    assert case.about
    assert expected.state in {"reported", "skipped", "held"}
    assert bool(expected.reason) == (expected.state != "reported")
    assert [*posting.simulator.store.matching("SalesInvoiceHeadersV2", {"LedgerVoucher": document.voucher})]
    if expected.state == "reported":
        net = document.total_amount - document.total_tax or document.total_tax
        assert (net > 0) == (expected.kind == "order")
    if expected.original:
        assert [*posting.simulator.store.matching("SalesInvoiceHeadersV2", {"InvoiceNumber": expected.original})]


def test_two_companies_of_one_environment_can_hold_the_same_cases() -> None:
    clock = datetime(2026, 3, 31, 20, tzinfo=UTC)
    simulator = DynamicsSimulator("https://fno.test", lambda _: None, clock=lambda: clock, default_company="usrt")
    for company in ("usrt", "usmf"):
        posting = open_retail_company(simulator, company)
        for case in CASES.values():
            case.post(posting, TODAY)
    companies = [row["dataAreaId"] for row in simulator.rows("SalesInvoiceHeadersV2")]
    assert companies.count("usrt") == companies.count("usmf") > len(CASES)

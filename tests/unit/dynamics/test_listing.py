from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.documents import DocumentKey
from shared.dynamics.errors import EntityMissing, Unavailable, UnreadableRow

HEADERS = "SalesInvoiceHeadersV2"
MARCH = date(2026, 3, 1)


def header(number: str = "A", **changes: Any) -> dict[str, Any]:
    return {
        "dataAreaId": "ctus",
        "InvoiceNumber": number,
        "InvoiceDate": "2026-03-17T12:00:00Z",
        "LedgerVoucher": "V",
        "TotalInvoiceAmount": 108.25,
        "TotalTaxAmount": 8.25,
        **changes,
    }


async def test_a_listing_asks_for_keys_and_totals_in_key_order(environment: Any) -> None:
    environment.sets[HEADERS] = [header()]
    pages = [page async for page in environment.reader().list_posted({"ctus": MARCH})]
    (query,) = environment.asked(HEADERS)
    assert query == (
        "cross-company=true"
        "&$select=dataAreaId,InvoiceDate,InvoiceNumber,LedgerVoucher,TotalInvoiceAmount,TotalTaxAmount"
        "&$filter=dataAreaId eq 'ctus' and InvoiceDate ge 2026-03-01T00:00:00Z"
        "&$orderby=dataAreaId,InvoiceDate,InvoiceNumber,LedgerVoucher"
    )
    ((document,),) = pages
    assert document.key == DocumentKey("ctus", date(2026, 3, 17), "A", "V")
    assert (document.total_amount, document.total_tax) == (Decimal("108.25"), Decimal("8.25"))


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        (
            {"ctus": MARCH, "ctca": MARCH},
            "(dataAreaId eq 'ctca' or dataAreaId eq 'ctus') and InvoiceDate ge 2026-03-01T00:00:00Z",
        ),
        (
            {"ctus": MARCH, "ctca": date(2026, 2, 1)},
            "(dataAreaId eq 'ctca' and InvoiceDate ge 2026-02-01T00:00:00Z)"
            " or (dataAreaId eq 'ctus' and InvoiceDate ge 2026-03-01T00:00:00Z)",
        ),
    ],
)
async def test_one_query_lists_all_companies(environment: Any, windows: dict[str, date], expected: str) -> None:
    assert [page async for page in environment.reader().list_posted(windows)] == [[]]
    (query,) = environment.asked(HEADERS)
    assert f"$filter={expected}&" in query


async def test_an_upper_end_is_added_for_backfills_only(environment: Any) -> None:
    windows = {"ctus": MARCH, "ctca": date(2026, 2, 1)}
    async for _ in environment.reader().list_posted(windows, until=date(2026, 3, 31)):
        pass
    (query,) = environment.asked(HEADERS)
    assert "T00:00:00Z)) and InvoiceDate le 2026-03-31T23:59:59Z&" in query
    assert "$filter=((dataAreaId" in query


async def test_no_companies_cost_no_call(environment: Any) -> None:
    assert [page async for page in environment.reader().list_posted({})] == []
    assert environment.requests == []


async def test_companies_are_compared_in_lower_case_and_foreign_ones_dropped(environment: Any) -> None:
    environment.sets[HEADERS] = [header(dataAreaId="CTUS"), header(dataAreaId="dat")]
    ((document,),) = [page async for page in environment.reader().list_posted({"ctus": MARCH})]
    assert document.key.company == "ctus"


BROKEN = pytest.mark.parametrize(
    "broken",
    [
        {"InvoiceNumber": ""},
        {"InvoiceNumber": None},
        {"InvoiceNumber": "INV-\ud800"},
        {"LedgerVoucher": "\udfff"},
        {"InvoiceDate": "1900-01-01T12:00:00Z"},
        {"InvoiceDate": "soon"},
        {"InvoiceDate": None},
        {"TotalInvoiceAmount": None},
        {"TotalTaxAmount": "much"},
    ],
)


@BROKEN
async def test_a_row_without_a_key_or_total_is_named_in_the_log_and_keeps_no_other(
    environment: Any, broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    environment.sets[HEADERS] = [header(), header(**{"InvoiceNumber": "B", **broken})]
    pages = [page async for page in environment.reader().list_posted({"ctus": MARCH})]
    assert [document.key.number for page in pages for document in page] == ["A"]
    assert "left out: " in caplog.text


@BROKEN
async def test_a_row_without_a_key_or_total_is_left_out_where_that_is_asked_for(
    environment: Any, broken: dict[str, Any]
) -> None:
    environment.sets[HEADERS] = [header("A"), header("B", **broken), header("C")]
    left_out: list[UnreadableRow] = []
    listing = environment.reader().list_posted({"ctus": MARCH}, left_out=left_out.append)
    assert [document.key.number for page in [page async for page in listing] for document in page] == ["A", "C"]
    assert len(left_out) == 1
    assert str(left_out[0]).isascii()


async def test_a_missing_header_set_is_named(environment: Any) -> None:
    environment.sets[HEADERS] = httpx.Response(404)
    with pytest.raises(EntityMissing, match=HEADERS):
        [page async for page in environment.reader().list_posted({"ctus": MARCH})]


async def test_a_number_finds_every_document_that_has_it(environment: Any) -> None:
    environment.sets[HEADERS] = [
        header("A", LedgerVoucher="V2", InvoiceDate="2026-04-01T12:00:00Z"),
        header("a"),
        header("AB"),
    ]
    reader = environment.reader()
    found = await reader.find_documents("ctus", "A")
    assert [document.key.voucher for document in found] == ["V", "V2"]
    assert [document.key.voucher for document in await reader.find_documents("ctus", "A", date(2026, 4, 1))] == ["V2"]


async def test_many_numbers_are_found_in_one_call(environment: Any) -> None:
    environment.sets[HEADERS] = [header("A"), header("B")]
    found = await environment.reader().find_many("ctus", ["A", "B", "C", ""])
    assert {number: len(documents) for number, documents in found.items()} == {"A": 1, "B": 1, "C": 0, "": 0}
    assert len(environment.requests) == 1


async def test_a_wildcard_is_never_looked_up(environment: Any) -> None:
    environment.sets[HEADERS] = [header("A")]
    assert await environment.reader().find_documents("ctus", "*") == []
    assert environment.requests == []


async def test_a_probe_is_one_call_for_one_row(environment: Any) -> None:
    await environment.probe().probe()
    (query,) = environment.asked(HEADERS)
    assert "$top=1" in query
    environment.sets[HEADERS] = httpx.Response(500)
    with pytest.raises(Unavailable):
        await environment.probe().probe()

"""Nothing missed, nothing multiplied, nothing guessed while F&O fails to show it (design 4.1, cases R1 to R8)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.row_faults import Limit
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source
from local.simulators.dynamics.values import BLANK_DATE
from local.simulators.faults import Fault
from shared.documents import PostedDocument
from shared.dynamics.errors import Unavailable, UnreadableRow
from shared.dynamics.sources import ForgetfulMemory, ProblemKind, ReadProblem
from tests.unit.dynamics.simulated import COMPANY, TODAY, Retailer, key_of

TEXAS = Decimal("0.0825")
HEADERS, LINES = "SalesInvoiceHeadersV2", "SalesInvoiceV2Lines"
JOURNAL, JOURNAL_LINES = "CustInvoiceJourBiEntities", "CustInvoiceTransBiEntities"
SINCE = date(2026, 3, 1)


@pytest.fixture
def retailer() -> Retailer:
    retailer = Retailer()
    retailer.posting.tax_group("TX-AUS", "TX")
    return retailer


def sale(retailer: Retailer, number: str = "INV-1", days_ago: int = 5, **options: Any) -> PostedInvoice:
    options = {"tax_rate": TEXAS, "charges": [ChargeSpec()], **options}
    return retailer.posting.invoice(InvoiceSpec(number, TODAY - timedelta(days=days_ago), **options))


# R1: sets that were ever readable are required.

NEEDED_BY_EVERY_SALE = (
    *(JOURNAL, JOURNAL_LINES, "MarkupTransBiEntities", "LogisticsPostalAddressBiEntities"),
    *("MarkupTableBiEntities", "Warehouses", "LegalEntities", "AddressCountryRegions", "TaxGroups", "TaxGroupDatas"),
)


@pytest.mark.parametrize("take_away", ["hide", "forbid", "withhold"])
@pytest.mark.parametrize("name", NEEDED_BY_EVERY_SALE)
async def test_a_document_waits_for_a_set_that_was_readable_and_is_right_when_it_is_back(
    retailer: Retailer, name: str, take_away: str
) -> None:
    posted = sale(retailer)
    before = await retailer.document(posted)
    if take_away == "withhold":
        retailer.dynamics.row_faults.withhold(name)
    else:
        getattr(retailer.dynamics, take_away)(name)
    problem = await retailer.problem(posted)
    assert (problem.kind, problem.sets) == (ProblemKind.SOURCE_INCOMPLETE, (name,))
    assert name in problem.sentence
    retailer.dynamics.store.show(name)
    retailer.dynamics.row_faults.clear()
    assert await retailer.document(posted) == before


@pytest.mark.parametrize("take_away", ["hide", "forbid"])
@pytest.mark.parametrize("name", NEEDED_BY_EVERY_SALE)
async def test_a_set_that_was_never_readable_is_done_without_and_named(
    retailer: Retailer, name: str, take_away: str
) -> None:
    getattr(retailer.dynamics, take_away)(name)
    posted = sale(retailer)
    reader = retailer.reader()
    found = await reader.read_documents(COMPANY, [key_of(posted)])
    assert isinstance(found[key_of(posted)], PostedDocument)
    assert list(await reader.sets_done_without()) == [name]


async def test_another_instance_knows_what_this_one_has_seen(retailer: Retailer) -> None:
    posted = sale(retailer)
    old = retailer.reader()
    retailer.dynamics.hide(JOURNAL)
    assert isinstance((await old.read_documents(COMPANY, [key_of(posted)]))[key_of(posted)], PostedDocument)
    retailer.dynamics.store.show(JOURNAL)
    await retailer.document(posted)
    retailer.dynamics.hide(JOURNAL)
    retailer.later(minutes=6)
    assert isinstance((await old.read_documents(COMPANY, [key_of(posted)]))[key_of(posted)], ReadProblem)


async def test_one_header_without_its_journal_row_waits_and_the_others_do_not(retailer: Retailer) -> None:
    posted = [sale(retailer, f"INV-{n}") for n in range(3)]
    retailer.dynamics.row_faults.withhold(JOURNAL, InvoiceId="INV-1")
    first, second, third = await retailer.read(*posted)
    assert isinstance(second, ReadProblem)
    assert second.sets == (JOURNAL,)
    assert isinstance(first, PostedDocument)
    assert isinstance(third, PostedDocument)


async def test_an_exempt_customer_that_is_not_shown_is_waited_for(retailer: Retailer) -> None:
    posted = sale(retailer, customer="C-2000", tax_rate=Decimal(0))
    await retailer.document(posted)
    retailer.dynamics.row_faults.withhold("CustomersV3", CustomerAccount="C-2000")
    problem = await retailer.problem(posted)
    assert (problem.kind, problem.sets) == (ProblemKind.SOURCE_INCOMPLETE, ("CustomersV3",))


@pytest.mark.parametrize("name", ["SalesLineBiEntities", "DocumentCustVendCreditInvoicingJours"])
async def test_a_credit_note_waits_for_its_links_and_a_sale_does_not(retailer: Retailer, name: str) -> None:
    original = sale(retailer)
    by_lot = retailer.posting.credit_note(original, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    by_reference = retailer.posting.credit_note(original, "CRN-2", TODAY, link=Link.CREDIT_INVOICING)
    await retailer.read(by_lot, by_reference)
    retailer.dynamics.hide(name)
    assert (await retailer.problem(by_lot)).sets == (name,)
    await retailer.document(original)


async def test_a_set_that_fails_with_500_is_waited_for(retailer: Retailer) -> None:
    posted = sale(retailer)
    retailer.dynamics.faults.add(Fault(path=f"*/{JOURNAL}", status=500))
    problem = await retailer.problem(posted)
    assert (problem.kind, problem.sets) == (ProblemKind.SOURCE_INCOMPLETE, (JOURNAL,))


async def test_an_environment_that_answers_nothing_is_the_trouble_of_all(retailer: Retailer) -> None:
    posted = sale(retailer)
    retailer.dynamics.faults.add(Fault(status=500))
    with pytest.raises(Unavailable):
        await retailer.read(posted)


# R2: windows are narrowed.


@pytest.mark.parametrize("limit", [Limit(days=7), Limit(days=1), Limit(days=1, status=504), Limit(days=3, rows=2)])
async def test_a_window_that_takes_too_long_is_narrowed_until_all_is_listed_once(
    retailer: Retailer, limit: Limit
) -> None:
    numbers = [sale(retailer, f"INV-{n:02}", days_ago=n // 2).number for n in range(40)]
    retailer.dynamics.row_faults.limits[HEADERS] = limit
    assert sorted(await retailer.listed(SINCE)) == numbers


async def test_what_was_too_long_is_not_asked_again_the_same_way(retailer: Retailer) -> None:
    for n in range(20):
        sale(retailer, f"INV-{n}", days_ago=n)
    retailer.dynamics.row_faults.limits[HEADERS] = Limit(days=4, status=504)
    reader = retailer.reader()
    calls = retailer.dynamics.calls

    async def refused() -> int:
        before = len(calls)
        listed = [document async for page in reader.list_posted({COMPANY: SINCE}) for document in page]
        assert len(listed) == 20
        return sum(call.status == 504 for call in calls[before:])

    assert await refused() > 0
    assert await refused() == 0


async def test_a_day_with_too_many_rows_is_read_in_smaller_pages(retailer: Retailer) -> None:
    numbers = [sale(retailer, f"INV-{n:03}", days_ago=1).number for n in range(50)]
    retailer.dynamics.row_faults.limits[HEADERS] = Limit(rows=3, status=500)
    assert await retailer.listed(SINCE) == numbers


async def test_narrowing_copes_with_numbers_that_f_and_o_takes_for_wildcards(retailer: Retailer) -> None:
    numbers = sorted(sale(retailer, number, days_ago=1).number for number in ("A*", "A*B", "AB", "AC*", "O'Neil", "Z"))
    retailer.dynamics.row_faults.limits[HEADERS] = Limit(rows=1, status=500)
    assert sorted(await retailer.listed(SINCE)) == numbers


# R3: what was read is used.


async def test_what_the_first_page_held_is_used_when_the_second_fails_for_good(retailer: Retailer) -> None:
    for n in range(9):
        sale(retailer, f"INV-{n}", days_ago=9 - n)
    retailer.dynamics.page_size = 4
    retailer.dynamics.faults.add(Fault(path=f"*/{HEADERS}*", skip=1, status=500))
    listed: list[str] = []

    async def list_all() -> None:
        async for page in retailer.reader().list_posted({COMPANY: SINCE}):
            listed.extend(document.key.number for document in page)

    with pytest.raises(Unavailable):
        await list_all()
    assert listed == ["INV-0", "INV-1", "INV-2", "INV-3"]


async def test_a_page_that_fails_once_loses_and_repeats_nothing(retailer: Retailer) -> None:
    numbers = [sale(retailer, f"INV-{n}", days_ago=9 - n).number for n in range(9)]
    retailer.dynamics.page_size = 4
    retailer.dynamics.faults.add(Fault(path=f"*/{HEADERS}", skip=1, status=500, times=1))
    assert sorted(await retailer.listed(SINCE)) == numbers


# R5: what comes twice counts once.


@pytest.mark.parametrize("by_skip", [False, True])
async def test_a_header_listed_twice_counts_once(retailer: Retailer, by_skip: bool) -> None:
    numbers = [sale(retailer, f"INV-{n}", days_ago=9 - n).number for n in range(9)]
    retailer.dynamics.page_size, retailer.dynamics.links_by_skip = 4, by_skip
    retailer.dynamics.row_faults.repeat(HEADERS, InvoiceNumber="INV-3")
    assert await retailer.listed(SINCE) == numbers
    assert await retailer.reader().count_posted({COMPANY: SINCE}) == 9


async def test_headers_of_a_page_that_shifted_by_several_rows_count_once(retailer: Retailer) -> None:
    numbers = [sale(retailer, f"INV-{n}", days_ago=9 - n).number for n in range(9)]
    retailer.dynamics.page_size, retailer.dynamics.links_by_skip = 4, True
    pages = retailer.reader().list_posted({COMPANY: SINCE})
    listed = [document.key.number for document in await anext(pages)]
    sale(retailer, "EARLIER-1", days_ago=12)
    sale(retailer, "EARLIER-2", days_ago=12)
    listed += [document.key.number async for page in pages for document in page]
    assert listed == numbers


@pytest.mark.parametrize("name", [LINES, JOURNAL_LINES, "MarkupTransBiEntities"])
async def test_a_repeated_line_or_charge_is_sent_once(retailer: Retailer, name: str) -> None:
    posted = sale(retailer, lines=[LineSpec(), LineSpec("P-2000")])
    before = await retailer.document(posted)
    retailer.dynamics.row_faults.repeat(name, dataAreaId=COMPANY)
    assert await retailer.document(posted) == before


async def test_a_document_whose_line_came_twice_is_read_again_alone(retailer: Retailer) -> None:
    posted = [sale(retailer, f"INV-{n}", lines=[LineSpec(), LineSpec("P-2000")]) for n in range(2)]
    retailer.dynamics.row_faults.repeat(LINES, InvoiceNumber="INV-1", ProductNumber="P-2000")
    before = len(retailer.dynamics.calls)
    found = await retailer.read(*posted)
    assert [isinstance(read, PostedDocument) and len(read.lines) for read in found] == [2, 2]
    asked = [call.query for call in retailer.dynamics.calls[before:] if call.path.endswith(LINES)]
    assert ["INV-0" in query for query in asked] == [True, False]


async def test_lines_that_differ_under_one_number_are_never_sent(retailer: Retailer) -> None:
    posted = sale(retailer, lines=[LineSpec(), LineSpec("P-2000")])
    [first, second] = retailer.dynamics.rows(LINES)
    retailer.dynamics.row_faults.garble(
        LINES, {"LineCreationSequenceNumber": first["LineCreationSequenceNumber"]}, ProductNumber="P-2000"
    )
    problem = await retailer.problem(posted)
    assert (problem.kind, problem.sets) == (ProblemKind.REPEATED_LINES, (LINES,))
    assert second["ProductNumber"] == "P-2000"


# R6: one row's trouble is its own.


async def listed_and_left_out(retailer: Retailer) -> tuple[list[str], list[UnreadableRow]]:
    left_out: list[UnreadableRow] = []
    pages = retailer.reader().list_posted({COMPANY: SINCE}, left_out=left_out.append)
    return sorted([document.key.number async for page in pages for document in page]), left_out


async def test_a_row_with_a_blank_date_is_named_and_keeps_no_other(retailer: Retailer) -> None:
    for n in range(5):
        sale(retailer, f"INV-{n}", days_ago=n)
    retailer.dynamics.row_faults.garble(HEADERS, {"InvoiceDate": BLANK_DATE}, InvoiceNumber="INV-2")
    listed, left_out = await listed_and_left_out(retailer)
    assert listed == ["INV-0", "INV-1", "INV-3", "INV-4"]
    assert "INV-2" in str(left_out[0])


@pytest.mark.parametrize("bad", [["INV-02"], ["INV-00"], ["INV-19"], ["INV-07", "INV-08"], ["INV-03", "INV-14"]])
async def test_a_row_that_f_and_o_cannot_render_keeps_no_other(retailer: Retailer, bad: list[str]) -> None:
    for n in range(20):
        sale(retailer, f"INV-{n:02}", days_ago=n // 5)
    for number in bad:
        retailer.dynamics.row_faults.refuse(HEADERS, InvoiceNumber=number)
    listed, left_out = await listed_and_left_out(retailer)
    assert listed == [f"INV-{n:02}" for n in range(20) if f"INV-{n:02}" not in bad]
    assert len(left_out) == len(bad)


async def test_a_row_that_breaks_at_its_totals_alone_is_left_out_with_its_key(retailer: Retailer) -> None:
    posted = [sale(retailer, f"INV-{n}", days_ago=1) for n in range(5)]
    retailer.dynamics.row_faults.refuse(HEADERS, only_with="TotalTaxAmount", InvoiceNumber="INV-2")
    listed, left_out = await listed_and_left_out(retailer)
    assert listed == ["INV-0", "INV-1", "INV-3", "INV-4"]
    assert [unreadable.key for unreadable in left_out] == [key_of(posted[2])]


@pytest.mark.parametrize("name", [HEADERS, LINES, JOURNAL, JOURNAL_LINES])
async def test_a_document_with_a_row_that_cannot_be_rendered_keeps_no_other(retailer: Retailer, name: str) -> None:
    posted = [sale(retailer, f"INV-{n:02}") for n in range(20)]
    number = "InvoiceNumber" if name in (HEADERS, LINES) else "InvoiceId"
    retailer.dynamics.row_faults.refuse(name, **{number: "INV-07"})
    found = await retailer.read(*posted)
    unread = [read for read in found if isinstance(read, ReadProblem)]
    assert [(problem.kind, problem.sets) for problem in unread] == [(ProblemKind.UNREADABLE_ROW, (name,))]
    assert isinstance(found[7], ReadProblem)
    alone = await retailer.problem(posted[7])
    assert alone.kind is ProblemKind.UNREADABLE_ROW


async def test_a_warehouse_that_cannot_be_rendered_keeps_only_its_own_documents(retailer: Retailer) -> None:
    here, there = sale(retailer), sale(retailer, "INV-2", warehouse="W-RNO")
    await retailer.document(here)
    retailer.dynamics.row_faults.refuse("Warehouses", WarehouseId="W-RNO")
    first, second = await retailer.read(here, there)
    assert isinstance(first, PostedDocument)
    assert isinstance(second, ReadProblem)
    assert second.sets == ("Warehouses",)


async def test_a_customer_that_cannot_be_rendered_keeps_no_other(retailer: Retailer) -> None:
    retailer.dynamics.row_faults.refuse("CustomersV3", CustomerAccount="C-2001")
    pages = retailer.reader().list_customers([COMPANY])
    accounts = [customer.account async for _, customers in pages for customer in customers]
    assert accounts == ["C-1000", "C-1001", "C-2000", "C-2002", "C-2003", "C-3000"]


async def test_customers_are_listed_on_from_where_a_page_failed(retailer: Retailer) -> None:
    retailer.dynamics.page_size = 2
    retailer.dynamics.faults.add(Fault(path="*/CustomersV3", skip=1, status=500, times=1))
    pages = retailer.reader().list_customers([COMPANY])
    accounts = [customer.account async for _, customers in pages for customer in customers]
    assert accounts == ["C-1000", "C-1001", "C-2000", "C-2001", "C-2002", "C-2003", "C-3000"]


async def test_a_number_that_cannot_be_rendered_keeps_no_other_from_being_found(retailer: Retailer) -> None:
    for n in range(3):
        sale(retailer, f"INV-{n}")
    retailer.dynamics.row_faults.refuse(HEADERS, InvoiceNumber="INV-1")
    found = await retailer.reader().find_many(COMPANY, ["INV-0", "INV-1", "INV-2"])
    assert {number: len(documents) for number, documents in found.items()} == {"INV-0": 1, "INV-1": 0, "INV-2": 1}


async def test_a_search_for_a_corrected_invoice_that_takes_too_long_is_waited_for(retailer: Retailer) -> None:
    lines = [LineSpec("", name="Repair", quantity=-1, price=80)]
    note = sale(retailer, "FTC-1", lines=lines, charges=[], source=Source.FREE_TEXT)
    sale(retailer, "FTI-1", days_ago=300)
    retailer.dynamics.row_faults.limits[HEADERS] = Limit(days=90)
    problem = await retailer.problem(note)
    assert (problem.kind, problem.sets) == (ProblemKind.SOURCE_INCOMPLETE, (HEADERS,))


# R8: odd values.


@pytest.mark.parametrize(
    ("name", "field", "of"),
    [
        (JOURNAL, "OrderAccount", "InvoiceId"),
        (LINES, "ProductDescription", "InvoiceNumber"),
        (HEADERS, "CurrencyCode", "InvoiceNumber"),
        (JOURNAL_LINES, "InventTransId", "InvoiceId"),
    ],
)
async def test_half_a_character_makes_one_document_unreadable(
    retailer: Retailer, name: str, field: str, of: str
) -> None:
    posted = [sale(retailer, f"INV-{n:02}") for n in range(20)]
    retailer.dynamics.row_faults.garble(name, {field: "C-\ud83d"}, **{of: "INV-07"})
    found = await retailer.read(*posted)
    unread = [n for n, read in enumerate(found) if isinstance(read, ReadProblem)]
    assert unread == [7]
    problem = found[7]
    assert isinstance(problem, ReadProblem)
    problem.sentence.encode()


async def test_a_nonsensical_date_in_one_row_of_a_journal_is_one_documents_trouble(retailer: Retailer) -> None:
    posted = [sale(retailer, f"INV-{n}") for n in range(3)]
    retailer.dynamics.row_faults.garble(JOURNAL, {"InvoiceDate": "soon"}, InvoiceId="INV-1")
    assert [isinstance(read, ReadProblem) for read in await retailer.read(*posted)] == [False, True, False]


# Counting.


async def test_documents_are_counted_by_window_day_and_month(retailer: Retailer) -> None:
    for n in range(6):
        sale(retailer, f"INV-{n}", days_ago=n * 7)
    reader = retailer.reader()
    calls = len(retailer.dynamics.calls)
    assert await reader.count_posted({COMPANY: date(2026, 3, 10)}) == 4
    assert len(retailer.dynamics.calls) == calls + 1
    assert await reader.count_posted({COMPANY: date(2026, 3, 10)}, until=date(2026, 3, 20)) == 2
    days = [TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=7)]
    assert await reader.count_by_day(COMPANY, days) == dict(zip(days, [1, 0, 1], strict=True))
    months = [date(2026, 4, 20), date(2026, 3, 31), date(2026, 2, 1)]
    assert await reader.count_by_month(COMPANY, months) == {
        date(2026, 4, 1): 1,
        date(2026, 3, 1): 4,
        date(2026, 2, 1): 1,
    }
    assert [document.key.number for document in await reader.list_day(COMPANY, TODAY)] == ["INV-0"]


async def test_a_count_that_takes_too_long_is_made_of_smaller_ones(retailer: Retailer) -> None:
    for n in range(6):
        sale(retailer, f"INV-{n}", days_ago=n * 7)
    retailer.dynamics.faults.add(Fault(path=f"*/{HEADERS}/$count", status=504, times=6))
    assert await retailer.reader().count_posted({COMPANY: date(2026, 3, 10)}) == 4


async def test_memory_is_asked_once_and_told_once(retailer: Retailer) -> None:
    class Counting(ForgetfulMemory):
        reads, told = 0, 0

        async def readable(self) -> frozenset[str]:
            self.reads += 1
            return await super().readable()

        async def remember(self, set: str) -> None:
            self.told += 1
            await super().remember(set)

    retailer.memory = memory = Counting()
    reader = retailer.reader()
    posted = sale(retailer)
    for _ in range(3):
        await reader.read_documents(COMPANY, [key_of(posted)])
    assert memory.reads == 1
    assert memory.told == len(await memory.readable())

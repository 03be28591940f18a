"""The document fields that decide how a document is filed, from what F&O posts (design 4.3 to 4.5, 4.11)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source
from shared.documents import Address, DocumentType, OriginalRoute
from shared.dynamics.sources import ProblemKind
from tests.unit.dynamics.simulated import COMPANY, TODAY, Retailer, key_of

TEXAS = Decimal("0.0825")
NEW_YORK = AddressSpec("350 5th Ave", "New York", "NY", "10118")
DALLAS = Address("USA", "US", "TX", "75207", "Dallas", "2200 Irving Blvd")
SPARKS = Address("USA", "US", "NV", "89434", "Sparks", "1455 Deming Way")


@pytest.fixture
def retailer() -> Retailer:
    return Retailer()


def sale(retailer: Retailer, number: str = "INV-1", days_ago: int = 5, **options: Any) -> PostedInvoice:
    options = {"tax_rate": TEXAS, **options}
    return retailer.posting.invoice(InvoiceSpec(number, TODAY - timedelta(days=days_ago), **options))


# Lines and charges.


async def test_a_line_has_its_own_tax_group_lot_and_address(retailer: Retailer) -> None:
    retailer.posting.tax_group("NONE")
    retailer.posting.tax_group("TX-AUS", "TX")
    lines = [LineSpec(tax_group="NONE", ship_to=NEW_YORK), LineSpec("P-2000")]
    posted = sale(retailer, lines=lines)
    document = await retailer.document(posted)
    by_product = {line.product: line for line in document.lines}
    exempt, taxed = by_product["P-1000"], by_product["P-2000"]
    assert (exempt.tax_group, exempt.tax_group_exempt) == ("NONE", True)
    assert (taxed.tax_group, taxed.tax_group_exempt) == ("TX-AUS", False)
    assert exempt.delivery_address is not None
    assert exempt.delivery_address.state == "NY"
    assert {line.lot for line in document.lines} == {line.lot for line in posted.lines}
    assert (document.tax_group, document.tax_group_exempt) == ("TX-AUS", False)


async def test_a_document_has_the_exemption_of_its_own_group(retailer: Retailer) -> None:
    retailer.posting.tax_group("NONE")
    retailer.posting.tax_group("TX-AUS", "TX")
    assert (await retailer.document(sale(retailer, tax_group="NONE"))).tax_group_exempt is True


async def test_a_group_that_nobody_can_look_up_is_neither_exempt_nor_taxed(retailer: Retailer) -> None:
    document = await retailer.document(sale(retailer, tax_group="NONE"))
    assert (document.tax_group_exempt, document.lines[0].tax_group_exempt) == (None, None)


async def test_the_mode_of_delivery_of_a_line_is_its_order_lines_where_pick_up_is_told_by_modes(
    retailer: Retailer,
) -> None:
    posted = sale(retailer, lines=[LineSpec(delivery_mode="Pickup"), LineSpec("P-2000")])
    document = await retailer.document(posted, pickup_delivery_modes=["Pickup"])
    assert {line.product: line.delivery_mode for line in document.lines} == {"P-1000": "Pickup", "P-2000": "Ground"}
    assert [line.delivery_mode for line in (await retailer.document(posted)).lines] == ["", ""]
    posted_mode = sale(retailer, "INV-2", values={"CustInvoiceTransBiEntities": {"MCRDlvMode": "Pickup"}})
    assert [line.delivery_mode for line in (await retailer.document(posted_mode)).lines] == ["Pickup"]


async def test_a_charge_knows_its_line(retailer: Retailer) -> None:
    posted = sale(
        retailer, lines=[LineSpec(), LineSpec("P-2000")], charges=[ChargeSpec(), ChargeSpec("HANDLING", line=1)]
    )
    charges = (await retailer.document(posted)).charges or ()
    assert {charge.code: charge.line for charge in charges} == {"FREIGHT": None, "HANDLING": posted.lines[1].sequence}


# The header.


async def test_rounding_and_origin_are_read(retailer: Retailer) -> None:
    document = await retailer.document(sale(retailer, round_off=Decimal("0.03"), sales_origin="AMZ"))
    assert (document.round_off, document.sales_origin) == (Decimal("0.03"), "AMZ")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"intercompany_posted": True}, False),
        ({"intercompany_company": "ussi"}, True),
        ({"is_intercompany": True}, True),
    ],
)
async def test_a_sale_is_intercompany_by_its_buyer_not_by_who_posted_it(
    retailer: Retailer, spec: dict[str, Any], expected: bool
) -> None:
    assert (await retailer.document(sale(retailer, **spec))).is_intercompany is expected


async def test_a_free_text_invoice_has_its_posted_invoice_address(retailer: Retailer) -> None:
    posted = sale(retailer, customer="C-1001", source=Source.FREE_TEXT, lines=[LineSpec("", name="Repair")])
    document = await retailer.document(posted)
    assert document.invoice_address is not None
    assert (document.invoice_address.city, document.invoice_address.state) == ("San Francisco", "CA")


async def test_the_companys_own_addresses_are_its_warehouses_sites_and_its_own(retailer: Retailer) -> None:
    document = await retailer.document(sale(retailer))
    reno = Address("USA", "US", "NV", "10001", "Reno", "12 Dock Rd")
    assert set(document.own_addresses) == {DALLAS, SPARKS, reno}
    assert len(document.own_addresses) == 3


async def test_a_return_is_delivered_to_one_of_them(retailer: Retailer) -> None:
    original = sale(retailer, ship_to=NEW_YORK)
    back = retailer.posting.credit_note(original, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    document = await retailer.document(back)
    assert document.delivery_address in document.own_addresses


# Originals.


async def test_each_returned_line_names_the_invoices_of_its_lot(retailer: Retailer) -> None:
    first, second = sale(retailer, "INV-1", 9), sale(retailer, "INV-2", 8)
    lines = [LineSpec(price=30, returned_lot=of.lines[0].lot) for of in (second, first)]
    back = retailer.posting.credit_note(second, "CRN-1", TODAY, lines=lines, link=Link.RETURNED_LOT)
    document = await retailer.document(back)
    named = {posted.spec.returned_lot: posted.sequence for posted in back.lines}
    originals = {line.sequence: [original.number for original in line.originals] for line in document.lines}
    assert originals == {named[first.lines[0].lot]: ["INV-1"], named[second.lines[0].lot]: ["INV-2"]}
    assert [original.number for original in document.originals] == ["INV-1", "INV-2"]
    [original] = document.lines[0].originals
    assert (original.route, original.quantity, original.returned) == (OriginalRoute.RETURNED_LOT, 1, 0)
    assert original.lot in {line.lot for of in (first, second) for line in of.lines}


async def test_a_document_names_an_invoice_once_however_many_of_its_lots_come_back(retailer: Retailer) -> None:
    original = sale(retailer, lines=[LineSpec(), LineSpec("P-2000")])
    back = retailer.posting.credit_note(original, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    document = await retailer.document(back)
    assert [found.number for found in document.originals] == ["INV-1"]
    assert len({found.lot for line in document.lines for found in line.originals}) == 2


async def test_a_lot_invoiced_in_parts_tells_what_came_back_before(retailer: Retailer) -> None:
    parts = [
        sale(retailer, number, days, order="SO-1", lines=[LineSpec(quantity=quantity, lot="LOT-1")])
        for number, days, quantity in (("INV-1", 9, 3), ("INV-2", 8, 2))
    ]

    def back(number: str, days_ago: int, quantity: int) -> PostedInvoice:
        return retailer.posting.credit_note(
            parts[0],
            number,
            TODAY - timedelta(days=days_ago),
            lines=[LineSpec(quantity=quantity, returned_lot="LOT-1")],
            link=Link.RETURNED_LOT,
        )

    first, second, third = back("CRN-1", 3, 2), back("CRN-2", 2, 2), back("CRN-3", 1, 1)
    told = [
        [(of.number, of.quantity, of.returned) for of in (await retailer.document(note)).lines[0].originals]
        for note in (first, second, third)
    ]
    assert told == [
        [("INV-1", 3, 0), ("INV-2", 2, 0)],
        [("INV-1", 3, 2), ("INV-2", 2, 0)],
        [("INV-1", 3, 3), ("INV-2", 2, 1)],
    ]


async def test_what_comes_back_on_a_sale_names_its_invoice_too(retailer: Retailer) -> None:
    original = sale(retailer)
    lines = [LineSpec(quantity=-1, returned_lot=original.lines[0].lot), LineSpec("P-2000", price=150)]
    exchange = sale(retailer, "EXC-1", 1, lines=lines, return_number="RMA-1")
    document = await retailer.document(exchange)
    assert {line.product: [of.number for of in line.originals] for line in document.lines} == {
        "P-1000": ["INV-1"],
        "P-2000": [],
    }


async def test_a_credit_note_with_a_reference_still_tells_its_lots(retailer: Retailer) -> None:
    original = sale(retailer)
    back = retailer.posting.credit_note(
        original,
        "CRN-1",
        TODAY,
        link=Link.CREDIT_INVOICING,
        adapt=lambda spec: InvoiceSpec(
            spec.number,
            spec.date,
            [LineSpec(quantity=-1, returned_lot=original.lines[0].lot)],
            tax_rate=TEXAS,
        ),
    )
    document = await retailer.document(back)
    assert [(of.number, of.route, of.voucher) for of in document.originals] == [
        ("INV-1", OriginalRoute.CREDIT_INVOICING, original.voucher)
    ]
    assert [of.lot for of in document.lines[0].originals] == [original.lines[0].lot]


def free_text(retailer: Retailer, number: str, days_ago: int, amount: int, **options: Any) -> PostedInvoice:
    lines = [LineSpec("", name="Consulting", quantity=1 if amount > 0 else -1, price=abs(amount))]
    return sale(retailer, number, days_ago, source=Source.FREE_TEXT, lines=lines, **options)


@pytest.mark.parametrize(
    ("cancelled", "spec", "expected"),
    [
        (["FTI-1"], {"corrected_invoice": "FTI-0"}, "FTI-0"),
        (["FTI-1"], {}, "FTI-1"),
        (["FTI-1", "FTI-2"], {}, None),
        ([], {}, None),
    ],
)
async def test_a_corrected_free_text_invoice_is_found_by_its_field_or_as_the_only_opposite(
    retailer: Retailer, cancelled: list[str], spec: dict[str, Any], expected: str | None
) -> None:
    for number in cancelled:
        free_text(retailer, number, 4, 80)
    free_text(retailer, "FTI-9", 4, 70)
    free_text(retailer, "FTI-8", 4, 80, customer="C-1001")
    note = free_text(retailer, "FTC-1", 1, -80, **spec)
    document = await retailer.document(note)
    assert [original.number for original in document.originals] == ([expected] if expected else [])
    assert {original.route for original in document.originals} <= {OriginalRoute.CORRECTED_INVOICE}


async def test_a_cancellation_under_the_same_number_is_the_correction_of_that_document(retailer: Retailer) -> None:
    for number in ("FTI-1", "FTI-2"):
        free_text(retailer, number, 4, 80)
    note = free_text(retailer, "FTI-2", 1, -80)
    [original] = (await retailer.document(note)).originals
    assert (original.number, original.date) == ("FTI-2", TODAY - timedelta(days=4))


async def test_an_ordinary_credit_note_is_no_correction(retailer: Retailer) -> None:
    sale(retailer)
    note = sale(retailer, "CRN-1", 1, lines=[LineSpec().negated()])
    assert (await retailer.document(note)).originals == ()


# Project invoices.


def project(retailer: Retailer, number: str = "PRJ-1", **options: Any) -> PostedInvoice:
    lines = [LineSpec(price=100), LineSpec("", name="Design", quantity=3, price=50, tax=0)]
    return retailer.posting.project_invoice(InvoiceSpec(number, TODAY, lines, tax_rate=TEXAS, **options))


async def test_project_invoices_are_listed_and_read_from_their_own_sets(retailer: Retailer) -> None:
    posted = project(retailer)
    sale(retailer)
    reader = retailer.reader(project_invoices=True)
    listed = [document async for page in reader.list_posted({COMPANY: date(2026, 3, 1)}) for document in page]
    assert [(document.key.number, document.total_tax) for document in listed] == [
        ("INV-1", Decimal("8.25")),
        ("PRJ-1", Decimal("8.25")),
    ]
    document = await retailer.document(posted, project_invoices=True)
    assert document.type is DocumentType.PROJECT
    assert (document.total_amount, document.total_tax) == (Decimal("258.25"), Decimal("8.25"))
    assert [(line.product, line.quantity, line.amount, line.tax) for line in document.lines] == [
        ("P-1000", 1, 100, Decimal("8.25")),
        ("", 3, 150, 0),
    ]
    assert document.order_account == "C-1000"
    assert document.customer is not None
    assert await reader.count_posted({COMPANY: date(2026, 3, 1)}) == 2
    assert [found.key for found in await reader.find_documents(COMPANY, "PRJ-1")] == [key_of(posted)]


async def test_project_invoices_are_nobodys_business_without_the_setting(retailer: Retailer) -> None:
    posted = project(retailer)
    assert await retailer.listed(date(2026, 3, 1)) == []
    assert await retailer.reader().read_documents(COMPANY, [key_of(posted)]) == {}


async def test_a_project_invoice_in_both_journals_is_one_document(retailer: Retailer) -> None:
    posted = sale(retailer, source=Source.PROJECT, ship_to=NEW_YORK)
    assert await retailer.listed(date(2026, 3, 1), project_invoices=True) == ["INV-1"]
    document = await retailer.document(posted, project_invoices=True)
    assert document.type is DocumentType.PROJECT
    assert document.delivery_address is not None


async def test_a_project_credit_note_finds_its_invoice(retailer: Retailer) -> None:
    original = project(retailer)
    lines = [LineSpec(price=100).negated()]
    note = retailer.posting.project_invoice(InvoiceSpec("PRC-1", TODAY, lines, tax_rate=TEXAS))
    retailer.posting.refer(note, original)
    document = await retailer.document(note, project_invoices=True)
    assert [found.number for found in document.originals] == ["PRJ-1"]


async def test_missing_project_sets_keep_nothing_else_and_are_named(
    retailer: Retailer, caplog: pytest.LogCaptureFixture
) -> None:
    posted = project(retailer)
    sale(retailer)
    retailer.dynamics.hide("DocumentProjectInvoiceBases")
    assert await retailer.listed(date(2026, 3, 1), project_invoices=True) == ["INV-1"]
    assert "DocumentProjectInvoiceBases" in caplog.text
    problem = await retailer.problem(posted, project_invoices=True)
    assert (problem.kind, problem.sets) == (ProblemKind.SOURCE_INCOMPLETE, ("DocumentProjectInvoiceBases",))


@pytest.mark.parametrize("take_away", ["hide", "forbid"])
async def test_a_project_invoice_is_never_read_without_one_of_its_line_sets(retailer: Retailer, take_away: str) -> None:
    posted = project(retailer)
    getattr(retailer.dynamics, take_away)("DocumentProjInvoiceItemLines")
    problem = await retailer.problem(posted, project_invoices=True)
    assert problem.sets == ("DocumentProjInvoiceItemLines",)

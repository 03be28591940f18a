"""What posting leaves behind for return orders, lines of their own, intercompany sales and projects (reference, 12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.journal_rows import AFFILIATE
from local.simulators.dynamics.posting import Link, Posting
from local.simulators.dynamics.retail_company import open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source

MARCH_17 = date(2026, 3, 17)
BOSTON = AddressSpec("1 Beacon St", "Boston", "MA", "02108")
NEW_YORK = AddressSpec("350 5th Ave", "New York", "NY", "10118")
TEXAS = Decimal("0.0825")


@pytest.fixture
def posting() -> Posting:
    clock = datetime(2026, 4, 3, tzinfo=UTC)
    simulator = DynamicsSimulator("https://fno.test", lambda _: None, clock=lambda: clock, default_company="usrt")
    return open_retail_company(simulator)


def rows(posting: Posting, set_name: str, **values: Any) -> list[Mapping[str, Any]]:
    return [*posting.simulator.store.matching(set_name, values)]


def cities(posting: Posting, invoice: PostedInvoice) -> tuple[str, list[str], str]:
    """Where the posted header, the posted lines and the order say that it was delivered."""

    def city(row: Mapping[str, Any]) -> str:
        [address] = rows(posting, "LogisticsPostalAddressBiEntities", SourceKey=row["DeliveryPostalAddress"])
        return str(address["City"])

    [journal] = rows(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)
    lines = rows(posting, "CustInvoiceTransBiEntities", ParentRecId=invoice.rec_id)
    [order] = rows(posting, "SalesOrderHeadersV3", SalesOrderNumber=invoice.order)
    return city(journal), [city(line) for line in lines], order["DeliveryAddressCity"]


def test_a_return_order_is_delivered_to_the_warehouse_that_receives_it(posting: Posting) -> None:
    sale = posting.invoice(InvoiceSpec("INV-1", MARCH_17, ship_to=NEW_YORK, tax_rate=TEXAS))
    back = posting.credit_note(sale, "CRN-1", MARCH_17, link=Link.RETURNED_LOT)
    assert cities(posting, sale) == ("New York", ["New York"], "New York")
    assert cities(posting, back) == ("Dallas", ["Dallas"], "Dallas")


def test_a_return_is_received_at_the_site_of_a_warehouse_without_an_address(posting: Posting) -> None:
    sale = posting.invoice(InvoiceSpec("INV-1", MARCH_17, ship_to=NEW_YORK, warehouse="W-RNO"))
    back = posting.credit_note(sale, "CRN-1", MARCH_17, link=Link.RETURNED_LOT)
    assert cities(posting, back) == ("Sparks", ["Sparks"], "Sparks")


def test_a_credit_note_that_is_no_return_order_keeps_the_customers_address(posting: Posting) -> None:
    sale = posting.invoice(InvoiceSpec("INV-1", MARCH_17, ship_to=NEW_YORK))
    back = posting.credit_note(sale, "CRN-1", MARCH_17, link=Link.CREDIT_INVOICING)
    assert cities(posting, back) == ("New York", ["New York"], "New York")


def test_lines_have_addresses_modes_and_tax_groups_of_their_own(posting: Posting) -> None:
    lines = [LineSpec(ship_to=BOSTON, tax_group="MA", delivery_mode="Pickup"), LineSpec("P-2000")]
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, lines, ship_to=NEW_YORK))
    posted = rows(posting, "CustInvoiceTransBiEntities", ParentRecId=invoice.rec_id)
    order = rows(posting, "SalesOrderLines", SalesOrderNumber=invoice.order)
    assert cities(posting, invoice) == ("New York", ["Boston", "New York"], "New York")
    assert [line["TaxGroup"] for line in posted] == ["MA", "TX-AUS"]
    assert [line["DeliveryModeCode"] for line in order] == ["Pickup", "Ground"]
    assert [line["MCRDlvMode"] for line in posted] == ["", ""]


def test_charges_hang_on_the_document_or_on_a_line(posting: Posting) -> None:
    charges = [ChargeSpec(), ChargeSpec("HANDLING", line=1)]
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, [LineSpec(), LineSpec("P-2000")], charges))
    found = rows(posting, "MarkupTransBiEntities", Voucher=invoice.voucher)
    of_lines = rows(posting, "CustInvoiceTransBiEntities", ParentRecId=invoice.rec_id)
    assert [(row["ModuleCategory"], row["TransRecId"]) for row in found] == [
        ("Heading", invoice.rec_id),
        ("Line", of_lines[1]["SourceKey"]),
    ]


@pytest.mark.parametrize(
    ("spec", "posted_by_chain", "buyer"),
    [
        ({}, "No", ""),
        ({"is_intercompany": True}, "Yes", AFFILIATE),
        ({"intercompany_posted": True}, "Yes", ""),
        ({"intercompany_company": "ussi"}, "No", "USSI"),
    ],
)
def test_the_intercompany_chain_and_the_buying_company_are_two_things(
    posting: Posting, spec: dict[str, Any], posted_by_chain: str, buyer: str
) -> None:
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, **spec))
    [journal] = rows(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)
    assert (journal["InterCompanyPosted"], journal["InterCompanyCompanyId"]) == (posted_by_chain, buyer)


def test_a_sales_origin_is_on_header_journal_and_order(posting: Posting) -> None:
    posting.invoice(InvoiceSpec("INV-1", MARCH_17, sales_origin="AMZ"))
    assert rows(posting, "SalesInvoiceHeadersV2")[0]["SalesOrderOriginCode"] == "AMZ"
    assert rows(posting, "CustInvoiceJourBiEntities")[0]["SalesOriginId"] == "AMZ"
    assert rows(posting, "SalesOrderHeadersV3")[0]["SalesOrderOriginCode"] == "AMZ"


def test_an_invoice_proposal_is_in_the_project_sets_alone(posting: Posting) -> None:
    lines = [LineSpec(price=100), LineSpec("", name="Design", quantity=3, price=50)]
    invoice = posting.project_invoice(InvoiceSpec("PRJ-1", MARCH_17, lines, tax_rate=TEXAS))
    [header] = rows(posting, "DocumentProjectInvoiceBases")
    assert (header["ProjInvoiceId"], header["InvoiceAmount"]) == ("PRJ-1", invoice.total_amount)
    [item] = rows(posting, "DocumentProjInvoiceItemLines")
    [fee] = rows(posting, "DocumentProjInvoiceRevenueLines")
    assert (item["ItemId"], item["LineAmount"], item["TaxAmount"]) == ("P-1000", 100, Decimal("8.25"))
    assert (fee["Txt"], fee["Qty"], fee["LedgerVoucher"]) == ("Design", 3, invoice.voucher)
    for elsewhere in ("SalesInvoiceHeadersV2", "CustInvoiceJourBiEntities", "SalesInvoiceV2Lines"):
        assert rows(posting, elsewhere) == []


def test_a_free_text_correction_names_the_invoice_that_it_corrects(posting: Posting) -> None:
    posting.invoice(InvoiceSpec("FTI-2", MARCH_17, source=Source.FREE_TEXT, corrected_invoice="FTI-1"))
    assert rows(posting, "FreeTextInvoiceHeaders")[0]["CorrectedInvoiceId"] == "FTI-1"

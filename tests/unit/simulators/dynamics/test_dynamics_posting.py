from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.simulators.dynamics.posting import Link, Posting
from local.simulators.dynamics.retail_company import ORIGINAL_INVOICE_FIELD, open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import (
    ZERO,
    AddressSpec,
    ChargeSpec,
    InvoiceSpec,
    LineSpec,
    PostedInvoice,
    Source,
)
from local.simulators.dynamics.store import UnfitRow

MARCH_17 = date(2026, 3, 17)
APRIL_2 = date(2026, 4, 2)
TEXAS = Decimal("0.0825")


def open_company() -> Posting:
    clock = datetime(2026, 4, 3, tzinfo=UTC)
    return open_retail_company(
        DynamicsSimulator("https://fno.test", lambda _: None, clock=lambda: clock, default_company="usrt")
    )


@pytest.fixture
def posting() -> Posting:
    return open_company()


def row(posting: Posting, set_name: str, **values: Any) -> Mapping[str, Any]:
    (found,) = posting.simulator.store.matching(set_name, values)
    return found


def all_rows(posting: Posting, set_name: str, **values: Any) -> list[Mapping[str, Any]]:
    return [*posting.simulator.store.matching(set_name, values)]


def sale(posting: Posting, **options: Any) -> PostedInvoice:
    lines = [LineSpec(quantity=4, price=125, discount=20), LineSpec("P-2000", price=60)]
    charges = [ChargeSpec("FREIGHT", 25)]
    return posting.invoice(InvoiceSpec("INV-104417", MARCH_17, lines, charges, tax_rate=TEXAS, **options))


def test_totals_follow_from_lines_charges_and_tax(posting: Posting) -> None:
    invoice = sale(posting)
    header = row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="INV-104417")
    journal = row(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)

    assert header["TotalInvoiceAmount"] == journal["InvoiceAmount"] == Decimal("611.61")
    assert header["TotalTaxAmount"] == journal["SumTax"] == Decimal("46.61")
    assert header["InvoiceHeaderTaxAmount"] == Decimal("2.06")
    assert header["TotalChargeAmount"] == journal["SumMarkup"] == 25
    assert header["TotalDiscountAmount"] == journal["SumLineDisc"] == 20
    assert journal["SalesBalance"] == 540
    assert header["LedgerVoucher"] == journal["LedgerVoucher"] == invoice.voucher
    assert header["SalesOrderNumber"] == journal["SalesId"] == "SO-INV-104417"


def test_standard_and_table_lines_show_the_same_document(posting: Posting) -> None:
    invoice = sale(posting)
    standard = all_rows(posting, "SalesInvoiceV2Lines", LedgerVoucher=invoice.voucher)
    table = all_rows(posting, "CustInvoiceTransBiEntities", ParentRecId=invoice.rec_id)

    assert [line["LineAmount"] for line in standard] == [line["LineAmount"] for line in table] == [480, 60]
    assert [line["LineTotalTaxAmount"] for line in standard] == [Decimal("39.6"), Decimal("4.95")]
    sequences = [line["LineCreationSequenceNumber"] for line in standard]
    assert sequences == [line["LineCreationSequenceNumber"] for line in table]
    assert sequences == [line.sequence for line in invoice.lines]
    assert [line["LineNum"] for line in table] == [1, 2]
    assert standard[0]["ProductName"] == table[0]["Name"] == "Torque driver, 20 Nm"
    assert len(all_rows(posting, "SalesInvoiceV3Lines", LedgerVoucher=invoice.voucher)) == 2


def test_lines_are_numbered_in_order_or_at_random_and_always_the_same_way(posting: Posting) -> None:
    def sequences(number: str) -> list[int]:
        spec = InvoiceSpec(number, MARCH_17, [LineSpec() for _ in range(8)])
        return [line.sequence for line in posting.invoice(spec).lines]

    numbered = [sequences(f"INV-{number}") for number in range(20)]
    in_order = [found for found in numbered if found == list(range(1, 9))]
    at_random = [found for found in numbered if found not in in_order]
    assert 4 <= len(in_order) <= 16
    assert all(len(set(found)) == 8 and max(found) > 8 and found != sorted(found) for found in at_random)
    assert [sequences(f"INV-{number}") for number in range(20)] == numbered


def test_charges_and_taxes_are_found_by_voucher_and_taxes_are_credits(posting: Posting) -> None:
    invoice = sale(posting)
    charge = row(posting, "MarkupTransBiEntities", Voucher=invoice.voucher)
    taxes = all_rows(posting, "TaxTransBiEntities", Voucher=invoice.voucher)

    assert (charge["MarkupCode"], charge["Posted"], charge["TaxAmount"]) == ("FREIGHT", 25, Decimal("2.06"))
    assert charge["TransRecId"] == invoice.rec_id
    assert sum(tax["SourceTaxAmountCur"] for tax in taxes) == Decimal("-46.61")
    assert {tax["TransDate"] for tax in taxes} == {MARCH_17}


def test_the_invoiced_address_stays_when_the_order_moves_on(posting: Posting) -> None:
    boston = AddressSpec("1 Beacon St", "Boston", "MA", "02108")
    invoice = sale(posting, order_ship_to=boston)
    journal = row(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)
    invoiced = row(posting, "LogisticsPostalAddressBiEntities", SourceKey=journal["DeliveryPostalAddress"])
    order = row(posting, "SalesOrderHeadersV3", SalesOrderNumber=invoice.order)

    assert (invoiced["City"], invoiced["State"]) == ("Austin", "TX")
    assert (order["DeliveryAddressCity"], order["DeliveryAddressCountryRegionISOCode"]) == ("Boston", "US")


def test_prices_with_tax_hold_the_tax_inside(posting: Posting) -> None:
    line = LineSpec(price=Decimal("108.25"))
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, [line], prices_include_tax=True, tax_rate=TEXAS))
    journal = row(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)

    assert invoice.total_amount == Decimal("108.25")
    assert invoice.total_tax == Decimal("8.25")
    assert journal["SalesBalance"] == 100
    assert journal["InclTax"] == "Yes"


def test_tax_is_on_what_the_end_discount_leaves(posting: Posting) -> None:
    lines = [LineSpec(price=100), LineSpec(price=60)]
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, lines, end_discount=16, tax_rate=Decimal("0.1")))
    assert [line.tax for line in invoice.lines] == [9, Decimal("5.4")]
    assert invoice.total_amount == Decimal("158.4")


def test_the_charge_of_a_line_stays_with_its_line(posting: Posting) -> None:
    charges = [ChargeSpec(amount=10, tax=1), ChargeSpec(amount=5, tax=2, line=0)]
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17, charges=charges))
    header = row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="INV-1")
    line = row(posting, "SalesInvoiceV2Lines", InvoiceNumber="INV-1")
    charge = row(posting, "MarkupTransBiEntities", Voucher=invoice.voucher, ModuleCategory="Line")

    assert (header["TotalChargeAmount"], header["InvoiceHeaderTaxAmount"]) == (15, 1)
    assert line["LineTotalChargeAmount"] == 5
    assert charge["TransRecId"] == invoice.lines[0].rec_id


def test_a_free_text_invoice_has_no_order_no_items_and_a_worksheet(posting: Posting) -> None:
    invoice = posting.invoice(InvoiceSpec("FTI-1", MARCH_17, source=Source.FREE_TEXT))
    header = row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="FTI-1")
    line = row(posting, "SalesInvoiceV2Lines", LedgerVoucher=invoice.voucher)

    assert header["SalesOrderNumber"] == line["ProductNumber"] == ""
    assert row(posting, "CustInvoiceJourBiEntities", SourceKey=invoice.rec_id)["RefNum"] == "Cust"
    assert row(posting, "FreeTextInvoiceHeaders", FreeTextNumber="FTI-1")["IsPosted"] == "Yes"
    assert row(posting, "FreeTextInvoiceLines", ParentRecId=invoice.rec_id)["TransactionCurrencyAmount"] == 100


def test_a_credit_note_mirrors_what_it_corrects_to_the_cent(posting: Posting) -> None:
    invoice = sale(posting, end_discount=Decimal("16.01"))
    note = posting.credit_note(invoice, "CRN-1", APRIL_2)
    reference = row(posting, "DocumentCustVendCreditInvoicingJours", InvoiceRecId=note.rec_id)
    header = row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="CRN-1")
    lines = all_rows(posting, "SalesInvoiceV2Lines", LedgerVoucher=note.voucher)

    assert header["TotalInvoiceAmount"] == -invoice.total_amount
    assert header["TotalTaxAmount"] == -invoice.total_tax
    assert header["TotalChargeAmount"] == -25
    assert [line["InvoicedQuantity"] for line in lines] == [-4, -1]
    assert reference["CorrectedInvoiceRecId"] == invoice.rec_id
    assert note.voucher != invoice.voucher
    assert note.order != invoice.order


def test_a_returned_lot_leads_back_to_the_sold_line(posting: Posting) -> None:
    invoice = sale(posting)
    note = posting.credit_note(invoice, "CRN-1", APRIL_2, link=Link.RETURNED_LOT)
    order_lines = all_rows(posting, "SalesLineBiEntities", SalesId=note.order)
    lots = [line["InventTransIdReturn"] for line in order_lines]
    journal = row(posting, "CustInvoiceJourBiEntities", SourceKey=note.rec_id)

    assert lots == [line.lot for line in invoice.lines]
    assert all(row(posting, "CustInvoiceTransBiEntities", InventTransId=lot)["Qty"] > 0 for lot in lots)
    assert (journal["SalesType"], journal["ReturnItemNum"]) == ("ReturnItem", "RMA-CRN-1")
    assert len(all_rows(posting, "ReturnOrderLinesV2", RMANumber="RMA-CRN-1")) == 2
    assert not posting.simulator.rows("DocumentCustVendCreditInvoicingJours")


def test_a_header_field_and_no_link_at_all_leave_no_other_trace(posting: Posting) -> None:
    invoice = sale(posting)
    by_field = posting.credit_note(
        invoice, "CRN-1", APRIL_2, link=Link.HEADER_FIELD, original_field=ORIGINAL_INVOICE_FIELD
    )
    unlinked = posting.credit_note(invoice, "CRN-2", APRIL_2, link=Link.NONE)
    order_lines = [
        line for note in (by_field, unlinked) for line in all_rows(posting, "SalesLineBiEntities", SalesId=note.order)
    ]

    assert row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="CRN-1")[ORIGINAL_INVOICE_FIELD] == "INV-104417"
    assert row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="CRN-2")[ORIGINAL_INVOICE_FIELD] == ""
    assert {line["InventTransIdReturn"] for line in order_lines} == {""}
    assert not posting.simulator.rows("DocumentCustVendCreditInvoicingJours")


def test_two_documents_may_share_number_and_date_but_not_the_voucher(posting: Posting) -> None:
    invoice = posting.invoice(InvoiceSpec("INV-1", MARCH_17))
    posting.credit_note(invoice, "INV-1", MARCH_17)
    assert len(all_rows(posting, "CustInvoiceTransBiEntities", InvoiceId="INV-1")) == 2
    with pytest.raises(UnfitRow, match="SalesInvoice"):
        posting.invoice(InvoiceSpec("INV-1", MARCH_17, voucher=invoice.voucher, order="SO-2"))


def test_two_invoices_of_one_order_share_it(posting: Posting) -> None:
    for number in ("INV-1", "INV-2"):
        posting.invoice(InvoiceSpec(number, MARCH_17, order="SO-7"))
    assert row(posting, "SalesOrderHeadersV2", SalesOrderNumber="SO-7")
    assert [line["LineNumber"] for line in all_rows(posting, "SalesOrderLines", SalesOrderNumber="SO-7")] == [1, 2]


def test_any_value_can_be_overridden(posting: Posting) -> None:
    values = {"SalesInvoiceHeadersV2": {"InvoiceNumber": "INV-X", "TotalTaxAmount": 1}}
    posting.invoice(InvoiceSpec("INV-1", MARCH_17, values=values))
    assert row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="INV-X")["TotalTaxAmount"] == 1
    assert row(posting, "CustInvoiceJourBiEntities", InvoiceId="INV-1")["SumTax"] == 0


money = st.decimals(min_value="-500", max_value="500", places=2)
lines = st.builds(LineSpec, quantity=st.integers(-9, 9), price=money, discount=money)
charges = st.builds(ChargeSpec, code=st.sampled_from(["FREIGHT", "HANDLING"]), amount=money)


@settings(max_examples=50, deadline=None)
@given(
    lines=st.lists(lines, min_size=1, max_size=4),
    charges=st.lists(charges, max_size=3),
    end_discount=money,
    rate=st.decimals(min_value="0", max_value="0.12", places=4),
    inclusive=st.booleans(),
)
def test_a_posted_document_always_adds_up(
    lines: list[LineSpec], charges: list[ChargeSpec], end_discount: Decimal, rate: Decimal, inclusive: bool
) -> None:
    posting = open_company()
    invoice = posting.invoice(
        InvoiceSpec(
            "INV-1",
            MARCH_17,
            lines,
            charges,
            end_discount=end_discount,
            tax_rate=rate,
            prices_include_tax=inclusive,
        )
    )
    header = row(posting, "SalesInvoiceHeadersV2", InvoiceNumber="INV-1")
    shown = all_rows(posting, "SalesInvoiceV2Lines", LedgerVoucher=invoice.voucher)
    taxes = all_rows(posting, "TaxTransBiEntities", Voucher=invoice.voucher)
    net = sum((line["LineAmount"] for line in shown), ZERO) + header["TotalChargeAmount"] - end_discount

    assert header["TotalInvoiceAmount"] == net + (0 if inclusive else header["TotalTaxAmount"])
    assert header["TotalTaxAmount"] == -sum((tax["TaxAmount"] for tax in taxes), ZERO)
    assert header["InvoiceHeaderTaxAmount"] == header["TotalTaxAmount"] - sum(
        (line["LineTotalTaxAmount"] for line in shown), ZERO
    )

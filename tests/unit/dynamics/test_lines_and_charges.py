"""Lines when the standard set has none, and charges with F&O's uncertain signs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.documents import DocumentKey, DocumentType, PostedDocument

KEY = DocumentKey("ctus", date(2026, 3, 17), "INV-1", "V-1")


async def read(environment: Any, **company: Any) -> PostedDocument:
    return (await environment.reader(**company).read_documents("ctus", [KEY]))[KEY]


async def test_discounts_are_positive_whatever_their_sign(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceV2Lines"][0]["LineTotalDiscountAmount"] = -10
    assert (await read(order_invoice)).lines[0].discount == Decimal(10)


async def test_lines_missing_from_the_standard_set_come_from_the_journal(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceV2Lines"] = []
    rows = order_invoice.sets["CustInvoiceTransBiEntities"]
    rows[0] |= {"SumLineDisc": -10, "InventDimId": "DIM-1"}
    rows[1] |= {"TaxAmount": None, "LineAmountTax": 2.5}
    order_invoice.sets["InventDimBiEntities"] = [
        {"dataAreaId": "ctus", "inventDimId": "dim-1", "InventSiteId": "S1", "InventLocationId": "W1"}
    ]
    order_invoice.sets["CustInvoiceJourBiEntities"][0]["inventLocationId"] = "W9"
    saw, oil = (await read(order_invoice)).lines
    assert (saw.sequence, saw.product, saw.description) == (4, "SAW", "SAW as invoiced")
    assert (saw.quantity, saw.amount, saw.discount, saw.tax) == (2, 90, 10, Decimal("7.43"))
    assert (saw.warehouse, saw.site, oil.warehouse) == ("W1", "S1", "W9")
    assert oil.tax == Decimal("2.5")
    assert saw.delivery_address is not None


def as_free_text(environment: Any) -> None:
    environment.sets["SalesInvoiceHeadersV2"][0]["SalesOrderNumber"] = ""
    environment.sets["SalesInvoiceV2Lines"] = []
    environment.sets["CustInvoiceTransBiEntities"] = []
    environment.sets["CustInvoiceJourBiEntities"][0] |= {"RefNum": "Cust", "TaxGroup": ""}
    worksheet = {
        "dataAreaId": "ctus",
        "FreeTextNumber": "INV-1",
        "InvoiceDate": "2026-03-17T12:00:00Z",
        "CustomerAccount": "PATIENT",
        "InvoiceAccount": "PAYER",
        "IsPosted": "Yes",
        "InclTax": "Yes",
        "SalesTaxGroupId": "FT-TX",
        "SalesTaxItemGroupId": "SERVICE",
    }
    environment.sets["FreeTextInvoiceHeaders"] = [
        {**worksheet, "InvoiceIdentifier": 1, "IsPosted": "No"},
        {**worksheet, "InvoiceIdentifier": 2, "InvoiceDate": "2025-03-17T12:00:00Z"},
        {**worksheet, "InvoiceIdentifier": 3, "InvoiceAccount": "OTHER"},
        {**worksheet, "InvoiceIdentifier": 4},
    ]
    environment.sets["FreeTextInvoiceLines"] = [
        {
            "dataAreaId": "ctus",
            "ParentRecId": parent,
            "LineNumber": number,
            "InvoiceText": text,
            "Description": "Service",
            "Quantity": 0,
            "TransactionCurrencyAmount": 50,
            "SalesTaxAmount": 4.13,
            "SalesTaxItemGroupId": group,
        }
        for parent, number, text, group in ((4, 2, "", ""), (4, 1, "Repair", "REPAIR"), (3, 1, "Not mine", ""))
    ]


async def test_free_text_lines_come_from_the_posted_worksheet(order_invoice: Any) -> None:
    as_free_text(order_invoice)
    document = await read(order_invoice)
    assert document.type is DocumentType.FREE_TEXT
    assert [(line.sequence, line.description, line.tax_item_group) for line in document.lines] == [
        (1, "Repair", "REPAIR"),
        (2, "Service", "SERVICE"),
    ]
    assert [(line.quantity, line.amount, line.tax) for line in document.lines] == [(0, 50, Decimal("4.13"))] * 2
    assert document.tax_group == "FT-TX"
    assert not document.prices_include_tax


async def test_without_a_journal_the_worksheet_tells_whether_prices_include_tax(order_invoice: Any) -> None:
    as_free_text(order_invoice)
    order_invoice.sets["CustInvoiceJourBiEntities"] = []
    assert (await read(order_invoice)).prices_include_tax


async def test_without_a_journal_the_worksheet_tells_the_ordering_customer(order_invoice: Any) -> None:
    as_free_text(order_invoice)
    order_invoice.sets["CustomersV3"][0]["CustomerAccount"] = "PATIENT"
    assert (await read(order_invoice)).order_account == "BUYER"
    order_invoice.sets["CustInvoiceJourBiEntities"] = []
    document = await read(order_invoice)
    assert (document.order_account, document.invoice_account) == ("PATIENT", "PAYER")
    assert document.customer is not None
    assert document.customer.account == "PATIENT"


async def test_a_free_text_invoice_may_have_no_lines_anywhere(order_invoice: Any) -> None:
    as_free_text(order_invoice)
    order_invoice.sets["FreeTextInvoiceHeaders"] = []
    assert (await read(order_invoice)).lines == ()


async def test_a_free_text_invoice_with_lines_needs_no_worksheet(order_invoice: Any) -> None:
    lines = order_invoice.sets["SalesInvoiceV2Lines"]
    as_free_text(order_invoice)
    order_invoice.sets["SalesInvoiceV2Lines"] = lines
    assert len((await read(order_invoice)).lines) == 2
    assert order_invoice.asked("FreeTextInvoiceHeaders") == []


async def test_a_worksheet_that_another_document_needed_changes_nothing(order_invoice: Any) -> None:
    lines = order_invoice.sets["SalesInvoiceV2Lines"]
    as_free_text(order_invoice)
    order_invoice.sets["SalesInvoiceV2Lines"] = lines
    headers = order_invoice.sets["SalesInvoiceHeadersV2"]
    headers.append({**headers[0], "LedgerVoucher": "V-2", "TotalChargeAmount": 0})
    journals = order_invoice.sets["CustInvoiceJourBiEntities"]
    journals.append({**journals[0], "LedgerVoucher": "V-2", "SourceKey": 2})
    needy = DocumentKey("ctus", KEY.date, "INV-1", "V-2")
    found = await order_invoice.reader().read_documents("ctus", [KEY, needy])
    assert (found[KEY].tax_group, found[needy].tax_group) == ("", "FT-TX")


async def test_charges_that_were_never_posted_count_as_calculated(order_invoice: Any) -> None:
    row = order_invoice.sets["MarkupTransBiEntities"][0]
    row |= {"Posted": None, "CalculatedAmount": 9.5}
    (charge,) = (await read(order_invoice)).charges or ()
    assert charge.amount == Decimal("9.5")
    row |= {"Posted": 0}
    (charge,) = (await read(order_invoice)).charges or ()
    assert charge.amount == 0


ANOTHER_DAY = {"TransDate": "2026-03-18T12:00:00Z"}


@pytest.mark.parametrize("change", [{"Voucher": "V-9"}, {"IsDeleted": "Yes"}, {**ANOTHER_DAY, "IsDeleted": "Yes"}])
async def test_a_charge_belongs_by_voucher_unless_deleted(order_invoice: Any, change: dict[str, str]) -> None:
    order_invoice.sets["MarkupTransBiEntities"][0] |= change
    assert (await read(order_invoice)).charges == ()


async def test_a_charge_may_be_dated_otherwise_than_its_document(order_invoice: Any) -> None:
    order_invoice.sets["MarkupTransBiEntities"][0] |= ANOTHER_DAY
    assert [charge.code for charge in (await read(order_invoice)).charges or ()] == ["FREIGHT"]


async def test_charges_of_the_documents_own_date_come_first(order_invoice: Any) -> None:
    charges = order_invoice.sets["MarkupTransBiEntities"]
    charges.append({**charges[0], **ANOTHER_DAY, "MarkupCode": "HANDLING"})
    assert [charge.code for charge in (await read(order_invoice)).charges or ()] == ["FREIGHT"]


async def test_charges_of_another_day_are_not_taken_where_there_are_none(order_invoice: Any) -> None:
    order_invoice.sets["MarkupTransBiEntities"][0] |= ANOTHER_DAY
    order_invoice.sets["SalesInvoiceHeadersV2"][0]["TotalChargeAmount"] = 0
    assert (await read(order_invoice)).charges == ()


async def test_charges_of_a_voucher_that_two_documents_share_belong_by_date(order_invoice: Any) -> None:
    headers = order_invoice.sets["SalesInvoiceHeadersV2"]
    headers.append({**headers[0], "InvoiceNumber": "INV-2", "InvoiceDate": ANOTHER_DAY["TransDate"]})
    order_invoice.sets["MarkupTransBiEntities"][0] |= ANOTHER_DAY
    journals = order_invoice.sets["CustInvoiceJourBiEntities"]
    journals.append({**journals[0], "InvoiceId": "INV-2", "InvoiceDate": ANOTHER_DAY["TransDate"], "SourceKey": 2})
    other = DocumentKey("ctus", date(2026, 3, 18), "INV-2", "V-1")
    found = await order_invoice.reader().read_documents("ctus", [KEY, other])
    assert found[KEY].charges == ()
    assert [charge.code for charge in found[other].charges or ()] == ["FREIGHT"]


async def test_lines_and_charges_read_the_same_in_whatever_order_they_come(order_invoice: Any) -> None:
    charges = order_invoice.sets["MarkupTransBiEntities"]
    charges[0] |= {"TransRecId": 7, "LineNum": 1}
    charges.append({**charges[0], "LineNum": 2, "MarkupCode": "HANDLING"})
    charges.append({**charges[0], "TransRecId": 8, "LineNum": 1, "MarkupCode": "EXPRESS"})
    before = await read(order_invoice)
    for name in ("SalesInvoiceV2Lines", "CustInvoiceTransBiEntities", "MarkupTransBiEntities"):
        order_invoice.sets[name].reverse()
    assert await read(order_invoice) == before
    order_invoice.sets["SalesInvoiceV2Lines"] = []
    assert [line.sequence for line in (await read(order_invoice)).lines] == [4, 9]


async def test_a_charge_has_its_item_tax_group(order_invoice: Any) -> None:
    order_invoice.sets["MarkupTransBiEntities"][0]["TaxItemGroup"] = "SERVICE"
    (charge,) = (await read(order_invoice)).charges or ()
    assert charge.tax_item_group == "SERVICE"


async def test_a_charge_without_a_code_is_unclassified_whatever_else_is_read(order_invoice: Any) -> None:
    charges = order_invoice.sets["MarkupTransBiEntities"]
    charges[0]["MarkupCode"] = " "
    alone = await read(order_invoice)
    headers = order_invoice.sets["SalesInvoiceHeadersV2"]
    headers.append({**headers[0], "LedgerVoucher": "V-2"})
    charges.append({**charges[0], "Voucher": "V-2", "MarkupCode": "FREIGHT"})
    other = DocumentKey("ctus", KEY.date, "INV-1", "V-2")
    together = (await order_invoice.reader().read_documents("ctus", [KEY, other]))[KEY]
    assert [charge.is_shipping for charge in alone.charges or ()] == [None]
    assert (together.charges, together.notes) == (alone.charges, alone.notes)


async def test_charges_opposite_to_the_headers_total_are_turned_around(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceHeadersV2"][0]["TotalChargeAmount"] = -12.3
    (charge,) = (await read(order_invoice)).charges or ()
    assert (charge.amount, charge.tax) == (Decimal("-12.3"), Decimal("-1.01"))


async def test_charges_that_differ_from_the_total_are_left_as_they_are(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceHeadersV2"][0]["TotalChargeAmount"] = -12
    (charge,) = (await read(order_invoice)).charges or ()
    assert charge.amount == Decimal("12.3")


async def test_a_code_unknown_to_the_charge_table_is_not_shipping_and_noted(order_invoice: Any) -> None:
    order_invoice.sets["MarkupTableBiEntities"] = []
    document = await read(order_invoice)
    (charge,) = document.charges or ()
    assert charge.is_shipping is False
    assert any("FREIGHT" in note for note in document.notes)


async def test_configured_shipping_codes_make_the_charge_table_unnecessary(order_invoice: Any) -> None:
    document = await read(order_invoice, shipping_charge_codes=["FREIGHT"])
    (charge,) = document.charges or ()
    assert charge.is_shipping is None
    assert order_invoice.asked("MarkupTableBiEntities") == []
    assert document.notes == ()

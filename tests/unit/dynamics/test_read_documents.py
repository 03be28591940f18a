"""Documents read back in full, through the transport."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.documents import Address, Charge, DocumentKey, DocumentType, PostedDocument
from shared.dynamics.sources import ReadProblem

KEY = DocumentKey("ctus", date(2026, 3, 17), "INV-1", "V-1")
AUSTIN = Address("USA", "US", "TX", "78704", "Austin", "77 River Rd, Dock 2")
DALLAS = Address("USA", "US", "TX", "75207", "Dallas", "2200 Irving Blvd")
JOURNAL, JOURNAL_LINES = "CustInvoiceJourBiEntities", "CustInvoiceTransBiEntities"
STEADY_SETS = [
    "CustInvoiceJourBiEntities",
    "CustInvoiceTransBiEntities",
    "CustomersV3",
    "LogisticsPostalAddressBiEntities",
    "MarkupTransBiEntities",
    "SalesInvoiceHeadersV2",
    "SalesInvoiceV2Lines",
]


async def read(environment: Any, key: DocumentKey = KEY, **company: Any) -> PostedDocument:
    return (await environment.reader(**company).read_documents("ctus", [key]))[key]


async def problem(environment: Any) -> ReadProblem:
    found = (await environment.reader().read_documents("ctus", [KEY]))[KEY]
    assert isinstance(found, ReadProblem)
    return found


async def test_an_ordinary_invoice_is_read_in_full(order_invoice: Any) -> None:
    document = await read(order_invoice)
    assert document.type is DocumentType.SALES_ORDER
    assert (document.total_amount, document.total_tax) == (Decimal("137.26"), Decimal("10.46"))
    assert (document.currency, document.sales_order, document.delivery_mode) == ("USD", "SO-1", "Truck")
    assert (document.invoice_account, document.order_account, document.tax_group) == ("PAYER", "BUYER", "TX")
    assert document.delivery_address == AUSTIN
    assert document.order_address is None
    assert document.legal_entity_address is not None
    assert document.charges == (Charge("FREIGHT", "Freight out", Decimal("12.3"), Decimal("1.01"), is_shipping=True),)
    assert document.total_charges == Decimal("12.3")
    flags = (document.prices_include_tax, document.is_prepayment, document.is_proforma, document.is_intercompany)
    assert not any(flags)
    assert (document.originals, document.notes) == ((), ())
    assert document.customer is not None
    assert (document.customer.account, document.customer.name) == ("Buyer", "Barton Tools")
    assert document.customer.delivery_address == Address("USA", "US", "TX", "76701", "Waco", "1 Gate")
    assert document.customer.primary_address is None


async def test_lines_have_amounts_tax_group_and_addresses(order_invoice: Any) -> None:
    saw, oil = (await read(order_invoice)).lines
    assert (saw.sequence, saw.product, saw.description) == (4, "SAW", "Hand saw, 40 cm")
    assert (saw.quantity, saw.amount, saw.discount) == (Decimal(2), Decimal(90), Decimal(10))
    assert (saw.tax, saw.tax_item_group, saw.category) == (Decimal("7.43"), "FULL", "Tools")
    assert (saw.delivery_address, saw.warehouse_address, saw.site_address) == (AUSTIN, DALLAS, None)
    assert (saw.warehouse, saw.site) == ("W1", "S1")
    assert (oil.description, oil.warehouse_address) == ("Oil", None)


async def test_what_fo_does_not_have_is_absent(order_invoice: Any) -> None:
    other = DocumentKey("ctus", KEY.date, "INV-1", "V-2")
    found = await order_invoice.reader().read_documents("ctus", [KEY, other])
    assert list(found) == [KEY]
    assert await order_invoice.reader().read_documents("ctus", [other]) == {}
    assert await order_invoice.reader().read_documents("ctus", []) == {}


async def test_a_batch_holds_twenty_documents(order_invoice: Any) -> None:
    keys = [DocumentKey("ctus", KEY.date, f"N{n}", "V") for n in range(21)]
    with pytest.raises(ValueError, match="20"):
        await order_invoice.reader().read_documents("ctus", keys)


async def test_the_posted_rows_are_asked_for_by_company_numbers_and_span_of_dates(order_invoice: Any) -> None:
    later = DocumentKey("ctus", date(2026, 3, 19), "INV-2", "V-2")
    await order_invoice.reader().read_documents("ctus", [KEY, later])
    (query,) = order_invoice.asked("SalesInvoiceV2Lines")
    assert query.endswith(
        "$filter=dataAreaId eq 'ctus' and (InvoiceNumber eq 'INV-1' or InvoiceNumber eq 'INV-2')"
        " and InvoiceDate ge 2026-03-17T00:00:00Z and InvoiceDate le 2026-03-19T23:59:59Z"
        "&$orderby=dataAreaId,InvoiceDate,InvoiceNumber,LedgerVoucher,LineCreationSequenceNumber"
    )
    (query,) = order_invoice.asked("MarkupTransBiEntities")
    assert query.endswith(
        "$filter=dataAreaId eq 'ctus' and (Voucher eq 'V-1' or Voucher eq 'V-2')"
        "&$orderby=dataAreaId,TransRecId,TransTableId,LineNum"
    )


def multiply(environment: Any, count: int) -> list[DocumentKey]:
    """Make ``count`` invoices with customers and addresses of their own out of the one."""
    one = dict(environment.sets)
    for name in STEADY_SETS:
        environment.sets[name] = []
    for n in range(count):
        for row in one["SalesInvoiceHeadersV2"] + one["SalesInvoiceV2Lines"]:
            changed = {**row, "InvoiceNumber": f"INV-{n}", "LedgerVoucher": f"V-{n}"}
            name = "SalesInvoiceV2Lines" if "LineAmount" in row else "SalesInvoiceHeadersV2"
            environment.sets[name].append(changed)
        common = {"InvoiceId": f"INV-{n}", "DeliveryPostalAddress": 100 + n}
        journal = {**common, "SourceKey": n + 1, "LedgerVoucher": f"V-{n}", "OrderAccount": f"C-{n}"}
        environment.sets[JOURNAL].append({**one[JOURNAL][0], **journal})
        environment.sets[JOURNAL_LINES] += [{**row, **common, "ParentRecId": n + 1} for row in one[JOURNAL_LINES]]
        environment.sets["MarkupTransBiEntities"].append({**one["MarkupTransBiEntities"][0], "Voucher": f"V-{n}"})
        addresses = one["LogisticsPostalAddressBiEntities"]
        environment.sets["LogisticsPostalAddressBiEntities"].append({**addresses[0], "SourceKey": 100 + n})
        environment.sets["CustomersV3"].append({**one["CustomersV3"][0], "CustomerAccount": f"C-{n}"})
    return [DocumentKey("ctus", KEY.date, f"INV-{n}", f"V-{n}") for n in range(count)]


@pytest.mark.parametrize("count", [2, 20])
async def test_the_number_of_calls_does_not_grow_with_the_documents(order_invoice: Any, count: int) -> None:
    keys = multiply(order_invoice, count)
    reader = order_invoice.reader()
    await reader.read_documents("ctus", keys)
    order_invoice.requests.clear()
    found = await reader.read_documents("ctus", keys)
    assert sorted(request.url.path.removeprefix("/data/") for request in order_invoice.requests) == STEADY_SETS
    assert {key.number: document.order_account for key, document in found.items()} == {
        f"INV-{n}": f"C-{n}" for n in range(count)
    }
    assert all(len(document.lines) == 2 and document.charges for document in found.values())


async def test_twenty_credit_notes_cost_about_half_a_call_each(order_invoice: Any) -> None:
    keys = multiply(order_invoice, 20)
    for row in order_invoice.sets["SalesInvoiceHeadersV2"]:
        row |= {"TotalInvoiceAmount": -137.26, "TotalTaxAmount": -10.46}
    order_invoice.sets["SalesLineBiEntities"] = [
        {"dataAreaId": "ctus", "SalesId": "SO-1", "InventTransId": "LOT-SAW", "InventTransIdReturn": "LOT-OLD"}
    ]
    reader = order_invoice.reader()
    await reader.read_documents("ctus", keys)
    order_invoice.requests.clear()
    await reader.read_documents("ctus", keys)
    # Seven sets, the references, the return orders, the other returns of their lots, and the lots.
    assert len(order_invoice.requests) == 11


async def test_delivery_addresses_of_customers_cost_one_call_where_exemptions_need_them_and_none_elsewhere(
    order_invoice: Any,
) -> None:
    keys = multiply(order_invoice, 20)
    order_invoice.sets["CustomerPostalAddresses"] = [
        {
            "dataAreaId": "ctus",
            "CustomerAccountNumber": "c-0",
            "IsRoleDelivery": "Yes",
            "AddressState": "NV",
            "AddressCountryRegionId": "USA",
        }
    ]
    without = await order_invoice.reader().read_documents("ctus", keys)
    assert order_invoice.asked("CustomerPostalAddresses") == []
    reader = order_invoice.reader(exempt_regions_from_addresses=True)
    with_addresses = await reader.read_documents("ctus", keys)
    assert len(order_invoice.asked("CustomerPostalAddresses")) == 1
    customers = [documents[keys[0]].customer for documents in (without, with_addresses)]
    assert [customer and customer.delivery_addresses for customer in customers] == [(), (Address("USA", "US", "NV"),)]


async def test_delivery_addresses_that_may_not_be_read_are_unknown_and_noted(order_invoice: Any) -> None:
    order_invoice.sets["CustomerPostalAddresses"] = httpx.Response(403)
    [document] = (await order_invoice.reader(exempt_regions_from_addresses=True).read_documents("ctus", [KEY])).values()
    assert document.customer.delivery_addresses is None
    assert any(note.startswith("Read without CustomerPostalAddresses") for note in document.notes)


async def test_a_url_of_twenty_ordinary_keys_stays_below_two_kilobytes(order_invoice: Any) -> None:
    await order_invoice.reader().read_documents("ctus", multiply(order_invoice, 20))
    assert max(len(str(request.url)) for request in order_invoice.requests) < 2048


# Two documents of one number and date: a credit note may reuse its invoice's number.


async def test_documents_of_one_number_and_date_keep_their_own_rows(order_invoice: Any) -> None:
    sets = order_invoice.sets
    for name, changes in {
        "SalesInvoiceHeadersV2": {"LedgerVoucher": "V-2", "TotalInvoiceAmount": -5, "TotalTaxAmount": 0},
        JOURNAL: {"SourceKey": 77, "LedgerVoucher": "V-2", "OrderAccount": "OTHER"},
    }.items():
        sets[name].append({**sets[name][0], **changes})
    sets["CustomersV3"].append({**sets["CustomersV3"][0], "CustomerAccount": "OTHER"})
    lines = sets["SalesInvoiceV2Lines"]
    lines.append({**lines[0], "LedgerVoucher": "V-2", "LineCreationSequenceNumber": 9, "LineAmount": -5})
    sets[JOURNAL_LINES].append({**sets[JOURNAL_LINES][1], "ParentRecId": 77, "TaxItemGroup": "REDUCED"})
    charges = sets["MarkupTransBiEntities"]
    charges.append({**charges[0], "Voucher": "V-2", "Posted": -12.3})
    credit = DocumentKey("ctus", KEY.date, "INV-1", "V-2")
    found = await order_invoice.reader().read_documents("ctus", [KEY, credit])
    assert [line.tax_item_group for line in found[KEY].lines] == ["FULL", "FULL"]
    assert [(line.amount, line.tax_item_group) for line in found[credit].lines] == [(Decimal(-5), "REDUCED")]
    assert found[credit].order_account == "OTHER"
    assert [charge.amount for charge in found[KEY].charges or ()] == [Decimal("12.3")]


async def test_journal_lines_without_parent_are_taken_when_there_is_no_doubt(order_invoice: Any) -> None:
    for row in order_invoice.sets[JOURNAL_LINES]:
        row["ParentRecId"] = 0
    assert [line.tax_item_group for line in (await read(order_invoice)).lines] == ["FULL", "FULL"]
    order_invoice.sets[JOURNAL].append({**order_invoice.sets[JOURNAL][0], "SourceKey": 77, "LedgerVoucher": "V-2"})
    assert (await problem(order_invoice)).sets == (JOURNAL_LINES,)


async def test_journal_lines_of_another_parent_are_never_taken(order_invoice: Any) -> None:
    for row in order_invoice.sets[JOURNAL_LINES]:
        row["ParentRecId"] = 88
    assert (await problem(order_invoice)).sets == (JOURNAL_LINES,)


async def test_rows_of_other_companies_never_join(order_invoice: Any) -> None:
    for name in ("SalesInvoiceV2Lines", "MarkupTransBiEntities", "CustomersV3", "Warehouses"):
        row = order_invoice.sets[name][0]
        order_invoice.sets[name].append({**row, "dataAreaId": "ctca", "LineCreationSequenceNumber": 5})
    document = await read(order_invoice)
    assert (len(document.lines), len(document.charges or ())) == (2, 1)


# Kinds of documents.


@pytest.mark.parametrize(
    ("reference", "order", "expected"),
    [
        ("SalesOrder", "SO-1", DocumentType.SALES_ORDER),
        ("SalesOrder", "", DocumentType.SALES_ORDER),
        ("Project", "", DocumentType.PROJECT),
        ("Interest", "", DocumentType.INTEREST_NOTE),
        ("Cust", "", DocumentType.FREE_TEXT),
        ("Cust", "SO-1", DocumentType.SALES_ORDER),
        ("ComplementaryInvoice", "", DocumentType.FREE_TEXT),
        (None, "", DocumentType.FREE_TEXT),
        (None, "SO-1", DocumentType.SALES_ORDER),
    ],
)
async def test_the_journal_tells_the_type_and_else_the_sales_order(
    order_invoice: Any, reference: str | None, order: str, expected: DocumentType
) -> None:
    order_invoice.sets[JOURNAL][0]["RefNum"] = reference
    order_invoice.sets["SalesInvoiceHeadersV2"][0]["SalesOrderNumber"] = order
    assert (await read(order_invoice)).type is expected


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"Prepayment": "Yes"}, "is_prepayment"),
        ({"SalesType": "Prepayment"}, "is_prepayment"),
        ({"Proforma": "Yes"}, "is_proforma"),
        ({"InterCompanyCompanyId": "USSI"}, "is_intercompany"),
        ({"InclTax": "Yes"}, "prices_include_tax"),
    ],
)
async def test_the_journal_marks_what_is_out_of_the_ordinary(
    order_invoice: Any, changes: dict[str, str], flag: str
) -> None:
    order_invoice.sets[JOURNAL][0] |= changes
    document = await read(order_invoice)
    flags = {"is_prepayment", "is_proforma", "is_intercompany", "prices_include_tax"}
    assert {name for name in flags if getattr(document, name)} == {flag}


@pytest.mark.parametrize("sign", [1, -1])
async def test_the_end_discount_is_positive_and_the_journals_wins(order_invoice: Any, sign: int) -> None:
    order_invoice.sets[JOURNAL][0]["EndDisc"] = sign * 7.5
    assert (await read(order_invoice)).end_discount == Decimal("7.5")
    order_invoice.sets[JOURNAL] = []
    order_invoice.sets["SalesInvoiceHeadersV2"][0]["TotalDiscountCustomerGroupCode"] = sign * 3
    assert (await read(order_invoice)).end_discount == Decimal(3)

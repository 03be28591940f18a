"""What stands in for sets that cannot be read, and for what the posted rows leave open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.documents import Address, DocumentKey, PostedDocument
from shared.dynamics.errors import EntityMissing, Throttled
from shared.dynamics.sources import ProblemKind, ReadProblem

KEY = DocumentKey("ctus", date(2026, 3, 17), "INV-1", "V-1")
JOURNAL, JOURNAL_LINES = "CustInvoiceJourBiEntities", "CustInvoiceTransBiEntities"


async def read(environment: Any, key: DocumentKey = KEY, **company: Any) -> PostedDocument:
    return (await environment.reader(**company).read_documents("ctus", [key]))[key]


async def problem(environment: Any) -> ReadProblem:
    found = (await environment.reader().read_documents("ctus", [KEY]))[KEY]
    assert isinstance(found, ReadProblem)
    return found


def with_order(environment: Any) -> None:
    address = {
        "DeliveryAddressStreet": "5 Lake",
        "DeliveryAddressCity": "Plano",
        "DeliveryAddressStateId": "TX",
        "DeliveryAddressZipCode": "75023",
        "DeliveryAddressCountryRegionId": "USA",
    }
    environment.sets["SalesOrderHeadersV3"] = [
        {
            "dataAreaId": "ctus",
            "SalesOrderNumber": "SO-1",
            "OrderingCustomerAccountNumber": "BUYER",
            "SalesTaxGroupCode": "ORDER-TX",
            "ArePricesIncludingSalesTax": "Yes",
            **address,
        }
    ]
    environment.sets["SalesOrderLines"] = [
        {
            "dataAreaId": "ctus",
            "InventoryLotId": f"LOT-{item}",
            "SalesOrderNumber": "SO-1",
            "ItemNumber": item,
            "SalesTaxItemGroupCode": f"ORDER-{item}",
            **address,
        }
        for item in ("SAW", "OIL")
    ]


async def test_without_the_journal_the_order_tells_the_rest(order_invoice: Any) -> None:
    with_order(order_invoice)
    order_invoice.sets[JOURNAL] = httpx.Response(404)
    order_invoice.sets[JOURNAL_LINES] = httpx.Response(403)
    document = await read(order_invoice)
    plano = Address("USA", "US", "TX", "75023", "Plano", "5 Lake")
    assert (document.order_account, document.tax_group, document.prices_include_tax) == ("BUYER", "ORDER-TX", True)
    assert document.customer is not None
    assert (document.delivery_address, document.order_address) == (None, plano)
    assert [line.order_address for line in document.lines] == [plano, plano]
    assert [line.tax_item_group for line in document.lines] == ["ORDER-SAW", "ORDER-OIL"]
    assert [note.split(":")[0] for note in document.notes] == [
        f"Read without {JOURNAL}",
        f"Read without {JOURNAL_LINES}",
    ]


async def test_without_journal_and_order_the_invoice_account_is_the_customer(order_invoice: Any) -> None:
    order_invoice.sets[JOURNAL] = []
    order_invoice.sets["CustomersV3"][0]["CustomerAccount"] = "PAYER"
    document = await read(order_invoice)
    assert document.order_account == ""
    assert document.customer is not None
    assert document.customer.account == "PAYER"
    assert any("no row for this document" in note for note in document.notes)


@pytest.mark.parametrize("change", [{"DeliveryPostalAddress": 0}, {"DeliveryPostalAddress": 404}])
async def test_an_order_is_read_when_the_invoice_has_no_delivery_address(
    order_invoice: Any, change: dict[str, int]
) -> None:
    with_order(order_invoice)
    for row in order_invoice.sets[JOURNAL] + order_invoice.sets[JOURNAL_LINES]:
        row |= change
    document = await read(order_invoice)
    assert document.delivery_address is None
    assert document.order_address is not None
    assert document.order_address.city == "Plano"
    assert [line.order_address and line.order_address.city for line in document.lines] == ["Plano", "Plano"]
    assert [line.tax_item_group for line in document.lines] == ["FULL", "FULL"]
    assert document.tax_group == "TX"


@pytest.mark.parametrize(
    "change", [{"ZipCode": "7870"}, {"State": "ZZ"}, {"CountryRegionId": "XYZ"}, {"CountryRegionId": ""}]
)
async def test_an_order_is_read_when_the_invoiced_address_cannot_be_reported(
    order_invoice: Any, change: dict[str, str]
) -> None:
    with_order(order_invoice)
    order_invoice.sets["LogisticsPostalAddressBiEntities"][0] |= change
    document = await read(order_invoice)
    assert document.order_address is not None
    assert document.order_address.city == "Plano"


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"State": ""}, {}),
        ({"State": "texas"}, {}),
        ({"State": "Tejas"}, {"state_codes": {"Tejas": "TX"}}),
        ({"CountryRegionId": "XYZ"}, {"country_codes": {"XYZ": "US"}}),
        ({"CountryRegionId": "DEU", "State": "", "ZipCode": ""}, {}),
    ],
)
async def test_no_order_is_read_when_the_invoiced_address_can_be_reported(
    order_invoice: Any, change: dict[str, str], settings: dict[str, Any]
) -> None:
    with_order(order_invoice)
    order_invoice.sets["LogisticsPostalAddressBiEntities"][0] |= change
    assert (await read(order_invoice, **settings)).order_address is None
    assert order_invoice.asked("SalesOrderHeadersV3") == []


async def test_an_order_is_read_when_only_some_lines_have_an_address(order_invoice: Any) -> None:
    with_order(order_invoice)
    order_invoice.sets[JOURNAL][0]["DeliveryPostalAddress"] = 0
    assert (await read(order_invoice)).order_address is None
    order_invoice.sets[JOURNAL_LINES][1]["DeliveryPostalAddress"] = 0
    assert (await read(order_invoice)).order_address is not None


async def test_an_order_that_another_document_needed_changes_nothing(order_invoice: Any) -> None:
    with_order(order_invoice)
    alone = await read(order_invoice)
    needy = {"InvoiceNumber": "INV-9", "LedgerVoucher": "V-9"}
    order_invoice.sets["SalesInvoiceHeadersV2"].append({**order_invoice.sets["SalesInvoiceHeadersV2"][0], **needy})
    journal = {"InvoiceId": "INV-9", "LedgerVoucher": "V-9", "SourceKey": 9, "DeliveryPostalAddress": 0}
    order_invoice.sets[JOURNAL].append({**order_invoice.sets[JOURNAL][0], **journal})
    charges = order_invoice.sets["MarkupTransBiEntities"]
    charges.append({**charges[0], "Voucher": "V-9"})
    keys = [KEY, DocumentKey("ctus", KEY.date, "INV-9", "V-9")]
    together = await order_invoice.reader().read_documents("ctus", keys)
    assert together[keys[1]].order_address is not None
    assert together[KEY] == alone


async def test_the_lot_finds_the_order_line_where_items_repeat(order_invoice: Any) -> None:
    with_order(order_invoice)
    lines = order_invoice.sets["SalesOrderLines"]
    lines.insert(0, {**lines[0], "InventoryLotId": "LOT-X", "DeliveryAddressCity": "Waco"})
    for row in order_invoice.sets[JOURNAL] + order_invoice.sets[JOURNAL_LINES]:
        row["DeliveryPostalAddress"] = 0
    document = await read(order_invoice)
    assert [line.order_address and line.order_address.city for line in document.lines] == ["Plano", "Plano"]


async def test_an_item_on_order_lines_that_differ_is_not_guessed(order_invoice: Any) -> None:
    with_order(order_invoice)
    order_invoice.sets[JOURNAL] = []
    lines = order_invoice.sets["SalesOrderLines"]
    lines.append({**lines[0], "InventoryLotId": "LOT-X", "DeliveryAddressCity": "Waco"})
    lines.append({**lines[1], "InventoryLotId": "LOT-Y"})
    document = await read(order_invoice)
    assert [line.order_address and line.order_address.city for line in document.lines] == [None, "Plano"]


async def test_unreadable_charge_rows_leave_only_the_total(order_invoice: Any) -> None:
    order_invoice.sets["MarkupTransBiEntities"] = httpx.Response(404)
    document = await read(order_invoice)
    assert document.charges is None
    assert document.total_charges == Decimal("12.3")
    assert any("MarkupTransBiEntities" in note for note in document.notes)


async def test_headers_must_be_readable(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceHeadersV2"] = httpx.Response(404)
    with pytest.raises(EntityMissing, match="SalesInvoiceHeadersV2"):
        await read(order_invoice)


@pytest.mark.parametrize("set", ["SalesInvoiceV2Lines", "CustomersV3"])
async def test_documents_wait_for_lines_and_customers_that_cannot_be_read(order_invoice: Any, set: str) -> None:
    order_invoice.sets[set] = httpx.Response(404)
    found = await problem(order_invoice)
    assert (found.kind, found.sets) == (ProblemKind.SOURCE_INCOMPLETE, (set,))


@pytest.mark.parametrize("set", [JOURNAL, "CustomersV3", "Warehouses", "LogisticsPostalAddressBiEntities"])
async def test_throttling_is_never_taken_for_missing_data(order_invoice: Any, set: str) -> None:
    order_invoice.sets[set] = httpx.Response(429, headers={"Retry-After": "9"})
    with pytest.raises(Throttled) as caught:
        await read(order_invoice)
    assert caught.value.retry_after == 9


async def test_a_customer_that_f_and_o_does_not_show_is_noted(order_invoice: Any) -> None:
    assert not any("CustomersV3" in note for note in (await read(order_invoice)).notes)
    order_invoice.sets["CustomersV3"] = []
    document = await read(order_invoice)
    assert document.customer is None
    assert any("CustomersV3 shows no customer BUYER" in note for note in document.notes)


async def test_nonsense_in_a_row_makes_its_document_unreadable(order_invoice: Any) -> None:
    order_invoice.sets["SalesInvoiceV2Lines"][0]["LineAmount"] = "ninety"
    found = await problem(order_invoice)
    assert found.kind is ProblemKind.UNREADABLE_ROW
    assert "LineAmount" in found.sentence


# Item tax groups from the product, only where something uses them.


@pytest.mark.parametrize(("groups", "expected"), [({}, ""), ({"FULL": "20010"}, "PRODUCT-FULL")])
async def test_the_products_tax_group_is_the_last_resort(
    order_invoice: Any, groups: dict[str, str], expected: str
) -> None:
    order_invoice.sets[JOURNAL] = []
    order_invoice.sets["ReleasedProductsV2"] = [
        {"dataAreaId": "ctus", "ItemNumber": "saw", "SalesSalesTaxItemGroupCode": "PRODUCT-FULL"}
    ]
    document = await read(order_invoice, product_tax_codes={"tax_item_groups": groups})
    assert document.lines[0].tax_item_group == expected


async def test_a_blank_tax_group_on_the_invoice_stays_blank(order_invoice: Any) -> None:
    with_order(order_invoice)
    order_invoice.sets[JOURNAL_LINES][0] |= {"TaxItemGroup": "", "DeliveryPostalAddress": 0}
    order_invoice.sets[JOURNAL][0]["DeliveryPostalAddress"] = 0
    assert (await read(order_invoice)).lines[0].tax_item_group == ""


async def test_renamed_sets_and_fields_are_read_like_the_standard_ones(order_invoice: Any) -> None:
    rows = order_invoice.sets.pop(JOURNAL)
    order_invoice.sets["MyJournals"] = [{**rows[0], "MyAccount": rows[0].pop("OrderAccount")}]
    reader = order_invoice.reader(profile={JOURNAL: {"set": "MyJournals", "fields": {"OrderAccount": "MyAccount"}}})
    assert (await reader.read_documents("ctus", [KEY]))[KEY].order_account == "BUYER"

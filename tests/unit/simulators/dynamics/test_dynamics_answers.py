from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from local.simulators.dynamics.simulator import DynamicsSimulator

URL = "https://retail.operations.dynamics.test"
HEADERS = "SalesInvoiceHeadersV2"
ALL = "cross-company=true"


async def test_enums_are_names_and_compare_with_qualified_literals_only(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    for code, shipping in (("FREIGHT", True), ("FEE", False)):
        dynamics.add(
            "MarkupTableBiEntities",
            {"dataAreaId": "dat", "ModuleType": "Cust", "MarkupCode": code, "IsShipping": shipping},
        )
    base = "/data/MarkupTableBiEntities?$select=MarkupCode,IsShipping&$filter="
    found = await client.get(base + "IsShipping eq Microsoft.Dynamics.DataEntities.NoYes'Yes'")
    not_found = await client.get(base + "IsShipping ne Microsoft.Dynamics.DataEntities.NoYes'Yes'")
    refused = [
        await client.get(base + condition)
        for condition in (
            "IsShipping eq 'Yes'",
            "IsShipping eq NoYes'Yes'",
            "IsShipping eq true",
            "IsShipping eq Microsoft.Dynamics.DataEntities.NoYes'Maybe'",
            "IsShipping eq Microsoft.Dynamics.DataEntities.RefNum'Cust'",
            "IsShipping gt Microsoft.Dynamics.DataEntities.NoYes'No'",
        )
    ]

    assert [row["MarkupCode"] for row in found.json()["value"]] == ["FREIGHT"]
    assert [row["MarkupCode"] for row in not_found.json()["value"]] == ["FEE"]
    assert found.json()["value"][0]["IsShipping"] == "Yes"
    assert [answer.status_code for answer in refused] == [400] * 6


async def test_rows_are_shown_with_f_and_o_s_blanks_and_bare_numbers(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.add("CustInvoiceJourBiEntities", {"dataAreaId": "dat", "SourceKey": 5637871204})
    dynamics.add(
        "SalesInvoiceV2Lines",
        {
            "dataAreaId": "DAT",
            "InvoiceNumber": "INV-1",
            "LineCreationSequenceNumber": 7,
            "InvoiceDate": date(2026, 3, 10),
            "LedgerVoucher": "V-10",
            "LineAmount": Decimal("2039.994000"),
            "InvoicedQuantity": Decimal("12345678901234.123456"),
        },
    )
    journal = await client.get("/data/CustInvoiceJourBiEntities")
    line = await client.get("/data/SalesInvoiceV2Lines")
    header: dict[str, Any] = journal.json()["value"][0]

    assert '"SourceKey":5637871204' in journal.text
    assert header["InvoiceDate"] == "1900-01-01T12:00:00Z"
    assert header["CreatedOn"] == "1900-01-01T00:00:00Z"
    assert header["InvoiceId"] == ""
    assert header["InvoiceAmount"] == 0
    assert header["Prepayment"] == "No"
    assert header["Listcode"] is None
    assert header["@odata.etag"].startswith('W/"')
    assert '"LineAmount":2039.994,' in line.text
    assert '"InvoicedQuantity":12345678901234.123456}' in line.text
    assert line.json()["value"][0]["InvoiceDate"] == "2026-03-10T12:00:00Z"
    assert line.headers["content-type"] == "application/json; odata.metadata=minimal"


async def test_the_context_names_set_and_selected_fields(client: httpx.AsyncClient) -> None:
    all_fields = (await client.get(f"/data/{HEADERS}")).json()
    some = (await client.get(f"/data/{HEADERS}?$select=InvoiceNumber, InvoiceDate")).json()

    assert all_fields["@odata.context"] == f"{URL}/data/$metadata#{HEADERS}"
    assert some["@odata.context"] == f"{URL}/data/$metadata#{HEADERS}(InvoiceNumber,InvoiceDate)"


async def test_a_row_is_read_by_its_whole_key(client: httpx.AsyncClient) -> None:
    key = "dataAreaId='USRT',InvoiceNumber='o''neil %26 co %235',InvoiceDate=2026-03-12T12:00:00Z,LedgerVoucher='V-12'"
    row = await client.get(f"/data/{HEADERS}({key})?{ALL}&$select=TotalInvoiceAmount")
    hidden = await client.get(f"/data/{HEADERS}({key})")
    part = await client.get(f"/data/{HEADERS}(dataAreaId='usrt',InvoiceNumber='INV-2')?{ALL}")
    absent = await client.get(f"/data/CustomersV3(dataAreaId='usrt',CustomerAccount='C-1')?{ALL}")

    assert row.json()["TotalInvoiceAmount"] == 12.1
    assert row.json()["@odata.context"].endswith("(TotalInvoiceAmount)/$entity")
    assert hidden.status_code == 404
    assert part.status_code == 400
    assert absent.status_code == 404


async def test_a_key_of_one_field_needs_no_name(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    dynamics.add("BusinessEventsCatalogs", {"BusinessEventId": "SalesInvoicePostedBusinessEvent"})
    row = await client.get("/data/BusinessEventsCatalogs('SalesInvoicePostedBusinessEvent')")
    assert row.status_code == 200


async def test_expand_shows_the_rows_behind_a_link(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    dynamics.add(
        "BusinessDocumentSalesInvoiceBases",
        {
            "dataAreaId": "usrt",
            "InvoiceId": "INV-2",
            "InvoiceDate": date(2026, 3, 11),
            "CustInvoiceJourRecId": 5637871204,
        },
    )
    for rec_id, corrected in ((1, 5637871204), (2, 999)):
        dynamics.add(
            "DocumentCustVendCreditInvoicingJours",
            {
                "dataAreaId": "usrt",
                "InvoiceTableId": 10441,
                "InvoiceRecId": rec_id,
                "CorrectedInvoiceRecId": corrected,
            },
        )
    link = "CustInvoiceJourCorrection"
    answer = await client.get(
        f"/data/DocumentCustVendCreditInvoicingJours?{ALL}&$select=InvoiceRecId&$expand={link}($select=InvoiceId)"
    )
    found, missing = answer.json()["value"]

    assert found["InvoiceRecId"] == 1
    assert found[link].keys() == {"@odata.etag", "InvoiceId"}
    assert found[link]["InvoiceId"] == "INV-2"
    assert missing[link] is None


async def test_expand_of_many_is_a_list(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    key = {"dataAreaId": "dat", "InvoiceNumber": "INV-1", "InvoiceDate": date(2026, 3, 10), "LedgerVoucher": "V-10"}
    for sequence in (1, 2):
        dynamics.add("SalesInvoiceV2Lines", key | {"LineCreationSequenceNumber": sequence})
    answer = await client.get(f"/data/{HEADERS}?$expand=SalesInvoiceLinesV2")
    assert [line["LineCreationSequenceNumber"] for line in answer.json()["value"][0]["SalesInvoiceLinesV2"]] == [1, 2]

from __future__ import annotations

import httpx
import pytest

from local.simulators.dynamics.simulator import DynamicsSimulator

URL = "https://retail.operations.dynamics.test"
HEADERS = "SalesInvoiceHeadersV2"
ALL = "cross-company=true"


async def numbers(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/data/{HEADERS}?{ALL}&{query}")
    assert answer.status_code == 200, answer.text
    return [row["InvoiceNumber"] for row in answer.json()["value"]]


async def test_without_cross_company_only_the_default_company_is_seen(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/data/{HEADERS}/$count")).text == "1"
    assert (await client.get(f"/data/{HEADERS}/$count?cross-company=True")).text == "1"
    assert (await client.get(f"/data/{HEADERS}/$count?{ALL}")).text == "5"


async def test_a_foreign_company_without_cross_company_is_silently_empty(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/data/{HEADERS}?$filter=dataAreaId eq 'usrt'")
    assert answer.json()["value"] == []


async def test_global_sets_need_no_cross_company(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    dynamics.add("LegalEntities", {"LegalEntityId": "USRT"})
    assert (await client.get("/data/LegalEntities/$count")).text == "1"


async def test_company_ids_come_back_in_lower_case_and_compare_without_case(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/data/{HEADERS}?{ALL}&$filter=dataAreaId eq 'USRT'&$select=dataAreaId&$top=1")
    assert answer.json()["value"][0]["dataAreaId"] == "usrt"


async def test_pages_are_linked_by_absolute_addresses_until_the_last(client: httpx.AsyncClient) -> None:
    first = (await client.get(f"/data/{HEADERS}?{ALL}&$orderby=InvoiceDate desc&$select=InvoiceNumber")).json()
    link = first["@odata.nextLink"]
    second = (await client.get(link)).json()

    assert link.startswith(f"{URL}/data/{HEADERS}?")
    assert [row["InvoiceNumber"] for row in first["value"]] == ["INV*5", "inv-4", "O'Neil & Co #5"]
    assert [row["InvoiceNumber"] for row in second["value"]] == ["INV-2", "INV-1"]
    assert "@odata.nextLink" not in second
    assert second["value"][0].keys() == {"@odata.etag", "InvoiceNumber"}


async def test_a_link_leads_on_from_any_page(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    dynamics.page_size = 2
    pages = [(await client.get(f"/data/{HEADERS}?{ALL}&$orderby=InvoiceDate")).json()]
    while "@odata.nextLink" in pages[-1]:
        pages.append((await client.get(pages[-1]["@odata.nextLink"])).json())
    assert [len(page["value"]) for page in pages] == [2, 2, 1]


async def test_the_next_page_keeps_the_whole_filter(client: httpx.AsyncClient) -> None:
    odd = "%27O%27%27Neil%20%26%20Co%20%235%27"
    query = f"{ALL}&$filter=InvoiceNumber ne {odd}&$orderby=InvoiceDate"
    first = (await client.get(f"/data/{HEADERS}?{query}")).json()
    second = (await client.get(first["@odata.nextLink"])).json()
    assert [row["InvoiceNumber"] for row in second["value"]] == ["INV*5"]


async def test_top_ends_the_answer_without_a_link(client: httpx.AsyncClient) -> None:
    exact = (await client.get(f"/data/{HEADERS}?{ALL}&$top=3")).json()
    more = (await client.get(f"/data/{HEADERS}?{ALL}&$top=4")).json()
    rest = (await client.get(more["@odata.nextLink"])).json()

    assert "@odata.nextLink" not in exact
    assert len(rest["value"]) == 1
    assert "@odata.nextLink" not in rest


async def test_skip_and_count(client: httpx.AsyncClient) -> None:
    answer = (await client.get(f"/data/{HEADERS}?{ALL}&$orderby=InvoiceDate&$skip=3&$count=true")).json()
    assert [row["InvoiceNumber"] for row in answer["value"]] == ["inv-4", "INV*5"]
    assert answer["@odata.count"] == 5


async def test_pages_by_skip_hang_together_only_in_an_order(client: httpx.AsyncClient) -> None:
    async def paged(order: str) -> list[str]:
        return [number for skip in (0, 2, 4) for number in await numbers(client, f"{order}$top=2&$skip={skip}")]

    everything = ["INV-1", "INV-2", "O'Neil & Co #5", "inv-4", "INV*5"]
    assert await paged("$orderby=InvoiceDate&") == everything
    assert set(await paged("")) < set(everything)


async def test_a_long_chain_of_or_is_refused_as_too_long_a_url(client: httpx.AsyncClient) -> None:
    def chain(length: int) -> str:
        return " or ".join(f"InvoiceNumber eq 'INV-{number}'" for number in range(length))

    assert await numbers(client, f"$filter={chain(30)}") == ["INV-1", "INV-2", "inv-4"]
    assert (await client.get(f"/data/{HEADERS}?{ALL}&$filter={chain(31)}")).status_code == 414


async def test_the_page_size_is_the_servers_alone(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/data/{HEADERS}?{ALL}", headers={"Prefer": "odata.maxpagesize=1"})
    assert len(answer.json()["value"]) == 3


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("InvoiceNumber eq 'inv-2'", ["INV-2"]),
        ("InvoiceNumber eq 'INV-1' or InvoiceNumber eq 'INV-4'", ["INV-1", "inv-4"]),
        ("'INV-2' eq InvoiceNumber", ["INV-2"]),
        ("InvoiceNumber eq 'O''Neil %26 Co %235'", ["O'Neil & Co #5"]),
        ("InvoiceNumber eq 'inv-*'", ["INV-1", "INV-2", "inv-4"]),
        ("InvoiceNumber eq '*co*'", ["O'Neil & Co #5"]),
        ("not (InvoiceNumber eq 'inv-*') and not InvoiceNumber eq 'O*'", ["INV*5"]),
        ("InvoiceNumber ne 'inv-*'", ["O'Neil & Co #5", "INV*5"]),
        ("12 lt TotalInvoiceAmount and 13.1 ge TotalInvoiceAmount", ["O'Neil & Co #5", "inv-4"]),
        ("InvoiceDate eq 2026-03-11T12:00:00Z", ["INV-2"]),
        ("InvoiceDate eq 2026-03-11T00:00:00Z", []),
        ("InvoiceDate ge 2026-03-11T00:00:00Z and InvoiceDate le 2026-03-12T23:59:59Z", ["INV-2", "O'Neil & Co #5"]),
        ("InvoiceDate lt 2026-03-11T12:00:00Z", ["INV-1"]),
        ("InvoiceDate gt 2026-03-13T12:00:00Z", ["INV*5"]),
        ("TotalInvoiceAmount eq 11.1", ["INV-2"]),
        ("TotalInvoiceAmount ge 13 and (CurrencyCode eq 'cad' or CurrencyCode eq 'USD')", ["inv-4", "INV*5"]),
        ("CurrencyCode eq 'USD' or CurrencyCode eq 'CAD' and InvoiceNumber eq 'INV-1'", ["INV-1", "INV-2", "inv-4"]),
        ("TotalInvoiceAmount lt -1", []),
        ("InvoiceNumber eq null", []),
    ],
)
async def test_filters_compare_as_the_database_does(
    client: httpx.AsyncClient, condition: str, found: list[str]
) -> None:
    assert await numbers(client, f"$orderby=InvoiceDate&$filter={condition}") == found


@pytest.mark.parametrize("plus", ["InvoiceNumber+eq+'INV-2'", "InvoiceNumber%20eq%20'INV-2'"])
async def test_a_plus_in_a_query_is_a_blank(client: httpx.AsyncClient, plus: str) -> None:
    assert await numbers(client, f"$filter={plus}") == ["INV-2"]


async def test_numbers_are_ordered_by_value(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    for order, discount in enumerate((100, 9, -20, 10)):
        key = {"dataAreaId": "dat", "SalesOrderNumber": f"SO-{order}"}
        dynamics.add("SalesOrderHeadersV2", key | {"OrderTotalDiscountAmount": discount})
    answer = await client.get("/data/SalesOrderHeadersV2?$orderby=OrderTotalDiscountAmount&$top=3")
    assert [row["OrderTotalDiscountAmount"] for row in answer.json()["value"]] == [-20, 9, 10]


async def test_several_orders_apply_one_after_the_other(client: httpx.AsyncClient) -> None:
    first = await numbers(client, "$orderby=CurrencyCode desc,InvoiceDate asc&$top=3")
    assert first == ["INV-2", "inv-4", "INV-1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("$filter=ModifiedDateTime ge 2026-01-01T00:00:00Z", "property named 'ModifiedDateTime'"),
        ("$filter=invoicenumber eq 'INV-1'", "property named 'invoicenumber'"),
        ("$select=InvoiceNumber,Nothing", "property named 'Nothing'"),
        ("$orderby=Nothing", "property named 'Nothing'"),
        ("$orderby=InvoiceDate downwards", "Syntax error"),
        ("$expand=Nothing", "property named 'Nothing'"),
        ("$expand=InvoiceNumber", "not a navigation property"),
        ("$expand=SalesInvoiceLinesV2($expand=Header)", "one level"),
        ("$expand=SalesInvoiceLinesV2/Header", "one level"),
        ("$expand=SalesInvoiceLinesV2($select=Nothing)", "property named 'Nothing'"),
        ("$filter=InvoiceNumber in ('INV-1','INV-2')", "operator 'in'"),
        ("$filter=CurrencyCode has 'USD'", "operator 'has'"),
        ("$filter=contains(InvoiceNumber,'INV')", "function with name 'contains'"),
        ("$filter=startswith(InvoiceNumber,'INV') eq true", "function with name 'startswith'"),
        ("$filter=TotalInvoiceAmount eq '11.1'", "incompatible types"),
        ("$filter=InvoiceNumber eq 5", "incompatible types"),
        ("$filter=InvoiceDate eq '2026-03-11'", "incompatible types"),
        ("$filter=InvoiceDate ge 2026-03-11", "incompatible types"),
        ("$filter=InvoiceDate ge 2026-02-30T00:00:00Z", "not a valid"),
        ("$filter=InvoiceNumber eq CurrencyCode", "one property and one literal"),
        ("$filter='a' eq 'a'", "one property and one literal"),
        ("$filter=InvoiceNumber eq 'INV-1", "Syntax error"),
        ("$filter=InvoiceNumber eq 'O'Neil'", "Syntax error"),
        ("$filter=(InvoiceNumber eq 'INV-1'", "Syntax error"),
        ("$filter=InvoiceNumber eq 'INV-1' or", "Syntax error"),
        ("$filter=InvoiceNumber eq 'INV-1' InvoiceNumber", "Syntax error"),
        ("$filter=", "Syntax error"),
        ("$top=-1", "$top"),
        ("$skip=two", "$skip"),
        ("$count=yes", "$count"),
        ("$skiptoken=made-up", "skip token"),
        ("$apply=aggregate(TotalInvoiceAmount with sum as Total)", "$apply"),
        ("$top=1&$top=2", "more than once"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused_with_f_and_o_s_words(
    client: httpx.AsyncClient, options: str, words: str
) -> None:
    answer = await client.get(f"/data/{HEADERS}?{ALL}&{options}")
    error = answer.json()["error"]

    assert answer.status_code == 400
    assert error["message"] == "An error has occurred."
    assert words in error["innererror"]["message"]
    assert error["innererror"]["stacktrace"]


async def test_an_option_that_is_not_odata_s_is_ignored(client: httpx.AsyncClient) -> None:
    assert len(await numbers(client, "page=7&top=1")) == 3

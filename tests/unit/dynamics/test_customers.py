from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.documents import Address
from shared.dynamics.errors import Throttled

CUSTOMERS = "CustomersV3"


def row(account: str, company: str = "ctus", **changes: Any) -> dict[str, Any]:
    return {"dataAreaId": company, "CustomerAccount": account, "SalesTaxGroup": "TX", **changes}


async def pages(environment: Any, *companies: str) -> list[tuple[str, list[str]]]:
    listing = environment.reader().list_customers(companies)
    return [(company, [customer.account for customer in page]) async for company, page in listing]


async def test_one_query_lists_the_customers_of_all_companies_by_account(environment: Any) -> None:
    environment.sets[CUSTOMERS] = [row("C-1", "CTCA"), row("C-1"), row("C-2"), row("C-9", "other")]
    assert await pages(environment, "ctus", "ctca") == [("ctca", ["C-1"]), ("ctus", ["C-1", "C-2"])]
    (query,) = environment.asked(CUSTOMERS)
    assert "cross-company=true&$select=dataAreaId,CustomerAccount," in query
    assert "&$filter=dataAreaId eq 'ctca' or dataAreaId eq 'ctus'&$orderby=dataAreaId,CustomerAccount" in query


async def test_no_page_is_read_before_the_one_before_has_been_worked_on(environment: Any, as_page: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        second = b"skiptoken" in request.url.query
        link = f"https://contoso.operations.dynamics.com/data/{CUSTOMERS}?$skiptoken=1"
        answered: httpx.Response = as_page([row("C-2" if second else "C-1")], None if second else link)
        return answered

    environment.sets[CUSTOMERS] = answer
    listing = environment.reader().list_customers(["ctus"])
    for read in (1, 2):
        await anext(listing)
        assert len(environment.asked(CUSTOMERS)) == read
    with pytest.raises(StopAsyncIteration):
        await anext(listing)


def with_tax_groups(environment: Any) -> None:
    def code(group: str, code: str, exempt: str) -> dict[str, Any]:
        return {"dataAreaId": "ctus", "TaxGroupId": group, "TaxCodeId": code, "ExemptTax": exempt}

    groups = ("CHURCH", "MIXED", "EMPTY")
    environment.sets["TaxGroups"] = [{"dataAreaId": "ctus", "TaxGroupCode": group} for group in groups]
    environment.sets["TaxGroupDatas"] = [
        code("CHURCH", "A", "Yes"),
        code("church", "B", "Yes"),
        code("MIXED", "A", "Yes"),
        code("MIXED", "B", "No"),
    ]
    environment.sets[CUSTOMERS] = [row(group, SalesTaxGroup=group) for group in ("Church", "MIXED", "Empty", "")]


async def untaxed(environment: Any) -> dict[str, bool | None]:
    listing = environment.reader().list_customers(["ctus"])
    return {customer.account: customer.tax_group_exempt async for _, page in listing for customer in page}


async def test_a_group_without_codes_or_with_exempt_ones_only_taxes_nothing_whatever_its_case(environment: Any) -> None:
    with_tax_groups(environment)
    assert await untaxed(environment) == {"Church": True, "MIXED": False, "Empty": True, "": False}


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(404), []])
async def test_without_the_codes_it_is_unknown_what_the_tax_groups_tax(environment: Any, answer: Any) -> None:
    with_tax_groups(environment)
    environment.sets["TaxGroupDatas"] = answer
    assert await untaxed(environment) == {"Church": None, "MIXED": None, "Empty": None, "": False}


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(404), []])
async def test_without_the_list_of_tax_groups_those_without_codes_are_unknown(environment: Any, answer: Any) -> None:
    with_tax_groups(environment)
    environment.sets["TaxGroups"] = answer
    assert await untaxed(environment) == {"Church": True, "MIXED": False, "Empty": None, "": False}


def address(account: str, state: str, **changes: Any) -> dict[str, Any]:
    return {
        "dataAreaId": "ctus",
        "CustomerAccountNumber": account,
        "IsRoleDelivery": "Yes",
        "Effective": "2020-01-01T00:00:00Z",
        "Expiration": "2154-12-31T23:59:59Z",
        "AddressState": state,
        "AddressCountryRegionId": "USA",
        **changes,
    }


async def test_delivery_addresses_are_those_of_the_role_that_are_valid_today_each_once(environment: Any) -> None:
    environment.sets["AddressCountryRegions"] = [{"CountryRegion": "USA", "ISOcode": "US"}]
    environment.sets["CustomerPostalAddresses"] = [
        address("c-1", "TX"),
        address("C-1", "NV"),
        address("C-1", "NV", Effective="1900-01-01T00:00:00Z", Expiration="1900-01-01T00:00:00Z"),
        address("C-1", "AK", IsRoleDelivery="No"),
        address("C-1", "AL", Expiration="2026-03-19T00:00:00Z"),
        address("C-1", "AR", Effective="2026-03-21T00:00:00Z"),
        address("C-1", "AZ", dataAreaId="ctca"),
        address("C-2", "", AddressCountryRegionId=""),
    ]
    found = await environment.reader().delivery_addresses("ctus", ["C-1", "C-2"])
    assert found == {"c-1": (Address("USA", "US", "NV"), Address("USA", "US", "TX"))}
    (query,) = environment.asked("CustomerPostalAddresses")
    assert "cross-company=true" in query
    assert "(CustomerAccountNumber eq 'C-1' or CustomerAccountNumber eq 'C-2')" in query
    assert "IsRoleDelivery eq Microsoft.Dynamics.DataEntities.NoYes'Yes'" in query


@pytest.mark.parametrize("status", [403, 404])
async def test_delivery_addresses_that_may_not_be_read_are_told_from_none(environment: Any, status: int) -> None:
    environment.sets["CustomerPostalAddresses"] = httpx.Response(status)
    assert await environment.reader().delivery_addresses("ctus", ["C-1"]) is None


async def test_tax_groups_that_cannot_be_read_for_the_moment_stop_the_listing(environment: Any) -> None:
    environment.sets["TaxGroupDatas"] = httpx.Response(429)
    with pytest.raises(Throttled):
        await pages(environment, "ctus")

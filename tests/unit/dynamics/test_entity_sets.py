from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.dynamics.entities import CHARGE_CODES, CREDIT_REFERENCES, LISTED_HEADERS, POSTAL_ADDRESSES
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import AccessDenied, EntityMissing, Throttled, Unavailable
from shared.dynamics.filters import equals
from shared.settings import DynamicsSettings

PROFILE = {
    "SalesInvoiceHeadersV2": {"set": "ContosoInvoices", "fields": {"INVOICENUMBER": "ContosoNumber"}},
}


@pytest.fixture
def sets(environment: Any, clock: Any) -> EntitySets:
    profile = DynamicsSettings.model_validate(
        {"url": "https://x.example", "tenant_id": "t", "client_id": "c", "client_secret": "s", "entities": PROFILE}
    )
    return EntitySets(environment.client(), profile.entities, clock)


async def test_another_set_and_field_name_is_used_towards_fo_only(environment: Any, sets: EntitySets) -> None:
    environment.sets["ContosoInvoices"] = [{"dataAreaId": "ctus", "ContosoNumber": "A"}]
    rows = [
        row
        async for page in sets.pages(LISTED_HEADERS, equals("InvoiceNumber", "A"), orderby=["InvoiceNumber"])
        for row in page
    ]
    assert rows[0]["InvoiceNumber"] == "A"
    (query,) = environment.asked("ContosoInvoices")
    assert "$filter=ContosoNumber eq 'A'" in query
    assert "$orderby=ContosoNumber" in query
    assert ",ContosoNumber," in query
    assert "InvoiceNumber" not in query


async def test_many_keys_are_asked_for_in_twenties(environment: Any, sets: EntitySets) -> None:
    await sets.rows(POSTAL_ADDRESSES, "SourceKey", set(range(1, 42)))
    queries = environment.asked(POSTAL_ADDRESSES.name)
    assert [query.count("SourceKey eq") for query in queries] == [20, 20, 1]


async def test_no_keys_cost_no_call(environment: Any, sets: EntitySets) -> None:
    assert await sets.rows(POSTAL_ADDRESSES, "SourceKey", set()) == []
    assert await sets.optional_rows(POSTAL_ADDRESSES, "SourceKey", set()) == []
    assert environment.requests == []


async def test_rows_of_another_company_are_dropped(environment: Any, sets: EntitySets) -> None:
    environment.sets[CHARGE_CODES.name] = [{"dataAreaId": company, "MarkupCode": "F"} for company in ("CTUS", "ctca")]
    rows = await sets.rows(CHARGE_CODES, "MarkupCode", {"F"}, company="ctus")
    assert [row["dataAreaId"] for row in rows] == ["CTUS"]


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_optional_set_that_cannot_be_read_is_left_alone_for_five_minutes(
    environment: Any, sets: EntitySets, clock: Any, status: int
) -> None:
    environment.sets[POSTAL_ADDRESSES.name] = httpx.Response(status)
    for _ in range(3):
        assert await sets.optional_rows(POSTAL_ADDRESSES, "SourceKey", {1}) is None
        clock.advance(seconds=99)
    assert len(environment.requests) == 1
    assert POSTAL_ADDRESSES.name in sets.unreadable
    clock.advance(seconds=3)
    environment.sets[POSTAL_ADDRESSES.name] = [{"SourceKey": 1}]
    assert await sets.optional_rows(POSTAL_ADDRESSES, "SourceKey", {1}) is not None
    assert POSTAL_ADDRESSES.name not in sets.unreadable


@pytest.mark.parametrize(
    ("status", "error"), [(401, AccessDenied), (302, AccessDenied), (429, Throttled), (500, Unavailable)]
)
async def test_trouble_of_the_environment_is_never_taken_for_a_missing_set(
    environment: Any, sets: EntitySets, status: int, error: type[Exception]
) -> None:
    environment.sets[POSTAL_ADDRESSES.name] = httpx.Response(status)
    with pytest.raises(error):
        await sets.optional_rows(POSTAL_ADDRESSES, "SourceKey", {1})
    with pytest.raises(error):
        await sets.whole_optional(POSTAL_ADDRESSES)
    assert not sets.unreadable


async def test_a_required_set_that_is_missing_is_named(environment: Any, sets: EntitySets) -> None:
    environment.sets["ContosoInvoices"] = httpx.Response(404)
    with pytest.raises(EntityMissing, match="ContosoInvoices"):
        await sets.rows(LISTED_HEADERS, "InvoiceNumber", {"A"})


async def test_a_refused_expansion_does_not_make_the_set_unreadable(environment: Any, sets: EntitySets) -> None:
    environment.sets[CREDIT_REFERENCES.name] = httpx.Response(400)
    assert await sets.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", {1}, expand="Nav") is None
    assert not sets.unreadable
    environment.sets[CREDIT_REFERENCES.name] = []
    assert await sets.optional_rows(CREDIT_REFERENCES, "InvoiceRecId", {1}) == []

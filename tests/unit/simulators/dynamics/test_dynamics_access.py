from __future__ import annotations

import json

import httpx
import pytest

from local.simulators.dynamics.simulator import LONGEST_URL, DynamicsSimulator
from local.simulators.faults import Fault

URL = "https://retail.operations.dynamics.test"
HEADERS = "SalesInvoiceHeadersV2"
ALL = "cross-company=true"


async def test_unknown_and_hidden_sets_are_404_and_names_have_case(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.hide("SalesInvoiceV3Lines")
    for name in ("SalesInvoiceLinesV2", "salesinvoiceheadersv2", "SalesInvoiceV3Lines"):
        answer = await client.get(f"/data/{name}")
        assert answer.status_code == 404
        assert answer.json() == {
            "Message": f"No HTTP resource was found that matches the request URI '{URL}/data/{name}'."
        }
    listed = [entry["name"] for entry in (await client.get("/data")).json()["value"]]
    assert HEADERS in listed
    assert "SalesInvoiceV3Lines" not in listed


async def test_a_set_outside_the_role_is_403_and_back_when_shown(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.forbid("CustomersV3")
    assert (await client.get("/data/CustomersV3")).status_code == 403
    dynamics.store.show("CustomersV3")
    assert (await client.get("/data/CustomersV3")).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_written(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, f"/data/{HEADERS}", json={})).status_code == 403


async def test_custom_fields_and_sets_are_served_once_declared(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    query = f"/data/{HEADERS}?$select=OriginalInvoice"
    before = await client.get(query)
    dynamics.extend(HEADERS, "OriginalInvoice")
    dynamics.store.alias(HEADERS, "ContosoInvoices")

    assert before.status_code == 400
    assert (await client.get(query)).json()["value"][0]["OriginalInvoice"] == ""
    assert (await client.get(f"/data/ContosoInvoices/$count?{ALL}")).text == "5"


@pytest.mark.parametrize(
    "token", ["other-audience", "audience-with-slash", "other-tenant", "unknown-app", "never-issued"]
)
async def test_a_token_of_another_audience_tenant_or_application_is_401_with_nothing_in_it(
    client: httpx.AsyncClient, token: str
) -> None:
    for path in ("/data", f"/data/{HEADERS}"):
        answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.content) == (401, b"")


async def test_an_application_that_is_no_longer_listed_is_refused_at_once(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.applications.clear()
    assert (await client.get(f"/data/{HEADERS}")).status_code == 401


@pytest.mark.parametrize("authorization", ["", "Basic Z29vZDo=", "Bearer"])
async def test_a_caller_without_a_token_is_sent_to_the_login_page(
    client: httpx.AsyncClient, authorization: str
) -> None:
    for path in ("/data", f"/data/{HEADERS}"):
        answer = await client.get(path, headers={"Authorization": authorization})
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("https://login.invalid/")


async def test_a_url_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    condition = " or ".join(f"InvoiceNumber eq 'INV-{number:06}'" for number in range(300))
    answer = await client.get(f"/data/{HEADERS}?$filter={condition}")
    assert len(condition) > LONGEST_URL
    assert answer.status_code == 414


async def test_faults_and_calls_are_those_of_every_simulator(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.faults.add(Fault(path="/data/Customers*", status=429, retry_after=38, times=1))
    throttled = await client.get("/data/CustomersV3")
    again = await client.get("/data/CustomersV3?$top=1")

    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "38")
    assert json.loads(throttled.text)["error"]["code"] == "429"
    assert again.status_code == 200
    assert [(call.path, call.query, call.status) for call in dynamics.calls] == [
        ("/data/CustomersV3", "", 429),
        ("/data/CustomersV3", "$top=1", 200),
    ]

"""The local host plays App Service Authentication (design 3.3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from local.host.errors import HostError
from local.host.people import LOCAL_TENANT, SESSION, SignIn, read_people, switch_sign_in

ANN = {"id": "ann", "name": "Änn <Approver>", "roles": ["approver", "viewer"]}
BOB = {"id": "bob/2", "name": "Bob", "roles": []}
PEOPLE = {"LOCAL_PEOPLE": json.dumps([ANN, BOB])}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers that reach it."""
    await JSONResponse(dict(Request(scope).headers))(scope, receive, send)


def client(environment: dict[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(SignIn(app, environment))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7071")


def principal(headers: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(headers["x-ms-client-principal"]))
    return content


async def test_whoever_signs_in_gets_the_headers_of_the_platform() -> None:
    async with client(PEOPLE) as browser:
        entered = await browser.get("/.auth/login/local", params={"id": "ann"})
        assert (entered.status_code, entered.headers["location"]) == (302, "/api/console/")
        assert "HttpOnly" in entered.headers["set-cookie"]
        found = (await browser.get("/api/people/status")).json()
        claims = [(claim["typ"], claim["val"]) for claim in principal(found)["claims"]]
        assert claims[:3] == [("tid", LOCAL_TENANT), ("oid", "ann"), ("name", "Änn <Approver>")]
        assert claims[3:] == [("roles", "approver"), ("roles", "viewer")]
        assert (found["x-ms-client-principal-idp"], found["x-ms-client-principal-id"]) == ("aad", "ann")
        me = (await browser.get("/.auth/me")).json()
        assert [one["user_id"] for one in me] == ["Änn <Approver>"]
        assert {"typ": "roles", "val": "approver"} in me[0]["user_claims"]


async def test_headers_from_outside_are_always_taken_away() -> None:
    forged = {f"X-MS-Client-Principal{end}": "forged" for end in ("", "-ID", "-Name", "-IDP")}
    forged["X-MS-TOKEN-AAD-ACCESS-TOKEN"] = "forged"
    for environment in ({}, PEOPLE):
        async with client(environment) as browser:
            found = (await browser.get("/", headers=forged)).json()
            assert not [name for name in found if name.startswith("x-ms-")]
    async with client(PEOPLE) as browser:
        await browser.get("/.auth/login/local", params={"id": "ann"})
        assert "forged" not in (await browser.get("/", headers=forged)).text


async def test_signing_out_ends_the_session() -> None:
    async with client(PEOPLE) as browser:
        await browser.get("/.auth/login/local", params={"id": "ann"})
        left = await browser.get("/.auth/logout", params={"post_logout_redirect_uri": "/api/console/"})
        assert (left.status_code, left.headers["location"]) == (302, "/api/console/")
        assert (await browser.get("/.auth/me")).status_code == 401
        assert "x-ms-client-principal" not in (await browser.get("/")).json()


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "Ym9iLzI=" + c[c.index(".") :], lambda c: "", str.upper]
)
async def test_a_cookie_that_this_host_did_not_make_is_worth_nothing(change: Callable[[str], str]) -> None:
    async with client(PEOPLE) as browser:
        await browser.get("/.auth/login/local", params={"id": "ann"})
        cookie = browser.cookies[SESSION]
        browser.cookies.clear()
        found = await browser.get("/", headers={"cookie": f"{SESSION}={change(cookie)}"})
        assert "x-ms-client-principal" not in found.json()


async def test_nobody_else_can_sign_in() -> None:
    async with client(PEOPLE) as browser:
        assert (await browser.get("/.auth/login/local", params={"id": "eve"})).status_code == 401
    async with client({}) as browser:
        found = (await browser.get("/.auth/login/local", params={"id": "ann"})).json()
        assert "x-ms-client-principal" not in found


async def test_without_an_id_there_is_a_link_for_each_person() -> None:
    async with client(PEOPLE) as browser:
        page = (await browser.get("/.auth/login/local")).text
    assert "Änn &lt;Approver&gt; (approver, viewer)" in page
    assert "id=bob%2F2" in page


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "evil"])
async def test_signing_in_sends_nobody_to_another_site(target: str) -> None:
    async with client(PEOPLE) as browser:
        entered = await browser.get("/.auth/login/local", params={"id": "ann", "post_login_redirect_uri": target})
    assert entered.headers["location"] == "/api/console/"


def test_sign_in_is_on_only_with_people() -> None:
    alone = {"website_auth_enabled": "true"}
    switch_sign_in(alone)
    assert alone == {"WEBSITE_AUTH_ENABLED": "False"}
    with_people = {**PEOPLE, "People__Tenant_Id": "given"}
    switch_sign_in(with_people)
    assert with_people == {**PEOPLE, "People__Tenant_Id": "given", "WEBSITE_AUTH_ENABLED": "True"}
    without_tenant = dict(PEOPLE)
    switch_sign_in(without_tenant)
    assert without_tenant["PEOPLE__TENANT_ID"] == LOCAL_TENANT


@pytest.mark.parametrize("people", ["Ann", '{"id": "ann"}', '[{"id": "ann"}]', json.dumps([ANN, ANN])])
def test_people_that_are_none_stop_the_host_with_a_sentence(people: str) -> None:
    with pytest.raises(HostError, match="LOCAL_PEOPLE: "):
        read_people({"LOCAL_PEOPLE": people})

"""Signed-in people at the same routes as function keys, each within their role (design 4.9)."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.api.routes import ROUTES
from tests.app import KEY, hosted_app, running_app
from tests.filing import HANDLING_SHIPS, reported
from tests.world import COMPANY, TODAY, World

PEOPLE = [
    {"id": "vera", "name": "Vera", "roles": ["viewer"]},
    {"id": "otto", "name": "Otto", "roles": ["operator"]},
    {"id": "ann", "name": "Ann", "roles": ["approver"]},
    {"id": "abe", "name": "Abe", "roles": ["approver"]},
    {"id": "nils", "name": "Nils", "roles": ["Payroll.Admin"]},
]
OWN = {"x-connector": "console"}
DOCUMENTS = f"/api/people/documents/main/{COMPANY}"
HELD = f"{DOCUMENTS}/USMF-INV-1"
WHY = {"reason": "the address is right now"}


@asynccontextmanager
async def browser(world: World, azurite: str, person: str = "", **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to the app as ``person``; without one as somebody who has not signed in."""
    with hosted_app(world, azurite, PEOPLE, **settings) as host:
        transport = httpx.ASGITransport(host.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7071", timeout=30) as client:
            if person:
                await client.get("/.auth/login/local", params={"id": person})
            yield client


async def hold(world: World) -> None:
    """One document that is held: its ship-to has no ZIP code."""
    nowhere = AddressSpec("1 Main St", "Austin", "TX", "")
    world.posting.customer("C-NOWHERE", "Nowhere", nowhere)
    world.posting.invoice(InvoiceSpec("INV-1", TODAY, customer="C-NOWHERE", ship_to=nowhere))
    await world.run()
    assert (await world.record("INV-1")).state == "held"


async def test_each_role_does_only_its_own(world: World, azurite: str) -> None:
    await hold(world)
    asked = [
        ("GET", DOCUMENTS, None),
        ("POST", f"{HELD}/retry", WHY),
        ("POST", f"{HELD}/dismiss", WHY),
        ("PUT", f"/api/people/filing-periods/main/{COMPANY}/TX", {"filed_through": "2026-10-31", "reason": "filed"}),
    ]
    answers = {}
    for person in ("vera", "otto", "ann", "nils", ""):
        async with browser(world, azurite, person) as client:
            found = [await client.request(method, path, json=body, headers=OWN) for method, path, body in asked]
            answers[person] = [answer.status_code for answer in found]
    assert answers["vera"] == [200, 403, 403, 403]
    assert answers["otto"] == [200, 202, 403, 403]
    assert answers["ann"][0] == answers["ann"][3] == 200
    assert 403 not in answers["ann"]
    assert answers["nils"] == [403, 403, 403, 403]
    assert answers[""] == [401, 401, 401, 401]


async def test_the_audit_keeps_name_object_id_and_way_and_nobody_signs_for_another(world: World, azurite: str) -> None:
    await hold(world)
    async with browser(world, azurite, "otto") as client:
        body = {**WHY, "by": "Ann"}
        shown = (await client.post(f"{HELD}/retry", json=body, headers={"x-connector": "cli"})).json()
        entry = shown["audit"][-1]
        assert (entry["by"], entry["person"], entry["way"]) == ("Otto", "otto", "cli")
        await world.settle()
        keyed = await client.post(HELD.replace("/people", "") + "/retry", json=body, headers={"x-functions-key": KEY})
    entry = keyed.json()["audit"][-1]
    assert (entry["by"], entry["way"], "person" in entry) == ("Ann", "key", False)
    worker = [each for each in keyed.json()["audit"] if each["by"] == "queue"]
    assert worker
    assert not any("way" in each or "person" in each for each in worker)


async def test_every_route_has_its_door_for_people_but_what_is_for_machines(world: World, azurite: str) -> None:
    async with browser(world, azurite, "vera") as client:
        for route in ROUTES:
            path = route.path.replace("{", "").replace("}", "")
            answer = await client.request(route.methods[0], f"/api/people/{path}", json={}, headers=OWN)
            assert answer.status_code != 401, route.name
            if route.role is None:
                assert answer.status_code == 403
                assert "machines" in answer.json()["error"]["message"]
        assert (await client.get("/api/people/none")).status_code == 404
        assert (await client.get("/api/people")).status_code == 404
        assert (await client.get("/api/people/people/documents/main/usmf")).status_code == 404


async def test_without_sign_in_the_principal_of_a_request_counts_for_nothing(world: World, azurite: str) -> None:
    claims = [{"typ": "tid", "val": "t"}, {"typ": "oid", "val": "x"}, {"typ": "roles", "val": "approver"}]
    forged = base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()
    headers: dict[str, Any] = {**OWN, "x-ms-client-principal": forged, "x-ms-client-principal-idp": "aad"}
    async with browser(world, azurite, PEOPLE__TENANT_ID="t") as client:
        assert (await client.get(DOCUMENTS, headers=headers)).status_code == 401
    # The app itself, where no platform takes the headers away.
    with running_app(world, azurite, PEOPLE__TENANT_ID="t", WEBSITE_AUTH_ENABLED="False") as app:
        status, answer = await app.call("people", path=f"documents/main/{COMPANY}", headers=headers)
    assert (status, answer["error"]["code"]) == (401, "sign_in")


async def test_a_page_of_another_site_changes_nothing(world: World, azurite: str) -> None:
    await hold(world)
    before = await world.record("INV-1")
    async with browser(world, azurite, "ann") as client:
        evil = {"origin": "https://evil.example"}
        for headers in ({}, {**OWN, **evil}, {**OWN, "content-type": "text/plain"}):
            answer = await client.post(f"{HELD}/retry", content=json.dumps(WHY), headers=headers)
            assert answer.status_code in (403, 415)
        own = {**OWN, "origin": "http://127.0.0.1:7071"}
        assert (await world.record("INV-1")) == before
        assert (await client.post(f"{HELD}/retry", json=WHY, headers=own)).status_code == 202


async def test_a_setting_keeps_decisions_from_keys(world: World, azurite: str) -> None:
    await hold(world)
    key = {"x-functions-key": KEY}
    async with browser(world, azurite, "otto", PEOPLE__KEYS_MAY_DECIDE="false") as client:
        refused = await client.post(HELD.replace("/people", "") + "/retry", json=WHY, headers=key)
        assert (refused.status_code, "PEOPLE__KEYS_MAY_DECIDE" in refused.text) == (403, True)
        assert (await client.get(DOCUMENTS.replace("/people", ""), headers=key)).status_code == 200
        assert (await client.post(f"{HELD}/retry", json=WHY, headers=OWN)).status_code == 202


async def test_who_tried_a_document_again_does_not_approve_it_where_a_setting_says_so(
    world: World, azurite: str
) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    why, path = {"reason": "agreed"}, f"{DOCUMENTS}/USMF-INV-1"
    settings = {"PEOPLE__APPROVER_MUST_DIFFER": "true"}
    async with browser(world, azurite, "ann", **settings) as client:
        assert (await client.post(f"{path}/retry", json=why, headers=OWN)).status_code == 202
        await world.settle()
        own = await client.post(f"{path}/approve", json=why, headers=OWN)
        assert (own.status_code, "somebody else approves it" in own.text) == (409, True)
        assert (await world.record("INV-1")).state == "held"
        key = await client.post(
            f"{path.replace('/people', '')}/approve", json={**why, "by": "ann "}, headers={"x-functions-key": KEY}
        )
        assert key.status_code == 409
        await client.get("/.auth/login/local", params={"id": "abe"})
        assert (await client.post(f"{path}/approve", json=why, headers=OWN)).status_code == 202


async def test_who_tried_a_document_again_approves_it_where_no_setting_forbids_it(world: World, azurite: str) -> None:
    await reported(world, "order", "closed by day")
    world.change_settings(**HANDLING_SHIPS)
    async with browser(world, azurite, "ann") as client:
        for decision in ("retry", "approve"):
            answer = await client.post(f"{DOCUMENTS}/USMF-INV-1/{decision}", json=WHY, headers=OWN)
            assert answer.status_code == 202
            await world.settle()
    assert "USMF-INV-1-reversal-1" in str(world.taxjar.transactions)


async def test_a_timers_work_is_run_now_by_an_operator(world: World, azurite: str) -> None:
    world.posting.invoice(InvoiceSpec("INV-9", TODAY))
    async with browser(world, azurite, "otto") as client:
        ran = await client.post("/api/people/runs/poll_posted_invoices", json={}, headers=OWN)
        assert (ran.status_code, ran.json()["state"], ran.json()["accepted"]) == (202, "finished", True)
        assert (await client.post("/api/people/runs/report_documents", json={}, headers=OWN)).status_code == 404
    await world.settle()
    assert (await world.record("INV-9")).state == "reported"


async def test_the_handshake_of_cloud_events_is_answered(world: World, azurite: str) -> None:
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net", "x-functions-key": KEY}
    async with browser(world, azurite) as client:
        answer = await client.options("/api/business-events/main", headers=headers)
        assert (await client.options("/api/business-events/none", headers=headers)).status_code == 404
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"

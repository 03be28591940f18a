"""A writing request is the person's own will: of our page or tool, in JSON, with our header (design 4.9)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.people.caller import Way, acting, present_caller
from shared.people.door import Door, check_role, platform_signs_in
from shared.people.roles import Role
from shared.people.two_persons import is_same_person, retried_by
from shared.settings import PeopleSettings
from shared.web import Problem
from tests.unit.people.principals import TENANT, headers_of

URL = "https://func-contoso.azurewebsites.net/api/people/runs/x"
OWN = {"x-connector": "console", "content-type": "application/json", "origin": "https://func-contoso.azurewebsites.net"}
DOOR = Door(PeopleSettings(tenant_id=TENANT), sign_in_is_on=True)


def admit(method: str, headers: Mapping[str, str], body: bytes = b"{}") -> Way:
    return DOOR.admit(method, URL, {**headers_of("approver"), **headers}, body).way


def refusal(method: str, headers: Mapping[str, str]) -> int:
    with pytest.raises(Problem) as refused:
        admit(method, headers)
    return refused.value.status


def own(**changes: str | None) -> dict[str, str]:
    return {name: value for name, value in {**OWN, **changes}.items() if value is not None}


def test_reading_needs_no_header_of_ours() -> None:
    assert admit("GET", {}, b"") is Way.CONSOLE


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_writing_needs_our_header(method: str) -> None:
    assert admit(method, own()) is Way.CONSOLE
    for value in (None, "", " "):
        assert refusal(method, own(**{"x-connector": value})) == 403


def test_the_header_says_by_which_way_a_person_comes() -> None:
    assert admit("POST", own(**{"x-connector": "CLI"})) is Way.CLI


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://func-contoso.azurewebsites.net.evil.example", "", "https://"]
)
def test_a_page_of_another_site_writes_nothing(origin: str) -> None:
    assert refusal("POST", own(origin=origin)) == 403


def test_a_tool_sends_no_origin() -> None:
    assert admit("POST", own(origin=None)) is Way.CONSOLE


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_the_browser_calls_another_site_writes_nothing(site: str) -> None:
    assert refusal("POST", own(origin=None, **{"sec-fetch-site": site})) == 403


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_is_not_json_is_refused(kind: str | None) -> None:
    assert refusal("POST", own(**{"content-type": kind})) == 415
    assert admit("POST", own(**{"content-type": kind}), b"") is Way.CONSOLE


def test_a_role_that_is_not_enough_is_refused_and_the_needed_one_named() -> None:
    viewer = DOOR.admit("GET", URL, headers_of("viewer"), b"")
    check_role(viewer, Role.VIEWER)
    with pytest.raises(Problem, match="role operator") as refused:
        check_role(viewer, Role.OPERATOR)
    assert refused.value.status == 403


@pytest.mark.parametrize(("value", "on"), [("True", True), ("true", True), ("False", False), ("1", False), ("", False)])
def test_only_the_platforms_own_word_switches_sign_in_on(value: str, on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", value)
    assert platform_signs_in() is on
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED")
    assert platform_signs_in() is False


def test_the_present_caller_is_known_only_while_its_request_is_served() -> None:
    caller = DOOR.admit("GET", URL, headers_of("viewer"), b"")
    with acting(caller):
        assert present_caller() is caller
    assert present_caller() is None


def test_the_last_retry_counts_and_persons_are_told_apart_by_object_id() -> None:
    audit = [
        {"decision": "retry", "by": "Bob", "person": "b"},
        {"decision": "retry", "by": "Ann", "person": "a"},
        {"decision": "held", "by": "queue"},
    ]
    last = retried_by(audit)
    assert last is not None
    assert is_same_person(last, name="Ann Smith", object_id="a")
    assert not is_same_person(last, name="Ann", object_id="another Ann")
    assert is_same_person({"by": "ann "}, name="Ann", object_id="a")
    assert retried_by([{"decision": "held"}]) is None

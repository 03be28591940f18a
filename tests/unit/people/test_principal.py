"""Who counts as signed in (design 4.9): only whom the platform vouches for, of the one tenant, with a role."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.people.principal import Principal, read_principal
from shared.people.roles import Role, strongest
from shared.web import Problem
from tests.unit.people.principals import TENANT, claims_of, encoded, headers_of


def read(headers: dict[str, str], *, on: bool = True, tenant: str | None = TENANT) -> Principal:
    return read_principal(headers, sign_in_is_on=on, tenant_id=tenant)


def refused(headers: dict[str, str], **platform: Any) -> tuple[int, str]:
    with pytest.raises(Problem) as refusal:
        read(headers, **platform)
    return refusal.value.status, refusal.value.code


def test_a_person_of_the_tenant_is_known_by_object_id_name_and_role() -> None:
    assert read(headers_of("operator")) == Principal("ann", "Ann Approver", Role.OPERATOR)


def test_the_long_names_of_claims_are_understood() -> None:
    claims = [
        {"typ": "http://schemas.microsoft.com/identity/claims/tenantid", "val": TENANT.upper()},
        {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "ann"},
        {"typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "val": "Viewer"},
        {"typ": "preferred_username", "val": "ann@contoso.com"},
    ]
    headers = {"x-ms-client-principal": encoded({"auth_typ": "aad", "claims": claims})}
    assert read(headers) == Principal("ann", "ann@contoso.com", Role.VIEWER)


@pytest.mark.parametrize("platform", [{"on": False}, {"tenant": None}, {"tenant": ""}])
def test_the_headers_count_for_nothing_where_the_platform_does_not_check_them(platform: dict[str, Any]) -> None:
    assert refused(headers_of("approver"), **platform) == (401, "sign_in")


def test_nobody_is_signed_in_without_the_headers() -> None:
    assert refused({}) == (401, "sign_in")
    assert refused({"x-ms-client-principal-id": "ann", "x-ms-client-principal-name": "Ann"}) == (401, "sign_in")


@pytest.mark.parametrize("tenant", ["00000000-0000-0000-0000-000000000000", "", f"{TENANT} "[:-2]])
def test_an_account_of_another_tenant_is_refused(tenant: str) -> None:
    assert refused(headers_of("approver", tenant=tenant)) == (403, "forbidden")


def test_an_account_that_names_two_tenants_is_refused() -> None:
    claims = [*claims_of("approver"), {"typ": "tid", "val": "another"}]
    headers = {"x-ms-client-principal": encoded({"auth_typ": "aad", "claims": claims})}
    assert refused(headers) == (403, "forbidden")


@pytest.mark.parametrize("roles", [(), ("Global Administrator",), ("approvers",)])
def test_without_a_role_of_this_app_nobody_comes_in(roles: tuple[str, ...]) -> None:
    assert refused(headers_of(*roles)) == (403, "forbidden")


def test_another_identity_provider_is_refused() -> None:
    google = {"x-ms-client-principal": encoded({"auth_typ": "google", "claims": claims_of("approver")})}
    assert refused(google) == (401, "sign_in")
    assert refused({**headers_of("approver"), "x-ms-client-principal-idp": "google"}) == (401, "sign_in")


def test_somebody_without_an_object_id_is_nobody() -> None:
    assert refused(headers_of("approver", object_id="")) == (401, "sign_in")


@pytest.mark.parametrize(
    "content", [[], "approver", None, 7, {"auth_typ": "aad"}, {"auth_typ": "aad", "claims": {"tid": TENANT}}]
)
def test_a_principal_of_another_form_is_refused(content: Any) -> None:
    assert refused({"x-ms-client-principal": encoded(content)}) == (401, "sign_in")


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_no_text_in_the_header_lets_anybody_in(text: str) -> None:
    assert refused({"x-ms-client-principal": text}) == (401, "sign_in")


@given(st.lists(st.sampled_from([*Role, "other", " APPROVER "])))
def test_of_several_roles_the_strongest_counts(names: list[str]) -> None:
    held = {Role(name.strip().lower()) for name in names if name != "other"}
    found = strongest(names)
    assert (found is None) == (not held)
    assert all(found.may(role) for role in held if found)


def test_each_role_may_what_the_weaker_ones_may_and_no_more() -> None:
    allowed = [[held.may(needed) for needed in Role] for held in Role]
    assert allowed == [[True, False, False], [True, True, False], [True, True, True]]

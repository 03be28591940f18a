"""The signed-in person as App Service Authentication tells it, in headers that no request from outside can set.

The platform removes these headers from what comes in and sets them itself, but only while authentication is on: where
it is off, anybody can send them. So they count only under the platform's own setting, for Entra ID, and for the one
tenant (design 4.9).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.people.roles import Role, strongest
from shared.web import Problem

PRINCIPAL = "x-ms-client-principal"
PRINCIPAL_ID = "x-ms-client-principal-id"
PRINCIPAL_NAME = "x-ms-client-principal-name"
PRINCIPAL_IDP = "x-ms-client-principal-idp"
ENTRA_ID = "aad"
"""The platform's name of the identity provider."""

# The platform passes claims on by their short names or by the long ones of WS-Federation.
TENANT_CLAIMS = ("tid", "http://schemas.microsoft.com/identity/claims/tenantid")
OBJECT_CLAIMS = ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier")
ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
NAME_CLAIMS = (
    "name",
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
)
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Principal:
    """A person of the tenant with a role."""

    object_id: str
    name: str
    role: Role


def read_principal(headers: Mapping[str, str], *, sign_in_is_on: bool, tenant_id: str | None) -> Principal:
    """The person that ``headers`` (names in lower case) tell of.

    Raises :class:`Problem`: 401 where nobody is signed in or the headers cannot be trusted, 403 for another tenant or
    without a role.
    """
    if not sign_in_is_on:
        raise _not_signed_in("Sign-in is not switched on for this app: App Service Authentication is off.")
    if not tenant_id:
        raise _not_signed_in("Sign-in is not set up: PEOPLE__TENANT_ID is not set.")
    encoded = headers.get(PRINCIPAL)
    if not encoded:
        raise _not_signed_in("Sign in first.")
    content = _decoded(encoded)
    claims = _claims(content)
    if content.get("auth_typ") != ENTRA_ID or headers.get(PRINCIPAL_IDP, ENTRA_ID) != ENTRA_ID:
        raise _not_signed_in("Sign in with Entra ID; other identity providers are not accepted.")
    tenants = {value.lower() for value in _values(claims, TENANT_CLAIMS)}
    if tenants != {tenant_id.lower()}:
        raise Problem(403, "forbidden", "The account is of another tenant than PEOPLE__TENANT_ID.")
    given_id = headers.get(PRINCIPAL_ID, "")
    object_id = next(iter(_values(claims, OBJECT_CLAIMS)), given_id)
    if not object_id:
        raise _not_signed_in("The sign-in does not say who it is: it has no object id.")
    role = strongest(_values(claims, ROLE_CLAIMS))
    if role is None:
        known = ", ".join(Role)
        raise Problem(403, "forbidden", f"The account has no role here. An administrator assigns one of: {known}.")
    name = next(iter(_values(claims, NAME_CLAIMS)), headers.get(PRINCIPAL_NAME, "")) or object_id
    return Principal(object_id, name[:LONGEST_NAME], role)


def _decoded(encoded: str) -> Mapping[str, Any]:
    try:
        content = json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _not_signed_in("The sign-in cannot be read.")
    return content


def _claims(content: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Type and value of each claim."""
    listed = content.get("claims")
    if not isinstance(listed, list):
        raise _not_signed_in("The sign-in cannot be read: it has no claims.")
    pairs = ((claim.get("typ"), claim.get("val")) for claim in listed if isinstance(claim, dict))
    return [(kind, value.strip()) for kind, value in pairs if isinstance(kind, str) and isinstance(value, str)]


def _values(claims: Sequence[tuple[str, str]], kinds: Sequence[str]) -> list[str]:
    """The values that are not blank, those of the first of ``kinds`` first."""
    return [value for kind in kinds for typ, value in claims if typ == kind and value]


def _not_signed_in(message: str) -> Problem:
    return Problem(401, "sign_in", message)

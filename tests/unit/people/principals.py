"""Headers as App Service Authentication sets them."""

from __future__ import annotations

import base64
import json
from typing import Any

TENANT = "6c1f4b6e-21d3-4f0f-9c55-1d0a7f0e9a11"


def encoded(content: Any) -> str:
    """JSON content as the header carries it."""
    return base64.b64encode(json.dumps(content).encode()).decode()


def claims_of(*roles: str, tenant: str = TENANT, name: str = "Ann Approver", object_id: str = "ann") -> list[Any]:
    """The claims of a person."""
    claims = [("tid", tenant), ("oid", object_id), ("name", name), *(("roles", role) for role in roles)]
    return [{"typ": kind, "val": value} for kind, value in claims]


def headers_of(*roles: str, **changes: Any) -> dict[str, str]:
    """The headers of a signed-in person with these roles."""
    principal = {"auth_typ": "aad", "claims": claims_of(*roles, **changes), "name_typ": "name", "role_typ": "roles"}
    return {"x-ms-client-principal": encoded(principal), "x-ms-client-principal-idp": "aad"}

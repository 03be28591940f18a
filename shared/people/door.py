"""The door for people: who may come in, and whether a request is the person's own will (design 4.9)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.people.caller import Caller, Way
from shared.people.principal import read_principal
from shared.people.roles import Role
from shared.settings import PeopleSettings
from shared.web import Problem

OWN_HEADER = "x-connector"
"""A page of another site cannot send it; its value is the way, ``console`` or ``cli``."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WAYS = {Way.CONSOLE.value: Way.CONSOLE, Way.CLI.value: Way.CLI}
_SAME_SITE = frozenset({"same-origin", "none"})


def platform_signs_in() -> bool:
    """Whether App Service Authentication is on, by the setting that the platform itself makes."""
    return os.environ.get("WEBSITE_AUTH_ENABLED", "").strip().lower() == "true"


@dataclass(frozen=True, slots=True)
class Door:
    """Lets signed-in people in. ``sign_in_is_on`` is the platform's word that it has checked who they are."""

    settings: PeopleSettings
    sign_in_is_on: bool

    def admit(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Caller:
        """Who asks; ``headers`` have names in lower case.

        Raises :class:`Problem`: 401 and 403 as :func:`read_principal` does, 403 for a writing request that may come
        from a page of another site, and 415 for one whose body is not JSON.
        """
        found = read_principal(headers, sign_in_is_on=self.sign_in_is_on, tenant_id=self.settings.tenant_id)
        if method not in READING:
            _check_own_will(url, headers, body)
        way = _WAYS.get(headers.get(OWN_HEADER, "").strip().lower(), Way.CONSOLE)
        return Caller(name=found.name, object_id=found.object_id, way=way, role=found.role)


def check_role(caller: Caller, needed: Role) -> None:
    """Raise :class:`Problem` 403 where the caller's role is not enough."""
    if not caller.role.may(needed):
        raise Problem(403, "forbidden", f"This needs the role {needed}; {caller.name} has the role {caller.role}.")


def _check_own_will(url: str, headers: Mapping[str, str], body: bytes) -> None:
    """A browser sends the session's cookie with whatever a page asks of it; only our own page and tool may write."""
    if not headers.get(OWN_HEADER, "").strip():
        raise Problem(403, "forbidden", "Requests that change something need the header X-Connector: console or cli.")
    origin = headers.get("origin")
    if origin is not None and _authority(origin) not in {_authority(url), headers.get("host", "").lower()}:
        raise Problem(403, "forbidden", "The request comes from a page of another site.")
    if headers.get("sec-fetch-site", "same-origin") not in _SAME_SITE:
        raise Problem(403, "forbidden", "The request comes from a page of another site.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise Problem(415, "unsupported_media_type", "Send the body as JSON: content-type application/json.")


def _authority(url: str) -> str:
    """Host and port of a URL; of what is none (``null``, a sandboxed page) nothing that a host could be called."""
    return urlsplit(url).netloc.lower() or "?"

"""A route of the API, and what its handler gets."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector
from shared.people.caller import Caller
from shared.people.roles import Role
from shared.settings import PeopleSettings
from shared.web import Answer

PARAMETER = re.compile(r"\{(\w+)\}")

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


class Nothing(BaseModel):
    """A query or body that says nothing: what is unknown is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Anything(BaseModel):
    """A query or body that is not looked at, or that the handler reads itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in: ``headers`` with names in lower case, ``route`` with the parameters of the path."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    route: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """A request that is understood and allowed."""

    connector: Connector
    request: Request
    query: Q
    body: B
    caller: Caller
    people: PeopleSettings

    @property
    def connection(self) -> str:
        """The connection of the path, in lower case as routes have it."""
        return self.request.route["connection"].lower()

    @property
    def company(self) -> str:
        """The company of the path, in lower case as routes have it."""
        return self.request.route["company"].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[Q, B]):
    """One function of the API. ``role`` is what a signed-in person needs; ``None``: it is for machines alone."""

    name: str
    """Of the function (design 3.1); its description is the handler's."""
    path: str
    """Below ``/api/``, with parameters as ``{name}``."""
    methods: tuple[str, ...]
    role: Role | None
    handle: Callable[[Call[Q, B]], Awaitable[Answer]]
    query: type[Q]
    body: type[B]
    answer: type[BaseModel] | None = None
    """What a success answers as JSON; ``None`` or ``Anything`` where it is none, or any."""
    status: int = 200
    """Of a success."""
    also: tuple[int, ...] = ()
    """Further statuses of a success."""
    formats: tuple[str, ...] = ()
    """Content types besides JSON that the query can ask for."""
    decides: bool = False
    """Whether it is a person's decision, which ``PEOPLE__KEYS_MAY_DECIDE`` can deny to keys."""
    stricter: Mapping[str, Role] = field(default_factory=dict)
    """Role by method, or by the path's ``{decision}``, where that needs another one than ``role``."""
    needs_key: bool = True
    needs_storage: bool = True
    """Off: it answers also while the storage account does not."""

    def needed_role(self, method: str, route: Mapping[str, str]) -> Role | None:
        """The role that a signed-in person needs for this method and these parameters of the path."""
        return self.stricter.get(method) or self.stricter.get(route.get("decision", ""), self.role)

    @property
    def parameters(self) -> list[str]:
        """The names in the path, in order."""
        return PARAMETER.findall(self.path)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters in ``path``; ``None`` where it is not this route's. Its fixed parts have no case."""
        wanted, given = self.path.split("/"), path.strip("/").split("/")
        if len(wanted) != len(given):
            return None
        found = {}
        for template, segment in zip(wanted, given, strict=True):
            if name := PARAMETER.fullmatch(template):
                found[name[1]] = segment
            elif template.lower() != segment.lower():
                return None
        return found if all(found.values()) else None

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]


AnyRoute = Route[Any, Any]

"""What F&O publishes about its entity sets: fields with their types, keys, and the navigations that can be expanded.

The definitions are ``entities.json``, field names and types as in the ``$metadata`` of a 2025 release. Types are the
EDM names, except that ``Edm.DateTimeOffset`` is told apart into ``Date`` (a calendar date, shown at noon UTC) and
``UtcDateTime`` (an instant), as X++ does, and that an enum is called by its own name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict

from local.simulators.dynamics.errors import BadQuery

NUMBERS = frozenset({"Decimal", "Int32", "Int64"})
MOMENTS = frozenset({"Date", "UtcDateTime"})
PRIMITIVES = NUMBERS | MOMENTS | {"String", "Guid", "Binary", "Boolean"}


@dataclass(frozen=True, slots=True)
class Navigation:
    """A link from a row to the rows of ``target`` whose fields equal its own: ``on`` maps own field → their field."""

    target: str
    many: bool
    on: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity set. ``fields`` may grow, because customers extend entities."""

    set: str
    type: str
    """The entity's own name in the singular, as error messages give it."""
    keys: tuple[str, ...]
    fields: dict[str, str]
    """Field name → type, in the order of the answer."""
    navigations: Mapping[str, Navigation] = field(default_factory=dict)

    @property
    def is_company_bound(self) -> bool:
        """Whether rows belong to a company; global sets ignore ``cross-company``."""
        return "dataAreaId" in self.fields

    def field_type(self, name: str) -> str:
        """The type of a field that a query names; names are case-sensitive.

        Raises:
            BadQuery: there is no such field.
        """
        try:
            return self.fields[name]
        except KeyError:
            raise BadQuery(
                f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.DataEntities.{self.type}'."
            ) from None


def is_enum(type_name: str) -> bool:
    """Whether a type is one of the enums, known or not."""
    return type_name not in PRIMITIVES


def edm_type(type_name: str) -> str:
    """The type as error messages of the OData library spell it."""
    if type_name in MOMENTS:
        return "Edm.DateTimeOffset"
    return f"Microsoft.Dynamics.DataEntities.{type_name}" if is_enum(type_name) else f"Edm.{type_name}"


class _SetDefinition(TypedDict):
    type: str
    keys: list[str]
    fields: dict[str, str]
    navigation: NotRequired[dict[str, _NavigationDefinition]]


class _NavigationDefinition(TypedDict):
    set: str
    many: bool
    on: dict[str, str]


class _Definitions(TypedDict):
    enums: dict[str, str]
    sets: dict[str, _SetDefinition]


@cache
def _definitions() -> _Definitions:
    definitions: _Definitions = json.loads(Path(__file__).with_name("entities.json").read_text(encoding="utf-8"))
    return definitions


@cache
def enum_members(type_name: str) -> tuple[str, ...]:
    """The members of an enum in the order of their values; empty for enums that are not described here."""
    return tuple(_definitions()["enums"].get(type_name, "").split())


def load_entities() -> dict[str, Entity]:
    """Fresh definitions of every set, by set name."""
    return {name: _entity(name, definition) for name, definition in _definitions()["sets"].items()}


def _entity(name: str, definition: _SetDefinition) -> Entity:
    keys = definition["keys"]
    fields = {name: type_name for type_name, names in definition["fields"].items() for name in names.split()}
    return Entity(
        set=name,
        type=definition["type"],
        keys=tuple(keys),
        fields={key: fields[key] for key in keys} | fields,
        navigations={
            link: Navigation(target=to["set"], many=to["many"], on=to["on"])
            for link, to in definition.get("navigation", {}).items()
        },
    )

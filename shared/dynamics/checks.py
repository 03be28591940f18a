"""Whether an environment is set up for the connector: sign-in, entity sets and their fields, companies.

Problems are sentences for an administrator that name set, field and setting; what concerns the environment as a
whole (network, throttling, refused access) is raised as in :mod:`shared.dynamics.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared.dynamics import entities, project_entities
from shared.dynamics.entities import CUSTOMERS, HEADERS, LINES, LISTED_HEADERS, Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.errors import AccessDenied, BadQuery, DynamicsError, EntityMissing, ProfileMismatch
from shared.dynamics.filters import equals
from shared.dynamics.odata import ODataClient
from shared.dynamics.rows import folded

REQUIRED = frozenset({HEADERS.name, LINES.name, CUSTOMERS.name})
"""Without these sets no document is reported; all the others refine documents."""
_REMEMBERED = timedelta(hours=1)
_COMPANY_IDS = Entity("LegalEntities", ("LegalEntityId",), has_company=False)


def entity_sets() -> list[Entity]:
    """Every set that the connector reads, each with all its fields, required ones first."""
    known: dict[str, Entity] = {}
    for entity in (*vars(entities).values(), *vars(project_entities).values()):
        if isinstance(entity, Entity):
            before = known.get(entity.name, Entity(entity.name, ()))
            fields = tuple(dict.fromkeys((*before.fields, *entity.fields)))
            spare = tuple(dict.fromkeys((*before.spare, *entity.spare)))
            known[entity.name] = Entity(entity.name, fields, entity.has_company, entity.key, spare)
    return sorted(known.values(), key=lambda entity: entity.name not in REQUIRED)


class EnvironmentChecks:
    """Checks of the environment behind the connection ``name``."""

    def __init__(self, name: str, client: ODataClient, sets: EntitySets, clock: Callable[[], datetime]) -> None:
        self._setting = f"CONNECTIONS__{name.upper()}__DYNAMICS__ENTITIES"
        self._client = client
        self._sets = sets
        self._clock = clock
        self._profile_is_right = False
        self._companies: dict[str, tuple[datetime, str]] = {}

    async def sign_in(self) -> None:
        """Ask Entra ID for a new token. Raises what that raises."""
        await self._client.sign_in()

    async def set_problem(self, entity: Entity) -> str:
        """What keeps ``entity`` from being read, with its set and fields; ``""`` when nothing does."""
        try:
            await self._has_row(entity)
        except EntityMissing:
            return (
                f"F&O has no public entity set {self._named(entity)} (404)."
                f" Publish it, or name another one in {self._setting}__{entity.name.upper()}__SET."
            )
        except AccessDenied as denied:
            if denied.set is None:
                raise
            return (
                f"The app's user may not read the entity set {self._named(entity)} (403)."
                " Grant its role read access to this data entity."
            )
        except BadQuery as refused:
            return await self._refused_fields(entity) or str(refused)
        return ""

    async def check_profile(self) -> list[str]:
        """What is wrong with the sets of the entity profile; asked until nothing is, then never again.

        Raises :class:`ProfileMismatch` when documents cannot be read with it.
        """
        if self._profile_is_right:
            return []
        problems = []
        for entity in entity_sets():
            if entity.name.casefold() in self._sets.profile and (problem := await self.set_problem(entity)):
                if entity.name in REQUIRED:
                    raise ProfileMismatch(problem)
                problems.append(problem)
        self._profile_is_right = not problems
        return problems

    async def company_problem(self, company: str, *, anew: bool = False) -> str:
        """Why nothing of ``company`` can be seen; ``""`` when something can. Remembered for an hour."""
        known = self._companies.get(company)
        if anew or known is None or self._clock() - known[0] >= _REMEMBERED:
            known = self._companies[company] = (self._clock(), await self._ask_for(company))
        return known[1]

    async def _ask_for(self, company: str) -> str:
        if await self._has_row(LISTED_HEADERS, company):
            return ""
        try:
            if await self._has_row(CUSTOMERS, company):
                return ""
            pages = self._sets.pages(_COMPANY_IDS)
            listed: Sequence[str] | None = [folded(row, "LegalEntityId") async for page in pages for row in page]
        except DynamicsError as error:
            if not isinstance(error, EntityMissing | BadQuery) and getattr(error, "set", None) is None:
                raise
            listed = None
        name = company.upper()
        if listed is not None and company not in listed:
            return (
                f"F&O has no legal entity {name} that the app's user may see. Check the company id, and the"
                " organizations that the user's role is assigned to."
            )
        return (
            f"F&O shows no invoice and no customer of {name}. Unless the company is empty, assign the role of the app's"
            " user to this legal entity (System administration > Users > Assign organizations)."
        )

    async def _has_row(self, entity: Entity, company: str = "") -> bool:
        where = equals("dataAreaId", company) if company else None
        async for page in self._sets.pages(entity, where, orderby=(), top=1):
            return any(not company or folded(row, "dataAreaId") == company for row in page)
        return False

    async def _refused_fields(self, entity: Entity) -> str:
        """F&O names one unknown field at most, in words that change with its release: each is tried alone."""
        refused = []
        for field in self._sets.selected(entity):
            try:
                await self._has_row(Entity(entity.name, (field,), entity.has_company))
            except BadQuery:
                name = self._sets.field_name(entity, field)
                refused.append(field if name == field else f"{name} (for {field})")
        if not refused:
            return ""
        return (
            f"The entity set {self._named(entity)} has no {' and no '.join(refused)}."
            f" Name the fields that hold these values in {self._setting}__{entity.name.upper()}__FIELDS."
        )

    def _named(self, entity: Entity) -> str:
        name = self._sets.set_name(entity)
        return name if name == entity.name else f"{name} (for {entity.name})"

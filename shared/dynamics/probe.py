"""The probe of a paused environment: one call, with a new token, to the entity set that was refused."""

from __future__ import annotations

from shared.dynamics.entities import LISTED_HEADERS, Entity
from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.odata import ODataClient


class EnvironmentProbe:
    """Probes the environment behind ``client``, which passes no gate and tries once."""

    def __init__(self, client: ODataClient, sets: EntitySets) -> None:
        self._client = client
        self._sets = sets

    async def probe(self, set: str = "") -> None:
        """Ask ``set`` for one row, any set where none is given. Raises unless F&O answers."""
        await self._client.sign_in()
        entity = Entity(set, ("dataAreaId",)) if set else LISTED_HEADERS
        async for _ in self._sets.pages(entity, orderby=(), top=1):
            return

"""``openapi``: the whole API, and the function that describes it."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared.api.openapi import describe
from shared.api.route import AnyRoute, Call, Nothing, Route
from shared.api.routes import ROUTES
from shared.api.swagger import as_swagger
from shared.people.roles import Role
from shared.web import Answer


class DescriptionQuery(BaseModel):
    """The query of ``openapi``: OpenAPI 3.1, or Swagger 2.0 for Power Platform."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal["3.1", "3", "2.0", "2"] = "3.1"


async def show_description(call: Call[DescriptionQuery, Nothing]) -> Answer:
    """The description of this API in OpenAPI 3.1, or in Swagger 2.0 with version=2."""
    if call.query.version.startswith("2"):
        return Answer(body=as_swagger(_description(), call.request.url))
    return Answer(body=_description())


@cache
def _description() -> dict[str, Any]:
    return describe(ALL_ROUTES)


ALL_ROUTES: tuple[AnyRoute, ...] = (
    *ROUTES,
    Route(
        name="openapi",
        path="openapi.json",
        methods=("GET",),
        role=Role.VIEWER,
        handle=show_description,
        query=DescriptionQuery,
        body=Nothing,
        needs_key=False,
        needs_storage=False,
    ),
)

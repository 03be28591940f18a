"""The API's description is complete, and says nothing that its form does not know (design 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.api.description import ALL_ROUTES
from shared.api.openapi import describe
from shared.api.route import Anything
from shared.api.swagger import as_swagger

OPENAPI = describe(ALL_ROUTES)
SWAGGER = as_swagger(OPENAPI, "https://func-contoso.azurewebsites.net/api/openapi.json?version=2")
UNKNOWN_TO_SWAGGER = {"anyOf", "oneOf", "const", "examples", "prefixItems", "$defs", "propertyNames", "requestBody"}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for methods in description["paths"].values()
        for operation in methods.values()
    }


def test_every_route_is_described_with_what_it_answers() -> None:
    found = operations(OPENAPI)
    for route in ALL_ROUTES:
        named = [operation for name, operation in found.items() if name.startswith(route.name)]
        assert named, route.name
        for operation in named:
            assert str(route.status) in operation["responses"]
            given = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert given == route.parameters
    # The description itself, and what is not JSON.
    without = {route.name for route in ALL_ROUTES if route.answer in (None, Anything)}
    assert without <= {"openapi", "export_audit"}


@pytest.mark.parametrize(("description", "where"), [(OPENAPI, ("components", "schemas")), (SWAGGER, ("definitions",))])
def test_every_reference_leads_somewhere(description: dict[str, Any], where: tuple[str, ...]) -> None:
    schemas: Any = description
    for name in where:
        schemas = schemas[name]
    references = [part["$ref"] for part in parts(description) if isinstance(part.get("$ref"), str)]
    assert references
    for reference in references:
        assert reference.rpartition("/")[0] == "#/" + "/".join(where)
        assert reference.rpartition("/")[2] in schemas


def test_no_parameter_can_be_null() -> None:
    for operation in operations(OPENAPI).values():
        for parameter in operation["parameters"]:
            assert "null" not in str(parameter["schema"])


def test_swagger_knows_all_that_it_says() -> None:
    for part in parts({"paths": SWAGGER["paths"], "definitions": SWAGGER["definitions"]}):
        if "properties" not in part:
            assert not UNKNOWN_TO_SWAGGER & part.keys()
        assert part.get("type") != "null"
        assert not isinstance(part.get("type"), list)
    for operation in operations(SWAGGER).values():
        for parameter in operation["parameters"]:
            assert ("schema" in parameter) == (parameter["in"] == "body")
            assert parameter["in"] == "body" or isinstance(parameter["type"], str)
    assert (SWAGGER["host"], SWAGGER["basePath"]) == ("func-contoso.azurewebsites.net", "/api")


def test_both_forms_describe_the_same() -> None:
    assert operations(OPENAPI).keys() == operations(SWAGGER).keys()


def test_what_may_be_left_out_is_not_required() -> None:
    shown = OPENAPI["components"]["schemas"]["DocumentShown"]
    assert {"transaction_id", "audit", "proposal"} <= set(shown["required"])
    assert "payload" not in shown["required"]
    nullable = SWAGGER["definitions"]["DocumentShown"]["properties"]["reason"]
    assert (nullable["type"], nullable["x-nullable"]) == ("string", True)


TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def test_every_format_that_can_be_asked_for_is_described() -> None:
    for name, methods in OPENAPI["paths"].items():
        for operation in (operation for method, operation in methods.items() if method == "get"):
            asked = [each["schema"]["enum"] for each in operation["parameters"] if each["name"] == "format"]
            answered = operation["responses"]["200"]["content"].keys()
            assert answered >= {TYPES[each] for formats in asked for each in formats if each in TYPES}, name


def test_lists_in_queries_have_commas() -> None:
    [state] = [each for each in operations(OPENAPI)["list_documents"]["parameters"] if each["name"] == "state"]
    assert (state["style"], state["explode"]) == ("form", False)
    assert {"held", "in_flight"} <= set(state["schema"]["items"]["enum"])
    [state] = [each for each in operations(SWAGGER)["list_documents"]["parameters"] if each["name"] == "state"]
    # Swagger's own default is commas, and it does not know the words of OpenAPI.
    assert not {"style", "explode"} & state.keys()


def test_who_needs_no_key_is_told_so() -> None:
    free = {name for name, operation in operations(OPENAPI).items() if operation.get("security") == []}
    assert free == {"health", "openapi"}

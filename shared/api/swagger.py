"""The API's description in Swagger 2.0, the form that Power Platform's connectors take, made of that in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
_NEW, _OLD = "#/components/schemas/", "#/definitions/"
_OF_OPERATIONS: frozenset[str] = frozenset({"operationId", "summary", "description", "tags", "security"})
_ONLY_IN_3 = frozenset({"schema", "style", "explode"})
"""Of parameters; lists are separated by commas in 2.0 unless it says otherwise."""
_KEPT = frozenset(
    {
        *("title", "description", "type", "format", "enum", "default", "pattern", "example", "required", "properties"),
        *("items", "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "x-nullable"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf", "allOf", "$ref"),
    }
)


def as_swagger(description: Json, url: str) -> Json:
    """Swagger 2.0 of an OpenAPI ``description``, for the deployment that answers at ``url``."""
    parts = urlsplit(url)
    schemas = description["components"]["schemas"]
    return {
        "swagger": "2.0",
        "info": description["info"],
        "host": parts.netloc,
        "basePath": description["servers"][0]["url"],
        "schemes": [parts.scheme or "https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": description["components"]["securitySchemes"],
        "security": description["security"],
        "paths": {
            path: {method: _operation(operation, schemas) for method, operation in operations.items()}
            for path, operations in description["paths"].items()
        },
        "definitions": {name: _schema(schema) for name, schema in schemas.items()},
    }


def _operation(operation: Json, schemas: Json) -> Json:
    kept: Json = {name: value for name, value in operation.items() if name in _OF_OPERATIONS}
    parameters = [_parameter(parameter, schemas) for parameter in operation["parameters"]]
    if body := operation.get("requestBody"):
        schema = _schema(body["content"]["application/json"]["schema"])
        parameters.append({"name": "body", "in": "body", "required": body["required"], "schema": schema})
    kinds = [kind for response in operation["responses"].values() for kind in response["content"]]
    responses = {
        status: {
            "description": response["description"],
            "schema": _schema(next(iter(response["content"].values()))["schema"]),
        }
        for status, response in operation["responses"].items()
    }
    return {**kept, "produces": list(dict.fromkeys(kinds)), "parameters": parameters, "responses": responses}


def _parameter(parameter: Json, schemas: Json) -> Json:
    """A parameter of path or query: there a schema is written out, without names of others."""
    schema = _schema(_written_out(parameter["schema"], schemas))
    flat = {name: value for name, value in schema.items() if name not in ("title", "x-nullable", "example", "$ref")}
    flat.setdefault("type", "string")
    kept = {name: value for name, value in parameter.items() if name not in _ONLY_IN_3}
    return {**kept, **flat}


def _written_out(schema: Json, schemas: Json) -> Json:
    if "$ref" in schema:
        named = schemas[schema["$ref"].removeprefix(_NEW)]
        return {**_written_out(named, schemas), **{name: value for name, value in schema.items() if name != "$ref"}}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_written_out(option, schemas) for option in schema["anyOf"]]}
    return schema


def _schema(schema: Any) -> Any:
    """A JSON schema without what Swagger 2.0 does not know; what it cannot say is any value."""
    if not isinstance(schema, dict):
        return schema
    schema = dict(schema)
    options = [option for option in schema.pop("anyOf", ()) if option.get("type") != "null"]
    nullable = "anyOf" not in schema and schema.get("default", "") is None
    if len(options) == 1:
        schema = {**options[0], **schema}
        nullable = True
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema["type"], nullable = kinds[0], len(kinds) < len(schema["type"])
    if schema.get("default", "") is None:
        del schema["default"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if examples := schema.pop("examples", None):
        schema["example"] = examples[0]
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(bound), int | float) and not isinstance(schema[bound], bool):
            schema[limit], schema[bound] = schema[bound], True
    if nullable:
        schema["x-nullable"] = True
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace(_NEW, _OLD)}
    return {name: _inner(name, value) for name, value in schema.items() if name in _KEPT}


def _inner(name: str, value: Any) -> Any:
    if name == "properties":
        return {field: _schema(schema) for field, schema in value.items()}
    if name in ("items", "additionalProperties"):
        return _schema(value)
    return [_schema(each) for each in value] if name == "allOf" else value

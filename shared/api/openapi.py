"""The API's description in OpenAPI 3.1, made of the table of routes and the models (design 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.api.route import AnyRoute, Anything, Nothing
from shared.api_models.values import ErrorAnswer
from shared.version import VERSION
from shared.web import BODY_LIMIT

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_DOCUMENTED = ("GET", "POST", "PUT", "DELETE")
_TEXT = f"""Reports posted Dynamics 365 F&O invoices and credit notes to TaxJar.
Amounts are decimal strings, instants ISO 8601 UTC, days ISO dates; days in queries are inclusive.
Bodies are JSON of at most {BODY_LIMIT // 1024} KiB. Below /api a function key is needed. Below /api/people the same
routes serve people who signed in, within their role; what changes something carries the header X-Connector there."""
_Mode = Literal["validation", "serialization"]


class _Schemas:
    """The schemas of all models; each is named once."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        wanted: list[tuple[type[BaseModel], _Mode]] = [(ErrorAnswer, "validation")]
        for route in routes:
            models = (route.query, route.body, route.answer)
            wanted += [(model, "validation") for model in models if model and model not in (Nothing, Anything)]
        unique = list(dict.fromkeys(wanted))
        self._of_models, content = models_json_schema(unique, by_alias=True, ref_template=_REF)
        self.definitions: Json = content.get("$defs", {})
        self.queries: set[str] = set()

    def reference(self, model: type[BaseModel]) -> Json:
        """Names the schema of ``model``."""
        return dict(self._of_models[model, "validation"])

    def query(self, model: type[BaseModel]) -> list[Json]:
        """The parameters that a query model stands for."""
        if model in (Nothing, Anything):
            return []
        name = self.reference(model)["$ref"].rpartition("/")[2]
        self.queries.add(name)
        schema = self.definitions[name]
        required = schema.get("required", [])
        parameters = []
        for field, given in schema.get("properties", {}).items():
            content = {key: value for key, value in given.items() if key != "description"}
            parameter = {"name": field, "in": "query", "required": field in required, "schema": _sendable(content)}
            if content.get("type") == "array":
                parameter |= {"style": "form", "explode": False}
            if "description" in given:
                parameter["description"] = given["description"]
            parameters.append(parameter)
        return parameters

    def published(self) -> Json:
        """The schemas that the description refers to: a query is described by its parameters instead."""
        return {name: schema for name, schema in sorted(self.definitions.items()) if name not in self.queries}


def describe(routes: Sequence[AnyRoute]) -> Json:
    """OpenAPI 3.1 of ``routes``."""
    schemas = _Schemas(routes)
    paths: Json = {}
    for route in routes:
        operations = paths.setdefault(f"/{route.path}", {})
        for method in (method for method in route.methods if method in _DOCUMENTED):
            operations[method.lower()] = _operation(route, method, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dynamics 365 F&O to TaxJar", "version": VERSION, "description": _TEXT},
        "servers": [
            {"url": "/api", "description": "with a function key"},
            {"url": "/api/people", "description": "for people who signed in"},
        ],
        "security": [{"functionKey": []}],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "schemas": schemas.published(),
            "securitySchemes": {"functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"}},
        },
    }


def _operation(route: AnyRoute, method: str, schemas: _Schemas) -> Json:
    documented = [each for each in route.methods if each in _DOCUMENTED]
    whole = (route.handle.__doc__ or "").strip()
    operation: Json = {
        "operationId": route.name if len(documented) == 1 else f"{route.name}_{method.lower()}",
        "summary": route.summary.rstrip("."),
        "description": f"{whole}\n\n{_role_needed(route, method)}",
        "tags": [route.path.partition("/")[0]],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in route.parameters
            ),
            *schemas.query(route.query),
        ],
        "responses": _responses(route, schemas),
    }
    if method in ("POST", "PUT") and (route.role is None or route.body not in (Nothing, Anything)):
        # An event may be an array of them, in any of the forms in which F&O and Event Grid deliver it.
        schema = {} if route.role is None else schemas.reference(route.body)
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    if not route.needs_key:
        operation["security"] = []
    return operation


def _sendable(schema: Json) -> Json:
    """A schema without null: a parameter of a query is there or not."""
    kept = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return {**kept, **(options[0] if len(options) == 1 else {"anyOf": options} if options else {})}


def _role_needed(route: AnyRoute, method: str) -> str:
    role = route.needed_role(method, {})
    if role is None:
        return "For machines alone."
    stricter = {decision: needed for decision, needed in route.stricter.items() if decision.islower()}
    others = "".join(f" {decision} needs the role {needed}." for decision, needed in stricter.items())
    return f"A person needs the role {role}.{others}"


def _responses(route: AnyRoute, schemas: _Schemas) -> Json:
    content: Json = {kind: {"schema": {"type": "string"}} for kind in route.formats}
    if route.answer is not None and route.answer is not Anything:
        content = {_JSON: {"schema": schemas.reference(route.answer)}, **content}
    elif not content:
        content = {_JSON: {"schema": {"type": "object"}}}
    successes = {str(status): {"description": "Done.", "content": content} for status in (route.status, *route.also)}
    error = {"description": "Refused or failed.", "content": {_JSON: {"schema": schemas.reference(ErrorAnswer)}}}
    return {**successes, "default": error}

"""The settings in force by their full names, for people; a secret only says whether it is set (design 4.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from shared.connector import Connector


def settings_shown(connector: Connector) -> list[dict[str, str]]:
    """Name and value of each setting of every connection; those that are empty are left out, but not secrets."""
    return [
        {"name": name, "value": value}
        for connection in connector.connections.values()
        for name, value in _flat(f"CONNECTIONS__{connection.name.upper()}", connection.settings)
    ]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _flat(f"{name}__{field.upper()}", getattr(value, field))
    elif isinstance(value, Mapping) and any(isinstance(each, BaseModel) for each in value.values()):
        for key, each in value.items():
            yield from _flat(f"{name}__{str(key).upper()}", each)
    elif isinstance(value, SecretStr):
        yield name, "set"
    elif name.endswith(("__TOKEN", "__CLIENT_SECRET")):
        yield name, "not set"
    elif (text := _text(value)) != "":
        yield name, text


def _text(value: Any) -> str:
    if value is None or value == {} or value == frozenset():
        return ""
    if isinstance(value, Mapping):
        return json.dumps({str(key): _plain(each) for key, each in sorted(value.items())}, ensure_ascii=False)
    if isinstance(value, frozenset | set | tuple | list):
        return json.dumps(sorted(map(str, value)), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, frozenset | set | tuple | list) else str(value)

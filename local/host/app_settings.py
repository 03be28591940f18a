"""Application settings: environment, ``local.settings.json``, and ``%NAME%`` in bindings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from local.host.errors import HostError

PLACEHOLDER = re.compile(r"%([^%]+)%")


def apply_local_settings(folder: Path, environment: MutableMapping[str, str]) -> None:
    """Adds the ``Values`` of ``local.settings.json``, where there is one; what is in the environment stays.

    Names are compared without case. What lies below a name of the environment (``A__B`` where that has ``A``, as JSON
    or a connection string) stays out as well. Raises :class:`HostError` when the file cannot be read as settings.
    """
    path = folder / "local.settings.json"
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HostError(f"{path} is not valid JSON: {error}") from None
    values = content.get("Values", {}) if isinstance(content, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise HostError(f'{path} must hold an object "Values" of texts.')
    if content.get("IsEncrypted"):
        raise HostError(f"{path} is encrypted; decrypt it with `func settings decrypt`.")
    given = {name.upper() for name in environment}
    for name, value in values.items():
        parts = name.upper().split("__")
        if given.isdisjoint("__".join(parts[: length + 1]) for length in range(len(parts))):
            environment[name] = value


def setting(name: str, environment: Mapping[str, str]) -> str | None:
    """The value of a setting, whose name is compared without case, as in the real host."""
    return next((value for given, value in environment.items() if given.upper() == name.upper()), None)


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Replaces each ``%NAME%`` by that setting; raises :class:`HostError` when it is not set."""

    def value(match: re.Match[str]) -> str:
        found = setting(match[1], environment)
        if found is None:
            raise HostError(f"{match[1]}: is not set, and a trigger names it as {match[0]}.")
        return found

    return PLACEHOLDER.sub(value, text)

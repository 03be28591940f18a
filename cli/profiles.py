"""Profiles: which deployment a command talks to, from a TOML file in the user's configuration folder.

    [profiles.production]
    url = "https://func-contoso.azurewebsites.net"
    resource = "api://1b2c…"          # sign in by ``az login``; or key_variable = "NAME" of an environment variable
    connection = "main"
    company = "usmf"

``default = "production"`` at the top chooses one. Keys are never kept in the file.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cli.errors import WrongUsage

FILE_VARIABLE = "CONNECTOR_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A deployment, how to sign in there, and what is meant unless a command says otherwise."""

    url: str = ""
    resource: str = ""
    """Application ID URI of the app's registration in Entra ID; a token for it is asked of ``az``."""
    key_variable: str = ""
    """Environment variable that holds the function key."""
    connection: str = ""
    company: str = ""
    by: str = ""
    """Who decides, where a key signs in."""


def config_file(environment: Mapping[str, str]) -> Path:
    """Where the profiles are: the user's configuration folder, as the system has it."""
    if given := environment.get(FILE_VARIABLE):
        return Path(given)
    if sys.platform == "win32":
        folder = Path(environment.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "connector" / "config.toml"


def read_profile(name: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile ``name``, else the default one, else an empty one. Raises :class:`WrongUsage`."""
    path = config_file(environment)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{path} cannot be read: {error}") from None
    profiles, chosen = content.get("profiles", {}), name or content.get("default")
    if not isinstance(profiles, dict):
        raise WrongUsage(f"{path}: profiles are tables such as [profiles.production].")
    if chosen is None:
        return Profile()
    if chosen not in profiles:
        known = ", ".join(profiles) or "none"
        raise WrongUsage(f"{path} has no profile {chosen!r}; it has {known}.")
    return _profile(path, str(chosen), profiles[chosen])


def _profile(path: Path, name: str, values: Any) -> Profile:
    known = {field.name for field in fields(Profile)}
    where = f"{path}, profile {name}"
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise WrongUsage(f"{where}: every value is a text.")
    if unknown := sorted(values.keys() - known):
        raise WrongUsage(f"{where}: {', '.join(unknown)} is unknown; there are {', '.join(sorted(known))}.")
    return Profile(**values)

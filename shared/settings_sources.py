"""Where settings come from: environment variables, and the TOML file that one of them may name."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from shared.settings_checks import NOT_A_SETTING, SettingsError, in_app, lower_keys


class Environment(EnvSettingsSource):
    """Environment variables. JSON in one is merged with the others, and so has lower-case keys as they have.

    What should be JSON and is not is left to validation, which names the setting.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        # JSON before what lies below its name, which then wins: the order of the environment must not decide.
        self.env_vars = dict(sorted(self.env_vars.items(), key=lambda variable: variable[0].count("__")))

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        try:
            return lower_keys(super().decode_complex_value(field_name, field, value), deeply=True)
        except ValueError:
            return value


class ConnectionsFile(PydanticBaseSettingsSource):
    """The TOML file named by ``CONNECTIONS_FILE``, if any."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        names = {name.upper(): value for name, value in os.environ.items()}
        path = names.get("CONNECTIONS_FILE")
        if not path:
            return {}
        try:
            content = dict(lower_keys(tomllib.loads(in_app(path).read_text(encoding="utf-8")), deeply=True))
        except (OSError, ValueError) as error:
            # Without the full path: `health` shows it to anyone.
            why = error.strerror if isinstance(error, OSError) else error
            raise SettingsError([f"CONNECTIONS_FILE: {path} cannot be read: {why}"]) from None
        known = {field.validation_alias or name for name, field in self.settings_cls.model_fields.items()}
        if unknown := sorted(content.keys() - known):
            raise SettingsError([f"{name.upper()} (in {path}): {NOT_A_SETTING}" for name in unknown])
        return content

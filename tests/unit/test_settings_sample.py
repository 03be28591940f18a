"""``local.settings.sample.json`` is complete, and a copy of it starts the app."""

from __future__ import annotations

import importlib.util
import json
import os
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from shared.settings import ConnectionSettings, Settings, load_settings

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "local.settings.sample.json"
VALUES: Mapping[str, str] = json.loads(SAMPLE.read_text(encoding="utf-8"))["Values"]
SCHEDULES = {"POLL", "SWEEP", "CUSTOMER", "NEXUS", "RECONCILE", "SEAL"}
OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "CONNECTIONS_FILE"}
# Maps of groups of settings: the name that the sample gives the one in it.
NAMED = {"CONNECTIONS": "MAIN", "COMPANIES": "USMF"}


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with the sample's values and no other settings."""
    for name in list(os.environ):
        if name.upper().startswith(("CONNECTIONS", "AZUREWEBJOBSSTORAGE", "CLAIM_LEASE")):
            monkeypatch.delenv(name)
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The full names of all settings below ``model``."""
    for field_name, field in model.model_fields.items():
        name = f"{prefix}{field_name.upper()}"
        [*inner] = _groups(field.annotation)
        if inner and field_name.upper() in NAMED:
            yield from leaves(inner[0], f"{name}__{NAMED[field_name.upper()]}__")
        elif inner and not _is_map(field.annotation):
            yield from leaves(inner[0], f"{name}__")
        else:
            yield name


def _groups(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _groups(argument)


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(_is_map(argument) for argument in get_args(annotation))


def test_it_names_every_setting_and_no_other() -> None:
    settings = {name for name in leaves(Settings) if not name.startswith("STORAGE__")}
    assert f"CONNECTIONS__MAIN__{next(leaves(ConnectionSettings))}" in settings
    assert VALUES.keys() == settings | OF_THE_HOST | {f"{name}_SCHEDULE" for name in SCHEDULES}


def test_it_holds_texts_only_and_is_not_encrypted() -> None:
    content = json.loads(SAMPLE.read_text(encoding="utf-8"))
    assert content["IsEncrypted"] is False
    assert all(isinstance(value, str) for value in content["Values"].values())


@pytest.mark.usefixtures("sample")
def test_it_is_valid_and_changes_no_default() -> None:
    connection = load_settings().connections["main"]
    shortest = ConnectionSettings.model_validate(
        {
            "dynamics": {
                "url": connection.dynamics.url,
                "tenant_id": connection.dynamics.tenant_id,
                "client_id": connection.dynamics.client_id,
                "client_secret": connection.dynamics.client_secret,
            },
            "taxjar": {"token": connection.taxjar.token, "api_url": connection.taxjar.api_url},
            "companies": {"usmf": {"report_from": connection.companies["usmf"].report_from}},
        }
    )
    assert connection == shortest
    assert "sandbox" in connection.dynamics.url
    assert "sandbox" in connection.taxjar.api_url


@pytest.mark.usefixtures("sample")
def test_its_schedules_are_those_of_the_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {name: timer for name, timer in _timers().items() if timer.startswith("%")}
    assert len(named) == len(_timers())
    assert {timer.strip("%") for timer in named.values()} <= VALUES.keys()
    for setting in VALUES:
        if setting.endswith("_SCHEDULE"):
            monkeypatch.delenv(setting)
    defaults = _timers()
    assert defaults == {name: VALUES[timer.strip("%")] for name, timer in named.items()}


def _timers() -> dict[str, str]:
    """The schedule of each timer function, in an app that is loaded now."""
    schedules = {}
    for function in _function_app().app.get_functions():
        for binding in function.get_bindings_dict()["bindings"]:
            if binding["type"] == "timerTrigger":
                schedules[function.get_function_name()] = binding["schedule"]
    return schedules


def _function_app() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sampled_function_app", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

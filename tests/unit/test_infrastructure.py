"""The Bicep templates: well formed, and consistent with each other, with the settings model and with the code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from azure.monitor.opentelemetry import _constants as distribution

from local.bootstrap import ROOT
from shared import telemetry
from shared.settings import load_settings
from tests import bicep

INFRA = ROOT / "infra"
TEMPLATES = {path.stem: bicep.read(path) for path in sorted(INFRA.glob("*.bicep"))}
MAIN = TEMPLATES["main"]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
CALLABLE = {
    *("allowed", "description", "maxLength", "maxValue", "minLength", "minValue"),
    *("concat", "contains", "empty", "filter", "flatten", "guid", "items", "map", "max", "replace", "string"),
    *("subscription", "subscriptionResourceId", "toLower", "toUpper", "union", "uniqueString"),
}
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
OUTSIDE = {
    "connectionsFile": "",
    "claimLeaseSeconds": 120,
    "people": {},
    "notifies": False,
    "identityClientId": "5b1c7f0a-2f51-4d86-9a3e-3f8a6d1f0c42",
    "keyVaultName": "kv-example",
    "blobServiceUri": "https://stexample.blob.core.windows.net/",
    "queueServiceUri": "https://stexample.queue.core.windows.net/",
    "tableServiceUri": "https://stexample.table.core.windows.net/",
    "insightsConnectionString": "InstrumentationKey=example",
    "callsPerMinuteOfAnInstance": 225,
}


def app_settings(connections: dict[str, Any], **changes: Any) -> dict[str, str]:
    """What app-settings.bicep makes of ``connections``."""
    given = {**OUTSIDE, "schedules": _default("schedules"), "connections": connections, **changes}
    found = bicep.evaluate(TEMPLATES["app-settings"], "appSettings", given)
    assert all(isinstance(setting["value"], str) for setting in found)
    assert len({setting["name"] for setting in found}) == len(found)
    return {setting["name"]: setting["value"] for setting in found}


def everything() -> dict[str, Any]:
    """A connection with every setting of the sample, in the shape of the parameter file."""
    connection: dict[str, Any] = {"secrets": []}
    for name, value in SAMPLE.items():
        path = name.lower().split("__")
        if path[:2] != ["connections", "main"] or path[-1] in ("client_secret", "token"):
            continue
        section = connection
        for part in path[2:-1]:
            section = section.setdefault(part, {})
        section[path[-1]] = value
    connection["secrets"] = ["DYNAMICS__CLIENT_SECRET", "TAXJAR__TOKEN", "COMPANIES__USMF__TAXJAR__TOKEN"]
    return {"main": connection}


def _default(parameter: str) -> Any:
    node = MAIN.declarations("parameter")[parameter].named_children[-1]
    return {name: bicep.text_of(value).strip("'") for name, value in bicep.properties(node).items()}


def _parameters() -> bicep.Template:
    return bicep.read(INFRA / "main.bicepparam")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_name_is_declared_and_every_function_known(name: str) -> None:
    assert set(bicep.names_used(TEMPLATES[name])) <= bicep.names_declared(TEMPLATES[name])
    assert bicep.functions_called(TEMPLATES[name]) <= CALLABLE


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_declared_for_nothing(name: str) -> None:
    template = TEMPLATES[name]
    declared = {*template.declarations("parameter"), *template.declarations("variable")}
    assert declared <= set(bicep.names_used(template))


@pytest.mark.parametrize("module", MAIN.declarations("module"))
def test_a_module_gets_exactly_its_parameters(module: str) -> None:
    declaration = MAIN.declarations("module")[module]
    called = TEMPLATES[Path(bicep.text_of(declaration.named_children[1]).strip("'")).stem]
    given = bicep.properties(bicep.properties(bicep.body(declaration))["params"])
    assert given.keys() == called.declarations("parameter").keys()


def test_every_output_that_is_used_exists() -> None:
    files = {
        name: TEMPLATES[Path(bicep.text_of(node.named_children[1]).strip("'")).stem]
        for name, node in MAIN.declarations("module").items()
    }
    used = [
        bicep.text_of(node).split(".")
        for node in bicep.walk(MAIN.root)
        if node.type == "member_expression" and bicep.text_of(node).count(".") == 2
    ]
    outputs = [(module, name) for module, kind, name in used if kind == "outputs"]
    assert outputs
    for module, name in outputs:
        assert name in files[module].declarations("output"), f"{module}.{name}"


def test_the_parameter_file_gives_what_has_no_default() -> None:
    given = _parameters().declarations("variable").keys()
    assert MAIN.required_parameters() <= given <= MAIN.declarations("parameter").keys()


def test_the_app_starts_on_the_settings_of_the_parameter_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("CONNECTIONS", "AZUREWEBJOBSSTORAGE")):
            monkeypatch.delenv(name)
    for name, value in app_settings(bicep.evaluate(_parameters(), "connections", {})).items():
        monkeypatch.setenv(name, "from-the-vault" if value.startswith("@Microsoft.KeyVault(") else value)
    settings = load_settings()
    connection = settings.connections["main"]
    assert connection.dynamics.managed_identity_client_id == settings.storage.client_id
    assert connection.companies["usmf"].exempt_tax_groups == {"exempt": "wholesale"}
    assert (connection.taxjar.max_calls_per_minute, settings.claim_lease_seconds) == (225, 120)


def test_every_setting_can_be_given() -> None:
    # Where a connection has a secret it has no identity of its own, and the other way round.
    secretless = everything()
    secretless["main"]["secrets"] = []
    del secretless["main"]["dynamics"]["certificate_path"]
    people = {name.removeprefix("PEOPLE__").lower(): value for name, value in SAMPLE.items() if "PEOPLE__" in name}
    full = app_settings(everything(), connectionsFile="connections.toml", people=people, notifies=True)
    made = full.keys() | app_settings(secretless).keys()
    storage = {name for name in made if name.startswith("AzureWebJobsStorage__")}
    platform = {name for name in made if name.startswith(("APPLICATIONINSIGHTS_", "PYTHON_", "OTEL_"))}
    assert made - storage - platform == SAMPLE.keys() - {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}


def test_no_setting_is_made_of_a_value_that_is_not_given() -> None:
    connections = {"main": {"dynamics": {"url": "u"}, "companies": {"usmf": {}}, "secrets": []}}
    of_connections = {name for name in app_settings(connections) if name.startswith("CONNECTIONS__")}
    assert {name.removeprefix("CONNECTIONS__MAIN__") for name in of_connections} == {
        "DYNAMICS__URL",
        "DYNAMICS__MANAGED_IDENTITY_CLIENT_ID",
        "TAXJAR__MAX_CALLS_PER_MINUTE",
    }


def test_every_secret_is_a_reference_to_the_key_vault() -> None:
    settings = app_settings(everything())
    secrets = {name: value for name, value in settings.items() if name.endswith(("CLIENT_SECRET", "TOKEN"))}
    assert len(secrets) == 3
    for name, value in secrets.items():
        assert value == f"@Microsoft.KeyVault(VaultName=kv-example;SecretName={name.replace('_', '-')})"


def test_the_timers_run_as_in_the_settings_sample() -> None:
    assert _default("schedules") == {name: value for name, value in SAMPLE.items() if name.endswith("_SCHEDULE")}


def test_all_instances_together_stay_below_taxjars_limit() -> None:
    parameters = MAIN.declarations("parameter")
    calls, instances = (
        int(bicep.text_of(parameters[name].named_children[-1]))
        for name in ("taxJarCallsPerMinute", "maximumInstanceCount")
    )
    assert max(1, calls // instances) * instances <= 10_000


def test_the_storage_account_has_no_keys_and_the_identity_its_three_data_roles() -> None:
    storage = TEMPLATES["storage"]
    account = bicep.properties(bicep.properties(bicep.body(storage.declarations("resource")["account"]))["properties"])
    assert account["allowSharedKeyAccess"].text == b"false"
    assert account["allowBlobPublicAccess"].text == b"false"
    assert bicep.evaluate(storage, "roles", {}) == ROLES


def test_one_container_holds_the_package() -> None:
    storage = bicep.text_of(TEMPLATES["storage"].declarations("output")["packageContainerUri"])
    assert "${packageContainer}" in storage


def test_no_library_writes_urls_into_the_telemetry() -> None:
    disabled = app_settings({})["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(",")
    assert set(disabled) == set(distribution._ALL_SUPPORTED_INSTRUMENTED_LIBRARIES)


def test_alerts_ask_for_metrics_that_the_app_records() -> None:
    rules = bicep.evaluate(TEMPLATES["alerts"], "rules", {})
    recorded = Path(telemetry.__file__).read_text(encoding="utf-8")
    assert len(rules) == 5
    for name, rule in rules.items():
        metrics = [part.split("'")[0] for part in rule["query"].split("name == '")[1:]]
        assert metrics, name
        assert all(f'"{metric}"' in recorded for metric in metrics), name


def test_every_alert_is_explained_to_operators() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in bicep.evaluate(TEMPLATES["alerts"], "rules", {}):
        assert f"`alert-{name}`" in guide


def test_no_secret_parameter_and_no_secret_in_the_parameter_file() -> None:
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8").lower()
    assert "client_secret:" not in text
    assert "token:" not in text

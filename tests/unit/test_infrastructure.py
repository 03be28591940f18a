"""The Bicep templates: well formed, and consistent with each other, with the settings model and with the code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.bootstrap import ROOT
from shared.settings import load_settings
from shared.telemetry_export import CONNECTION
from tests import bicep

INFRA = ROOT / "infra"
TEMPLATES = {path.stem: bicep.read(path) for path in sorted(INFRA.glob("*.bicep"))}
MAIN = TEMPLATES["main"]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
CALLABLE = {
    *("allowed", "description", "maxLength", "maxValue", "minLength", "minValue"),
    *("concat", "contains", "empty", "environment", "filter", "flatten", "guid", "items", "map", "replace"),
    *("resourceGroup", "string", "subscription", "subscriptionResourceId", "tenant", "toLower", "toUpper", "union"),
    "uniqueString",
}
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
AUDIT = {"AUDIT__CONTAINER_URI", "AUDIT__KEY_URI", "AUDIT__KEY_FILE", "AUDIT__CLIENT_ID"}
"""A key file is for one machine, and the client id has the right default in Azure."""
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
    "taxJarCallsPerMinute": 9000,
    "signInClientId": "",
    "auditContainerUri": "https://stauditexample.blob.core.windows.net/audit",
    "auditKeyUri": "https://kv-example.vault.azure.net/keys/audit",
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


def resource(template: str, name: str) -> dict[str, Any]:
    """The properties that a template gives a resource."""
    declared = bicep.properties(bicep.body(TEMPLATES[template].declarations("resource")[name]))
    return bicep.properties(declared["properties"])


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
    assert (connection.taxjar.max_calls_per_minute, settings.claim_lease_seconds) == (9000, 120)


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
    outside = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", *AUDIT}
    assert made - storage - platform - AUDIT == SAMPLE.keys() - outside


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


def test_the_limit_of_calls_is_the_accounts_however_many_instances_there_are() -> None:
    """Each queue, each timer and all HTTP functions scale by themselves: the most instances bound no rate."""
    limits = MAIN.declarations("parameter")
    calls = int(bicep.text_of(limits["taxJarCallsPerMinute"].named_children[-1]))
    assert calls <= 10_000
    given: dict[str, Any] = {"main": {"dynamics": {}, "companies": {}}}
    made = app_settings(given, taxJarCallsPerMinute=calls)
    assert made["CONNECTIONS__MAIN__TAXJAR__MAX_CALLS_PER_MINUTE"] == str(calls)
    assert "maximumInstanceCount" not in TEMPLATES["app-settings"].declarations("parameter")


@pytest.mark.parametrize("name", ["storage", "audit"])
def test_no_storage_account_has_keys_or_public_blobs(name: str) -> None:
    account = resource(name, "account")
    assert account["allowSharedKeyAccess"].text == b"false"
    assert account["allowBlobPublicAccess"].text == b"false"


def test_a_region_without_zones_gets_a_storage_account_in_one_place() -> None:
    default = MAIN.declarations("parameter")["storageSku"].named_children[-1]
    assert bicep.value(default, {"location": "eastus2"}) == "Standard_ZRS"
    assert bicep.value(default, {"location": "West US"}) == "Standard_LRS"


def test_the_app_may_add_to_the_audit_and_neither_change_nor_delete() -> None:
    [permissions] = bicep.value(resource("audit-role", "role")["permissions"], {})
    assert (permissions["actions"], permissions["notDataActions"]) == ([], [])
    assert {action.split("/", 1)[1] for action in permissions["dataActions"]} == {
        "storageAccounts/blobServices/containers/blobs/add/action",
        "storageAccounts/blobServices/containers/blobs/read",
        "vaults/keys/read",
        "vaults/keys/sign/action",
    }
    for template, name, scope in (("audit", "sealer", b"container"), ("key-vault", "sealer", b"signingKey")):
        declared = bicep.properties(bicep.body(TEMPLATES[template].declarations("resource")[name]))
        assert declared["scope"].text == scope
    roles = TEMPLATES["audit"].declarations("resource")
    assert [name for name, node in roles.items() if "roleAssignments" in bicep.text_of(node).splitlines()[0]] == [
        "sealer"
    ]


def test_blobs_of_the_audit_are_kept_for_as_long_as_states_ask() -> None:
    days = int(bicep.text_of(MAIN.declarations("parameter")["auditRetentionDays"].named_children[-1]))
    assert days >= 7 * 366
    assert resource("audit", "policy")["immutabilityPeriodSinceCreationInDays"].text == b"retentionDays"
    assert resource("audit", "policy")["allowProtectedAppendWrites"].text == b"false"


def test_the_key_of_the_audit_signs_and_never_leaves_the_vault() -> None:
    key = resource("key-vault", "signingKey")
    assert bicep.value(key["kty"], {}) == "EC"
    assert bicep.value(key["curveName"], {}) == "P-256"
    assert bicep.value(key["keyOps"], {}) == ["sign", "verify"]
    assert bicep.value(key["attributes"], {})["exportable"] is False


def test_a_vault_keeps_what_is_deleted_unless_said_otherwise_and_false_is_never_sent() -> None:
    vault = resource("key-vault", "vault")
    assert bicep.value(vault["enablePurgeProtection"], {"purgeProtection": True}) is True
    assert bicep.value(vault["enablePurgeProtection"], {"purgeProtection": False}) is None
    assert MAIN.declarations("parameter")["purgeProtection"].named_children[-1].text == b"true"


def test_people_sign_in_without_a_secret_and_routes_decide_who_comes_in() -> None:
    sign_in = resource("function-app", "signIn")
    assert bicep.value(sign_in["globalValidation"], {}) == {
        "requireAuthentication": False,
        "unauthenticatedClientAction": "AllowAnonymous",
    }
    setting = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    assert f"clientSecretSettingName: '{setting}'".encode() in sign_in["identityProviders"].text
    settings = app_settings({}, people={"tenant_id": "of-the-tenant"}, signInClientId="of-the-app")
    assert settings[setting] == OUTSIDE["identityClientId"]
    assert settings["WEBSITE_AUTH_AAD_ALLOWED_TENANTS"] == settings["PEOPLE__TENANT_ID"] == "of-the-tenant"
    assert setting not in app_settings({})


def test_no_address_of_an_example_is_a_default() -> None:
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    assert "readEnvironmentVariable('ALERT_EMAIL')" in text
    assert "@" not in text
    assert "readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')" in text


def test_the_identity_has_its_three_data_roles() -> None:
    assert bicep.evaluate(TEMPLATES["storage"], "roles", {}) == ROLES


def test_one_container_holds_the_package() -> None:
    storage = bicep.text_of(TEMPLATES["storage"].declarations("output")["packageContainerUri"])
    assert "${packageContainer}" in storage


def test_the_app_sends_its_telemetry_and_no_library_writes_urls_into_it() -> None:
    settings = app_settings({})
    assert settings["PYTHON_ENABLE_OPENTELEMETRY"] == "true"
    # It would have the worker load the distribution, which instruments every HTTP library that it finds.
    assert "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY" not in settings
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "opentelemetry-instrumentation" not in locked
    assert CONNECTION in settings


def test_no_secret_parameter_and_no_secret_in_the_parameter_file() -> None:
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8").lower()
    assert "client_secret:" not in text
    assert "token:" not in text

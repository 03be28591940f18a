"""Which values are references that the platform left unresolved, and how their settings are named (case D17)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from shared.key_vault import is_reference, of_account, of_dynamics, unresolved
from shared.settings import Settings, load_settings
from shared.settings_checks import SettingsError

REFERENCE = "@Microsoft.KeyVault(VaultName=kv-example;SecretName=A-SECRET)"
COMPANIES: dict[str, Any] = {
    "usmf": {"report_from": "2026-01-01"},
    "usrt": {"report_from": "2026-01-01", "taxjar": {"token": "own"}},
}


def settings(dynamics: dict[str, Any], token: str, **companies: dict[str, Any]) -> Settings:
    connection = {
        "dynamics": {"url": "https://contoso.example", "tenant_id": "t", "client_id": "c", **dynamics},
        "taxjar": {"token": token},
        "companies": {**COMPANIES, **companies},
    }
    return load_settings(azurewebjobsstorage="UseDevelopmentStorage=true", connections={"main": connection})


@pytest.mark.parametrize(
    "value",
    [
        REFERENCE,
        SecretStr(f" {REFERENCE}\n"),
        "@microsoft.keyvault(SecretUri=https://kv-example.vault.azure.net/secrets/A-SECRET/)",
        "@Microsoft.KeyVault( VaultName=kv-example; SecretName=A-SECRET )",
        "@Microsoft.AppConfiguration(Endpoint=https://example.azconfig.io; Key=a)",
        "@Microsoft.KeyVault(broken",
    ],
)
def test_what_the_platform_should_have_replaced_is_a_reference(value: object) -> None:
    assert is_reference(value)


@pytest.mark.parametrize("value", ["9e0cd62a22f451701f29c3bde214", SecretStr("@Microsoft"), "", None, 7])
def test_everything_else_is_a_value(value: object) -> None:
    assert not is_reference(value)


def test_each_credential_that_is_a_reference_is_named_by_its_setting() -> None:
    found = settings(
        {"client_secret": f" {REFERENCE.replace(';', '; ')} ", "tenant_id": REFERENCE},
        REFERENCE,
        usrt={"report_from": "2026-01-01", "taxjar": {"token": REFERENCE}},
    )
    missing = unresolved("main", found.connections["main"])
    assert set(missing) == {
        "CONNECTIONS__MAIN__DYNAMICS__TENANT_ID",
        "CONNECTIONS__MAIN__DYNAMICS__CLIENT_SECRET",
        "CONNECTIONS__MAIN__TAXJAR__TOKEN",
        "CONNECTIONS__MAIN__COMPANIES__USRT__TAXJAR__TOKEN",
    }
    assert all(setting in sentence and REFERENCE not in sentence for setting, sentence in missing.items())
    assert all(setting in of_dynamics(missing) for setting in missing if "DYNAMICS" in setting)
    assert "MAIN__TAXJAR__TOKEN" in of_account(missing, "main")
    assert "USRT__TAXJAR__TOKEN" in of_account(missing, "main", "usrt")


def test_where_everything_is_resolved_nothing_is_named() -> None:
    missing = unresolved("main", settings({"client_secret": "s"}, "t").connections["main"])
    assert (missing, of_dynamics(missing), of_account(missing, "main")) == ({}, "", "")


def test_without_its_storage_the_app_cannot_go_on() -> None:
    connection = {"dynamics": {"url": "https://contoso.example", "tenant_id": "t", "client_id": "c"}}
    with pytest.raises(SettingsError) as refused:
        load_settings(azurewebjobsstorage=REFERENCE, connections={"main": connection})
    assert any(line.startswith("AzureWebJobsStorage: still holds a Key Vault") for line in refused.value.lines)

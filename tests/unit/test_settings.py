"""Settings: what is accepted, how sources are merged, and that each mistake is named (design 3.2)."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.dynamics.checks import entity_sets
from shared.settings import Settings, load_settings
from shared.settings_checks import ENTITY_SETS, SettingsError

MAIN = "CONNECTIONS__MAIN__"
USMF = f"{MAIN}COMPANIES__USMF__"
SECRET = "s3cret-value"
TOKEN = "t0ken-value"
VALID = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    f"{MAIN}DYNAMICS__URL": "https://contoso.operations.dynamics.com",
    f"{MAIN}DYNAMICS__TENANT_ID": "tenant",
    f"{MAIN}DYNAMICS__CLIENT_ID": "client",
    f"{MAIN}DYNAMICS__CLIENT_SECRET": SECRET,
    f"{MAIN}TAXJAR__TOKEN": TOKEN,
    f"{USMF}REPORT_FROM": "2026-01-01",
}
OTHER = {name.replace("MAIN", "OTHER"): value for name, value in VALID.items() if name.startswith(MAIN)}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only what a test sets, on top of the smallest valid settings."""
    for name in list(os.environ):
        if name.upper().startswith(("CONNECTIONS", "AZUREWEBJOBSSTORAGE", "CLAIM_LEASE")):
            monkeypatch.delenv(name)
    for name, value in VALID.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def load(environment: pytest.MonkeyPatch, changes: dict[str, str | None]) -> Settings:
    """The settings with ``changes``; ``None`` takes a variable away."""
    for name, value in changes.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)
    return load_settings()


def mistakes(environment: pytest.MonkeyPatch, changes: dict[str, str | None]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(environment, changes)
    return refused.value.lines


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    connection = settings.connections["main"]
    company = connection.companies["usmf"]
    assert settings.claim_lease_seconds == 120
    assert connection.dynamics.authority_host == "login.microsoftonline.com"
    assert (connection.dynamics.lookback_days, connection.dynamics.sweep_days) == (7, 45)
    assert (connection.taxjar.api_url, connection.taxjar.api_version) == ("https://api.taxjar.com/v2", "2022-01-24")
    assert connection.taxjar.max_calls_per_minute == 3000
    assert (company.report_from, company.filing_lock_day) == (date(2026, 1, 1), 4)
    assert (company.unlinked_credit_notes, company.project_invoices) == ("hold", False)
    assert company.shipping_charge_codes is None


def test_an_empty_variable_is_one_that_is_not_set(environment: pytest.MonkeyPatch) -> None:
    empty: dict[str, str | None] = {f"{USMF}SHIPPING_CHARGE_CODES": "", f"{MAIN}DYNAMICS__CERTIFICATE_PATH": ""}
    settings = load(environment, empty)
    assert settings.connections["main"].companies["usmf"].shipping_charge_codes is None
    assert settings.connections["main"].dynamics.certificate_path is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AzureWebJobsStorage": None}, "AzureWebJobsStorage: "),
        ({"CLAIM_LEASE_SECONDS": "0"}, "CLAIM_LEASE_SECONDS: "),
        ({"CONNECTIONS_FILE": "/nowhere.toml"}, "CONNECTIONS_FILE: "),
        ({f"{MAIN}DYNAMICS__URL": None}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "http://contoso.operations.dynamics.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://contoso.operations.dynamics.com/data"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "contoso.operations.dynamics.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://me:pass@contoso.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__TENANT_ID": None}, f"{MAIN}DYNAMICS__TENANT_ID: "),
        ({f"{MAIN}DYNAMICS__CLIENT_SECRET": None}, f"{MAIN}DYNAMICS__CLIENT_SECRET: "),
        ({f"{MAIN}DYNAMICS__CERTIFICATE_PATH": __file__}, f"{MAIN}DYNAMICS__CLIENT_SECRET: "),
        (
            {f"{MAIN}DYNAMICS__CERTIFICATE_PATH": "/app.pem", f"{MAIN}DYNAMICS__CLIENT_SECRET": None},
            f"{MAIN}DYNAMICS__CERTIFICATE_PATH: ",
        ),
        ({f"{MAIN}DYNAMICS__URL": "https://conto so.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://con\ttoso.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://@contoso.com"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://contoso.com:"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__URL": "https://contoso.com:99999"}, f"{MAIN}DYNAMICS__URL: "),
        ({f"{MAIN}DYNAMICS__AUTHORITY_HOST": "log in"}, f"{MAIN}DYNAMICS__AUTHORITY_HOST: "),
        ({f"{MAIN}DYNAMICS__AUTHORITY_HOST": "http://login.partner.com"}, f"{MAIN}DYNAMICS__AUTHORITY_HOST: "),
        ({f"{MAIN}DYNAMICS__AUTHORITY_HOST": "login.com/tenant"}, f"{MAIN}DYNAMICS__AUTHORITY_HOST: "),
        ({"AzureWebJobsStorage": "garbage"}, "AzureWebJobsStorage: "),
        ({"AzureWebJobsStorage": "AccountName=a;AccountKey="}, "AzureWebJobsStorage: "),
        ({"AzureWebJobsStorage": "QueueEndpoint=https://q;TableEndpoint=https://t"}, "AzureWebJobsStorage: "),
        ({f"{MAIN}DYNAMICS__LOOKBACK_DAYS": "many"}, f"{MAIN}DYNAMICS__LOOKBACK_DAYS: "),
        ({f"{MAIN}DYNAMICS__SWEEP_DAYS": "0"}, f"{MAIN}DYNAMICS__SWEEP_DAYS: "),
        ({f"{MAIN}DYNAMICS__ENTITIES": "{"}, f"{MAIN}DYNAMICS__ENTITIES: "),
        ({f"{MAIN}DYNAMICS__ENTITIES": '{"CustomerV3": {"set": "X"}}'}, f"{MAIN}DYNAMICS__ENTITIES__CUSTOMERV3: "),
        ({f"{MAIN}TAXJAR__TOKEN": None}, f"{MAIN}TAXJAR__TOKEN: "),
        ({f"{MAIN}TAXJAR__TOKEN": "two words"}, f"{MAIN}TAXJAR__TOKEN: "),
        ({f"{MAIN}TAXJAR__API_URL": "api.taxjar.com"}, f"{MAIN}TAXJAR__API_URL: "),
        ({f"{MAIN}TAXJAR__MAX_CALLS_PER_MINUTE": "0"}, f"{MAIN}TAXJAR__MAX_CALLS_PER_MINUTE: "),
        ({f"{MAIN}COMPANIES": "usmf"}, f"{MAIN}COMPANIES: "),
        ({f"{USMF}REPORT_FROM": "soon"}, f"{USMF}REPORT_FROM: "),
        ({f"{USMF}REPORT_FORM": "2026-01-01"}, f"{USMF}REPORT_FORM: "),
        ({f"{USMF}SHIPPING_CHARGE_CODES": "FREIGHT"}, f"{USMF}SHIPPING_CHARGE_CODES: "),
        ({f"{USMF}EXEMPT_TAX_GROUPS": '{"GOV": "state"}'}, f"{USMF}EXEMPT_TAX_GROUPS__GOV: "),
        ({f"{USMF}EXEMPT_CUSTOMER_GROUPS": '{"CLUBS": "non_exempt"}'}, f"{USMF}EXEMPT_CUSTOMER_GROUPS__CLUBS: "),
        ({f"{USMF}EXEMPT_REGIONS": '{"GOV": ["Texas"]}'}, f"{USMF}EXEMPT_REGIONS__GOV__0: "),
        ({f"{USMF}EXEMPT_REGIONS": '{"GOV": ["TX", "ZZ"]}'}, f"{USMF}EXEMPT_REGIONS__GOV__1: "),
        ({f"{USMF}STATE_CODES": '{"Tejas": "TEX"}'}, f"{USMF}STATE_CODES__TEJAS: "),
        ({f"{USMF}UNLINKED_CREDIT_NOTES": "drop"}, f"{USMF}UNLINKED_CREDIT_NOTES: "),
        ({f"{USMF}FILING_LOCK_DAY": "32"}, f"{USMF}FILING_LOCK_DAY: "),
        ({f"{USMF}PROJECT_INVOICES": "perhaps"}, f"{USMF}PROJECT_INVOICES: "),
        ({"CONNECTIONS__MAIN": "{"}, "CONNECTIONS__MAIN: "),
        ({"CONNECTIONS": "[]"}, "CONNECTIONS: is not a map"),
        (
            {f"{MAIN}DYNAMICS__URL": "@Microsoft.KeyVault(VaultName=kv;SecretName=A)"},
            f"{MAIN}DYNAMICS__URL: still holds a Key Vault reference",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_mistake_is_one_line_that_begins_with_the_setting(
    environment: pytest.MonkeyPatch, changes: dict[str, str | None], named: str
) -> None:
    lines = mistakes(environment, changes)
    assert len(lines) == 1
    assert lines[0].startswith(named)


def test_several_mistakes_are_several_lines(environment: pytest.MonkeyPatch) -> None:
    lines = mistakes(environment, {f"{MAIN}DYNAMICS__LOOKBACK_DAYS": "x", f"{USMF}REPORT_FROM": "soon"})
    assert [line.split(":")[0] for line in lines] == [f"{MAIN}DYNAMICS__LOOKBACK_DAYS", f"{USMF}REPORT_FROM"]


def test_what_several_settings_must_fit_is_said_together_with_what_is_wrong_in_each(
    environment: pytest.MonkeyPatch,
) -> None:
    changes = {f"{MAIN}DYNAMICS__URL": "x", f"{MAIN}DYNAMICS__CLIENT_SECRET": None, f"{MAIN}TAXJAR__TOKEN": None}
    lines = mistakes(environment, changes)
    assert [line.split(":")[0] for line in lines] == [
        f"{MAIN}DYNAMICS__URL",
        f"{MAIN}DYNAMICS__CLIENT_SECRET",
        f"{MAIN}TAXJAR__TOKEN",
    ]


def test_a_credential_that_is_wrong_in_itself_is_not_said_to_be_missing(environment: pytest.MonkeyPatch) -> None:
    [line] = mistakes(environment, {f"{MAIN}DYNAMICS__CLIENT_SECRET": "two words"})
    assert line.startswith(f"{MAIN}DYNAMICS__CLIENT_SECRET: is empty or holds blanks")


def test_an_unknown_entity_set_is_refused_with_the_known_ones(environment: pytest.MonkeyPatch) -> None:
    [line] = mistakes(environment, {f"{MAIN}DYNAMICS__ENTITIES__SALESINVOICEHEADERS__SET": "Mine"})
    assert line.startswith(f"{MAIN}DYNAMICS__ENTITIES__SALESINVOICEHEADERS: ")
    assert "SalesInvoiceHeadersV2" in line
    assert sorted(entity.name for entity in entity_sets()) == sorted(ENTITY_SETS)


def test_no_connection_at_all_is_refused(environment: pytest.MonkeyPatch) -> None:
    assert mistakes(environment, {name: None for name in VALID if name.startswith("CONN")})[0].startswith("CONNECTIONS")


@pytest.mark.parametrize(
    "changes",
    [
        {f"{MAIN}TAXJAR__TOKEN": f"{TOKEN} {SECRET}"},
        {f"{MAIN}DYNAMICS__CERTIFICATE_PATH": "/app.pem"},
        {f"{USMF}REPORT_FROM": SECRET},
        {**OTHER},
    ],
)
def test_no_message_shows_a_value(environment: pytest.MonkeyPatch, changes: dict[str, str | None]) -> None:
    text = "\n".join(mistakes(environment, changes))
    assert SECRET not in text
    assert TOKEN not in text


def test_secrets_do_not_show_in_the_representation() -> None:
    text = repr(load_settings()) + str(load_settings().model_dump())
    assert SECRET not in text
    assert TOKEN not in text
    assert "UseDevelopmentStorage" not in text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Contoso.Operations.Dynamics.com/", "https://contoso.operations.dynamics.com"),
        (" https://contoso.operations.dynamics.com ", "https://contoso.operations.dynamics.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://contoso.com:443", "https://contoso.com"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://contoso.com:80", "https://contoso.com:80"),
    ],
)
def test_the_environment_url_is_a_bare_lower_case_address(
    environment: pytest.MonkeyPatch, given: str, kept: str
) -> None:
    assert load(environment, {f"{MAIN}DYNAMICS__URL": given}).connections["main"].dynamics.url == kept


@pytest.mark.parametrize("host", ["login.microsoftonline.us", "https://login.chinacloudapi.cn/", "http://127.0.0.1:80"])
def test_the_authority_is_a_host_name_or_its_url(environment: pytest.MonkeyPatch, host: str) -> None:
    dynamics = load(environment, {f"{MAIN}DYNAMICS__AUTHORITY_HOST": host}).connections["main"].dynamics
    assert dynamics.authority_host == host.rstrip("/")


def test_names_are_read_without_case_and_ids_are_lower_case(environment: pytest.MonkeyPatch) -> None:
    names: dict[str, str | None] = {
        "connections__main__companies__UsRt__report_from": "2026-02-01",
        "Connections__Main__Companies__USMF__Project_Invoices": "true",
    }
    settings = load(environment, names)
    assert settings.connections["main"].companies.keys() == {"usmf", "usrt"}
    assert settings.connections["main"].companies["usmf"].project_invoices


def test_what_users_type_in_maps_is_compared_without_case(environment: pytest.MonkeyPatch) -> None:
    maps: dict[str, str | None] = {
        f"{USMF}PRODUCT_TAX_CODES__ITEMS": '{"D0001 ": "20010"}',
        f"{USMF}PICKUP_DELIVERY_MODES": '["PickUp"]',
        f"{USMF}STATE_CODES": '{"Tejas": "tx"}',
        f"{USMF}EXEMPT_REGIONS": '{"GOV": ["tx", "CA"]}',
    }
    company = load(environment, maps).connections["main"].companies["usmf"]
    assert company.product_tax_codes.items == {"d0001": "20010"}
    assert company.pickup_delivery_modes == {"pickup"}
    assert company.state_codes == {"tejas": "TX"}
    assert company.exempt_regions == {"gov": ("TX", "CA")}


def toml(folder: Path, text: str) -> str:
    path = folder / "connections.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_file_and_environment_are_merged_deeply_and_the_environment_wins(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """
        claim_lease_seconds = 90
        [connections.Main.dynamics]
        url = "https://file.operations.dynamics.com"
        lookback_days = 3
        [connections.Main.companies.USMF]
        report_from = 2025-01-01
        exempt_tax_groups = { GOV = "government" }
        [connections.Main.companies.USRT]
        report_from = 2025-06-01
    """
    settings = load(environment, {"CONNECTIONS_FILE": toml(tmp_path, text)})
    connection = settings.connections["main"]
    assert connection.dynamics.url == "https://contoso.operations.dynamics.com"
    assert connection.dynamics.lookback_days == 3
    assert connection.companies["usmf"].report_from == date(2026, 1, 1)
    assert connection.companies["usmf"].exempt_tax_groups == {"gov": "government"}
    assert connection.companies["usrt"].report_from == date(2025, 6, 1)
    assert settings.claim_lease_seconds == 90


def test_json_in_a_variable_is_merged_with_file_and_variables_without_case(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """
        [connections.Main.companies.USRT]
        report_from = 2025-06-01
        project_invoices = true
    """
    changes: dict[str, str | None] = {
        "CONNECTIONS_FILE": toml(tmp_path, text),
        "CONNECTIONS__MAIN__COMPANIES": '{"USRT": {"REPORT_FROM": "2026-02-01"}, "USMF": {"Project_Invoices": true}}',
        "CONNECTIONS__MAIN__DYNAMICS": '{"URL": "https://json.operations.dynamics.com", "LookBack_Days": 3}',
        f"{MAIN}DYNAMICS__URL": None,
    }
    connection = load(environment, changes).connections["main"]
    assert (connection.dynamics.url, connection.dynamics.lookback_days) == ("https://json.operations.dynamics.com", 3)
    assert connection.companies["usrt"].report_from == date(2026, 2, 1)
    assert connection.companies["usrt"].project_invoices
    assert connection.companies["usmf"].report_from == date(2026, 1, 1)
    assert connection.companies["usmf"].project_invoices


def test_json_that_gives_a_company_twice_is_refused(environment: pytest.MonkeyPatch) -> None:
    companies = '{"USRT": {"report_from": "2026-02-01"}, "usrt": {"report_from": "2026-02-01"}}'
    [line] = mistakes(environment, {f"{USMF}REPORT_FROM": None, "CONNECTIONS__MAIN__COMPANIES": companies})
    assert line == f"{MAIN}COMPANIES: USRT is given twice"


def test_a_file_that_is_no_toml_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [line] = mistakes(environment, {"CONNECTIONS_FILE": toml(tmp_path, "[connections")})
    assert line.startswith("CONNECTIONS_FILE: ")
    assert "connections.toml" in line


def test_a_name_in_the_file_that_is_no_setting_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = '[conections.main.dynamics]\nlookback_days = 3\n[storage]\nqueue = "x"'
    lines = mistakes(environment, {"CONNECTIONS_FILE": toml(tmp_path, text)})
    assert [line.split()[0] for line in lines] == ["CONECTIONS", "STORAGE"]
    assert all("check the spelling" in line for line in lines)


def test_a_secret_in_the_file_has_to_be_a_text(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = '[connections.main.taxjar]\ntoken = ["9e0cd62a22f451701f29c3bde214"]'
    [line] = mistakes(environment, {f"{MAIN}TAXJAR__TOKEN": None, "CONNECTIONS_FILE": toml(tmp_path, text)})
    assert line == f"{MAIN}TAXJAR__TOKEN: is not a text"


def test_storage_may_be_an_identity(environment: pytest.MonkeyPatch) -> None:
    changes: dict[str, str | None] = {
        "AzureWebJobsStorage": None,
        "AzureWebJobsStorage__queueServiceUri": "https://acc.queue.core.windows.net",
        "AzureWebJobsStorage__tableServiceUri": "https://acc.table.core.windows.net",
        "AzureWebJobsStorage__clientId": "identity",
    }
    storage = load(environment, changes).storage
    assert storage.connection_string is None
    assert storage.queue_service_uri == "https://acc.queue.core.windows.net"
    assert storage.client_id == "identity"


@pytest.mark.parametrize(
    "connection",
    [
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net",
        "AccountName=a;SharedAccessSignature=sv=2024&sig=x%3D;EndpointSuffix=core.windows.net",
        "QueueEndpoint=https://a.queue;TableEndpoint=https://a.table;SharedAccessSignature=sv=2024&sig=x%3D",
    ],
)
def test_storage_may_be_a_connection_string_with_a_key_or_a_signature(
    environment: pytest.MonkeyPatch, connection: str
) -> None:
    storage = load(environment, {"AzureWebJobsStorage": connection}).storage
    assert storage.connection_string is not None
    assert storage.connection_string.get_secret_value() == connection


def test_a_service_that_is_no_url_is_named(environment: pytest.MonkeyPatch) -> None:
    changes: dict[str, str | None] = {
        "AzureWebJobsStorage": None,
        "AzureWebJobsStorage__queueServiceUri": "acc",
        "AzureWebJobsStorage__tableServiceUri": "https://acc.table.core.windows.net",
    }
    [line] = mistakes(environment, changes)
    assert line.startswith("AzureWebJobsStorage__queueServiceUri: ")


def test_half_an_identity_is_refused(environment: pytest.MonkeyPatch) -> None:
    changes: dict[str, str | None] = {"AzureWebJobsStorage": None, "AzureWebJobsStorage__queueServiceUri": "https://q"}
    [line] = mistakes(environment, changes)
    assert line.startswith("AzureWebJobsStorage: ")


def test_one_company_configured_twice_is_refused(environment: pytest.MonkeyPatch) -> None:
    [line] = mistakes(environment, {**OTHER, "CONNECTIONS__OTHER__TAXJAR__TOKEN": "another"})
    assert line.startswith("CONNECTIONS__OTHER__COMPANIES__USMF: ")
    assert "CONNECTIONS__MAIN__COMPANIES__USMF" in line


def test_every_company_that_meets_another_has_its_line(environment: pytest.MonkeyPatch) -> None:
    changes: dict[str, str | None] = {
        **OTHER,
        f"{USMF}REPORT_FROM": "2026-01-01",
        f"{MAIN}COMPANIES__USRT__REPORT_FROM": "2026-01-01",
        "CONNECTIONS__OTHER__DYNAMICS__URL": "https://contoso.operations.dynamics.com:443",
        "CONNECTIONS__OTHER__COMPANIES__USRT__REPORT_FROM": "2026-01-01",
    }
    lines = mistakes(environment, changes)
    names = [f"CONNECTIONS__OTHER__COMPANIES__{company}" for company in ("USMF", "USRT")]
    assert sorted(line.split(":")[0] for line in lines) == names


def test_equal_company_ids_of_two_environments_must_not_meet_in_one_account(environment: pytest.MonkeyPatch) -> None:
    changes: dict[str, str | None] = {**OTHER, "CONNECTIONS__OTHER__DYNAMICS__URL": "https://b.operations.dynamics.com"}
    [line] = mistakes(environment, changes)
    assert line.startswith("CONNECTIONS__OTHER__COMPANIES__USMF: ")
    own_token: dict[str, str | None] = {"CONNECTIONS__OTHER__COMPANIES__USMF__TAXJAR__TOKEN": "its-own"}
    settings = load(environment, own_token)
    assert settings.connections["other"].token_of("usmf").get_secret_value() == "its-own"
    assert settings.connections["main"].token_of("usmf").get_secret_value() == TOKEN


def test_a_whole_connection_may_be_one_json_variable(environment: pytest.MonkeyPatch) -> None:
    connection: dict[str, Any] = {
        "dynamics": {
            "url": "https://b.operations.dynamics.com",
            "tenant_id": "t",
            "client_id": "c",
            "managed_identity_client_id": "m",
        },
        "companies": {"USRT": {"report_from": "2026-03-01", "taxjar": {"token": "its-own"}}},
    }
    settings = load(environment, {"CONNECTIONS__SECOND": json.dumps(connection)})
    assert settings.connections["second"].dynamics.managed_identity_client_id == "m"
    assert settings.connections["second"].companies.keys() == {"usrt"}


def test_relative_paths_start_at_the_folder_of_the_app_whatever_folder_the_process_is_in(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("not what is meant", encoding="utf-8")
    changes = {f"{MAIN}DYNAMICS__CLIENT_SECRET": None, f"{MAIN}DYNAMICS__CERTIFICATE_PATH": "pyproject.toml"}
    loaded = load(environment, changes).connections["main"].dynamics.certificate_path
    assert loaded == str(Path(__file__).parents[2] / "pyproject.toml")
    [line] = mistakes(environment, {"CONNECTIONS_FILE": "connections.toml"})
    assert line.startswith("CONNECTIONS_FILE: connections.toml cannot be read")
    assert str(Path(__file__).parents[2]) not in line

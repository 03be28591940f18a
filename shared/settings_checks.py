"""How settings are normalised, and how a mistake in one is explained."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr, ValidationError

from shared.key_vault import UNRESOLVED, is_reference
from shared.states import STATES

ENTITY_SETS = (
    "AddressCountryRegions",
    "CustInvoiceJourBiEntities",
    "CustInvoiceTransBiEntities",
    "CustomerPostalAddresses",
    "CustomersV3",
    "DocumentCustVendCreditInvoicingJours",
    "DocumentProjInvoiceCostLines",
    "DocumentProjInvoiceEmplLines",
    "DocumentProjInvoiceItemLines",
    "DocumentProjInvoiceOnAccLines",
    "DocumentProjInvoiceRevenueLines",
    "DocumentProjectInvoiceBases",
    "FreeTextInvoiceHeaders",
    "FreeTextInvoiceLines",
    "InventDimBiEntities",
    "LegalEntities",
    "LogisticsPostalAddressBiEntities",
    "MarkupTableBiEntities",
    "MarkupTransBiEntities",
    "OperationalSitesV2",
    "ReleasedProductsV2",
    "SalesInvoiceHeadersV2",
    "SalesInvoiceV2Lines",
    "SalesLineBiEntities",
    "SalesOrderHeadersV3",
    "SalesOrderLines",
    "TaxGroupDatas",
    "TaxGroups",
    "Warehouses",
)
"""The standard entity sets that are read (:mod:`shared.dynamics.entities`), for which settings may name others."""

APP_ROOT = Path(__file__).resolve().parent.parent
"""The folder of ``function_app.py``."""

VAULT_REFERENCE = "@Microsoft.KeyVault("
"""How a secret begins that the platform could not fetch: it is none, and is never sent."""
_STORAGE = "AzureWebJobsStorage"
_STORAGE_SETTINGS = {"queueserviceuri": "queueServiceUri", "tableserviceuri": "tableServiceUri", "clientid": "clientId"}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]+")
_SETTING_BELOW = re.compile(r"[A-Z_]+: ")
NOT_A_SETTING = "is not a setting of this connector; check the spelling"
_PLAIN_WORDS = {
    "missing": "is required and not set",
    "extra_forbidden": NOT_A_SETTING,
    "model_type": 'is not a group of settings; write it as JSON such as {"dynamics": {"url": "https://…"}}',
    "dict_type": 'is not a map; write it as JSON such as {"NAME": …}',
    "date_from_datetime_parsing": "is not a date such as 2026-01-31",
}


class SettingsError(Exception):
    """The app cannot start as it is configured. ``lines`` holds one sentence per mistake, without any value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _from_json(value: Any, example: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(f"is not valid JSON; write it like {example}") from None


def lower_keys(value: Any, *, deeply: bool = False) -> Any:
    """Lower-case the keys of a map; two keys that differ only in case are refused."""
    value = _from_json(value, '{"usmf": {"report_from": "2026-01-01"}}')
    if not isinstance(value, Mapping):
        return value
    lowered: dict[str, Any] = {}
    for key, item in value.items():
        name = str(key).strip().lower()
        if name in lowered:
            raise ValueError(f"{name.upper()} is given twice")
        lowered[name] = lower_keys(item, deeply=True) if deeply and isinstance(item, Mapping) else item
    return lowered


def casefold_keys(value: Any) -> Any:
    """Case-fold the keys of a map that users type; F&O compares such values without case."""
    value = _from_json(value, '{"KEY": "value"}')
    if not isinstance(value, Mapping):
        return value
    return {str(key).strip().casefold(): item for key, item in value.items()}


def casefold_items(value: Any) -> Any:
    """Case-fold the items of a list that users type."""
    value = _from_json(value, '["ONE", "TWO"]')
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError('is not a list; write it like ["ONE", "TWO"]')
    return [str(item).strip().casefold() for item in value]


def two_letter_codes(value: Any) -> Any:
    """A two-letter country or state code, in upper case."""
    code = str(value).strip().upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise ValueError("is not a two-letter code such as US or CA")
    return code


def us_state(value: Any) -> Any:
    """The two-letter code of a US state, in upper case."""
    code = two_letter_codes(value)
    if code not in STATES:
        raise ValueError("is not the code of a US state such as CA")
    return code


def five_digits(value: str) -> str:
    """A five-digit ZIP code."""
    if len(value) != 5 or not value.isascii() or not value.isdigit():
        raise ValueError("is not a five-digit ZIP code such as 42223")
    return value


def iana_time_zone(value: str) -> str:
    """The IANA name of a time zone."""
    try:
        ZoneInfo(value)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ValueError("is not the IANA name of a time zone such as America/Chicago") from None
    return value


def secret_text(value: Any) -> Any:
    """A secret without the blanks and line ends that copying leaves around it; it has to fit into an HTTP header."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        raise ValueError("is not a text")
    text = text.strip()
    if is_reference(text):
        # Named and never sent by shared.key_vault: without this secret the rest of the app still works.
        return text
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("is empty or holds blanks or characters that no token has")
    return text


def bare_https_url(value: Any, *, path_allowed: bool = False) -> str:
    """A lower-case URL without a slash at its end and without its scheme's own port (F&O's audience rule).

    It is https, or http to a loopback address.
    """
    text = str(value).strip().rstrip("/")
    if is_reference(text):
        raise ValueError(UNRESOLVED)
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("must be a full URL such as https://contoso.operations.dynamics.com")
    if not _HOST.fullmatch(host) or any(character <= " " for character in text) or parts.netloc.endswith(":"):
        raise ValueError("is not a URL: its host is not a host name")
    if scheme == "http" and not _is_loopback(host):
        raise ValueError("must start with https:// (plain http only reaches this machine)")
    if "@" in parts.netloc or parts.query or parts.fragment or (parts.path and not path_allowed):
        raise ValueError("must be the bare address: https://, the host, and nothing behind it")
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}{'' if port in (None, _DEFAULT_PORTS[scheme]) else f':{port}'}{parts.path}"


def webhook(secret: SecretStr | None) -> SecretStr | None:
    """The URL of a webhook, which carries its own signature in path or query. A vault reference may stand for it."""
    text = secret.get_secret_value() if secret else ""
    if secret and not text.startswith(VAULT_REFERENCE):
        base, _, _ = text.partition("?")
        bare_https_url(base, path_allowed=True)
    return secret


def authority(value: Any) -> str:
    """The host of Entra ID: its name, or its URL where it runs on this machine."""
    text = str(value).strip().rstrip("/")
    try:
        bare_https_url(text if "://" in text else f"https://{text}")
    except ValueError:
        raise ValueError("is not a host name such as login.microsoftonline.com") from None
    return text


def in_app(path: str) -> Path:
    """A path of the settings; a relative one starts at the app's root, whatever folder the process is in."""
    return APP_ROOT / path


def existing_file(path: str) -> str:
    """The full path of a file that is there."""
    found = in_app(path)
    if not found.is_file():
        raise ValueError("there is no such file (a relative path starts at the folder of function_app.py)")
    return str(found)


def standard_set(name: str) -> str:
    """The name of a standard entity set, case-folded."""
    if name not in {known.casefold() for known in ENTITY_SETS}:
        raise ValueError(f"is not an entity set that the connector reads; it reads {', '.join(ENTITY_SETS)}")
    return name


def storage_connection_string(value: str) -> str:
    """The connection string of a storage account, with its key or a shared access signature."""
    if is_reference(value):
        raise ValueError(UNRESOLVED)
    parts = dict(part.partition("=")[::2] for part in value.strip().rstrip(";").split(";"))
    names = {name.strip().lower() for name, part in parts.items() if part.strip()}
    with_key = {"accountname", "accountkey"} <= names
    with_signature = "sharedaccesssignature" in names and (
        "accountname" in names or {"queueendpoint", "tableendpoint"} <= names
    )
    if not (with_key or with_signature or "usedevelopmentstorage" in names):
        raise ValueError("is not a connection string of a storage account; copy it from the account's Access keys")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def companies_that_meet(companies: Iterable[tuple[str, str, str, str, SecretStr]]) -> list[str]:
    """A line for each of two configurations whose documents would mix.

    ``companies`` yields connection, company, environment URL, TaxJar URL and token. An F&O company configured twice
    would be reported by both; equal company ids of two environments make equal transaction ids in one account.
    """
    sources: dict[tuple[str, str], str] = {}
    accounts: dict[tuple[str, str, str], str] = {}
    lines = []
    for connection, company, environment, api_url, token in companies:
        name = f"CONNECTIONS__{connection.upper()}__COMPANIES__{company.upper()}"
        account = (api_url, token.get_secret_value(), company)
        if (other := sources.setdefault((environment, company), name)) != name:
            lines.append(f"{name}: the same company of the same environment is configured in {other}")
        elif (other := accounts.setdefault(account, name)) != name:
            lines.append(
                f"{name}: {other} has the same company id in another environment and the same TaxJar token;"
                " their transaction ids would meet in one account. Give one of them its own token"
            )
    return lines


def explain(error: ValidationError) -> list[str]:
    """One line per mistake, starting with the setting's full name; values are never shown."""
    details = error.errors(include_input=False)
    return [line for detail in details for line in _lines(detail["loc"], detail["type"], detail["msg"])]


def _lines(location: tuple[int | str, ...], kind: str, message: str) -> list[str]:
    parts = [str(part) for part in location]
    words = _PLAIN_WORDS.get(kind, message.removeprefix("Value error, "))
    if not parts:
        # What concerns several settings names them itself.
        return words.splitlines()
    if parts[0].lower() == _STORAGE.lower():
        name = "__".join([_STORAGE, *(_STORAGE_SETTINGS.get(part, part) for part in parts[1:])])
        return [f"{name}: {words}"]
    if parts[-1] == "[key]":
        parts.pop()
    name = "__".join(parts).upper()
    return [f"{name}__{words}" if _SETTING_BELOW.match(words) else f"{name}: {words}"]

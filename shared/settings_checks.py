"""How settings are normalised, and how a mistake in one is explained."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from shared.states import STATES

_STORAGE = "AzureWebJobsStorage"
_SETTING_BELOW = re.compile(r"[A-Z_]+: ")
_PLAIN_WORDS = {
    "missing": "is required and not set",
    "extra_forbidden": "is not a setting of this connector; check the spelling",
    "model_type": 'is not a group of settings; write it as JSON such as {"dynamics": {"url": "https://…"}}',
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


def secret_text(value: Any) -> Any:
    """A secret without the blanks and line ends that copying leaves around it; it has to fit into an HTTP header."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    text = text.strip()
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("is empty or holds blanks or characters that no token has")
    return text


def bare_https_url(value: Any, *, path_allowed: bool = False) -> str:
    """A lower-case URL without a slash at its end; https, or http to a loopback address (F&O's audience rule)."""
    text = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ValueError("must be a full URL such as https://contoso.operations.dynamics.com")
    if parts.scheme.lower() == "http" and not _is_loopback(host):
        raise ValueError("must start with https:// (plain http only reaches this machine)")
    if parts.username or parts.query or parts.fragment or (parts.path and not path_allowed):
        raise ValueError("must be the bare address: https://, the host, and nothing behind it")
    return f"{parts.scheme}://{parts.netloc}".lower() + parts.path


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_companies_that_meet(companies: Iterable[tuple[str, str, str, str, SecretStr]]) -> None:
    """Refuse two configurations whose documents would mix.

    ``companies`` yields connection, company, environment URL, TaxJar URL and token. An F&O company configured twice
    would be reported by both; equal company ids of two environments make equal transaction ids in one account.
    """
    sources: dict[tuple[str, str], str] = {}
    accounts: dict[tuple[str, str, str], str] = {}
    for connection, company, environment, api_url, token in companies:
        name = f"CONNECTIONS__{connection.upper()}__COMPANIES__{company.upper()}"
        if (other := sources.setdefault((environment, company), name)) != name:
            raise ValueError(f"{name}: the same company of the same environment is configured in {other}")
        account = (api_url, token.get_secret_value(), company)
        if (other := accounts.setdefault(account, name)) != name:
            raise ValueError(
                f"{name}: {other} has the same company id in another environment and the same TaxJar token;"
                " their transaction ids would meet in one account. Give one of them its own token"
            )


def explain(error: ValidationError) -> list[str]:
    """One line per mistake, starting with the setting's full name; values are never shown."""
    return [_line(detail["loc"], detail["type"], detail["msg"]) for detail in error.errors(include_input=False)]


def _line(location: tuple[int | str, ...], kind: str, message: str) -> str:
    parts = [str(part) for part in location]
    words = _PLAIN_WORDS.get(kind, message.removeprefix("Value error, "))
    if parts and parts[0].lower() == _STORAGE.lower():
        return f"{_STORAGE}: {words}"
    if parts and parts[-1] == "[key]":
        parts.pop()
    if not parts:
        return words
    if _SETTING_BELOW.match(words):
        return f"{'__'.join(parts).upper()}__{words}"
    return f"{'__'.join(parts).upper()}: {words}"

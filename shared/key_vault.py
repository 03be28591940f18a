"""References to a Key Vault in place of a secret that the platform has not resolved (design 4.9).

App Service puts the secret into the setting before the app starts. Where it cannot, the app finds the reference itself;
it is not a secret, and is never sent as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from shared.settings import ConnectionSettings

_REFERENCES = ("@microsoft.keyvault(", "@microsoft.appconfiguration(")

UNRESOLVED = "still holds a Key Vault reference instead of its value"
"""What is wrong with such a setting."""
REMEDY = (
    "Put the secret into the Key Vault, check that the app's identity may read it, and refresh the references of the"
    " app settings (docs/operations.md); the settings page of the function app shows the state of each."
)
"""What to do about it."""


def is_reference(value: object) -> bool:
    """Whether the value of a setting is a reference that the platform should have replaced."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and text.strip().casefold().startswith(_REFERENCES)


def unresolved(name: str, connection: ConnectionSettings) -> dict[str, str]:
    """Setting's full name → a sentence that names it, for every credential of the connection ``name`` that is missing.

    The connection works as far as it goes without them.
    """
    prefix = f"CONNECTIONS__{name.upper()}"
    dynamics, taxjar = connection.dynamics, connection.taxjar
    values: dict[str, object] = {
        f"{prefix}__DYNAMICS__TENANT_ID": dynamics.tenant_id,
        f"{prefix}__DYNAMICS__CLIENT_ID": dynamics.client_id,
        f"{prefix}__DYNAMICS__CLIENT_SECRET": dynamics.client_secret,
        f"{prefix}__DYNAMICS__MANAGED_IDENTITY_CLIENT_ID": dynamics.managed_identity_client_id,
        f"{prefix}__TAXJAR__TOKEN": taxjar.token,
    }
    for company, settings in connection.companies.items():
        values[f"{prefix}__COMPANIES__{company.upper()}__TAXJAR__TOKEN"] = settings.taxjar.token
    return {setting: _sentence(setting) for setting, value in values.items() if is_reference(value)}


def of_dynamics(missing: Mapping[str, str]) -> str:
    """What ``unresolved`` says of the sign-in to F&O; empty when it lacks nothing."""
    return " ".join(sentence for setting, sentence in missing.items() if "__DYNAMICS__" in setting)


def of_account(missing: Mapping[str, str], name: str, company: str = "") -> str:
    """What ``unresolved`` says of the company's own TaxJar token, without ``company`` of the connection's."""
    owner = f"COMPANIES__{company.upper()}__" if company else ""
    return missing.get(f"CONNECTIONS__{name.upper()}__{owner}TAXJAR__TOKEN", "")


def _sentence(setting: str) -> str:
    return f"The setting {setting} {UNRESOLVED}, so no call is made with it."

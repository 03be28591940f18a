"""What every command works with."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import httpx

from cli.client import Api
from cli.errors import Refused, WrongUsage
from cli.output import Output
from cli.profiles import Profile
from cli.sign_in import SignedIn, with_az_login, with_key

URL_VARIABLES = ("CONNECTOR_URL", "HOST")
KEY_VARIABLES = ("CONNECTOR_KEY", "KEY")
"""The second of each is what ``python3 -m local up`` prints for pasting."""


@dataclass
class Context:
    """The parsed command line, where to print, and the deployment that is asked."""

    options: argparse.Namespace
    output: Output
    profile: Profile
    environment: Mapping[str, str]
    today: date
    sleep: Callable[[float], None]
    transport: httpx.BaseTransport | None = None
    _api: Api | None = None
    _only: tuple[str, str] | None = None

    @property
    def api(self) -> Api:
        """The deployment's API, signed in."""
        if self._api is None:
            self._api = Api(self.url, self._signed_in(), self.transport)
        return self._api

    @property
    def url(self) -> str:
        """Where the deployment is. Raises :class:`WrongUsage` where nothing says so."""
        given: list[str] = [
            self.options.url,
            self.profile.url,
            *(self.environment.get(name, "") for name in URL_VARIABLES),
        ]
        # A shell may have a HOST of its own, the machine's name.
        found = next((url for url in given if url and "://" in url), None)
        if found is None:
            raise WrongUsage(f"Say which deployment: --url, a profile, or the variable {URL_VARIABLES[0]}.")
        return found

    @property
    def connection(self) -> str:
        """The connection that is meant: by option, profile or variable, else the only one."""
        return (self._meant("connection") or self._only_one()[0]).lower()

    @property
    def company(self) -> str:
        """The company that is meant: by option, profile or variable, else the only one."""
        return (self._meant("company") or self._only_one()[1]).lower()

    @property
    def company_meant(self) -> str:
        """The company that is asked for, empty for all of the connection."""
        return self._meant("company")

    @property
    def signature(self) -> dict[str, object]:
        """Who decides, for the audit: a key says it itself, of a signed-in person the app knows it."""
        if self.api.signed_in.is_person:
            return {}
        return {"by": self.options.by or self.profile.by or _user()}

    def close(self) -> None:
        """End the connections."""
        if self._api:
            self._api.close()

    def _signed_in(self) -> SignedIn:
        if self.options.key:
            return with_key(self.options.key)
        if self.profile.resource and not self.options.use_key:
            return with_az_login(self.profile.resource)
        names = [name for name in (self.profile.key_variable, *KEY_VARIABLES) if name]
        key = next((self.environment[name] for name in names if self.environment.get(name)), None)
        if key is None:
            raise WrongUsage(f"Sign in: a profile with resource for az login, or a function key in {names[0]}.")
        return with_key(key)

    def _meant(self, name: str) -> str:
        """The connection or company by option, profile or variable; empty where nothing says."""
        given = getattr(self.options, name) or getattr(self.profile, name)
        return str(given or self.environment.get(f"CONNECTOR_{name.upper()}", ""))

    def _only_one(self) -> tuple[str, str]:
        """Connection and company where there is only one of them."""
        if self._only is None:
            try:
                status = self.api.get("status")
            except Refused as refused:
                if refused.status == 404:
                    raise WrongUsage("Say which: --connection and --company, or a profile.") from None
                raise
            wanted, company_wanted = self._meant("connection").lower(), self._meant("company").lower()
            found = [
                (str(connection["name"]), str(company["id"]))
                for connection in status["connections"]
                for company in connection["companies"]
                if wanted in ("", connection["name"]) and company_wanted in ("", company["id"])
            ]
            if len(found) != 1:
                known = ", ".join("/".join(pair) for pair in found) or "none"
                raise WrongUsage(f"Say which by --connection and --company; there are {known}.")
            self._only = found[0]
        return self._only


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "function key"

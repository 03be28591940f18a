"""The three remote sides on loopback addresses, ready for the connector: Entra ID, Dynamics 365 F&O, TaxJar."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from local.simulators.certificates import Certificates
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.entra import EntraSimulator
from local.simulators.server import LoopbackServer
from local.simulators.taxjar.simulator import TaxJarSimulator

CONNECTION = "main"
TENANT = "1f0c5d3e-7a41-4a53-9a55-0d3f6d2b7c11"
CLIENT = "9b6d1c52-33a8-4a0e-8f0a-5f8f0f1f4c77"
CLIENT_SECRET = "simulated-client-secret"
TAXJAR_TOKEN = "simulated-taxjar-token"
TAXJAR_ACCOUNT = "retailer"


class Simulation:
    """A context manager: started servers, and the settings that lead a connector to them.

    Whoever signs in has to trust the authority of ``certificates`` (by ``SSL_CERT_FILE`` of its process).
    """

    def __init__(
        self,
        certificates: Certificates,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        default_company: str = "dat",
        seed: int = 7,
    ) -> None:
        self._certificates = certificates
        self._clock = clock
        self.entra = EntraSimulator({TENANT: {CLIENT: CLIENT_SECRET}}, clock=clock)
        self.dynamics = DynamicsSimulator(
            "",
            self.entra.claims,
            clock=clock,
            default_company=default_company,
            tenant=TENANT,
            applications=[CLIENT],
        )
        self.taxjar = TaxJarSimulator({TAXJAR_TOKEN: TAXJAR_ACCOUNT}, clock=clock, random=Random(seed))
        self._servers = ExitStack()
        self._entra_server = LoopbackServer(self.entra.app, tls=certificates.server)
        self._dynamics_server = LoopbackServer(self.dynamics.app)
        self._taxjar_server = LoopbackServer(self.taxjar.app)

    def __enter__(self) -> Self:
        for server in (self._entra_server, self._dynamics_server, self._taxjar_server):
            self._servers.enter_context(server)
        self.dynamics.audience = self._dynamics_server.url
        self.entra.resources.add(self._dynamics_server.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.close()

    @property
    def urls(self) -> dict[str, str]:
        """Where the three sides answer."""
        return {
            "Entra ID": self._entra_server.url,
            "Dynamics 365 F&O": self._dynamics_server.url,
            "TaxJar": f"{self._taxjar_server.url}/v2",
        }

    @property
    def apps(self) -> dict[str, ASGIApp]:
        """The apps of F&O and TaxJar by base address, for a client in this process that needs no socket."""
        return {self._dynamics_server.url: self.dynamics.app, self._taxjar_server.url: self.taxjar.app}

    def posting(self, company: str) -> Posting:
        """The desk that posts documents in ``company``."""
        return Posting(self.dynamics, company)

    def settings(
        self, companies: Mapping[str, Mapping[str, object]], dynamics: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """One connection with ``companies`` (id → company settings), in nested form; ``dynamics`` goes over its own."""
        return {
            "dynamics": {
                "url": self._dynamics_server.url,
                "tenant_id": TENANT,
                "client_id": CLIENT,
                "client_secret": CLIENT_SECRET,
                "authority_host": self._entra_server.url,
                **(dynamics or {}),
            },
            "taxjar": {"api_url": f"{self._taxjar_server.url}/v2", "token": TAXJAR_TOKEN},
            "companies": companies,
        }

    def tls_trust(self) -> ssl.SSLContext:
        """What a client needs to trust the simulated Entra ID."""
        return ssl.create_default_context(cafile=str(self._certificates.authority))

    def environment(
        self, companies: Mapping[str, Mapping[str, object]], dynamics: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        """The same as environment variables of a host process, with the trust in Entra ID's certificate."""
        connection = json.dumps(self.settings(companies, dynamics), default=str)
        return {f"CONNECTIONS__{CONNECTION.upper()}": connection, "SSL_CERT_FILE": str(self._certificates.authority)}

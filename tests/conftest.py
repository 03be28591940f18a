"""What every test may use: the storage emulator and the profile of the property tests."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from local.azurite import Azurite
from local.checks import AZURITE_VARIABLE
from local.simulators.certificates import Certificates, write_certificates

if TYPE_CHECKING:
    from tests.world import World

_FOLDER = tempfile.TemporaryDirectory()
CERTIFICATES = write_certificates(Path(_FOLDER.name))
# Entra ID speaks TLS; aiohttp reads which authorities to trust when it is imported.
os.environ["SSL_CERT_FILE"] = str(CERTIFICATES.authority)

# The same examples in every run: a red build is red for everybody. HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("steady", deadline=None, max_examples=60, derandomize=True, database=None)
settings.register_profile(
    "search", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# A terminated run ends like an interrupted one: fixtures stop what they started.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """The garbage collector need not look again and again at what is loaded by now: it stays."""
    gc.freeze()


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """The connection string of a running Azurite, shared by the session: use names of your own.

    Whoever uses it in this process also meets the limits of the real service.
    """
    # Unit tests are spared the import of the SDK.
    from tests.storage_limits import storage_limits

    with storage_limits():
        if given := os.environ.get(AZURITE_VARIABLE):
            yield given
            return
        with Azurite() as running:
            yield running.connection_string


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """The authority that this process trusts."""
    return CERTIFICATES


@pytest.fixture
async def world(azurite: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A connector, its remote sides and a clock; ``@pytest.mark.company(…)`` gives the company's settings.

    With ``@pytest.mark.sockets`` the connector reaches F&O and TaxJar over real connections.
    """
    # Unit tests are spared the import of the whole product.
    from tests.world import running_world

    company = request.node.get_closest_marker("company")
    transports: dict[str, Any] = {"remote_transport": None} if request.node.get_closest_marker("sockets") else {}
    async with running_world(
        azurite, CERTIFICATES, settings=company.kwargs if company else None, **transports
    ) as running:
        yield running

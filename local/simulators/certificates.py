"""A certificate authority of one's own, so that local runs speak real TLS."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trustme

from local.simulators.server import Tls


class Certificates(NamedTuple):
    """PEM files. ``authority`` is what clients must trust, for the aio clients by ``SSL_CERT_FILE``."""

    authority: Path
    server: Tls


def write_certificates(folder: Path) -> Certificates:
    """Make an authority and a server certificate for localhost and 127.0.0.1, and write them to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    paths = Certificates(folder / "authority.pem", Tls(folder / "server.pem", folder / "server.key"))
    authority.cert_pem.write_to_path(paths.authority)
    server.cert_chain_pems[0].write_to_path(paths.server.certificate)
    paths.server.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(paths.server.key)
    return paths

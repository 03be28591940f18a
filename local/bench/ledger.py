"""Starts the measurement of :mod:`local.bench.ledger_reads` in a process that trusts the simulated Entra ID.

aiohttp reads which authorities to trust when it is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local.bootstrap import ROOT
from local.simulators.certificates import write_certificates


def main(size: int) -> int:
    """Print what reads cost with ``size`` documents; 1 where a read grows with the history."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = write_certificates(Path(folder))
        environment = {**os.environ, "SSL_CERT_FILE": str(certificates.authority)}
        command = [sys.executable, "-m", "local.bench.ledger_reads", str(size), folder]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode

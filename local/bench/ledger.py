"""Starts a measurement, :mod:`.ledger_reads` or :mod:`.ledger_day`, in a process that trusts the simulated Entra ID.

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


def main(module: str, size: int) -> int:
    """Print what ``module`` measures with ``size`` documents; 1 where that is too much."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = write_certificates(Path(folder))
        environment = {**os.environ, "SSL_CERT_FILE": str(certificates.authority)}
        command = [sys.executable, "-m", f"local.bench.{module}", str(size), folder]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode

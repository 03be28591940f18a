"""Which class of machine a benchmark ran on, and whether it had the machine to itself."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

BUSY = 0.5
"""Load (processes that run or wait to) before a run, above which its rates say little."""


def machine_class() -> str:
    """What rates depend on: the processor, the number of cores and the Python."""
    major, minor, _ = platform.python_version_tuple()
    return f"{_processor()}, {os.cpu_count()} cores, Python {major}.{minor}"


def load() -> float | None:
    """The load of the last minute; ``None`` where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return " ".join(found[1].split()) if found else platform.processor() or platform.machine()

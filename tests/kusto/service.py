"""Microsoft's Kusto language service, run by Node.js: what is wrong with a query, and which columns it gives."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.bootstrap import NPM_FOLDER

_PROGRAM = Path(__file__).parent / "check.cjs"
_SERVICE = NPM_FOLDER / "node_modules" / "@kusto" / "language-service-next"


@dataclass(frozen=True)
class Checked:
    """One query against the metrics of Application Insights."""

    errors: list[str]
    columns: dict[str, str]
    """Name → Kusto type."""


def check(queries: Sequence[str]) -> list[Checked]:
    """What the service says of each query."""
    node = shutil.which("node")
    assert node is not None, "Node.js is needed, as for Azurite"
    given = json.dumps({"folder": str(_SERVICE), "queries": list(queries)})
    done = subprocess.run([node, str(_PROGRAM)], input=given, capture_output=True, text=True, timeout=60, check=True)
    return [Checked(**answer) for answer in json.loads(done.stdout)]

"""``python -m local.tool NAME …``: a tool of the virtual environment, whatever the system calls its interpreter.

It needs no package, so that any Python can call it: pre-commit does.
"""

from __future__ import annotations

import subprocess
import sys

from local.bootstrap import ROOT, VENV_PYTHON

if __name__ == "__main__":
    if not VENV_PYTHON.exists():
        sys.exit("The tools are not installed: run python3 -m local test once.")
    sys.exit(subprocess.call([str(VENV_PYTHON), "-m", *sys.argv[1:]], cwd=ROOT))

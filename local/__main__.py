"""``python3 -m local``: prepares the machine, then runs a command inside the virtual environment."""

from __future__ import annotations

import sys

from local import bootstrap

if __name__ == "__main__":
    bootstrap.enter_virtual_environment(sys.argv[1:])

    from local.commands import main

    sys.exit(main(sys.argv[1:]))

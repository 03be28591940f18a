"""The commands of ``python3 -m local``: each is a module with ``main(arguments) -> exit code``."""

from __future__ import annotations

import importlib
import signal
import sys
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True)
class Command:
    """A command's module, imported only when it runs, and its line in the usage text."""

    module: str
    summary: str


COMMANDS = {
    "demo": Command("local.demo", "the main job, end to end, on the bundled data"),
    "up": Command("local.up", "the same, left running, with the URLs to try"),
    "host": Command("local.host.command", "the Functions host alone, on your own settings  [--port N] [--func]"),
    "ping": Command("local.ping", "whether everything a connection needs works  [CONNECTION]"),
    "backfill": Command("local.backfill", "report a company's history  COMPANY FROM TO [--dry-run] [--force]"),
    "test": Command("local.checks", "lint, types and all the tests  [--thorough] [pytest arguments]"),
    "categories": Command("local.categories", "TaxJar's product tax codes, found by words  [SEARCH]"),
    "audit": Command("local.audit", "prove an exported audit, offline  verify FILE [--public-key FILE]"),
    "bench": Command("local.bench", "the benchmark, as ratios in one run"),
}


def usage() -> str:
    """The text shown for ``--help``, for no command and for an unknown one."""
    lines = ["usage: python3 -m local COMMAND [arguments]", ""]
    lines += [f"  {name:10} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit code: 2 for a wrong command line, 130 when interrupted."""
    if not arguments:
        print(usage(), file=sys.stderr)
        return 2
    name, *rest = arguments
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"There is no command {name!r}.\n\n{usage()}", file=sys.stderr)
        return 2
    # As an exception, a termination passes through every context manager: no process is left behind.
    signal.signal(signal.SIGTERM, _exit)
    try:
        code: int = importlib.import_module(COMMANDS[name].module).main(rest)
    except KeyboardInterrupt:
        return 130
    return code


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)

"""The command line's parser, and the table of its commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from cli.arguments import common
from cli.context import Context

Run = Callable[[Context], int]
PROGRAM = "connector"


@dataclass(frozen=True, slots=True)
class Commands:
    """Where commands are added."""

    parsers: argparse._SubParsersAction[argparse.ArgumentParser]

    def add(self, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
        """A command, with the options that all have."""
        options = [common(top=False)]
        parser = self.parsers.add_parser(name, help=summary, description=f"{summary.capitalize()}.", parents=options)
        parser.set_defaults(run=run)
        return parser


def new_parser() -> tuple[argparse.ArgumentParser, Commands]:
    """The parser without commands, and where they are added."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="The operator's command line of the Dynamics 365 to TaxJar connector.",
        epilog="Exit codes: 0 clean, 1 something waits or differs, 2 wrong usage, 3 refused or unreachable.",
        parents=[common(top=True)],
    )
    parsers = parser.add_subparsers(metavar="COMMAND", required=True)
    return parser, Commands(parsers)

"""The ``connector`` command: parse, sign in, run one command, and end with its exit code (design 3.3)."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TextIO

import httpx

from cli import completion
from cli.commands import decide, jobs, look, month, proof
from cli.context import Context
from cli.errors import REFUSED, CommandFailed
from cli.output import Output
from cli.parser import PROGRAM, new_parser
from cli.profiles import read_profile

_INTERRUPTED = 130
_PIPE_CLOSED = 141


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser, commands = new_parser()
    for module in (look, decide, month, jobs, proof):
        module.add(commands)
    completion.add(commands, parser)
    return parser


def main(
    arguments: Sequence[str] | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    today: date | None = None,
    sleep: Callable[[float], None] = time.sleep,
    transport: httpx.BaseTransport | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Run one command; return 0 clean, 1 something waits or differs, 2 wrong usage, 3 refused or unreachable."""
    parser = build_parser()
    out, err = out or sys.stdout, err or sys.stderr
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    context = None
    try:
        profile = read_profile(options.profile, environment)
        output = Output(options.form, out, err, environment)
        context = Context(options, output, profile, environment, today or date.today(), sleep, transport)
        code: int = options.run(context)
    except CommandFailed as failure:
        print(f"{PROGRAM}: {failure}", file=err)
        return failure.code
    except (KeyError, TypeError) as surprise:
        print(f"{PROGRAM}: the app answered otherwise than its API says ({surprise}): is it another version?", file=err)
        return REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough. The interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    finally:
        if context:
            context.close()
    return code

"""``python3 -m local audit``: proves an exported audit on this machine alone, without any service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.proof.verify import verify_file


def main(arguments: list[str]) -> int:
    """0: everything is as it was written; 1: something is not; 2: the command line or a file is wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m local audit", description="Proves an exported audit, offline.")
    verify = parser.add_subparsers(dest="command", required=True).add_parser(
        "verify", help="name the first entry, record or day that is not as it was written"
    )
    verify.add_argument("file", type=Path, help="what export_audit answered, page behind page; gzip or not")
    verify.add_argument(
        "--public-key",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="public key (PEM) that you know; may be given several times. Without it the file's own key counts",
    )
    verify.add_argument("--json", action="store_true", help="the report as JSON")
    options = parser.parse_args(arguments)
    try:
        trusted = [path.read_text(encoding="ascii") for path in options.public_key]
        report = verify_file(options.file, trusted)
    except (OSError, ValueError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report.content(), indent=2) if options.json else "\n".join(report.sentences()))
    return 0 if report.ok else 1

"""``export``, ``audit verify`` and ``open``: take proof along, check it, and look at the page."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import webbrowser
from pathlib import Path
from urllib.parse import quote, urlencode

from cli.arguments import before, day, month
from cli.context import Context
from cli.errors import CLEAN, WAITS, Refused, WrongUsage
from cli.parser import Commands

VERIFIER = "shared.proof.verify"


def add(commands: Commands) -> None:
    """The commands of this module."""
    export = commands.add("export", export_file, "write the audit, the documents or a month to a file")
    export.add_argument("what", nargs="?", default="audit", choices=("audit", "documents", "month"))
    export.add_argument("--month", type=month, help="such as 2026-09 (default of month: the one before this)")
    export.add_argument("--from", dest="since", type=day, metavar="DAY", help="first day")
    export.add_argument("--to", dest="until", type=day, metavar="DAY", help="last day")
    export.add_argument("-o", "--output", metavar="FILE", help="where to; - is standard output")
    audit = commands.add("audit", verify, "prove that nothing was changed in an exported audit")
    audit.add_argument("act", choices=("verify",), help="check hashes, chains and signed days")
    audit.add_argument("file", nargs="?", help="an exported audit (default: that of the deployment, exported now)")
    audit.add_argument("--from", dest="since", type=day, metavar="DAY", help="first day of what is exported now")
    audit.add_argument("--to", dest="until", type=day, metavar="DAY", help="last day")
    keys = "file of a public key (PEM) that you know; may be given several times"
    audit.add_argument("--public-key", action="append", default=[], metavar="FILE", help=keys)
    page = commands.add("open", open_page, "open the operator's page")
    page.add_argument("number", nargs="?", help="the number of an invoice in F&O")
    page.add_argument("--print", dest="only_print", action="store_true", help="only print the address")


def export_file(context: Context) -> int:
    """Write a file, by default into the present folder."""
    options = context.options
    since, until = _range(options)
    where = (context.connection, context.company)
    kind = {"audit": "ndjson", "documents": "csv", "month": "xlsx"}[options.what]
    if options.what == "month":
        first, last = (since, until) if since and until else map(str, before(context.today))
        pages = iter([context.api.download("completeness", *where, format=kind, **{"from": first, "to": last})])
    elif options.what == "documents":
        pages = iter([context.api.download("documents", *where, format=kind, **{"from": since, "to": until})])
    else:
        pages = context.api.download_pages("audit", *where, **{"from": since, "to": until})
    if options.output == "-":
        for page in pages:
            sys.stdout.buffer.write(page)
        sys.stdout.flush()
        return CLEAN
    name = "-".join(filter(None, (options.what, *where, since, until)))
    path = Path(options.output or f"{name}.{kind}")
    try:
        with path.open("wb") as file:
            for page in pages:
                file.write(page)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be written: {error.strerror}.") from None
    context.output.say(str(path))
    return CLEAN


def verify(context: Context) -> int:
    """Prove a file, or the deployment's audit as it is exported now; 1 where something was changed."""
    options = context.options
    if options.file:
        return _verify(context, Path(options.file))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.ndjson"
        where = (context.connection, context.company)
        with path.open("wb") as file:
            for page in context.api.download_pages("audit", *where, **{"from": options.since, "to": options.until}):
                file.write(page)
        return _verify(context, path)


def open_page(context: Context) -> int:
    """Print the page's address, and open it for people at a terminal."""
    address = f"{context.url.rstrip('/')}/api/console/"
    if context.options.number:
        where = "/".join(quote(part, safe="") for part in ("document", context.connection, context.company))
        address += f"#/{where}?{urlencode({'number': context.options.number})}"
    if not context.output.whole({"url": address}):
        context.output.say(address)
    if context.output.out.isatty() and not context.options.only_print and not webbrowser.open(address):
        raise Refused("No browser could be opened; the address is above.")
    return CLEAN


def _verify(context: Context, path: Path) -> int:
    try:
        verifier = importlib.import_module(VERIFIER)
    except ModuleNotFoundError:
        raise WrongUsage("This installation of connector has no verifier: install it from the repository.") from None
    try:
        trusted = [Path(name).read_text(encoding="ascii") for name in context.options.public_key]
        report = verifier.verify_file(path, trusted)
    except (OSError, ValueError) as error:
        raise WrongUsage(f"The audit cannot be verified: {error}") from None
    if not context.output.whole(report.content()):
        for sentence in report.sentences():
            context.output.say(sentence)
    return CLEAN if report.ok else WAITS


def _range(options: argparse.Namespace) -> tuple[str | None, str | None]:
    if options.month and (options.since or options.until):
        raise WrongUsage("Give --month, or --from and --to, not both.")
    if options.month:
        return options.month[0].isoformat(), options.month[1].isoformat()
    return options.since, options.until

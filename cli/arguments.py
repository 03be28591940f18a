"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from datetime import date, timedelta

AS_GIVEN = argparse.SUPPRESS


def day(text: str) -> str:
    """A calendar date as the API takes it."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-09-30") from None


def month(text: str) -> tuple[date, date]:
    """First and last day of a month."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month such as 2026-09") from None
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def before(today: date) -> tuple[date, date]:
    """First and last day of the month before ``today``'s."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def at_least_one(text: str) -> int:
    """A number of things."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def common(*, top: bool) -> argparse.ArgumentParser:
    """Options that stand before or behind the command; ``top``: those before it, with the defaults."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("which deployment, and how to print")

    def add(*names: str, **settings: object) -> None:
        default = settings.pop("default", "")
        group.add_argument(*names, default=default if top else AS_GIVEN, **settings)  # type: ignore[arg-type]

    add("--profile", help="profile of the configuration file", default=None)
    add("--url", help="the deployment, such as https://func-contoso.azurewebsites.net")
    add("--connection", help="the connection's name in the settings")
    add("--company", help="the company's id, such as usmf")
    add("--by", help="who decides, where a function key signs in")
    add("--key", help="function key; others on the machine can see it here, not in the variable CONNECTOR_KEY")
    add("--use-key", action="store_true", default=False, help="sign in with the function key, not by az login")
    add("--json", dest="form", action="store_const", const="json", default="table", help="the API's own answer")
    add("--csv", dest="form", action="store_const", const="csv", default="table", help="rows as CSV")
    return parser


def days_range(parser: argparse.ArgumentParser) -> None:
    """``--from`` and ``--to``, invoice dates."""
    parser.add_argument("--from", dest="since", type=day, metavar="DAY", help="first invoice date")
    parser.add_argument("--to", dest="until", type=day, metavar="DAY", help="last invoice date")


def reason(parser: argparse.ArgumentParser) -> None:
    """``--reason``: every decision has one."""
    parser.add_argument("--reason", required=True, help="why, for the audit")

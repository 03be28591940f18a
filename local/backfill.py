"""``python3 -m local backfill``: start a backfill on a running host, and watch it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import httpx

KEY_VARIABLE = "LOCAL_FUNCTION_KEY"
_FIRST_LOOK, _LAST_LOOK = 0.5, 5.0
"""Seconds between two looks: at first, and at most."""
_WIDTH = 40
_COUNTS = ("would_send", "would_change", "reported", "skipped", "held", "failed")

Sleep = Callable[[float], None]


def main(arguments: list[str], *, client: httpx.Client | None = None, sleep: Sleep = time.sleep) -> int:
    """Start a backfill and wait for its end. Returns 0 when it has finished, 1 when it failed or could not start."""
    options = _options(arguments)
    key = options.key or os.environ.get(KEY_VARIABLE, "")
    body = {
        "company": options.company,
        "from": options.since.isoformat(),
        "to": options.until.isoformat(),
        "dry_run": options.dry_run,
        "force": options.force,
        "by": "local backfill",
    }
    with client or httpx.Client(timeout=60) as http:
        path = f"{options.url.rstrip('/')}/api/backfills/{options.connection}"
        try:
            job = _answer(http.post(path, json=body, headers={"x-functions-key": key}))["job"]
            print(f"Backfill {job} has started.", flush=True)
            return _watch(lambda: _answer(http.get(f"{path}/{job}", headers={"x-functions-key": key})), sleep)
        except _Refused as refused:
            print(refused, file=sys.stderr)
        except httpx.TransportError as error:
            print(f"{options.url} does not answer ({type(error).__name__}). Is the host running?", file=sys.stderr)
    return 1


class _Refused(Exception):
    """The host answered with an error; the text is its message."""


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m local backfill", description="Reports a company's documents of a range of days."
    )
    parser.add_argument("company", help="the company's id, such as usmf")
    parser.add_argument("since", metavar="from", type=date.fromisoformat, help="first invoice date, such as 2026-01-01")
    parser.add_argument("until", metavar="to", type=date.fromisoformat, help="last invoice date")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would become of each document")
    parser.add_argument("--force", action="store_true", help="also before REPORT_FROM, and map anew what is settled")
    parser.add_argument("--connection", default="main", help="the connection's name in the settings (default: main)")
    parser.add_argument("--url", default="http://127.0.0.1:7071", help="where the host runs")
    parser.add_argument("--key", default="", help=f"function key (default: that of {KEY_VARIABLE})")
    return parser.parse_args(arguments)


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_success:
        found: dict[str, Any] = response.json()
        return found
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise _Refused(f"The host refuses the function key: give it by --key or {KEY_VARIABLE}.")
    try:
        raise _Refused(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        raise _Refused(f"The host answered {response.status_code}.") from None


def _watch(look: Callable[[], dict[str, Any]], sleep: Sleep) -> int:
    pause = _FIRST_LOOK
    while (progress := look())["state"] == "running":
        _show(progress)
        sleep(pause)
        pause = min(pause * 1.2, _LAST_LOOK)
    _show(progress)
    print()
    for name in _COUNTS:
        if count := progress.get(name):
            reasons = ", ".join(f"{reason} {n}" for reason, n in progress["reasons"].get(name, {}).items())
            print(f"  {name:12} {count:7}{f'  ({reasons})' if reasons else ''}")
    for state, total in progress.get("totals", {}).items():
        figures = f"amount {total['amount']:>14}  sales tax {total['sales_tax']:>12}"
        print(f"  {state:12} {total['documents']:7}  {figures}")
    if progress["dry_run"]:
        print(f"It would use {progress['taxjar_transactions']} TaxJar transactions. Nothing was changed.")
    if progress["state"] == "failed":
        print(progress["message"], file=sys.stderr)
        return 1
    return 0


def _show(progress: dict[str, Any]) -> None:
    remaining = progress["remaining"]
    done = max(progress["seen"] - remaining, 0) if progress["state"] == "running" else progress["seen"]
    whole = max(done + remaining, 1)
    bar = "#" * (_WIDTH * done // whole)
    bar = bar if remaining or progress["state"] == "running" else "#" * _WIDTH
    eta = f", until about {_local_time(progress['eta'])}" if progress["eta"] else ""
    line = f"  [{bar:.<{_WIDTH}}] {done} done, {remaining} to go{eta}"
    print(f"{line:<100}", end="\r" if sys.stdout.isatty() else "\n", flush=True)


def _local_time(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%H:%M:%S}"

"""``reconcile`` and ``backfill``: work over many documents, watched to its end."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cli.arguments import day, days_range
from cli.client import Json
from cli.context import Context
from cli.errors import CLEAN, WAITS, CommandFailed, WrongUsage
from cli.output import Column
from cli.parser import Commands

LONGEST_AT_ONCE = 31
"""Days that are compared while the caller waits; more of them are a job."""
_FIRST_LOOK, _LAST_LOOK = 0.5, 5.0
"""Seconds between two looks: at first, and at most."""
_DIFFERENCES = (
    Column("transaction_id", "id"),
    Column("status"),
    Column("dynamics", "F&O"),
    Column("taxjar", "TaxJar"),
    Column("difference"),
)
_COUNTS = ("would_send", "would_change", "seen", "reported", "skipped", "held", "failed", "remaining")
_BACKFILLS = (
    Column("job"),
    Column("state"),
    Column("company"),
    Column("from"),
    Column("to"),
    *(Column(name, money=True) for name in _COUNTS),
    Column("by"),
    Column("started_at", "started"),
    Column("finished_at", "finished"),
)


def add(commands: Commands) -> None:
    """The commands of this module."""
    reconcile = commands.add("reconcile", compare, "compare F&O with TaxJar")
    days_range(reconcile)
    reconcile.add_argument("--deep", action="store_true", help="compare every transaction, line by line")
    reconcile.add_argument("--heal", action="store_true", help="also enqueue what is missing in TaxJar")
    reconcile.add_argument("--confirm", action="store_true", help="send again even where very many are missing")
    reconcile.add_argument("--reason", default="", help="why, for --confirm")
    reconcile.add_argument("--job", action="store_true", help="as a job that goes on by itself, as for longer ranges")
    backfill = commands.add("backfill", run_backfill, "report, or try out, the documents of a range of days")
    backfill.add_argument("since", nargs="?", type=day, metavar="FROM", help="first invoice date")
    backfill.add_argument("until", nargs="?", type=day, metavar="TO", help="last invoice date")
    backfill.add_argument("--dry-run", action="store_true", help="only tell what would become of each document")
    backfill.add_argument("--force", action="store_true", help="also before REPORT_FROM, and map anew what is settled")
    backfill.add_argument("--no-wait", action="store_true", help="start it and leave it")
    which = backfill.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="the backfills that there are, newest first")
    which.add_argument("--show", metavar="JOB", help="watch one that runs")
    which.add_argument("--cancel", metavar="JOB", help="end one early")


def compare(context: Context) -> int:
    """Both sides of a range of days; 1 where they differ."""
    options = context.options
    if options.confirm and not (options.heal and options.reason):
        raise WrongUsage("--confirm sends again what is missing: add --heal and --reason.")
    days = {"from": options.since, "to": options.until}
    if options.job or _is_long(options):
        found = _reconciliation_job(context, days)
    else:
        method = "POST" if options.heal else "GET"
        path = ("reconciliations", context.connection, context.company)
        if method == "GET":
            found = context.api.get(*path, deep=options.deep, **days)
        else:
            body = {"reason": options.reason, **context.signature} if options.confirm else None
            found = context.api.send(method, *path, body=body, deep=options.deep, confirm=options.confirm, **days)
    differ = {status: count for status, count in found["counts"].items() if status != "reconciled" and count}
    output = context.output
    if not output.whole(found):
        if output.form == "table":
            output.facts((status.replace("_", " "), count) for status, count in found["counts"].items())
        output.rows((_sides(row) for row in found["documents"]), _DIFFERENCES)
    return WAITS if differ else CLEAN


def run_backfill(context: Context) -> int:
    """Start a backfill and watch it, or list, watch or cancel one; 1 where it left something that waits."""
    options = context.options
    given = options.since or options.until or options.dry_run or options.force
    if (options.list or options.show or options.cancel) and given:
        raise WrongUsage("--list, --show and --cancel take no range of days.")
    if not (options.list or options.show or options.cancel or (options.since and options.until)):
        raise WrongUsage("Give the first and the last invoice date, such as 2026-01-01 2026-03-31.")
    path = ("backfills", context.connection)
    if options.list:
        listed = context.api.pages("backfills", path)
        if context.output.form == "json":
            context.output.whole(list(listed))
        else:
            context.output.rows(listed, _BACKFILLS, nothing="There are no backfills.")
        return CLEAN
    if options.cancel:
        return _print_backfill(context, context.api.send("DELETE", *path, options.cancel), waits=False)
    job = options.show
    if not job:
        flags = {"dry_run": options.dry_run, "force": options.force}
        body = {"company": context.company, "from": options.since, "to": options.until, **flags, **context.signature}
        started = context.api.send("POST", *path, body=body)
        job = str(started["job"])
        if options.no_wait:
            if not context.output.whole(started):
                context.output.say(f"Backfill {job} has started.")
            return CLEAN
    found = _watched(context, (*path, job))
    return _print_backfill(context, found, waits=bool(found.get("held") or found.get("failed")))


def _reconciliation_job(context: Context, days: Mapping[str, object]) -> Json:
    """The result of a job for these days, all rows of it."""
    path = ("reconciliation-jobs", context.connection, context.company)
    flags = {"deep": context.options.deep, "heal": context.options.heal}
    if context.options.confirm:
        flags |= {"confirm": True, "reason": context.options.reason}
    wanted = {name: value for name, value in days.items() if value}
    job = str(context.api.send("POST", *path, body={**wanted, **flags, **context.signature})["job"])
    found = _watched(context, (*path, job))
    if found["state"] != "finished":
        raise CommandFailed(
            f"The reconciliation {job} is {found['state']}: {found.get('message') or 'no reason given'}", 3
        )
    return {**found, "documents": list(context.api.pages("documents", (*path, job))), "next": None}


def _watched(context: Context, path: Sequence[str]) -> Json:
    """The job at ``path`` once it runs no more; where it stands goes to standard error."""
    pause, shown = _FIRST_LOOK, ""
    while (found := context.api.get(*path))["state"] == "running":
        if (text := _progress(found)) != shown:
            context.output.progress(text)
            shown = text
        context.sleep(pause)
        pause = min(pause * 1.2, _LAST_LOOK)
    context.output.progress_ended()
    return found


def _progress(found: Mapping[str, Any]) -> str:
    if progress := found.get("progress"):
        now = f", now {progress['now']}" if progress.get("now") else ""
        return f"{progress['done']} of {progress['total']}{now}"
    eta = f", until about {found['eta']}" if found.get("eta") else ""
    return f"{found['seen'] - found['remaining']} done, {found['remaining']} to go{eta}"


def _print_backfill(context: Context, found: Json, *, waits: bool) -> int:
    output = context.output
    if not output.whole(found):
        if output.form == "csv":
            output.rows([found], _BACKFILLS)
        else:
            output.facts([("job", found["job"]), ("state", found["state"]), ("message", found.get("message"))])
            output.facts((name.replace("_", " "), found.get(name)) for name in _COUNTS)
            for state, reasons in (found.get("reasons") or {}).items():
                output.say(f"{state}: " + ", ".join(f"{reason} {count}" for reason, count in reasons.items()))
            totals = [{"state": state, **total} for state, total in (found.get("totals") or {}).items()]
            names = ("documents", "amount", "sales_tax")
            output.rows(totals, [Column("state"), *(Column(name, money=True) for name in names)])
    return WAITS if waits or found["state"] == "failed" else CLEAN


def _is_long(options: argparse.Namespace) -> bool:
    if not options.since or not options.until:
        return False
    return (date.fromisoformat(options.until) - date.fromisoformat(options.since)).days >= LONGEST_AT_ONCE


def _sides(row: Mapping[str, Any]) -> dict[str, Any]:
    """One document's row; of each side what is compared: amount and sales tax."""
    return {**row, **{side: _amounts(row.get(side)) for side in ("dynamics", "taxjar", "difference")}}


def _amounts(side: object) -> object:
    if not isinstance(side, Mapping) or "amount" not in side:
        return side
    return f"{side['amount']} / {side.get('sales_tax')}"

"""``status``, ``held``, ``show``, ``activity``: look without changing anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.arguments import at_least_one, day, days_range
from cli.context import Context
from cli.errors import CLEAN, WAITS
from cli.output import Column, money
from cli.parser import Commands

WAITING = ("held", "failed")
_DOCUMENTS = (
    Column("transaction_id", "id"),
    Column("number"),
    Column("date"),
    Column("customer"),
    Column("state"),
    Column("reason"),
    Column("amount", money=True),
    Column("sales_tax", money=True),
    Column("to_states", "to"),
    Column("late"),
    Column("since"),
    Column("assignee"),
    Column("message"),
)
_ACTIVITY = (
    Column("at"),
    Column("kind"),
    Column("company"),
    Column("by"),
    Column("way"),
    Column("subject", widest=60),
    Column("decision"),
    Column("reason"),
    Column("message"),
)
_WORK = (
    Column("connection"),
    Column("company"),
    Column("state"),
    Column("reason"),
    Column("count", money=True),
    Column("amount", money=True),
    Column("sales_tax", money=True),
    Column("oldest"),
)


def add(commands: Commands) -> None:
    """The commands of this module."""
    commands.add("status", status, "what runs, what waits, and what to do next")
    held = commands.add("held", held_documents, "documents that wait for a person")
    held.add_argument("--state", default="held,failed", help="states, separated by commas (default: held,failed)")
    held.add_argument("--reason-code", default="", metavar="CODE", help="reasons, separated by commas")
    held.add_argument("--customer", default="", help="the customer's account")
    held.add_argument("--to-state", default="", metavar="STATE", help="state of the destination, such as TX")
    held.add_argument("--late", action="store_true", help="only what came after its period had closed")
    held.add_argument("--number", default="", help="the invoice's number in F&O")
    held.add_argument("--assignee", default="", help="to whom it is assigned")
    held.add_argument("--limit", type=at_least_one, metavar="N", help="at most so many")
    days_range(held)
    show = commands.add("show", show_document, "one document, what was sent, and its audit")
    show.add_argument("id", help="the transaction's id in TaxJar, such as USMF-CIV-000712")
    show.add_argument("--voucher", default="", help="which of several documents that show this id")
    show.add_argument("--live", action="store_true", help="also what TaxJar holds now")
    activity = commands.add("activity", show_activity, "who did what, newest first")
    activity.add_argument("--person", default="", help="part of a name or object id")
    activity.add_argument("--subject", default="", help="part of a document, period or job")
    activity.add_argument("--kind", default="", help="decision, period, backfill, customer, nexus, reconciliation, …")
    activity.add_argument("--from", dest="since", type=day, metavar="DAY", help="first day")
    activity.add_argument("--to", dest="until", type=day, metavar="DAY", help="last day")
    activity.add_argument("--limit", type=at_least_one, default=50, metavar="N", help="at most so many (default: 50)")


def status(context: Context) -> int:
    """What runs and what waits; 1 where something waits or does not run."""
    found, output = context.api.get("status"), context.output
    work = [
        {"connection": connection["name"], "company": company["id"], **each}
        for connection in found["connections"]
        for company in connection["companies"]
        for each in company["open_work"]
    ]
    pauses = [
        {"connection": connection["name"], **pause}
        for connection in found["connections"]
        for pause in connection.get("pauses", ())
    ]
    broken = not (found.get("audit") or {}).get("intact", True)
    late = [run for run in found.get("runs", ()) if not run.get("ok", True)]
    waits = bool(pauses or broken or late or any(each["state"] in WAITING for each in work))
    if output.whole(found):
        return WAITS if waits else CLEAN
    output.rows(work, _WORK, nothing="Nothing is open.")
    if output.form == "table":
        for pause in pauses:
            until = f" until {pause['until']}" if pause.get("until") else ""
            output.say(output.mark(f"Paused{until}: {pause['connection']}, {pause['reason']}", "held"))
        for run in late:
            output.say(output.mark(f"{run['function']}: {run.get('message') or 'did not run in time'}", "failed"))
        if broken:
            output.say(output.mark("An audit chain is broken: connector audit verify names it.", "failed"))
        output.facts((queue["name"], f"{queue['messages']} messages") for queue in found.get("queues", ()))
        for step in found.get("next_steps", ()):
            output.say(f"Next: {step['text'] if isinstance(step, Mapping) else step}")
    return WAITS if waits else CLEAN


def held_documents(context: Context) -> int:
    """Documents that wait; 1 where there are any."""
    options = context.options
    query = {
        "state": options.state,
        "reason": options.reason_code,
        "customer": options.customer,
        "to_state": options.to_state.upper(),
        "late": options.late,
        "number": options.number,
        "assignee": options.assignee,
        "from": options.since,
        "to": options.until,
    }
    path = ("documents", context.connection, context.company)
    found = context.api.pages("documents", path, query, at_most=options.limit)
    if context.output.form == "json":
        rows = list(found)
        context.output.whole(rows)
        return WAITS if rows else CLEAN
    return WAITS if context.output.rows(found, _DOCUMENTS, nothing="Nothing waits.") else CLEAN


def show_document(context: Context) -> int:
    """One document; 1 where it waits for a person or its audit is broken."""
    options, output = context.options, context.output
    found = context.api.get(
        *("documents", context.connection, context.company, options.id), voucher=options.voucher, live=options.live
    )
    waits = found["state"] in WAITING or found.get("audit_intact") is False
    if not output.whole(found):
        if output.form == "csv":
            output.rows([found], _DOCUMENTS)
        else:
            _print_document(context, found)
    return WAITS if waits else CLEAN


def show_activity(context: Context) -> int:
    """Who did what."""
    options = context.options
    query = {
        "company": context.company_meant.lower(),
        "person": options.person,
        "subject": options.subject,
        "kind": options.kind,
        "from": options.since,
        "to": options.until,
    }
    found = context.api.pages("activity", ("activity", context.connection), query, at_most=options.limit)
    if context.output.form == "json":
        context.output.whole(list(found))
    else:
        context.output.rows(found, _ACTIVITY, nothing="Nothing was done.")
    return CLEAN


def _print_document(context: Context, found: Mapping[str, Any]) -> None:
    output = context.output
    names = ("kind", "number", "voucher", "date", "customer", "state", "reason", "message", "late", "assignee")
    output.facts([("id", found["transaction_id"]), *((name, found.get(name)) for name in names)])
    output.facts([("amount", money(found.get("amount"))), ("sales tax", money(found.get("sales_tax")))])
    transactions = found.get("transactions")
    if isinstance(transactions, list):
        output.say()
        columns = [Column("transaction_id", "transaction"), Column("kind"), Column("state"), Column("to_state", "to")]
        columns += [Column("amount", money=True), Column("sales_tax", money=True), Column("shipping", money=True)]
        output.rows(transactions, [*columns, Column("exemption_type"), Column("transaction_date", "date")])
    if proposal := found.get("proposal"):
        output.say("\nProposed: approve sends it, dismiss keeps what was filed.")
        output.facts((name, value) for name, value in (proposal.get("difference") or {}).items())
    output.say()
    trail = [Column("at"), Column("by"), Column("way"), Column("decision"), Column("reason"), Column("message")]
    output.rows(found.get("audit", ()), trail)
    if found.get("audit_intact") is False:
        output.say(output.mark("The audit of this document is broken.", "failed"))

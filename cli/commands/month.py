"""``month`` and ``close``: can it be filed, and it was filed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.arguments import before, day, month, reason
from cli.context import Context
from cli.errors import CLEAN, WAITS, Refused
from cli.output import Column, money
from cli.parser import Commands

_STATES = (
    Column("state"),
    Column("documents", money=True),
    Column("dynamics", "F&O", money=True),
    Column("taxjar", "TaxJar", money=True),
    Column("difference", money=True),
    Column("nexus"),
    Column("held", money=True),
    Column("failed", money=True),
    Column("in_flight", money=True),
    Column("missing", money=True),
    Column("filed_through"),
    Column("ready_to_file", "ready"),
    Column("why"),
)
_REASONS = (
    Column("state"),
    Column("reason"),
    Column("count", money=True),
    Column("amount", money=True),
    Column("sales_tax", money=True),
    Column("oldest"),
)
_LISTS = ("late", "untaxed_without_reason", "tax_without_nexus", "tax_from_exempt_customer", "left_out", "foreign")
_CLOSED = (Column("state"), Column("before"), Column("after"))


def add(commands: Commands) -> None:
    """The commands of this module."""
    shown = commands.add("month", show_month, "whether a month is complete and can be filed")
    shown.add_argument("month", nargs="?", type=month, help="such as 2026-09 (default: the one before this)")
    close = commands.add("close", close_periods, "say through which day states have their return")
    close.add_argument("state", nargs="+", help="states, such as TX NY")
    close.add_argument("--through", required=True, type=day, metavar="DAY", help="the last day that was filed")
    close.add_argument("--confirm", action="store_true", help="also while documents inside are held or failed")
    close.add_argument("--reopen", action="store_true", help="allow an earlier day than before")
    reason(close)


def show_month(context: Context) -> int:
    """The month in figures; 1 where it cannot be filed yet."""
    since, until = context.options.month or before(context.today)
    days = {"from": since.isoformat(), "to": until.isoformat()}
    found = context.api.get("completeness", context.connection, context.company, **days)
    states, output = [_figures(state) for state in _states(found)], context.output
    whole = found["complete"] and not found["held"] and not found["failed"]
    ready = bool(found.get("ready_to_file", whole and all(state["ready_to_file"] for state in states)))
    if not output.whole(found):
        if output.form == "table":
            _print_month(context, found, ready)
        output.rows(states, _STATES)
    return CLEAN if ready else WAITS


def close_periods(context: Context) -> int:
    """Close the states in turn; the first refusal ends it, and what went before stays closed."""
    options, closed = context.options, []
    body = {"filed_through": options.through, "reason": options.reason, **context.signature}
    body |= {name: True for name in ("confirm", "reopen") if getattr(options, name)}
    try:
        for state in options.state:
            path = ("filing-periods", context.connection, context.company, state.upper())
            closed.append(context.api.send("PUT", *path, body=body))
    except Refused as refused:
        if refused.error.get("code") == "open_work":
            raise Refused(f"{refused} Look at it, or add --confirm.", status=409, error=refused.error) from None
        raise
    finally:
        shown = closed[0] if len(options.state) == 1 and closed else closed
        if closed and not context.output.whole(shown):
            context.output.rows([_period(each) for each in closed], _CLOSED)
    return CLEAN


def _print_month(context: Context, found: Mapping[str, Any], ready: bool) -> None:
    output = context.output
    words = f"{found['from']} to {found['to']} can be filed." if ready else f"{found['from']} to {found['to']} waits."
    output.say(output.mark(words, "ready" if ready else "held"))
    for sentence in found.get("why", ()):
        output.say(f"  {sentence}")
    counts = ("seen", "reported", "skipped", "held", "failed", "in_flight")
    output.facts((name.replace("_", " "), found.get(name)) for name in counts)
    dynamics = found.get("dynamics") or {}
    output.facts((f"F&O {name.replace('_', ' ')}", count) for name, count in dynamics.items())
    if reasons := found.get("by_reason"):
        output.say()
        output.rows(reasons, _REASONS)
    for name in _LISTS:
        listed = found.get(name) or {}
        if isinstance(listed, Mapping) and listed.get("count"):
            dollars = f", {money(listed.get('amount'))} net, {money(listed.get('sales_tax'))} tax"
            output.say(f"{name.replace('_', ' ')}: {listed['count']}{dollars}")
        elif isinstance(listed, list) and listed:
            output.say(f"{name.replace('_', ' ')}: {len(listed)}")
    output.say()


def _states(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One entry for each state, whether the answer has them in a list or by name."""
    states = found.get("states") or []
    return [{"state": name, **state} for name, state in states.items()] if isinstance(states, Mapping) else states


def _figures(state: Mapping[str, Any]) -> dict[str, Any]:
    """One state's row, with the sales tax of both sides: that is what is filed."""
    both = {**state, "taxjar": state.get("taxjar") or state.get("reported")}
    sides = {side: (both.get(side) or {}).get("sales_tax") for side in ("dynamics", "taxjar", "difference")}
    counts = dict.fromkeys(("held", "failed", "in_flight"), 0)
    for line in state.get("lines", ()):
        if line["state"] in counts:
            counts[line["state"]] += line["documents"]
    why = state.get("why") or state.get("why_not") or ()
    return {**counts, **state, **sides, "why": "; ".join(sentence.rstrip(".") for sentence in why)}


def _period(closed: Mapping[str, Any]) -> dict[str, Any]:
    sides = {side: (closed.get(side) or {}).get("filed_through") for side in ("before", "after")}
    return {"state": closed["state"], **sides}

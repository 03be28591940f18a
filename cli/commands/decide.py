"""``retry``, ``approve``, ``dismiss``, ``settle``, ``note``, ``assign``, ``move``: what a person decides."""

from __future__ import annotations

import argparse

from cli.arguments import days_range, reason
from cli.context import Context
from cli.errors import CLEAN, WrongUsage
from cli.output import Column
from cli.parser import Commands

_DECIDED = (Column("transaction_id", "id"), Column("state"), Column("reason"), Column("message"))


def add(commands: Commands) -> None:
    """The commands of this module."""
    retry = commands.add("retry", retry_documents, "read documents again from F&O and map them anew")
    retry.add_argument("id", nargs="*", help="ids in TaxJar; none: all of --state or --reason-code")
    retry.add_argument("--state", default="", help="held, failed or skipped")
    retry.add_argument("--reason-code", default="", metavar="CODE", help="such as address_incomplete")
    days_range(retry)
    for name, summary in (
        ("approve", "send the correction that is proposed for a document"),
        ("dismiss", "keep what was filed"),
        ("settle", "say that a document was handled outside"),
        ("note", "write a note to a document's audit"),
        ("assign", "say who looks after a document"),
    ):
        decision = commands.add(name, decide, summary)
        decision.set_defaults(decision=name)
        decision.add_argument("id", nargs="+", help="ids in TaxJar")
        if name == "settle":
            ids = "id in TaxJar of what was entered by hand; may be given several times"
            decision.add_argument("--taxjar-id", action="append", default=[], metavar="ID", help=ids)
        if name == "assign":
            decision.add_argument("--to", required=True, metavar="NAME", help='who; "" for nobody')
            decision.add_argument("--reason", default="", help="why, for the audit")
        elif name == "note":
            decision.add_argument("--text", required=True, help="what to remember")
        else:
            reason(decision)
        _which(decision)
    reason(retry)
    _which(retry)
    move = commands.add("move", confirm_move, "say that a company belongs to this F&O environment and TaxJar account")
    reason(move)


def retry_documents(context: Context) -> int:
    """Retry the documents named, or all of a state or reason."""
    options = context.options
    if options.id:
        if options.state or options.reason_code or options.since or options.until:
            raise WrongUsage("Give ids, or a filter, not both.")
        options.decision = "retry"
        return decide(context)
    if not options.state and not options.reason_code:
        raise WrongUsage("Say which documents: ids, --state or --reason-code.")
    answer = context.api.send(
        *("POST", "documents", context.connection, context.company, "retry"),
        body={"reason": options.reason, **context.signature},
        state=options.state,
        reason=options.reason_code,
        **{"from": options.since, "to": options.until},
    )
    if not context.output.whole(answer):
        context.output.rows([answer], [Column("retried")])
    return CLEAN


def decide(context: Context) -> int:
    """Decide about each document in turn; the first refusal ends it, and what went before stays decided."""
    options, decided = context.options, []
    said: dict[str, object] = {"text": options.text} if options.decision == "note" else {"reason": options.reason}
    if options.decision == "settle":
        said["transaction_ids"] = options.taxjar_id
    if options.decision == "assign":
        said = {"to": options.to, **({"reason": options.reason} if options.reason else {})}
    body = {**said, **context.signature}
    where = ("documents", context.connection, context.company)
    try:
        for each in options.id:
            path = (*where, each, options.decision)
            decided.append(context.api.send("POST", *path, body=body, voucher=options.voucher))
    finally:
        shown = decided[0] if len(options.id) == 1 and decided else decided
        if decided and not context.output.whole(shown):
            context.output.rows(decided, _DECIDED)
    return CLEAN


def confirm_move(context: Context) -> int:
    """Confirm that the company is reported from this environment, to this account, from now on."""
    path = ("connections", context.connection, context.company, "move")
    moved = context.api.send("POST", *path, body={"reason": context.options.reason, **context.signature})
    if not context.output.whole(moved):
        context.output.rows([moved], [Column("company"), Column("host")])
    return CLEAN


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--voucher", default="", help="which of several documents that show this id")

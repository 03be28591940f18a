"""What a person should do next, in sentences, the most urgent first (design 3.1, ``show_status``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from shared.flows.operations.digest import NEAR, next_filing_day
from shared.mapping import HoldReason

_LONG_IN_QUEUE = timedelta(hours=1)
_PROPOSED = "see what is proposed, then approve or dismiss it"
_CORRECT = "put it right in F&O or in the settings, then retry"
_WHAT_TO_DO: Mapping[str, str] = {
    HoldReason.FILED_TRANSACTION_CHANGED: _PROPOSED,
    HoldReason.DELETED_IN_TAXJAR: _PROPOSED,
    HoldReason.CHANGED_IN_TAXJAR: _PROPOSED,
    HoldReason.MISSING_IN_DYNAMICS: "find out where they went, then retry, approve their reversal or dismiss",
    HoldReason.NOT_FOUND_IN_DYNAMICS: "find out whether they were posted, then retry or dismiss",
    HoldReason.CHANGED_IN_DYNAMICS: "find out why, then retry or dismiss",
    HoldReason.SOURCE_INCOMPLETE: "make the data entity readable again; they go on by themselves",
    HoldReason.UNREADABLE_ROW: "have F&O's row repaired, then retry",
    HoldReason.REJECTED_BY_TAXJAR: "read TaxJar's words, put it right, then retry",
    HoldReason.NOT_STORED_AS_SENT: "compare what was sent with what TaxJar answered, then retry or dismiss",
    HoldReason.REPORTED_TO_ANOTHER_ACCOUNT: "correct them in the former account, then settle or dismiss",
    HoldReason.UNKNOWN_PRODUCT_TAX_CODE: "correct PRODUCT_TAX_CODES, then retry",
    HoldReason.CREDIT_NOTE_UNLINKED: "name the original in F&O, then retry, or settle",
    HoldReason.ADDRESS_INCOMPLETE: "complete the address in F&O, then retry",
    HoldReason.ZIP_STATE_MISMATCH: "correct the address in F&O or set ZIP_STATES, then retry",
}
"""By reason of a hold; for the others what is wrong with the document has to be put right."""


def next_steps(status: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The sentences that follow from ``status``, the answer of ``show_status`` so far. ``link`` leads to the page."""
    return [
        *_of_audit(status["audit"]),
        *(step for connection in status["connections"] for step in _of_connection(connection)),
        *_of_runs(status["runs"]),
        *_of_queues(status["queues"], now),
    ]


def _of_audit(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for seals in audit["seals"]:
        where = (seals["connection"], seals["company"])
        if count := seals["broken_count"]:
            text = (
                f"The audit of {seals['company'].upper()} is not as it was written in {count}"
                f" place{'s' if count != 1 else ''}: export it and run audit verify to see what was changed."
            )
            yield _step(text, *where, path="activity")
        if seals["trouble"]:
            yield _step(f"The audit of {seals['company'].upper()} is not sealed: {seals['trouble']}", *where)


def _of_connection(connection: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    name = connection["name"]
    for sentence in connection["unresolved_secrets"].values():
        yield _step(sentence, name)
    for pause in connection["pauses"]:
        side = "F&O" if pause["side"] == "dynamics" else "TaxJar"
        if pause["kind"] == "refused":
            text = f"{side} refuses access ({pause['reason']}): ping the connection to see what is missing."
            yield _step(text, name, pause["company"], path="running")
    for entity_set, why in connection["sets_waited_for"].items():
        text = f"{entity_set} was readable before and is not ({why}): give access to it again; documents wait for it."
        yield _step(text, name, path="running")
    for entity_set, why in connection["sets_done_without_reasons"].items():
        text = (
            f"{entity_set} was never readable and is done without ({why}): give access to it if it is needed. What was"
            " read without it is read again then."
        )
        yield _step(text, name, path="running")
    for company in connection["companies"]:
        yield from _of_company(name, company)


def _of_company(connection: str, company: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    code = company["id"].upper()
    if company["fenced"]:
        yield _step(company["fenced"], connection, company["id"], path="running")
    if loss := company["missing_in_taxjar"]:
        text = (
            f"TaxJar no longer has {loss['documents']} of {loss['of']} reported documents of {code}, and nothing is"
            " sent again: find out who deleted them or whose account it is, then reconcile with confirm=true."
        )
        yield _step(text, connection, company["id"], path="running")
    waiting = [work for work in company["open_work"] if work["state"] in ("held", "failed")]
    today = date.fromisoformat(company["today"])
    days = (next_filing_day(today, company["filing_lock_day"]) - today).days
    if waiting and days <= NEAR:
        count = sum(work["count"] for work in waiting)
        when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
        yield _step(
            f"TaxJar begins to file {when}, and {_documents(count)} of {code} still wait for a person.",
            connection,
            company["id"],
            path="todo",
        )
    for work in waiting:
        yield _step(
            f"{_documents(work['count'])} of {code} {_are(work['count'])} {_why(work)}.",
            connection,
            company["id"],
            work["state"],
            work["reason"],
            path="todo",
        )
    if not company["reporting"]:
        yield _step(f"REPORTING of {code} is off: documents are seen and counted, nothing is sent.", connection)


def _why(work: Mapping[str, Any]) -> str:
    if work["state"] == "failed":
        return "failed: read the message, then retry"
    reason = work["reason"] or ""
    return f"held, {reason.replace('_', ' ')}: {_WHAT_TO_DO.get(reason, _CORRECT)}"


def _of_runs(runs: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for run in runs:
        if not run["ok"] and run["function"] != "seal_audit":
            text = f"{run['function']}: {run['message']} Its log says why."
            yield _step(text, run["connection"], run["company"], path="running")


def _of_queues(queues: list[Mapping[str, Any]], now: datetime) -> Iterator[dict[str, Any]]:
    for queue in queues:
        oldest = queue["oldest_at"]
        if oldest and now - datetime.fromisoformat(oldest) > _LONG_IN_QUEUE:
            yield _step(f"Messages of {queue['name']} have waited since {oldest}: see whether the app runs.")


def _documents(count: int) -> str:
    return f"{count} document{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _step(
    text: str,
    connection: str | None = None,
    company: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    *,
    path: str = "",
) -> dict[str, Any]:
    link = None
    if path:
        place = "".join(f"/{quote(part, safe='')}" for part in (connection, company) if part)
        link = f"/api/console/#/{path}{place}"
    return {"text": text, "connection": connection, "company": company, "state": state, "reason": reason, "link": link}

"""A month as a workbook for an accountant: what ``show_completeness`` says, and every document that it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from shared.flows.reconciliation.findings import Findings
from shared.flows.reconciliation.workbook import Workbook
from shared.flows.work.run import Run
from shared.people.caller import present_caller

_COUNTS = ("seen", "reported", "skipped", "held", "failed", "in_flight")
_AMOUNTS = (("amount", "net"), ("sales_tax", "sales tax"))


async def month_workbook(run: Run, findings: Findings, shown: Mapping[str, Any]) -> bytes:
    """The file; ``findings`` are those of both sides compared, ``shown`` is the answer as JSON has it."""
    with Workbook() as book:
        book.by_state(findings, shown)
        await book.differences(_each(each.shown() for each in findings.different))
        await book.settled("Held", _each(findings.waiting))
        await book.listed("Late", _each(findings.late))
        await book.settled("Skipped", _each(findings.skips))
        for name, rows in findings.lists.items():
            if name != "late" and rows:
                await book.listed(name.replace("_", " ").capitalize(), _each(rows))
        book.evidence([*_evidence(run, shown), *await _root(run)])
        return book.close()


async def _each(rows: Iterable[Mapping[str, Any]]) -> AsyncIterator[Mapping[str, Any]]:
    for row in rows:
        yield row


def _evidence(run: Run, shown: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    caller = present_caller()
    yield from (("connection", run.connection.name), ("company", run.company.id.upper()))
    yield from (("first day", shown["from"]), ("last day", shown["to"]))
    yield from (("counted at", shown["checked_at"]), ("last complete poll", shown["last_poll_at"]))
    yield "exported by", caller.name if caller else run.actor.by
    yield "documents of F&O", shown["dynamics"]["listed"]
    yield from ((f"{name.replace('_', ' ')} (documents)", shown[name]) for name in _COUNTS)
    for name, sums in shown["amounts"].items():
        yield from ((f"{name.replace('_', ' ')}: {words}", sums[part]) for part, words in _AMOUNTS)
    yield from (("every document is accounted for", shown["complete"]), ("ready to file", shown["ready_to_file"]))
    yield from (("not ready because", sentence) for sentence in shown["why"])


async def _root(run: Run) -> list[tuple[str, object]]:
    """The last signed root of the audit, which proves what was decided until then."""
    state = await run.connector.seals.state(run.connection.name, run.company.id)
    if not state.sealed_through:
        return [("audit", "No day is sealed yet.")]
    return [("audit sealed through", state.sealed_through.isoformat()), ("root of the audit", state.root)]

"""What a reconciliation has found, as it is shown while it runs and for as long as it is kept (design 4.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.connector import Connector
from shared.csv_text import to_csv
from shared.flows.reconciliation.findings import COLUMNS, LISTS, Findings, Money, as_difference, flat
from shared.flows.reconciliation.jobs import as_listed, find_reconciliation
from shared.flows.reconciliation.long_ranges import months_between
from shared.flows.reconciliation.proof import Proof
from shared.flows.reconciliation.reconcile import run_of
from shared.flows.reconciliation.steps import combined
from shared.flows.reconciliation.workbook import CONTENT_TYPE, Workbook
from shared.flows.work.jobs import next_path
from shared.ledger.audit import Actor
from shared.ledger.jobs import JobState
from shared.ledger.reconciliations import Piece, Reconciliation
from shared.web import Answer, attachment, instant

SETTLED = ("held", "skipped")
_LONGEST_LIST = 500


class ResultQuery(BaseModel):
    """The query of ``show_reconciliation``.

    ``status`` is one of those of documents that differ, or the name of a list; ``to_state`` chooses those of one state.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: str = ""
    to_state: str = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Annotated[int, Field(ge=0)] = 0
    """How many rows were shown already."""
    format: Literal["json", "csv", "xlsx"] = "json"


async def show_reconciliation(
    connector: Connector, connection: str, company: str, job: str, query: ResultQuery
) -> Answer:
    """How far a reconciliation is, and what it has found. Raises :class:`NotFound`."""
    found = await find_reconciliation(connector, connection, company, job)
    result = Result(connector, found, await connector.reconciliations.pieces(found))
    name = f"reconciliation-{company}-{found.since}-{found.until}"
    match query.format:
        case "csv":
            rows = [row async for row in result.all_rows()]
            return attachment(to_csv(COLUMNS, rows), f"{name}.csv")
        case "xlsx":
            return attachment(await result.workbook(), f"{name}.xlsx", CONTENT_TYPE)
    return Answer(body=await result.shown(query))


class Result:
    """The stored result of one job."""

    def __init__(self, connector: Connector, job: Reconciliation, pieces: list[Piece]) -> None:
        self._connector = connector
        self._job = job
        self._pieces = pieces
        actor = Actor(function="show_reconciliation", by=job.by)
        self._run = run_of(connector, job.connection, job.company, actor)

    async def shown(self, query: ResultQuery) -> dict[str, Any]:
        """As the answer shows it, with one page of rows; the lists stand on the first page alone."""
        job, (findings, _) = self._job, self._figures()
        figures = findings.shown()
        end = await self._connector.reconciliations.end(job) if job.state is JobState.FINISHED else {}
        rows, following = await self._page(query)
        path = f"reconciliation-jobs/{job.connection}/{job.company}/{job.job}"
        words = {name: value for name, value in query.model_dump(include={"status", "to_state"}).items() if value}
        return {
            **as_listed(job),
            "progress": self._progress(),
            **{name: figures[name] for name in ("skipped", "skipped_by_reason", "totals")},
            "enqueued": end.get("enqueued", findings.enqueued),
            "held": end.get("held", findings.held),
            "not_sent_again": end.get("not_sent_again", 0),
            "documents": rows,
            "count": self._count(query),
            "next": next_path(path, {**words, "limit": query.limit, "after": following}) if following else None,
            **({} if query.after else {name: await self._list(name) for name in LISTS}),
            "completeness": end.get("completeness"),
        }

    async def all_rows(self) -> AsyncIterator[dict[str, str]]:
        """One row of the CSV per finding."""
        async for row in self._rows("documents"):
            yield flat(row)
        for name in LISTS:
            async for row in self._rows(name):
                yield as_difference(name, row)

    async def workbook(self) -> bytes:
        """Everything as a workbook for an accountant."""
        job, (findings, proof) = self._job, self._figures()
        end = await self._connector.reconciliations.end(job)
        completeness: Mapping[str, Any] = end.get("completeness") or {}
        with Workbook() as book:
            book.by_state(findings, completeness)
            await book.differences(self._rows("documents"))
            await book.settled("Held", self._rows("held"))
            await book.listed("Late", self._rows("late"))
            await book.settled("Skipped", self._rows("skipped"))
            for name in LISTS:
                if name != "late" and self._total(name):
                    await book.listed(name.replace("_", " ").capitalize(), self._rows(name))
            book.evidence(self._evidence(findings, proof, completeness))
            return book.close()

    def _evidence(self, findings: Findings, proof: Proof, completeness: Mapping[str, Any]) -> list[tuple[str, object]]:
        job = self._job
        audited = [("journal", "The audit of this job is in the export of the audit."), ("job", job.job)]
        figures = [(f"{status} (documents)", count) for status, count in (job.counts or {}).items()]
        skipped = [
            (f"skipped {reason}: {what}", value)
            for reason, (count, money) in sorted(findings.skipped.items())
            for what, value in (("documents", count), ("net", money.amount), ("sales tax", money.sales_tax))
        ]
        lists = [(f"{name.replace('_', ' ')} (rows)", self._total(name)) for name in (*LISTS, *SETTLED)]
        listed, accounted = proof.listed.money, proof.accounted
        sums = (("F&O", listed), ("accounted for", accounted), ("difference", listed - accounted))
        return [
            ("connection", job.connection),
            ("company", job.company.upper()),
            ("first day", job.since.isoformat()),
            ("last day", job.until.isoformat()),
            ("state", job.state.value),
            ("by", job.by),
            ("deep", job.deep),
            ("started at", instant(job.started_at)),
            ("finished at", instant(job.finished_at)),
            *audited,
            ("documents of F&O", proof.listed.documents),
            *((f"{side}: {what}", value) for side, money in sums for what, value in _parts(money)),
            ("ties to the cent", listed == accounted),
            ("ready to file", completeness.get("ready_to_file")),
            *(("not ready because", sentence) for sentence in completeness.get("why", ())),
            *figures,
            *skipped,
            *lists,
        ]

    def _figures(self) -> tuple[Findings, Proof]:
        return combined(self._run, self._job, self._pieces)

    def _progress(self) -> dict[str, Any]:
        job = self._job
        total, left = months_between(job.since, job.until), months_between(job.cursor, job.until)
        now = f"{job.cursor:%Y-%m}" if job.state is JobState.RUNNING and left else None
        return {"done": total - left, "total": total, "now": now}

    def _rows(self, section: str, skip: int = 0) -> AsyncIterator[dict[str, Any]]:
        return self._connector.reconciliations.rows(self._job, self._pieces, section, skip)

    async def _page(self, query: ResultQuery) -> tuple[list[dict[str, Any]], int | None]:
        """The rows behind the first ``query.after``, and how many rows lie before the next page."""
        section = query.status if query.status in (*LISTS, *SETTLED) else "documents"
        status = query.status if section == "documents" else ""
        found: list[dict[str, Any]] = []
        seen = query.after
        async for row in self._rows(section, query.after):
            wanted = status in ("", row.get("status")) and _goes_to(row.get("to_state"), query.to_state)
            if wanted and len(found) == query.limit:
                return found, seen
            seen += 1
            if wanted:
                found.append(row if section == "documents" else _as_compared(section, row))
        return found, None

    def _count(self, query: ResultQuery) -> int:
        """How many rows the query chooses, of all pages."""
        count = 0
        for piece in self._pieces:
            figures = piece.figures["findings"]
            if query.status in (*LISTS, *SETTLED):
                places = [figures["lists"][query.status]["places"]]
            else:
                different = figures["different"]
                places = [different.get(query.status, {})] if query.status else list(different.values())
            count += sum(n for each in places for place, n in each.items() if _goes_to(place, query.to_state))
        return count

    def _total(self, section: str) -> int:
        return sum(piece.sections.get(section, 0) for piece in self._pieces)

    async def _list(self, name: str) -> dict[str, Any]:
        sums = Money()
        for piece in self._pieces:
            sums += Money(*map(Decimal, piece.figures["findings"]["lists"][name]["money"]))
        rows: list[dict[str, Any]] = []
        async for row in self._rows(name):
            rows.append(row)
            if len(rows) == _LONGEST_LIST:
                break
        return {"count": self._total(name), **sums.shown(), "documents": rows}


def _as_compared(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of a list in the form of the documents that differ."""
    money = {part: row.get(part) for part in ("amount", "sales_tax")}
    sides = {
        "dynamics": None,
        "taxjar": None,
        "difference": Money().shown(),
    }
    if money["amount"] is not None:
        sides["dynamics" if name in SETTLED else "taxjar"] = money
    return {**row, "status": name, **sides}


def _goes_to(to_states: str | None, wanted: str) -> bool:
    return not wanted or wanted in (to_states or "").split()


def _parts(money: Money) -> Sequence[tuple[str, Decimal]]:
    return ("net", money.amount), ("sales tax", money.sales_tax)

"""What a reconciliation puts right by itself, and what it leaves to a person (design 4.7).

Missing in TaxJar and not held: enqueued, and sent again when TaxJar has lost it. Gone from F&O, or changed there: held,
because posted documents neither vanish nor change. Anything else is only shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from shared.documents import DocumentKey, ListedDocument
from shared.flows.reconciliation.findings import Amounts, Compared, Findings, Status
from shared.flows.reporting.dismissals import VANISHED, totals_of
from shared.flows.reporting.proposals import correction_under_way
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting
from shared.flows.work.streams import one_by_one
from shared.ledger.audit import AuditEntry
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason

_SENT_AGAIN = "TaxJar does not have it: to be sent again."
_TRIED_AGAIN = "TaxJar does not have all of it: to be tried again."
_MISMATCHES = (Status.AMOUNT_MISMATCH, Status.TAX_MISMATCH)


class Healing:
    """Heals the days of one reconciliation."""

    def __init__(self, run: Run, findings: Findings) -> None:
        self._run = run
        self._findings = findings

    async def heal(self, day: date, documents: Sequence[ListedDocument], compared: Sequence[Compared]) -> None:
        """Put right what can be; count what was enqueued and held."""
        keys = await self._see(compared, documents)
        vanished: list[DocumentRecord] = []
        for each in compared:
            if each.record is None:
                continue
            if each.status is Status.MISSING_IN_TAXJAR or await self._is_half_corrected(each.record):
                keys += await self._again(each.record)
            elif each.record.state is not State.REPORTED:
                continue
            elif each.status is Status.MISSING_IN_DYNAMICS:
                vanished += [each.record] if VANISHED not in each.record.dismissed else []
            elif each.status in _MISMATCHES and each.dynamics and _is_news(each.record, each.dynamics):
                await self._hold_changed(each.record, each.dynamics)
        await self._hold_if_really_gone(day, vanished)
        await self._run.queue.put(self._run.connection.name, keys)
        self._findings.enqueued += len(keys)

    async def _see(self, compared: Sequence[Compared], documents: Sequence[ListedDocument]) -> list[DocumentKey]:
        """Note in the ledger what no poll has found."""
        ids = {(each.number, each.transaction_id) for each in compared if each.record is None}
        sightings = [seen for seen in map(sighting, documents) if (seen.listed.key.number, seen.transaction_id) in ids]
        message = "Found by reconciliation."
        seen = await self._run.connector.ledger.see(
            self._run.connection.name, sightings, self._run.actor, message=message
        )
        return [record.key for record in seen]

    async def _is_half_corrected(self, record: DocumentRecord) -> bool:
        """Whether a correction that a person approved failed on its way."""
        if record.state is not State.FAILED:
            return False
        whole = await self._run.connector.ledger.get(self._run.connection.name, record.key)
        return whole is not None and correction_under_way(whole) is not None

    async def _again(self, record: DocumentRecord) -> list[DocumentKey]:
        """Have a known document tried again, unless it waits for a person or for its next attempt."""
        if record.in_flight:
            return [record.key] if record.is_due(self._run.connector.clock()) else []
        match record.state:
            case State.REPORTED:
                # The worker asks TaxJar first, and sends what is not there.
                sent = await self._settle(record, State.RETRYING, _SENT_AGAIN, outcome_unknown=True, **_AFRESH)
            case State.FAILED:
                sent = await self._settle(record, State.RETRYING, _TRIED_AGAIN, **_AFRESH)
            case _:
                return []
        return [record.key] if sent else []

    async def _hold_if_really_gone(self, day: date, vanished: Sequence[DocumentRecord]) -> None:
        """Hold documents that F&O does not list when it is asked once more."""
        if not vanished:
            return
        pages = self._run.connection.reader.list_posted({self._run.company.id: day}, until=day)
        there = {document.key async for document in one_by_one(pages)}
        for record in vanished:
            if record.key not in there:
                message = (
                    f"TaxJar holds {record.transaction_id}, and F&O no longer has {record.key}. Find out where it went;"
                    " retry the document once it is back, or dismiss to keep what TaxJar holds."
                )
                await self._hold(record, HoldReason.MISSING_IN_DYNAMICS, message)

    async def _hold_changed(self, record: DocumentRecord, dynamics: Amounts) -> None:
        """Hold a document whose totals F&O shows differently, and note them: a dismissal is about these."""
        totals = {"total_amount": dynamics.amount + dynamics.sales_tax, "total_tax": dynamics.sales_tax}
        await self._hold(record, HoldReason.CHANGED_IN_DYNAMICS, _changed(record, dynamics), **totals)

    async def _hold(self, record: DocumentRecord, reason: HoldReason, message: str, **changes: Any) -> None:
        self._findings.held += await self._settle(record, State.HELD, message, reason=reason, **changes)

    async def _settle(self, record: DocumentRecord, state: State, message: str, **changes: Any) -> bool:
        """Whether the record was still as it was listed, and is ``state`` now."""
        ledger = self._run.connector.ledger
        whole = await ledger.get(self._run.connection.name, record.key)
        if whole is None or whole.state is not record.state or whole.updated_at != record.updated_at:
            return False
        changes = {"reason": "", "message": message, **changes}
        entry = AuditEntry(
            at=self._run.connector.clock(),
            actor=self._run.actor,
            subject=str(whole.key),
            decision=state,
            reason=changes["reason"],
            message=message,
        )
        try:
            await ledger.settle(whole, entry, state=state, **changes)
        except ClaimLost:
            return False
        return True


_AFRESH: dict[str, Any] = {"attempts": 0, "first_attempt_at": None}


def _as_reported(record: DocumentRecord) -> Amounts:
    return Amounts(record.amount or Amounts().amount, record.sales_tax or Amounts().sales_tax)


def _is_news(record: DocumentRecord, dynamics: Amounts) -> bool:
    """Whether nobody knows of these totals: neither reported nor dismissed."""
    known = totals_of(dynamics.amount, dynamics.sales_tax) in record.dismissed
    return not known and dynamics != _as_reported(record)


def _changed(record: DocumentRecord, dynamics: Amounts) -> str:
    then, now = _as_reported(record).shown(), dynamics.shown()
    return (
        f"Reported with amount {then['amount']} and sales tax {then['sales_tax']}, and F&O now shows amount"
        f" {now['amount']} and sales tax {now['sales_tax']}, though posted documents do not change. Find out why; retry"
        " the document to report what F&O shows now, or dismiss to keep what TaxJar holds."
    )

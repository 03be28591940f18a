"""What a reconciliation puts right by itself, and what it leaves to a person (design 4.7).

Missing in TaxJar and not held: enqueued, so that the plan decides: restored in an open period, held in a closed one.
Gone from F&O, or changed there: held, because posted documents neither vanish nor change. Where more than 20 documents,
or more than one in twenty, are missing in TaxJar, nothing is sent again until a person confirms it: that is no loss of
single transactions but another account, or somebody at work (design 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from shared.documents import DocumentKey, ListedDocument
from shared.filing import VANISHED, Proposal, totals_of
from shared.filing.guard import withdrawal
from shared.flows.reconciliation.findings import Compared, Findings, Money, Status
from shared.flows.reconciliation.losses import note_loss, note_no_loss
from shared.flows.work.enqueue import enqueue_keys
from shared.flows.work.entries import document_entry
from shared.flows.work.run import Run
from shared.flows.work.sightings import sighting
from shared.flows.work.streams import one_by_one
from shared.ledger.documents import ClaimLost
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason
from shared.queues import KEYS_PER_MESSAGE

_SENT_AGAIN = "TaxJar does not have all of it: to be compared, and sent again where that is right."
_TRIED_AGAIN = "TaxJar does not have all of it: to be tried again."
_TOO_MANY, _SHARE, _FEW = 20, 0.05, 5
_DIFFERENT = frozenset(set(Status) - {Status.RECONCILED, Status.MISSING_IN_DYNAMICS, Status.MISSING_IN_TAXJAR})


NIGHTLY = "reconcile_nightly"
"""The function whose runs see all that may be missing."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person wants everything that TaxJar lost to be sent again; false without a reason."""

    by: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason)


NOT_CONFIRMED = Confirmation()


@dataclass(frozen=True, slots=True)
class Missing:
    """Reported documents that TaxJar does not have, or has otherwise."""

    records: list[DocumentRecord]

    def is_mass(self, documents: int) -> bool:
        """Whether so many of ``documents`` are missing that a person has to decide."""
        count = len(self.records)
        return count > _TOO_MANY or (count > _FEW and count > documents * _SHARE)


class Repair:
    """Puts right the days of one reconciliation; what TaxJar lost is sent again at the end, if it is not too much."""

    def __init__(self, run: Run, findings: Findings) -> None:
        self._run = run
        self._findings = findings
        self.missing = Missing([])

    async def repair(self, day: date, documents: Sequence[ListedDocument], compared: Sequence[Compared]) -> None:
        """Enqueue what the ledger has not sent yet, and hold what a person has to look at."""
        keys = await self._see(compared, documents)
        vanished: list[DocumentRecord] = []
        for each in compared:
            record = each.record
            if record is None:
                continue
            if record.state is State.FAILED and record.correction:
                keys += await self._again(record)
            elif each.status is Status.MISSING_IN_TAXJAR:
                if record.state is State.REPORTED and record.filing.was_sent and not record.filing.current:
                    continue  # a person accepted that somebody deleted it
                if record.state is State.REPORTED and self._is_elsewhere(record):
                    continue  # it lies in the account of before a move
                if record.state is State.REPORTED:
                    self.missing.records.append(record)
                else:
                    keys += await self._again(record)
            elif record.state is not State.REPORTED:
                continue
            elif each.status is Status.MISSING_IN_DYNAMICS:
                vanished += [record] if VANISHED not in record.decisions.dismissed else []
            elif each.status in _DIFFERENT and each.dynamics:
                await self._settle_difference(record, each.dynamics)
        await self._hold_if_really_gone(day, vanished)
        await self._enqueue(keys)

    def _is_elsewhere(self, record: DocumentRecord) -> bool:
        fence = self._run.fence
        return fence is not None and record.filing.was_sent and fence.is_elsewhere(record.filing.account)

    async def finish(self, documents: int, *, confirmed: Confirmation = NOT_CONFIRMED) -> None:
        """Send again what TaxJar lost of ``documents``; where that is too much, say so and send nothing."""
        lost = self.missing
        if lost.is_mass(documents) and not confirmed:
            self._findings.not_sent_again = len(lost.records)
            await note_loss(self._run, len(lost.records), documents)
            return
        if confirmed or self._run.actor.function == NIGHTLY:
            await note_no_loss(self._run, by=confirmed.by, reason=confirmed.reason)
        keys: list[DocumentKey] = []
        for record in lost.records:
            keys += await self._again(record)
        await self._enqueue(keys)

    async def _enqueue(self, keys: Sequence[DocumentKey]) -> None:
        run = self._run
        for start in range(0, len(keys), KEYS_PER_MESSAGE):
            some = keys[start : start + KEYS_PER_MESSAGE]
            await enqueue_keys(run.connector, run.queue, run.connection.name, some)
        self._findings.enqueued += len(keys)

    async def _see(self, compared: Sequence[Compared], documents: Sequence[ListedDocument]) -> list[DocumentKey]:
        """Note in the ledger what no poll has found."""
        ids = {(each.number, each.transaction_id) for each in compared if each.record is None}
        sightings = [seen for seen in map(sighting, documents) if (seen.listed.key.number, seen.transaction_id) in ids]
        seen = await self._run.connector.ledger.see(
            self._run.connection.name, sightings, self._run.actor, message="Found by reconciliation."
        )
        return [record.key for record in seen]

    async def _again(self, record: DocumentRecord) -> list[DocumentKey]:
        """Have a known document tried again, unless it waits for a person or for its next attempt."""
        if record.in_flight:
            now = self._run.connector.clock()
            return [record.key] if record.is_due(now) and not record.is_enqueued(now) else []
        if record.state not in (State.REPORTED, State.FAILED):
            return []
        message = _SENT_AGAIN if record.state is State.REPORTED else _TRIED_AGAIN
        after = record.afresh().to(State.RETRYING, message=message)
        # The worker asks TaxJar first, and its plan decides what follows.
        after = replace(after, attempts=replace(after.attempts, outcome_unknown=True))
        return [record.key] if await self._settle(record, after) else []

    async def _settle_difference(self, record: DocumentRecord, dynamics: Money) -> None:
        """TaxJar has it otherwise than F&O: changed in TaxJar, or in F&O after it was reported."""
        if _as_filed(record) == dynamics:
            self.missing.records.append(record)
        elif totals_of(dynamics.amount, dynamics.sales_tax) not in record.decisions.dismissed:
            await self._hold_changed(record, dynamics)

    async def _hold_if_really_gone(self, day: date, vanished: Sequence[DocumentRecord]) -> None:
        """Hold documents that F&O does not list when it is asked once more."""
        if not vanished:
            return
        pages = self._run.connection.reader.list_posted({self._run.company.id: day}, until=day)
        there = {document.key async for document in one_by_one(pages)}
        for record in vanished:
            if record.key in there:
                continue
            named = " and ".join(each.transaction_id for each in record.filing.current)
            message = (
                f"TaxJar holds {named}, and F&O no longer has {record.key}. Find out where it went; retry the document"
                " once it is back, approve to reverse what TaxJar holds, or dismiss to keep it."
            )
            proposal = withdrawal(
                record.filing.transactions, HoldReason.MISSING_IN_DYNAMICS, "F&O no longer has it.", self._run.today
            )
            await self._hold(record, HoldReason.MISSING_IN_DYNAMICS, message, proposal)

    async def _hold_changed(self, record: DocumentRecord, dynamics: Money) -> None:
        """Hold a document whose totals F&O shows differently, and note them: a dismissal is about these."""
        noted = replace(record, total_amount=dynamics.amount + dynamics.sales_tax, total_tax=dynamics.sales_tax)
        await self._hold(noted, HoldReason.CHANGED_IN_DYNAMICS, _changed(record, dynamics))

    async def _hold(
        self, record: DocumentRecord, reason: HoldReason, message: str, proposal: Proposal | None = None
    ) -> None:
        after = record.to(State.HELD, reason=reason, message=message).proposing(proposal)
        self._findings.held += await self._settle(record, after)

    async def _settle(self, before: DocumentRecord, after: DocumentRecord) -> bool:
        """Whether the record was still as it was read, and is as ``after`` says now."""
        entry = document_entry(after, self._run.actor, self._run.connector.clock())
        try:
            await self._run.connector.ledger.settle(before, after, entry)
        except ClaimLost:
            return False
        return True


def _as_filed(record: DocumentRecord) -> Money:
    sums = [each.sums for each in record.filing.current]
    return sum((Money(each.amount, each.sales_tax) for each in sums), Money())


def _changed(record: DocumentRecord, dynamics: Money) -> str:
    then, now = _as_filed(record).shown(), dynamics.shown()
    return (
        f"Reported with amount {then['amount']} and sales tax {then['sales_tax']}, and F&O now shows amount"
        f" {now['amount']} and sales tax {now['sales_tax']}, though posted documents do not change. Find out why; retry"
        " the document to report what F&O shows now, or dismiss to keep what TaxJar holds."
    )

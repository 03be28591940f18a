"""The document ledger: every posted document once, claimed by one worker at a time, settled together with its audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared import telemetry
from shared.documents import DocumentKey, ListedDocument
from shared.ledger.activity import OF_DOCUMENTS, activity_row
from shared.ledger.audit import Actor, AuditEntry, Redact
from shared.ledger.commits import OPERATIONS_PER_TRANSACTION, GroupCommit
from shared.ledger.document_rows import claim_entity, guarded, new_record, pointer
from shared.ledger.entity_groups import Operation
from shared.ledger.indexing import IndexedQueries, mention
from shared.ledger.journal import journal_row
from shared.ledger.long_texts import Aside
from shared.ledger.open_work import close_row, open_row
from shared.ledger.record_rows import to_entity
from shared.ledger.records import Decisions, DocumentRecord, State
from shared.transactions import Kind

_LONGEST_MESSAGE = 10_000
"""Characters; a record that cannot be written could not be settled. The audit keeps the whole message."""
_SIGHTINGS_PER_TRANSACTION = OPERATIONS_PER_TRANSACTION // 5
"""Five rows each: record, entry, journal, open work, id."""


class ClaimLost(Exception):
    """Another worker changed the document since it was read: nothing was written, and it is theirs now."""


class IdTaken(Exception):
    """Another document owns one of the ids in TaxJar; nothing was written."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A document that F&O listed, with the TaxJar transaction that its totals make of it."""

    listed: ListedDocument
    kind: Kind
    transaction_id: str


class DocumentLedger(IndexedQueries):
    """Records of posted documents in Table Storage. All methods are safe to run on many instances at once."""

    def __init__(
        self,
        table: TableClient,
        commits: GroupCommit,
        *,
        clock: Callable[[], datetime],
        lease: timedelta,
        redact: Redact,
    ) -> None:
        super().__init__(table, commits)
        self.lease = lease
        self._clock = clock
        self._redact = redact

    async def see(
        self,
        connection: str,
        sightings: Sequence[Sighting],
        actor: Actor,
        *,
        message: str = "",
        forced: str = "",
        enqueued_until: datetime | None = None,
    ) -> list[DocumentRecord]:
        """Write ``seen`` rows, their audit and the pointers from their ids; return those that were new.

        An id belongs to the document that was seen first (design 4.3): a later one is written without owning it.
        ``forced`` is the backfill that asks for the documents by force; ``enqueued_until`` says until when the caller's
        message will name them.
        """
        # F&O lists a row twice when pages shift while they are read.
        sightings = list({sighting.listed.key: sighting for sighting in sightings}.values())
        seen: list[DocumentRecord] = []
        for start in range(0, len(sightings), _SIGHTINGS_PER_TRANSACTION):
            chunk = sightings[start : start + _SIGHTINGS_PER_TRANSACTION]
            records = self._new_records(connection, chunk, forced, enqueued_until)
            try:
                operations = [step for record in records for step in self._insertion(record, actor, message)]
                await self._commits.commit(operations)
                seen += records
            except ResourceExistsError:
                for record in records:
                    seen += [written] if (written := await self._see_one(record, actor, message)) else []
        return seen

    def _new_records(
        self, connection: str, sightings: Sequence[Sighting], forced: str, enqueued_until: datetime | None
    ) -> list[DocumentRecord]:
        now, taken, asked = self._clock(), set[str](), Decisions(forced=forced)
        records = []
        for sighting in sightings:
            record = new_record(
                connection, sighting.listed.key, State.SEEN, sighting.kind, sighting.transaction_id, now
            )
            if sighting.transaction_id in taken:
                record = replace(record, filing=replace(record.filing, owns_id=False))
            records.append(
                replace(
                    record,
                    decisions=asked,
                    total_amount=sighting.listed.total_amount,
                    total_tax=sighting.listed.total_tax,
                    enqueued_until=enqueued_until,
                )
            )
            taken.add(sighting.transaction_id)
        return records

    def _insertion(self, record: DocumentRecord, actor: Actor, message: str) -> list[Operation]:
        entry = AuditEntry(
            at=record.seen_at,
            actor=actor,
            subject=str(record.key),
            decision=State.SEEN,
            message=message,
            after={"total_amount": record.total_amount, "total_tax": record.total_tax},
        )
        # Nothing is long in what F&O's lists show.
        record, operations = self._with_entry(record, entry, {}, "create")
        return [*operations, ("create", pointer(record) if record.filing.owns_id else mention(record))]

    async def _see_one(self, record: DocumentRecord, actor: Actor, message: str) -> DocumentRecord | None:
        for owns_id in (record.filing.owns_id, False):
            attempt = replace(record, filing=replace(record.filing, owns_id=owns_id))
            try:
                await self._commits.commit(self._insertion(attempt, actor, message))
                return attempt
            except ResourceExistsError:
                if await self.get(record.connection, record.key):
                    return None
        return None

    async def add_placeholder(
        self,
        connection: str,
        key: DocumentKey,
        transaction_id: str,
        state: State,
        entry: AuditEntry,
        *,
        since: datetime,
    ) -> None:
        """Write a settled record for a document that F&O does not show, unless there is one. It owns no id."""
        new = new_record(connection, key, state, Kind.ORDER, transaction_id, since)
        record = replace(
            new,
            filing=replace(new.filing, owns_id=False),
            updated_at=self._clock(),
            since=self._clock(),
            reason=entry.reason,
            message=entry.message,
            placeholder=True,
        )
        aside: Aside = {}
        _, operations = self._with_entry(record, entry, aside, "create")
        await self._texts.write(self._commits, record.partition, record.row, aside)
        with suppress(ResourceExistsError):
            await self._commits.commit([*operations, ("upsert", mention(record), {"mode": UpdateMode.REPLACE})])

    async def claim(self, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
        """Claim documents of one company for this worker; those that another worker changed meanwhile are left out.

        A claim over one whose lease ran out knows nothing of what the earlier worker did: its outcome is unknown.
        """
        now = self._clock()
        claims = [
            replace(
                record,
                state=State.REPORTING,
                lease_until=now + self.lease,
                attempts=replace(
                    record.attempts,
                    count=record.attempts.count + 1,
                    first_at=record.attempts.first_at or now,
                    outcome_unknown=record.attempts.outcome_unknown or record.state is State.REPORTING,
                ),
                updated_at=now,
            )
            for record in records
        ]
        try:
            return await self._write_claims(claims)
        except (ResourceModifiedError, ResourceNotFoundError):
            written = []
            for claim in claims:
                try:
                    written += await self._write_claims([claim])
                except (ResourceModifiedError, ResourceNotFoundError):
                    continue
            return written

    async def renew(self, claim: DocumentRecord) -> DocumentRecord:
        """Extend a claim that is about to run out. Raises :class:`ClaimLost` when another worker has taken it."""
        try:
            [renewed] = await self._write_claims([replace(claim, lease_until=self._clock() + self.lease)])
        except (ResourceModifiedError, ResourceNotFoundError):
            raise ClaimLost(str(claim.key)) from None
        return renewed

    async def _write_claims(self, claims: Sequence[DocumentRecord]) -> list[DocumentRecord]:
        if not claims:
            return []
        operations = [guarded("update", claim_entity(claim), claim.etag, UpdateMode.MERGE) for claim in claims]
        answers = await self._commits.commit(operations)
        return [replace(claim, etag=answer["etag"]) for claim, answer in zip(claims, answers, strict=True)]

    def lease_left(self, claim: DocumentRecord) -> timedelta:
        """How long the claim still holds."""
        return (claim.lease_until or self._clock()) - self._clock()

    async def settle(
        self, before: DocumentRecord, after: DocumentRecord, entry: AuditEntry, *, reserve: Sequence[str] = ()
    ) -> DocumentRecord:
        """Write ``after`` in place of ``before`` with its audit entry, in one entity-group transaction.

        ``reserve`` are further ids in TaxJar that the document owns from now on. The id of a document that is skipped
        and was never sent becomes free, unless a person used it in TaxJar by hand. Raises :class:`ClaimLost` when the
        record was changed since ``before`` was read, and :class:`IdTaken` when another document owns one of
        ``reserve``.
        """
        now = self._clock()
        since = now if after.state is not before.state else after.since or now
        after = replace(after, updated_at=now, since=since, indexed=before.indexed)
        operations: list[Operation] = [("create", pointer(after, owned)) for owned in reserve]
        filing = after.filing
        by_hand = filing.transaction_id in filing.handled_outside
        if after.state is State.SKIPPED and filing.owns_id and not (filing.was_sent or by_hand):
            after = replace(after, filing=replace(filing, owns_id=False))
            operations += [("delete", pointer(after)), ("upsert", mention(after), {"mode": UpdateMode.REPLACE})]
        try:
            written = await self._write(before, after, entry, operations)
        except ResourceExistsError:
            raise IdTaken(", ".join(reserve)) from None
        delay = (written.updated_at - written.seen_at).total_seconds()
        is_first_report = written.state is State.REPORTED and not before.filing.was_sent
        telemetry.settled(
            written.connection,
            written.key.company,
            written.state,
            written.reason,
            delay=delay if is_first_report else None,
        )
        return written

    async def acquire_id(self, record: DocumentRecord, transaction_id: str, entry: AuditEntry) -> DocumentRecord:
        """Make ``record`` the owner of ``transaction_id``. Raises :class:`IdTaken` when another document owns it."""
        wanted = replace(record, filing=replace(record.filing, transaction_id=transaction_id, owns_id=True))
        operations: list[Operation] = [("create", pointer(wanted))]
        if record.filing.owns_id:
            operations.append(("delete", pointer(record)))
        try:
            return await self._write(record, wanted, entry, operations)
        except ResourceExistsError:
            raise IdTaken(transaction_id) from None

    async def _write(
        self,
        before: DocumentRecord,
        after: DocumentRecord,
        entry: AuditEntry,
        operations: Sequence[Operation] = (),
    ) -> DocumentRecord:
        aside: Aside = {}
        record, written = self._with_entry(after, entry, aside, "update", before.etag)
        try:
            await self._texts.write(self._commits, record.partition, record.row, aside)
            answers = await self._commits.commit([*written, *operations])
        except (ResourceModifiedError, ResourceNotFoundError):
            raise ClaimLost(str(before.key)) from None
        return replace(record, etag=answers[0]["etag"])

    def _with_entry(
        self, record: DocumentRecord, entry: AuditEntry, aside: Aside, verb: str, etag: str = ""
    ) -> tuple[DocumentRecord, list[Operation]]:
        """The record behind ``entry`` in its chain, and the rows to write: the record, the entry, its open work.

        Texts to be written before them go to ``aside``.
        """
        was_indexed, message = record.indexed, self._redact(record.message)[:_LONGEST_MESSAGE]
        record = replace(record, message=message, indexed=record.is_open)
        stored = to_entity(record, aside)
        index: list[Operation] = []
        if record.indexed:
            index = [("upsert", open_row(stored, record.key), {"mode": UpdateMode.REPLACE})]
        elif was_indexed:
            index = [("delete", close_row(record))]
        chain, audit = record.chain.append(
            record.partition, record.row, entry, self._redact, at=self._clock(), content=stored, aside=aside
        )
        record, stored = replace(record, audit_count=chain.count, audit_head=chain.head), stored | chain.stored()
        written = guarded("update", stored, etag, UpdateMode.REPLACE) if verb == "update" else ("create", stored)
        if entry.decision in OF_DOCUMENTS:
            index.append(("create", self._activity(record, entry, audit["hash"])))
        return record, [written, ("create", audit), ("create", journal_row(audit)), *index]

    def _activity(self, record: DocumentRecord, entry: AuditEntry, head: str) -> dict[str, Any]:
        return activity_row(
            record.partition,
            entry,
            self._redact,
            kind="decision",
            company=record.key.company,
            name=head[:16],
            transaction_id=record.filing.transaction_id,
        )

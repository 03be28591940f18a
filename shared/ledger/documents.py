"""The document ledger: every posted document once, claimed by one worker at a time, settled together with its audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared import telemetry
from shared.documents import DocumentKey, ListedDocument
from shared.ledger import keys
from shared.ledger.audit import Actor, AuditEntry, Redact
from shared.ledger.commits import OPERATIONS_PER_TRANSACTION, GroupCommit, Operation
from shared.ledger.journal import journal_row
from shared.ledger.queries import DocumentQueries
from shared.ledger.records import DocumentRecord, State, to_entity
from shared.transactions import Kind

_LONGEST_MESSAGE = 10_000
"""Characters; a record that cannot be written could not be settled. The audit keeps the whole message."""
_SIGHTINGS_PER_TRANSACTION = OPERATIONS_PER_TRANSACTION // 4
"""Four rows each."""


class ClaimLost(Exception):
    """Another worker changed the document since it was read: nothing was written, and it is theirs now."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A document that F&O listed, with the TaxJar transaction that its totals make of it."""

    listed: ListedDocument
    kind: Kind
    transaction_id: str


class DocumentLedger(DocumentQueries):
    """Records of posted documents in Table Storage. All methods are safe to run on many instances at once."""

    def __init__(self, table: TableClient, *, clock: Callable[[], datetime], lease: timedelta, redact: Redact) -> None:
        super().__init__(table)
        self.lease = lease
        self._commits = GroupCommit(table)
        self._clock = clock
        self._redact = redact

    async def see(
        self, connection: str, sightings: Sequence[Sighting], actor: Actor, *, message: str = "", forced: str = ""
    ) -> list[DocumentRecord]:
        """Write ``seen`` rows, their audit and the pointers from their ids; return those that were new.

        An id belongs to the document that was seen first (design 4.3): a later one is written without owning it.
        ``forced`` is the backfill that asks for the documents by force.
        """
        # F&O lists a row twice when pages shift while they are read.
        sightings = list({sighting.listed.key: sighting for sighting in sightings}.values())
        seen: list[DocumentRecord] = []
        for start in range(0, len(sightings), _SIGHTINGS_PER_TRANSACTION):
            chunk = sightings[start : start + _SIGHTINGS_PER_TRANSACTION]
            records = self._new_records(connection, chunk, forced)
            try:
                operations = [step for record in records for step in self._insertion(record, actor, message)]
                await self._commits.commit(operations)
                seen += records
            except ResourceExistsError:
                for record in records:
                    seen += [written] if (written := await self._see_one(record, actor, message)) else []
        return seen

    def _new_records(self, connection: str, sightings: Sequence[Sighting], forced: str) -> list[DocumentRecord]:
        now, taken = self._clock(), set[str]()
        records = []
        for sighting in sightings:
            records.append(
                DocumentRecord(
                    connection=connection,
                    key=sighting.listed.key,
                    state=State.SEEN,
                    kind=sighting.kind,
                    transaction_id=sighting.transaction_id,
                    owns_id=sighting.transaction_id not in taken,
                    seen_at=now,
                    updated_at=now,
                    total_amount=sighting.listed.total_amount,
                    total_tax=sighting.listed.total_tax,
                    forced=forced,
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
        _, stored, audit = self._audited(record, entry)
        operations: list[Operation] = [("create", stored), *audit]
        return [*operations, ("create", _pointer(record))] if record.owns_id else operations

    async def _see_one(self, record: DocumentRecord, actor: Actor, message: str) -> DocumentRecord | None:
        for owns_id in (record.owns_id, False):
            attempt = replace(record, owns_id=owns_id)
            try:
                await self._commits.commit(self._insertion(attempt, actor, message))
                return attempt
            except ResourceExistsError:
                if await self.get(record.connection, record.key):
                    return None
        return None

    async def stand_in(
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
        record = DocumentRecord(
            connection=connection,
            key=key,
            state=state,
            kind=Kind.ORDER,
            transaction_id=transaction_id,
            owns_id=False,
            seen_at=since,
            updated_at=self._clock(),
            reason=entry.reason,
            message=self._redact(entry.message)[:_LONGEST_MESSAGE],
            stand_in=True,
        )
        _, stored, audit = self._audited(record, entry)
        with suppress(ResourceExistsError):
            await self._commits.commit([("create", stored), *audit])

    async def claim(self, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
        """Claim documents of one company for this worker; those that another worker changed meanwhile are left out.

        A claim over one whose lease ran out knows nothing of what the earlier worker did: ``outcome_unknown``.
        """
        now = self._clock()
        claims = [
            replace(
                record,
                state=State.REPORTING,
                lease_until=now + self.lease,
                attempts=record.attempts + 1,
                first_attempt_at=record.first_attempt_at or now,
                outcome_unknown=record.outcome_unknown or record.state is State.REPORTING,
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
        operations = [_guarded("update", _claim_entity(claim), claim.etag, UpdateMode.MERGE) for claim in claims]
        answers = await self._commits.commit(operations)
        return [replace(claim, etag=answer["etag"]) for claim, answer in zip(claims, answers, strict=True)]

    def lease_left(self, claim: DocumentRecord) -> timedelta:
        """How long the claim still holds."""
        return (claim.lease_until or self._clock()) - self._clock()

    async def settle(
        self, record: DocumentRecord, entry: AuditEntry, *, reserve: Sequence[str] = (), **changes: Any
    ) -> DocumentRecord:
        """Write ``changes`` to the record and its audit entry in one entity-group transaction.

        ``reserve`` are further ids in TaxJar that the document owns from now on. The id of a document that is skipped
        and was never reported becomes free. Raises :class:`ClaimLost` when the record was changed since, and
        ``ResourceExistsError`` when another document owns one of ``reserve``.
        """
        changes = {"lease_until": None, "next_attempt_at": None, "paused_at": None, **changes}
        changed = replace(record, updated_at=self._clock(), **changes)
        operations: list[Operation] = [("create", _pointer(record, owned)) for owned in reserve]
        if changed.state is State.SKIPPED and changed.owns_id and not (changed.payload or changed.corrections):
            changed = replace(changed, owns_id=False)
            operations.append(("delete", _pointer(record)))
        written = await self._write(changed, entry, operations)
        delay = (written.updated_at - written.seen_at).total_seconds()
        is_first_report = written.state is State.REPORTED and not record.payload
        telemetry.settled(
            written.connection,
            written.key.company,
            written.state,
            written.reason,
            delay=delay if is_first_report else None,
        )
        return written

    async def acquire_id(self, record: DocumentRecord, transaction_id: str, entry: AuditEntry) -> DocumentRecord:
        """Make ``record`` the owner of ``transaction_id`` unless another document owns it (see ``owns_id``)."""
        wanted = replace(record, transaction_id=transaction_id, owns_id=True)
        operations: list[Operation] = [("create", _pointer(wanted))]
        if record.owns_id:
            operations.append(("delete", _pointer(record)))
        try:
            return await self._write(wanted, entry, operations)
        except ResourceExistsError:
            return replace(record, transaction_id=transaction_id, owns_id=False)

    async def _write(
        self, record: DocumentRecord, entry: AuditEntry, operations: Sequence[Operation] = ()
    ) -> DocumentRecord:
        record = replace(record, message=self._redact(record.message)[:_LONGEST_MESSAGE])
        record, stored, audit = self._audited(record, entry)
        try:
            answers = await self._commits.commit(
                [_guarded("update", stored, record.etag, UpdateMode.REPLACE), *audit, *operations]
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            raise ClaimLost(str(record.key)) from None
        return replace(record, etag=answers[0]["etag"])

    def _audited(
        self, record: DocumentRecord, entry: AuditEntry
    ) -> tuple[DocumentRecord, dict[str, Any], list[Operation]]:
        """``record`` with ``entry`` at the end of its chain, its row, and the rows to insert with it."""
        stored = to_entity(record)
        chain, audit = record.chain.append(
            record.partition, record.row, entry, self._redact, at=self._clock(), content=stored
        )
        record = replace(record, audit_count=chain.count, audit_head=chain.head)
        return record, stored | chain.stored(), [("create", audit), ("create", journal_row(audit))]


_CLAIM_PROPERTIES = frozenset(
    {"PartitionKey", "RowKey", "state", "lease_until", "attempts", "first_attempt_at", "outcome_unknown", "updated_at"}
)


def _claim_entity(claim: DocumentRecord) -> dict[str, Any]:
    return {name: value for name, value in to_entity(claim).items() if name in _CLAIM_PROPERTIES}


def _pointer(record: DocumentRecord, transaction_id: str = "") -> dict[str, str]:
    return {
        "PartitionKey": record.partition,
        "RowKey": keys.id_row(transaction_id or record.transaction_id),
        "document_row": record.row,
    }


def _guarded(verb: str, entity: Mapping[str, Any], etag: str, mode: UpdateMode) -> Operation:
    return verb, entity, {"mode": mode, "etag": etag, "match_condition": MatchConditions.IfNotModified}

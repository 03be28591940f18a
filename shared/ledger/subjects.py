"""Audited rows about what is not a posted document: buried messages, filing periods, exempt customers, pulls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.activity import OF_SUBJECTS, activity_row, is_act
from shared.ledger.audit import AuditEntry, Chain, Redact
from shared.ledger.chains import read_audit, read_last_entry
from shared.ledger.commits import GroupCommit
from shared.ledger.journal import journal_row
from shared.ledger.long_texts import Aside, LongTexts
from shared.table_keys import encode

_ATTEMPTS = 5
_HASH = 16


class SubjectChanged(Exception):
    """The row is not as it has to be for the change: somebody else wrote it."""


class SubjectLedger:
    """Audited rows of any kind: each keeps the end of its own hash chain."""

    def __init__(self, table: TableClient, commits: GroupCommit, *, redact: Redact) -> None:
        self._table = table
        self._texts = LongTexts(table)
        self._commits = commits
        self._redact = redact

    async def get(self, partition_key: str, kind: str, name: str) -> dict[str, Any]:
        """The row's properties; empty when it was never written."""
        try:
            return dict(await self._table.get_entity(partition_key, f"{kind}|{encode(name)}"))
        except ResourceNotFoundError:
            return {}

    async def listing(
        self, partition_key: str, kind: str, first: str = "", last: str = "", *, select: Sequence[str]
    ) -> AsyncIterator[dict[str, Any]]:
        """The rows named ``first`` to ``last``, else all, by name, with the properties of ``select``."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey le @last",
            parameters={
                "partition": partition_key,
                "first": f"{kind}|{encode(first)}",
                "last": f"{kind}|{encode(last) or '~'}",
            },
            select=list(select),
        )
        async for row in rows:
            yield dict(row)

    async def audit(self, partition_key: str, kind: str, name: str) -> tuple[list[dict[str, Any]], bool]:
        """The row's audit entries, oldest first, and whether the chain is intact."""
        chain = await read_audit(self._table, partition_key, f"{kind}|{encode(name)}")
        return chain.entries, chain.intact

    async def last_entry(
        self, partition_key: str, kind: str, name: str, stored: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The newest audit entry of a row as it was read, without a look at the rest of its chain."""
        return await read_last_entry(self._table, partition_key, f"{kind}|{encode(name)}", Chain.of(stored))

    async def write(
        self,
        partition_key: str,
        kind: str,
        name: str,
        entry: AuditEntry | None,
        *,
        only_if: Callable[[Mapping[str, Any]], bool] = lambda stored: True,
        **properties: Any,
    ) -> dict[str, Any]:
        """Set ``properties`` of the row and append ``entry``, in one entity-group transaction.

        ``only_if`` is asked about the row as it is when it is written (empty: no row yet); where it says no, nothing is
        written. Raises :class:`SubjectChanged` then.
        """
        row = f"{kind}|{encode(name)}"
        for attempt in range(_ATTEMPTS):
            try:
                stored: Any = await self._table.get_entity(partition_key, row)
                guard = {"etag": stored.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            except ResourceNotFoundError:
                stored, guard = {}, {}
            if not only_if(stored):
                raise SubjectChanged(f"{kind} {name}")
            chain = Chain.of(stored)
            changed = {**stored, "PartitionKey": partition_key, "RowKey": row, **properties}
            audits: list[tuple[str, dict[str, Any]]] = []
            aside: Aside = {}
            if entry:
                chain, audit = chain.append(partition_key, row, entry, self._redact, content=changed, aside=aside)
                audits = [("create", audit), ("create", journal_row(audit))]
                if kind in OF_SUBJECTS and is_act(entry.decision):
                    audits.append(("create", self._activity(partition_key, kind, entry, changed, audit["hash"])))
                changed |= chain.stored()
            verb = ("update", changed, {"mode": UpdateMode.REPLACE, **guard}) if guard else ("create", changed)
            try:
                await self._texts.write(self._commits, partition_key, row, aside)
                await self._table.submit_transaction([verb, *audits])
                return changed
            except HttpResponseError as error:
                if error.status_code not in (409, 412) or attempt == _ATTEMPTS - 1:
                    raise
        return {}

    def _activity(
        self, partition_key: str, kind: str, entry: AuditEntry, row: Mapping[str, Any], head: str
    ) -> dict[str, Any]:
        # Rows of a whole connection name their company, those of a company lie in its partition.
        company = str(row.get("company") or partition_key.partition("|")[2])
        return activity_row(
            partition_key, entry, self._redact, kind=OF_SUBJECTS[kind], company=company, name=head[:_HASH]
        )

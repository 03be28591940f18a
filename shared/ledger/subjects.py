"""Audit about what is no posted document: buried messages, filing periods, pulls."""

from __future__ import annotations

from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger.audit import AuditEntry, Chain, Redact
from shared.ledger.keys import encode

_ATTEMPTS = 5


class SubjectChanged(Exception):
    """The row was written by somebody else since it was read."""


class SubjectLedger:
    """Audited rows of any kind: each keeps the end of its own hash chain."""

    def __init__(self, table: TableClient, *, redact: Redact) -> None:
        self._table = table
        self._redact = redact

    async def get(self, partition_key: str, kind: str, name: str) -> dict[str, Any]:
        """The row's properties; empty when it was never written."""
        try:
            return dict(await self._table.get_entity(partition_key, f"{kind}|{encode(name)}"))
        except ResourceNotFoundError:
            return {}

    async def write(
        self,
        partition_key: str,
        kind: str,
        name: str,
        entry: AuditEntry,
        *,
        expected: int | None = None,
        **properties: Any,
    ) -> dict[str, Any]:
        """Set ``properties`` of the row and append ``entry``, in one entity-group transaction.

        ``expected`` is the ``audit_count`` that the row must have (0: no row yet), else :class:`SubjectChanged`.
        """
        row = f"{kind}|{encode(name)}"
        for attempt in range(_ATTEMPTS):
            try:
                stored: Any = await self._table.get_entity(partition_key, row)
                guard = {"etag": stored.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            except ResourceNotFoundError:
                stored, guard = {}, {}
            chain = Chain(stored.get("audit_count", 0), stored.get("audit_head", ""))
            if expected is not None and chain.count != expected:
                raise SubjectChanged(f"{kind} {name}")
            chain, audit = chain.append(partition_key, row, entry, self._redact)
            changed = {**stored, "PartitionKey": partition_key, "RowKey": row, **properties}
            changed |= {"audit_count": chain.count, "audit_head": chain.head}
            verb = ("update", changed, {"mode": UpdateMode.REPLACE, **guard}) if guard else ("create", changed)
            try:
                await self._table.submit_transaction([verb, ("create", audit)])
                return changed
            except HttpResponseError as error:
                if error.status_code not in (409, 412) or attempt == _ATTEMPTS - 1:
                    raise
        return {}

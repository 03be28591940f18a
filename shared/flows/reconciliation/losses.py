"""So much is missing in TaxJar that a person has to decide: kept until then, notified once (design 4.2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from shared import telemetry
from shared.connector import Connector
from shared.flows.work.run import Run
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition

logger = logging.getLogger(__name__)

_KIND, _NAME = "reconciliation", "missing_in_taxjar"


@dataclass(frozen=True, slots=True)
class Loss:
    """Reported documents that TaxJar does not have, and since when that waits for a person."""

    documents: int
    of: int
    since: str

    def shown(self) -> dict[str, Any]:
        """As answers show it."""
        return {"documents": self.documents, "of": self.of, "since": self.since}


async def loss_of(connector: Connector, connection: str, company: str) -> Loss | None:
    """What waits for a decision; ``None`` where nothing does."""
    row = await connector.subjects.get(partition(connection, company), _KIND, _NAME)
    return Loss(int(row["documents"]), int(row["of"]), str(row["since"])) if row.get("documents") else None


async def note_loss(run: Run, missing: int, of: int) -> None:
    """Nothing was sent again: audited and logged as an error the first time, then only counted."""
    known = await loss_of(run.connector, run.connection.name, run.company.id)
    message = f"TaxJar no longer has {missing} of {of} documents. Nothing is sent again until a person confirms it."
    if known is None:
        logger.error("%s: %s", run.name, message)
    since = known.since if known else run.connector.clock().isoformat()
    await _write(run, missing, of, since, None if known else _entry(run, "not_sent_again", message))
    telemetry.missing_in_taxjar(run.connection.name, run.company.id, missing)


async def note_no_loss(run: Run, *, by: str = "", reason: str = "") -> None:
    """A whole night found none, or a person confirmed that everything is sent again."""
    if await loss_of(run.connector, run.connection.name, run.company.id):
        decision = "sent_again" if reason else "found_again"
        message = "" if reason else "TaxJar has the missing documents again."
        await _write(run, 0, 0, "", _entry(run, decision, message, by=by, reason=reason))
    telemetry.missing_in_taxjar(run.connection.name, run.company.id, 0)


async def _write(run: Run, documents: int, of: int, since: str, entry: AuditEntry | None) -> None:
    where = partition(run.connection.name, run.company.id)
    await run.connector.subjects.write(where, _KIND, _NAME, entry, documents=documents, of=of, since=since)


def _entry(run: Run, decision: str, message: str, *, by: str = "", reason: str = "") -> AuditEntry:
    return AuditEntry(
        at=run.connector.clock(),
        actor=Actor(function=run.actor.function, by=by) if by else run.actor,
        subject=f"{run.company.id.upper()} in TaxJar",
        decision=decision,
        message=message,
        reason=reason,
    )

"""A backfill as a job: how it begins, what its next step is, what is audited about it."""

from __future__ import annotations

from shared.backfill_messages import DAYS_OF_A_STEP, BackfillStep
from shared.connector import Connector
from shared.flows.work.jobs import job_entry
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.backfills import Backfill

KIND = "backfill"


async def begin(connector: Connector, backfill: Backfill, actor: Actor) -> None:
    """Write a new backfill, and put its first step on the queue."""
    chosen = {
        "dry run": backfill.dry_run,
        "force": backfill.force,
        f"what was read without {backfill.read_without}": backfill.read_without,
    }
    options = "".join(f", {name}" for name, is_chosen in chosen.items() if is_chosen)
    message = f"{backfill.company.upper()} from {backfill.since} to {backfill.until}{options}."
    await connector.backfills.write(backfill, entry(connector, backfill, actor, "started", message))
    await connector.backfill_queue.send(step_of(backfill))


def step_of(backfill: Backfill, days: int = DAYS_OF_A_STEP) -> BackfillStep:
    """The next step."""
    return BackfillStep(connection=backfill.connection, backfill=backfill.job, day=backfill.cursor, days=days)


def entry(connector: Connector, backfill: Backfill, actor: Actor, decision: str, message: str) -> AuditEntry:
    """What is audited about a backfill."""
    return job_entry(connector, backfill, KIND, actor, decision, message)

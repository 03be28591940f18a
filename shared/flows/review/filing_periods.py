"""Filing periods: a person says through which day a state has its return (design 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool

from shared.connector import Connector
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition
from shared.ledger.periods import PERIOD
from shared.ledger.subjects import SubjectChanged
from shared.states import STATES
from shared.web import Day, Problem, Words


class Closing(BaseModel):
    """The body of ``close_filing_period``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filed_through: Day
    reopen: StrictBool = False
    """Allows an earlier day than before: what lies between may be changed again."""
    by: Words = "function key"
    reason: str = ""


async def close_filing_period(
    connector: Connector, connection: str, company: str, state: str, closing: Closing
) -> dict[str, Any]:
    """Set ``filed_through`` of one state; answer the period before and after.

    Raises :class:`NotFound`; :class:`Problem` 400 for an unknown state or a day that is not over, and 409 for an
    earlier day than before without ``reopen``.
    """
    connector.connection(connection).company(company)
    code = state.strip().upper()
    if code not in STATES:
        raise Problem(400, "bad_request", f"{state!r} is no US state. Give its two-letter code, such as TX.")
    yesterday = connector.clock().date() - timedelta(days=1)
    if closing.filed_through > yesterday:
        raise Problem(400, "bad_request", f"filed_through can be {yesterday} at the latest: later days are not over.")
    where = partition(connection, company)
    row = await connector.subjects.get(where, PERIOD, code)
    before = date.fromisoformat(row["filed_through"]) if row else None
    if before and closing.filed_through < before and not closing.reopen:
        raise Problem(
            409,
            "conflict",
            f'{code} is filed through {before}. Send "reopen": true to move it back to {closing.filed_through}.',
        )
    if before != closing.filed_through:
        entry = AuditEntry(
            at=connector.clock(),
            actor=Actor(function="close_filing_period", by=closing.by),
            subject=f"filing period {company.upper()} {code}",
            decision="reopened" if before and closing.filed_through < before else "closed",
            reason=closing.reason,
            before={"filed_through": before},
            after={"filed_through": closing.filed_through},
        )
        properties = {"state": code, "filed_through": closing.filed_through.isoformat()}
        try:
            await connector.subjects.write(where, PERIOD, code, entry, only_if=lambda now: now == row, **properties)
        except SubjectChanged:
            raise Problem(
                409, "conflict", "The period changed in this moment. Look at it again, then close it."
            ) from None
    return {"state": code, "before": _period(before), "after": _period(closing.filed_through)}


async def list_filing_periods(connector: Connector, connection: str, company: str) -> dict[str, Any]:
    """What is closed for a company: by the calendar, and by people for each state. Raises :class:`NotFound`."""
    settings = connector.connection(connection).company(company).settings
    periods = await connector.periods.of_company(connection, company, settings.filing_lock_day)
    return {
        "filing_lock_day": settings.filing_lock_day,
        "closed_through": periods.locked_through(connector.clock().date()).isoformat(),
        "states": [{"state": state, **_period(day)} for state, day in sorted(periods.filed_through.items())],
    }


def _period(filed_through: date | None) -> Mapping[str, str | None]:
    return {"filed_through": filed_through.isoformat() if filed_through else None}

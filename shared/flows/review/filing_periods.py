"""Filing periods: a person says through which day a state has its return (design 4.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool

from shared.connector import Connector
from shared.flows.work.problems import BadInput, Conflict
from shared.flows.work.run import today_of
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition
from shared.ledger.periods import PERIOD
from shared.ledger.records import DocumentRecord
from shared.ledger.subjects import SubjectChanged
from shared.states import STATES
from shared.web import Day, Words

_NAMED = 10
"""Documents that a refusal names."""


class Closing(BaseModel):
    """The body of ``close_filing_period``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filed_through: Day
    reopen: StrictBool = False
    """Allows an earlier day than before: what lies between may be changed again."""
    confirm: StrictBool = False
    """Close although documents inside are still held, failed or in flight."""
    by: Words
    reason: Words


async def close_filing_period(
    connector: Connector, connection: str, company: str, state: str, closing: Closing
) -> dict[str, Any]:
    """Set ``filed_through`` of one state; answer the period before and after.

    Raises :class:`NotFound`; :class:`BadInput` for an unknown state or a day that is not over; :class:`Conflict` for an
    earlier day than before without ``reopen``, and for what is still open inside without ``confirm``.
    """
    settings = connector.connection(connection).company(company).settings
    code = state.strip().upper()
    if code not in STATES:
        raise BadInput(f"{state!r} is no US state. Give its two-letter code, such as TX.")
    yesterday = today_of(connector, settings) - timedelta(days=1)
    if closing.filed_through > yesterday:
        raise BadInput(f"filed_through can be {yesterday} at the latest: later days are not over.")
    where = partition(connection, company)
    row = await connector.subjects.get(where, PERIOD, code)
    before = date.fromisoformat(row["filed_through"]) if row else None
    if before and closing.filed_through < before and not closing.reopen:
        raise Conflict(
            f'{code} is filed through {before}. Send "reopen": true to move it back to {closing.filed_through}.'
        )
    inside = [] if closing.confirm else await _open_inside(connector, connection, company, code, closing.filed_through)
    if inside:
        raise Conflict(_still_open(inside, code, closing.filed_through))
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
            raise Conflict("The period changed in this moment. Look at it again, then close it.") from None
    return {"state": code, "before": _period(before), "after": _period(closing.filed_through)}


async def list_filing_periods(connector: Connector, connection: str, company: str) -> dict[str, Any]:
    """What is closed for a company: by the calendar, and by people for each state. Raises :class:`NotFound`."""
    settings = connector.connection(connection).company(company).settings
    periods = await connector.periods.of_company(connection, company, settings)
    today = today_of(connector, settings)
    states = sorted({*periods.filed_through, *settings.filing_frequencies})
    return {
        "filing_lock_day": settings.filing_lock_day,
        "closed_through": periods.closed_through("", today).isoformat(),
        "states": [
            {
                "state": state,
                **_period(periods.filed_through.get(state)),
                "frequency": settings.filing_frequencies.get(state, "monthly"),
                "closed_through": periods.closed_through(state, today).isoformat(),
            }
            for state in states
        ],
    }


async def _open_inside(
    connector: Connector, connection: str, company: str, state: str, through: date
) -> list[DocumentRecord]:
    """What is held, failed or in flight with a date in the period, for the state or for one not known yet."""
    return [
        record
        async for record in connector.ledger.open_work(connection, company)
        if record.key.date <= through and (not record.filing.to_states or state in record.filing.to_states)
    ]


def _still_open(inside: Sequence[DocumentRecord], state: str, through: date) -> str:
    counts = Counter("in flight" if record.in_flight else record.state.value for record in inside)
    figures = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    named = ", ".join(record.filing.transaction_id for record in inside[:_NAMED])
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    return (
        f"{state} through {through} still has open documents: {figures} ({named}{more})."
        ' Decide on them first, or send "confirm": true to close the period all the same.'
    )


def _period(filed_through: date | None) -> Mapping[str, str | None]:
    return {"filed_through": filed_through.isoformat() if filed_through else None}

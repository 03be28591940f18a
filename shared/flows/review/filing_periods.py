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

_NAMED, _LISTED = 10, 100
"""Documents that the sentence of a refusal names, and that it lists for programs."""


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
        raise BadInput(f"{state!r} is not a US state. Give its two-letter code, such as TX.")
    yesterday = today_of(connector, settings) - timedelta(days=1)
    if closing.filed_through > yesterday:
        raise BadInput(f"filed_through can be {yesterday} at the latest: later days are not over.")
    where = partition(connection, company)
    row = await connector.subjects.get(where, PERIOD, code)
    before = date.fromisoformat(row["filed_through"]) if row else None
    answer = {"state": code, "before": _period(before), "after": _period(closing.filed_through)}
    if before == closing.filed_through:
        return answer
    earlier = before is not None and closing.filed_through < before
    if before and earlier and not closing.reopen:
        raise Conflict(
            f'{code} is filed through {before}. Send "reopen": true to move it back to {closing.filed_through}.',
            code="earlier",
            details={"filed_through": before.isoformat()},
        )
    if not (earlier or closing.confirm):
        inside = await _open_inside(connector, connection, company, code, closing.filed_through)
        if inside:
            raise _still_open(inside, code, closing.filed_through)
    entry = AuditEntry(
        at=connector.clock(),
        actor=Actor(function="close_filing_period", by=closing.by),
        subject=f"filing period {company.upper()} {code}",
        decision="reopened" if earlier else "closed",
        reason=closing.reason,
        before={"filed_through": before},
        after={"filed_through": closing.filed_through},
    )
    properties = {"state": code, "filed_through": closing.filed_through.isoformat()}
    try:
        await connector.subjects.write(where, PERIOD, code, entry, only_if=lambda now: now == row, **properties)
    except SubjectChanged:
        raise Conflict("The period changed in this moment. Look at it again, then close it.") from None
    return answer


async def _open_inside(
    connector: Connector, connection: str, company: str, state: str, through: date
) -> list[DocumentRecord]:
    """What is held, failed or in flight with a date in the period, for the state or for one not known yet."""
    return [
        record
        async for record in connector.ledger.open_work(connection, company)
        if record.key.date <= through and (not record.filing.to_states or state in record.filing.to_states)
    ]


def _still_open(inside: Sequence[DocumentRecord], state: str, through: date) -> Conflict:
    """The refusal: how many documents are open inside, in words and for programs, and which."""
    counts = Counter("in_flight" if record.in_flight else record.state.value for record in inside)
    figures = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
    named = ", ".join(record.filing.transaction_id for record in inside[:_NAMED])
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    message = (
        f"{state} through {through} still has open documents: {figures} ({named}{more})."
        ' Decide on them first, or send "confirm": true to close the period all the same.'
    )
    return Conflict(
        message,
        code="open_work",
        details={
            **{name: counts[name] for name in ("held", "failed", "in_flight")},
            "documents": [
                {
                    "transaction_id": record.filing.transaction_id,
                    "number": record.key.number,
                    "date": record.key.date.isoformat(),
                    "state": record.state.value,
                    "reason": record.reason or None,
                    "to_states": list(record.filing.to_states),
                }
                for record in inside[:_LISTED]
            ],
        },
    )


def _period(filed_through: date | None) -> Mapping[str, str | None]:
    return {"filed_through": filed_through.isoformat() if filed_through else None}

"""What is compared while somebody waits, and what is left to a job (design 4.7)."""

from __future__ import annotations

import json
from datetime import date, timedelta

from shared.flows.work.problems import Conflict
from shared.flows.work.run import Run

A_MONTH = timedelta(days=31)
MANY = 10_000
"""Documents of more than a month that nobody can wait for."""


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of the month of ``day``."""
    first = day.replace(day=1)
    return first, (first + A_MONTH).replace(day=1) - timedelta(days=1)


def months_between(first: date, last: date) -> int:
    """How many months, or parts of one, the days from ``first`` to ``last`` lie in; none where there are no days."""
    return max((last.year - first.year) * 12 + last.month - first.month + 1, 0) if first <= last else 0


async def check_length(run: Run, since: date, until: date, *, compare: bool = True) -> None:
    """Raise :class:`Conflict` for a range that only a job can go through; F&O is asked how much is in a long one."""
    if until - since < A_MONTH:
        return
    count = await run.connection.reader.count_posted({run.company.id: since}, until)
    if count > MANY:
        path = f"/api/reconciliation-jobs/{run.connection.name}/{run.company.id}"
        body = {"from": since.isoformat(), "to": until.isoformat(), **({} if compare else {"compare": False})}
        raise Conflict(
            f"{since} to {until} is longer than a month and has {count} documents: ask for a month of it, or start a"
            f" job with POST {path} and {json.dumps(body)}.",
            code="too_long",
        )

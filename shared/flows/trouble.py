"""Trouble with F&O or TaxJar while someone waits for an answer: told at once, and heeded like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from shared.dynamics import errors as dynamics
from shared.flows.postpone import TRANSIENT, judge
from shared.flows.run import Run
from shared.taxjar import errors as taxjar
from shared.web import Problem


@asynccontextmanager
async def told_as_problem(run: Run) -> AsyncIterator[None]:
    """Turn the trouble of a remote side into a :class:`Problem`: 502 where it refuses access, else 503."""
    try:
        yield
    except (dynamics.AccessDenied, taxjar.AccessDenied) as refusal:
        await judge(run, refusal, 1)
        raise Problem(502, "access_refused", f"{refusal} Ping the connection to see what is missing.") from None
    except TRANSIENT as trouble:
        wait = await judge(run, trouble, 1)
        seconds = max(ceil(wait.delay(run).total_seconds()), 1)
        raise Problem(
            503, "unavailable", f"{wait.message} Try again later.", headers={"Retry-After": str(seconds)}
        ) from None

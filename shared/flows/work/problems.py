"""Trouble while someone waits for an answer: answered at once; that of F&O or TaxJar is treated like any other."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

from shared.connector import NotFound
from shared.dynamics import errors as dynamics
from shared.flows.work.fence import Fenced
from shared.flows.work.retries import TRANSIENT, judge
from shared.flows.work.run import Run
from shared.ledger.trouble import is_storage_trouble
from shared.taxjar import errors as taxjar
from shared.web import Problem

logger = logging.getLogger(__name__)

_STORAGE_AGAIN_AFTER = 30
"""Seconds."""


class Conflict(Exception):
    """A request that does not fit how things are; it had no effect. ``details`` are further fields for programs."""

    def __init__(self, message: str, *, code: str = "conflict", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details or {}


class BadInput(ValueError):
    """A request that cannot be understood; the sentence says what to give instead."""


def problem_of(failure: Exception, function: str) -> Problem:
    """What the caller of ``function`` receives about its failure; the cause of a defect is only in the log."""
    if isinstance(failure, Problem):
        return failure
    if isinstance(failure, NotFound):
        return Problem(404, "not_found", f"{failure}. {failure.hint}".rstrip())
    if isinstance(failure, Conflict):
        return Problem(409, failure.code, str(failure), details=failure.details)
    if isinstance(failure, BadInput):
        return Problem(400, "bad_request", str(failure))
    if is_storage_trouble(failure):
        cause = (type(failure).__name__, getattr(failure, "status_code", None), getattr(failure, "error_code", None))
        logger.error("%s: the storage account does not answer, or refuses access %s", function, cause)
        message = "The connector's storage account does not answer, or refuses access. Try again later."
        return Problem(503, "storage_unavailable", message, headers={"Retry-After": str(_STORAGE_AGAIN_AFTER)})
    logger.error("%s failed", function, exc_info=failure)
    message = "The connector failed on this request; its log has the details. Try again later."
    return Problem(500, "internal_error", message)


@asynccontextmanager
async def trouble_as_problem(run: Run) -> AsyncIterator[None]:
    """Turn the trouble of a remote side into a :class:`Problem`: 502 where it refuses access, else 503.

    409 where the ledger belongs to another environment or account.
    """
    try:
        yield
    except Fenced as fenced:
        raise Problem(409, "fenced", str(fenced)) from None
    except (dynamics.AccessDenied, taxjar.AccessDenied) as refusal:
        await judge(run, refusal, 1)
        raise Problem(502, "access_refused", f"{refusal} Ping the connection to see what is missing.") from None
    except TRANSIENT as trouble:
        wait = await judge(run, trouble, 1)
        seconds = max(ceil(wait.delay(run).total_seconds()), 1)
        raise Problem(
            503, "unavailable", f"{wait.message} Try again later.", headers={"Retry-After": str(seconds)}
        ) from None

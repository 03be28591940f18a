"""The timers' way through connections, companies and accounts: a defect met in one stops none of the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

logger = logging.getLogger(__name__)


async def run_each(function: str, runs: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Run ``function`` for each of ``runs``, by the name that the log gives it.

    What one of them raises is logged at once and, after the last run, raised: the host has to see that it failed.
    """
    failures: list[Exception] = []
    for name, run in runs.items():
        try:
            await run()
        except Exception as failure:
            logger.exception("%s: %s did not get to the end", name, function)
            failures.append(failure)
    if failures:
        raise failures[0]

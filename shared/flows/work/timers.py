"""The timers' way through connections, companies and accounts: a defect met in one keeps no other from its turn."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

logger = logging.getLogger(__name__)


async def each_in_turn(function: str, turns: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Take every turn, by the name of whose it is.

    What one of them raises is logged at once and, after the last turn, raised: the host has to see that it failed.
    """
    failures: list[Exception] = []
    for name, turn in turns.items():
        try:
            await turn()
        except Exception as failure:
            logger.exception("%s: %s did not get to the end", name, function)
            failures.append(failure)
    if failures:
        raise failures[0]

"""Who makes the present request. The audit reads it, so that no flow can forget or forge it (design 4.8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from shared.people.roles import Role

FUNCTION_KEY = "function key"


class Way(StrEnum):
    """How a request came in."""

    CONSOLE = "console"
    CLI = "cli"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A signed-in person, or whoever holds a function key."""

    name: str
    object_id: str = ""
    """Of the person in Entra ID; a key has none."""
    way: Way
    role: Role

    @property
    def is_person(self) -> bool:
        """Whether somebody signed in, and not a key."""
        return self.way is not Way.KEY


KEY_HOLDER = Caller(name=FUNCTION_KEY, way=Way.KEY, role=Role.APPROVER)
"""Whoever sends a function key."""

_present: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def acting(caller: Caller) -> Iterator[None]:
    """What runs inside, tasks included, is done for ``caller``."""
    token = _present.set(caller)
    try:
        yield
    finally:
        _present.reset(token)


def present_caller() -> Caller | None:
    """Who makes the request that is served now; ``None`` in timers and queue functions."""
    return _present.get()

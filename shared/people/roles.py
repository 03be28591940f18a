"""What a person may do: each role may do all that the one before it may."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """The app roles of the Entra application, weakest first."""

    VIEWER = "viewer"
    """Reads everything."""
    OPERATOR = "operator"
    """Tries again, notes, assigns, and runs jobs."""
    APPROVER = "approver"
    """Decides what is filed: approve, dismiss, settle, close a period."""

    def may(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` is asked for."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)


def strongest(names: Iterable[str]) -> Role | None:
    """The strongest role among the values of role claims; other applications' values do not count."""
    held = {name.strip().lower() for name in names}
    return next((role for role in reversed(_ORDER) if role.value in held), None)

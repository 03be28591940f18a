"""What ends a command early, and the exit codes (design 3.3)."""

from __future__ import annotations

CLEAN = 0
WAITS = 1
"""Something waits for a person, or two sides differ."""
USAGE = 2
REFUSED = 3
"""The app refused, or cannot be reached."""


class CommandFailed(Exception):
    """Ends the command with ``code`` and a sentence on standard error."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class WrongUsage(CommandFailed):
    """The command line, the profile or the environment is wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message, USAGE)


class Refused(CommandFailed):
    """The app said no, or said nothing. ``status`` is HTTP's, 0 without an answer; ``error`` is the app's."""

    def __init__(self, message: str, *, status: int = 0, error: dict[str, object] | None = None) -> None:
        super().__init__(message, USAGE if status == 400 else REFUSED)
        self.status = status
        self.error = error or {}

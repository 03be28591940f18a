"""Which entity sets an environment was ever seen to have, and what keeps one document from being read (design 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SetMemory(Protocol):
    """The entity sets of one environment that were ever readable, kept for all instances and for good."""

    async def readable(self) -> frozenset[str]:
        """Their standard names."""

    async def remember(self, set: str) -> None:
        """Note that ``set`` showed a row."""


class ForgetfulMemory:
    """A memory as long as this object lives: for tools and tests without storage."""

    def __init__(self) -> None:
        self._readable: set[str] = set()

    async def readable(self) -> frozenset[str]:
        """What was remembered since this object was made."""
        return frozenset(self._readable)

    async def remember(self, set: str) -> None:
        """Keep it in memory."""
        self._readable.add(set)


class ProblemKind(StrEnum):
    """Why a document cannot be read, though F&O has it."""

    SOURCE_INCOMPLETE = "source_incomplete"
    """A set that was readable before is not, or does not show a row that must be there. It comes back by itself."""
    UNREADABLE_ROW = "unreadable_row"
    """F&O cannot render one of its rows, or a value in it makes no sense."""
    REPEATED_LINES = "repeated_lines"
    """Two lines with one sequence number that differ, also when read alone."""


@dataclass(frozen=True, slots=True)
class ReadProblem:
    """One document's trouble; the others of its batch were read. ``sets`` names the entity sets concerned."""

    kind: ProblemKind
    sentence: str
    """For a clerk or an administrator."""
    sets: tuple[str, ...] = ()
    gone: bool = False
    """The sets were readable before and cannot be read at all."""

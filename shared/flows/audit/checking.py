"""Looks whether the audit is still as it was written and sealed; what is not is named, and stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice

from shared.ledger.keys import partition
from shared.ledger.root_store import RootStore
from shared.ledger.seals import Seals, read_seal, sealed_rows
from shared.proof.journal import JournalRow
from shared.proof.seals import DayRoot

_AT_ONCE = 10
_DAY = "day "
LOOK_BACK = 3
"""Days before it that a day's sealing compares with their seals: for so long a row may be late."""


@dataclass(slots=True)
class SealedDay:
    """What a comparison of a day's journal with its seal found."""

    late: list[JournalRow] = field(default_factory=list)
    """Rows that no seal has yet."""
    broken: list[str] = field(default_factory=list)
    """Rows of the ledger whose journal rows are not as sealed, or the day itself."""


async def check_rows(seals: Seals, connection: str, company: str, rows: Iterable[str], broken: dict[str, None]) -> None:
    """Add to ``broken`` those of ``rows`` that are not as their chain of audit entries says."""
    waiting = iter([row for row in rows if "|" in row])
    while turn := list(islice(waiting, _AT_ONCE)):
        found = await asyncio.gather(*(seals.audit_of(connection, company, row) for row in turn))
        broken |= {row: None for row, audit in zip(turn, found, strict=True) if not audit.intact}


async def check_again(
    seals: Seals, store: RootStore, connection: str, company: str, named: Iterable[str], broken: dict[str, None]
) -> None:
    """Look at what was ``broken`` the last time: what was put right is not named any more."""
    names = list(named)
    await check_rows(seals, connection, company, names, broken)
    for name in names:
        with suppress(ValueError):
            day = date.fromisoformat(name.removeprefix(_DAY))
            found = await check_sealed_day(seals, store, connection, company, day)
            broken |= dict.fromkeys(found.broken)


async def check_sealed_day(seals: Seals, store: RootStore, connection: str, company: str, day: date) -> SealedDay:
    """Compare the journal of ``day`` with its seal, and those of the next days for rows that came late."""
    found = SealedDay()
    try:
        seal = await read_seal(store, connection, company, day)
        late: set[str] = set()
        for later in range(1, LOOK_BACK + 1):
            if other := await read_seal(store, connection, company, day + timedelta(days=later)):
                late |= {key for key in other.statement.late if key.startswith(day.isoformat())}
        root = DayRoot(seal.statement.previous if seal else "")
        rows = _of_day(sealed_rows(store, connection, company, day), day, root)
        journal = seals.journal.of_day(partition(connection, company), day)
        await _compare(journal, rows, late, found)
        if seal is None or not seal.is_signed() or root.hex() != seal.statement.root:
            raise ValueError("the seal does not hold")
    except ValueError:
        found.broken.append(f"{_DAY}{day}")
    if found.broken:
        # The rows may be whole by themselves: the day is what is looked at again the next time.
        found.broken.append(f"{_DAY}{day}")
    return found


async def _of_day(rows: AsyncIterator[JournalRow], day: date, root: DayRoot) -> AsyncIterator[JournalRow]:
    """The rows of ``day`` itself; all of them go into ``root``."""
    async for row in rows:
        root.add(row.leaf())
        if row.day == day.isoformat():
            yield row


async def _compare(
    journal: AsyncIterator[JournalRow], rows: AsyncIterator[JournalRow], late: set[str], found: SealedDay
) -> None:
    """Go through both, which are in the order of their keys, side by side."""
    there, sealed = await anext(journal, None), await anext(rows, None)
    while there or sealed:
        if there and (sealed is None or there.key < sealed.key):
            if there.key not in late:
                found.late.append(there)
            there = await anext(journal, None)
        elif sealed and (there is None or sealed.key < there.key):
            found.broken.append(sealed.row)
            sealed = await anext(rows, None)
        else:
            if there != sealed and sealed:
                found.broken.append(sealed.row)
            there, sealed = await anext(journal, None), await anext(rows, None)

"""Seals the audit day by day: the day's journal under one root that is signed and kept where nothing can be replaced.

One seal for each company and UTC day, also for a day on which nothing happened, so that a missing day shows. A day that
was missed is caught up. Rows that come after their day was sealed, because a clock was wrong, stand in the next seal as
late.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import IO

from azure.core.exceptions import AzureError

from shared import telemetry
from shared.connector import Connector
from shared.flows.audit.checking import LOOK_BACK, check_again, check_rows, check_sealed_day
from shared.flows.work.timers import run_each
from shared.ledger.keys import partition
from shared.ledger.root_store import RootStore
from shared.ledger.seals import Seals, read_seal
from shared.proof.journal import JournalRow
from shared.proof.seals import DayRoot, Seal, Signer, Statement, sign
from shared.signing import SigningError

logger = logging.getLogger(__name__)

_GRACE = timedelta(hours=1)
"""After midnight: a settlement that began before it has been written by then."""
_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a day's rows; what is more goes through a temporary file."""
_ROWS_CHECKED = 2000
"""Rows of the ledger of one day whose chains are checked when it is sealed."""

NOT_CONFIGURED = (
    "The audit's days are not sealed: set AUDIT__KEY_URI (or AUDIT__KEY_FILE on one machine), and"
    " AUDIT__CONTAINER_URI where AzureWebJobsStorage is not a connection string."
)


class SealUnreadable(Exception):
    """The last seal cannot be read or is not signed: a person has to look before the next day is sealed on it."""


@dataclass(slots=True)
class _Sealing:
    """The sealing of one company."""

    seals: Seals
    signer: Signer
    store: RootStore
    connection: str
    company: str
    now: datetime
    last: Seal | None = None
    broken: dict[str, None] = field(default_factory=dict)
    """Rows and days that are not as they were written, in the order in which they were met."""

    @property
    def partition(self) -> str:
        return partition(self.connection, self.company)


async def seal_days(connector: Connector, by: str) -> None:
    """Seal every day that is over, for every company. Trouble is noted for each, and stops no other."""
    logger.info("sealing the audit, by %s", by)
    unsealed = {(each.name, company) for each in connector.connections.values() for company in each.companies}

    async def seal(connection: str, company: str) -> None:
        if await _seal_company(connector, connection, company):
            unsealed.discard((connection, company))

    runs = {f"{connection} {company.upper()}": partial(seal, connection, company) for connection, company in unsealed}
    try:
        await run_each("seal_audit", dict(sorted(runs.items())))
    finally:
        missed = {connection for connection, _ in unsealed}
        for connection in connector.connections:
            telemetry.ran(connection, "seal_audit", complete=connection not in missed)


async def _seal_company(connector: Connector, connection: str, company: str) -> bool:
    """Whether every day that is over is sealed."""
    seals, now = connector.seals, connector.clock()
    if seals.signer is None or seals.store is None:
        logger.warning("%s %s: %s", connection, company.upper(), NOT_CONFIGURED)
        await seals.note(connection, company, at=now, last=None, trouble=NOT_CONFIGURED)
        return False
    known = await seals.state(connection, company)
    sealing = _Sealing(seals, seals.signer, seals.store, connection, company, now)
    trouble = ""
    try:
        await check_again(seals, seals.store, connection, company, known.broken, sealing.broken)
        await _seal_missing_days(sealing)
    except (AzureError, OSError, SigningError, SealUnreadable) as error:
        trouble = f"{type(error).__name__}: {getattr(error, 'message', error)}"
        logger.exception("%s %s: the audit could not be sealed", connection, company.upper())
    if sealing.broken:
        words = ", ".join(list(sealing.broken)[:20])
        logger.error("%s %s: the audit is not as it was written: %s", connection, company.upper(), words)
    telemetry.sealed(connection, company, broken=len(sealing.broken), complete=not trouble)
    await seals.note(connection, company, at=now, last=sealing.last, trouble=trouble, broken=list(sealing.broken))
    return not trouble


async def _seal_missing_days(sealing: _Sealing) -> None:
    await sealing.store.prepare()
    sealed = [day async for day in sealing.store.days(sealing.connection, sealing.company)]
    first = sealed[-1] + timedelta(days=1) if sealed else await sealing.seals.journal.first_day(sealing.partition)
    through = (sealing.now - _GRACE).date() - timedelta(days=1)
    if first is None:
        return
    sealing.last = await _seal_of(sealing, sealed[-1]) if sealed else None
    for day in _days(first, through):
        sealing.last = await _seal_day(sealing, day, sealing.last, sealed[-LOOK_BACK:])
        sealed.append(day)


async def _seal_of(sealing: _Sealing, day: date) -> Seal:
    try:
        seal = await read_seal(sealing.store, sealing.connection, sealing.company, day)
    except ValueError as error:
        raise SealUnreadable(f"the seal of {day} cannot be read: {error}") from None
    if seal is None or not seal.is_signed():
        raise SealUnreadable(f"the seal of {day} is not signed")
    return seal


async def _seal_day(sealing: _Sealing, day: date, previous: Seal | None, before: list[date]) -> Seal:
    late: list[JournalRow] = []
    for earlier in before:
        found = await check_sealed_day(sealing.seals, sealing.store, sealing.connection, sealing.company, earlier)
        late += found.late
        sealing.broken |= dict.fromkeys(found.broken)
    rows: dict[str, None] = {}
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as lines:
        root = DayRoot(previous.statement.root if previous else "")
        for row in sorted(late, key=lambda row: row.key):
            _add(row, root, lines, rows)
        async for row in sealing.seals.journal.of_day(sealing.partition, day):
            _add(row, root, lines, rows)
        if previous is None:
            async for row in sealing.seals.baseline(sealing.connection, sealing.company):
                _add(row, root, lines, rows)
        statement = Statement(
            connection=sealing.connection,
            company=sealing.company,
            day=day.isoformat(),
            count=root.count,
            late=tuple(sorted(row.key for row in late)),
            previous=previous.statement.root if previous else "",
            root=root.hex(),
            sealed_at=sealing.now.isoformat(),
            key="",
        )
        seal = await sign(sealing.signer, statement)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as content:
            content.write(_line(seal.content()))
            lines.seek(0)
            shutil.copyfileobj(lines, content)
            content.seek(0)
            if not await sealing.store.create(sealing.connection, sealing.company, day, content):
                # Another instance was first, or this one without hearing the answer: what is there counts.
                seal = await _seal_of(sealing, day)
    await check_rows(sealing.seals, sealing.connection, sealing.company, rows, sealing.broken)
    return seal


def _add(row: JournalRow, root: DayRoot, lines: IO[bytes], rows: dict[str, None]) -> None:
    root.add(row.leaf())
    lines.write(_line(row.content()))
    if len(rows) < _ROWS_CHECKED:
        rows[row.row] = None


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)

"""What polls of a day with very many documents cost: ``python3 -m local bench --day N``.

The ledger lies in Azurite and is read over HTTP with Azure's SDK. What counts is the CPU time of the connector's own
thread: the simulated F&O and TaxJar answer in other threads of the process, Azurite in a process of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from local.azurite import Azurite
from local.bench.documents import COMPANY, SETTINGS, open_company, post
from local.bench.ledger_reads import all_rows, report_all
from local.simulation import CONNECTION, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.server import Tls
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.documents import DocumentKey
from shared.flows.finding.poll import poll_posted_invoices, sweep_posted_invoices
from shared.flows.operations.run_now import Timer
from shared.ledger import keys
from shared.ledger.commits import OPERATIONS_PER_TRANSACTION
from shared.settings import load_settings

_NEW = (0, 350, 5000)
"""New documents of a poll: none, those of five minutes of such a day, those of a batch."""
_HEADERS = "SalesInvoiceHeadersV2"


async def measure(size: int, certificates: Certificates) -> list[tuple[str, float, int]]:
    """What was done, CPU seconds, and F&O calls; the day has ``size`` documents that the ledger knows."""
    with Azurite() as azurite, Simulation(certificates) as simulation:
        today = datetime.now(UTC).date()
        connections = {CONNECTION: simulation.settings({COMPANY: {**SETTINGS, "report_from": today.isoformat()}})}
        settings = load_settings(azurewebjobsstorage=azurite.connection_string, connections=connections)
        connector = await build_connector(settings)
        try:
            post(open_company(simulation.dynamics), 1, today, series="FIRST")
            await report_all(connector)
            numbers = [f"DAY-{number:06d}" for number in range(size)]
            _add_to_dynamics(simulation.dynamics, numbers)
            await _add_to_ledger(connector, numbers, today)
            await connector.work.note_counts(CONNECTION, COMPANY, {today: size + 1})
            await poll_posted_invoices(
                connector, by="bench"
            )  # which gets tokens, and looks for sets that are not there
            found = [await _cost("a sweep", sweep_posted_invoices, connector, simulation)]
            for count in _NEW:
                _add_to_dynamics(simulation.dynamics, [f"NEW-{count}-{number:06d}" for number in range(count)])
                name = f"a poll that finds {count or 'nothing'} new"
                found.append(await _cost(name, poll_posted_invoices, connector, simulation))
            return found
        finally:
            await connector.aclose()


async def _cost(name: str, timer: Timer, connector: Connector, simulation: Simulation) -> tuple[str, float, int]:
    begun, calls = time.thread_time(), len(simulation.dynamics.calls)
    await timer(connector, "bench")
    return name, time.thread_time() - begun, len(simulation.dynamics.calls) - calls


def _add_to_dynamics(dynamics: DynamicsSimulator, numbers: Iterable[str]) -> None:
    """Headers alone: lists show no more."""
    pattern = dict(dynamics.store.rows(_HEADERS)[0])
    for number in numbers:
        dynamics.store.add(_HEADERS, {**pattern, "InvoiceNumber": number, "LedgerVoucher": number})


async def _add_to_ledger(connector: Connector, numbers: list[str], day: date) -> None:
    """Rows of documents that are reported."""
    first = keys.document_rows_from(day)
    pattern: dict[str, Any] = await anext(
        dict(row) async for row in all_rows(connector) if row["RowKey"].startswith(first)
    )
    table = connector.ledger._table
    for start in range(0, len(numbers), OPERATIONS_PER_TRANSACTION):
        rows = [
            {
                **pattern,
                "RowKey": keys.document_row(DocumentKey(COMPANY, day, number, number)),
                "number": number,
                "voucher": number,
            }
            for number in numbers[start : start + OPERATIONS_PER_TRANSACTION]
        ]
        await table.submit_transaction([("create", row) for row in rows])


def show(size: int, certificates: Certificates) -> int:
    """Print the table; 1 where a poll takes 10 s of CPU or more."""
    print(f"Polls with {size:,} documents of today in F&O that the ledger knows. CPU is the connector's alone.\n")
    print("| | CPU | F&O calls |")
    print("|---|---:|---:|")
    found = asyncio.run(measure(size, certificates))
    for name, seconds, calls in found:
        print(f"| {name} | {seconds:.2f} s | {calls} |")
    return 0 if max(seconds for name, seconds, _ in found if "poll" in name) < 10 else 1


if __name__ == "__main__":
    _folder = Path(sys.argv[2])
    _files = Certificates(_folder / "authority.pem", Tls(_folder / "server.pem", _folder / "server.key"))
    raise SystemExit(show(int(sys.argv[1]), _files))

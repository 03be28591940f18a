"""What reads of the ledger cost with a long history behind them: ``python3 -m local bench --ledger N``."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from azure.data.tables.aio import TableClient

from local.azurite import Azurite
from local.bench.documents import COMPANY, SETTINGS, open_company, post
from local.bench.stand_in import StandInTable
from local.simulation import CONNECTION, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.server import Tls
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.flows.finding.poll import poll_posted_invoices, sweep_posted_invoices
from shared.flows.operations.status import show_status
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.flows.reporting.message import report_documents
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.flows.review.pages import READ_AT_MOST
from shared.flows.review.period_list import PeriodsQuery, list_filing_periods
from shared.ledger.audit import Actor
from shared.ledger.commits import GroupCommit
from shared.ledger.documents import DocumentLedger
from shared.ledger.keys import partition
from shared.ledger.record_rows import from_entity
from shared.ledger.records import State
from shared.ledger.work_index import WorkIndex
from shared.queues import messages
from shared.settings import load_settings

SMALL = 10_000
_YEARS = 3
_TIMES = 25
"""The cheapest of so many reads counts: what else the machine does only adds to it."""
_MONTHLY, _RECENT, _HELD = 200, 20, 10
_NEWEST, _NEWEST_AT_MOST = "the newest", 2 * READ_AT_MOST
"""Lists that read whole days, in windows that depend on how much a day has."""
_NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")


async def measure(size: int, certificates: Certificates) -> dict[str, list[tuple[int, float]]]:
    """By read: rows gone through and CPU seconds, with a history of ``SMALL`` and of ``size`` documents."""
    with Azurite() as azurite, Simulation(certificates) as simulation:
        today = datetime.now(UTC).date()
        start = (today.replace(day=1) - timedelta(days=365 * _YEARS)).replace(day=1)
        month = today.replace(day=1) - timedelta(days=1)
        connections = {CONNECTION: simulation.settings({COMPANY: {**SETTINGS, "report_from": start.isoformat()}})}
        settings = load_settings(azurewebjobsstorage=azurite.connection_string, connections=connections)
        connector = await build_connector(settings)
        try:
            desk = open_company(simulation.dynamics)
            post(desk, _MONTHLY, month.replace(day=10), series="MONTH")
            post(desk, _RECENT, today, series="NEW")
            for number in range(_HELD):
                desk.invoice(InvoiceSpec(f"HELD-{number}", today, ship_to=_NOWHERE))
            await report_all(connector)
            rows = [dict(row) async for row in all_rows(connector)]
            found: dict[str, list[tuple[int, float]]] = {}
            for count in (SMALL, size):
                await _measure(connector, rows, _history(count, start, month.replace(day=1)), month, found)
            return found
        finally:
            await connector.aclose()


async def report_all(connector: Connector) -> None:
    """A sweep, then every document."""
    await sweep_posted_invoices(connector, by="bench")
    keys = [each.key async for each in connector.ledger.open_work(CONNECTION, COMPANY)]
    actor = Actor(function="report_documents", by="bench")
    for message in messages(CONNECTION, keys):
        await report_documents(connector, message, actor, queue=connector.documents_queue)


def all_rows(connector: Connector) -> Any:
    """The rows of the company's partition."""
    place = partition(CONNECTION, COMPANY)
    return connector.ledger._table.query_entities("PartitionKey eq @place", parameters={"place": place})


def _history(count: int, first: date, end: date) -> list[str]:
    days = (end - first).days - 1
    numbers = range(count)
    return [f"doc|{first + timedelta(days=number * days // count)}|H-{number:08d}|V-{number:08d}" for number in numbers]


async def _measure(
    connector: Connector,
    rows: list[dict[str, Any]],
    history: list[str],
    month: date,
    found: dict[str, list[tuple[int, float]]],
) -> None:
    documents = [row for row in rows if row["RowKey"].startswith("doc|")]
    pattern = next(row for row in documents if from_entity(row).state is State.REPORTED)
    table = StandInTable(rows, history, pattern)
    # The collector would go through the stand-in's rows, which in Azure are not in this process.
    gc.collect()
    gc.freeze()
    ledger = connector.ledger
    client = cast(TableClient, table)
    commits = GroupCommit(client)
    stood_in = DocumentLedger(client, commits, clock=connector.clock, lease=ledger.lease, redact=ledger._redact)
    there = replace(connector, ledger=stood_in, work=WorkIndex(client, commits))
    days = {"from": month.replace(day=1), "to": month}
    completeness, periods = CompletenessQuery.model_validate(days), PeriodsQuery.model_validate(days)

    def listed(**query: str) -> Callable[[], Awaitable[object]]:
        asked = DocumentFilter.model_validate(query)
        return lambda: list_documents(there, CONNECTION, COMPANY, asked)

    reads: dict[str, Callable[[], Awaitable[object]]] = {
        "an empty poll": lambda: poll_posted_invoices(there, by="bench"),
        "`?state=held`": listed(state="held"),
        "`?number=`": listed(number="MONTH-00007"),
        "`?state=reported`, the first page": listed(state="reported"),
        "`?state=reported`, a further page": listed(state="reported", after=history[5000 - 1], count="5000"),
        f"{_NEWEST} of all": listed(order="newest"),
        f"{_NEWEST} of a customer without documents": listed(customer="C-NONE", order="newest"),
        "a month's documents": listed(**{name: str(day) for name, day in days.items()}),
        "`status`": lambda: show_status(there),
        "a month's filing periods": lambda: list_filing_periods(there, CONNECTION, COMPANY, periods),
        "a month's completeness": lambda: show_completeness(there, CONNECTION, COMPANY, completeness),
    }
    for name, read in reads.items():
        await read()
        costs = []
        for _ in range(_TIMES):
            before, begun = table.read, time.process_time()
            await read()
            costs.append((table.read - before, time.process_time() - begun))
        found.setdefault(name, []).append((costs[0][0], min(cpu for _, cpu in costs)))


def show(size: int, certificates: Certificates) -> int:
    """Print the table; 1 where a read grows with the history."""
    print(
        f"Reads with {SMALL:,} and with {size:,} documents of history over {_YEARS} years. The ledger lies in a"
        " stand-in for Table Storage within this process; CPU counts the simulated F&O and TaxJar too.\n"
    )
    print(f"| read | entities, {SMALL:,} | entities, {size:,} | ratio | CPU, {SMALL:,} | CPU, {size:,} | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    worst = 1.0
    for name, [(few, small), (many, large)] in asyncio.run(measure(size, certificates)).items():
        if many > _NEWEST_AT_MOST or not name.startswith(_NEWEST):
            worst = max(worst, many / max(few, 1))
        ratios = f"{many / max(few, 1):.2f} | {small * 1000:.1f} ms | {large * 1000:.1f} ms | {large / small:.2f}"
        print(f"| {name} | {few:,} | {many:,} | {ratios} |")
    return 0 if worst <= 1.1 else 1


if __name__ == "__main__":
    _folder = Path(sys.argv[2])
    _files = Certificates(_folder / "authority.pem", Tls(_folder / "server.pem", _folder / "server.key"))
    raise SystemExit(show(int(sys.argv[1]), _files))

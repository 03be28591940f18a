"""What polls of a day with very many documents cost: ``python3 -m local bench --day N``.

The ledger lies in Azurite, but for the rows of the day's known documents: a transport answers for these as the service
does, because Azurite goes through its whole table for each page. Azure's SDK reads them all the same. What counts is
the CPU time of the connector's own thread: the simulated F&O and TaxJar answer in other threads of the process.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest._aiohttp import RestAioHttpTransportResponse
from multidict import CIMultiDict

from local.azurite import Azurite
from local.bench.documents import COMPANY, SETTINGS, open_company, post
from local.bench.ledger_reads import report_all
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
from shared.settings import load_settings

_NEW = (0, 350, 2000)
"""New documents of a poll: none, those of five minutes of such a day, those of a batch."""
_PAGE = 1000
"""Rows of a page of Table Storage."""
_HEADERS = "SalesInvoiceHeadersV2"


async def measure(size: int, certificates: Certificates) -> list[tuple[str, float, int]]:
    """What was done, CPU seconds, and F&O calls; the day has ``size`` documents that the ledger knows."""
    with Azurite() as azurite, Simulation(certificates) as simulation:
        today = datetime.now(UTC).date()
        connections = {CONNECTION: simulation.settings({COMPANY: {**SETTINGS, "report_from": today.isoformat()}})}
        settings = load_settings(azurewebjobsstorage=azurite.connection_string, connections=connections)
        storage = LongDay(today)
        connector = await build_connector(settings, storage_transport=lambda: storage)
        try:
            post(open_company(simulation.dynamics), 1, today, series="FIRST")
            await report_all(connector)
            numbers = [f"DAY-{number:06d}" for number in range(size)]
            _add_to_dynamics(simulation.dynamics, numbers)
            there = [row async for row in connector.ledger.rows(CONNECTION, COMPANY, today)]
            storage.add([*there, *_rows(numbers, today)])
            await connector.work.note_counts(CONNECTION, COMPANY, {today: size + 1})
            await poll_posted_invoices(
                connector, by="bench"
            )  # which gets tokens, and looks for sets that are not there
            found = [await _cost("a sweep", sweep_posted_invoices, connector, simulation)]
            for count in _NEW:
                new = [f"NEW-{count}-{number:06d}" for number in range(count)]
                _add_to_dynamics(simulation.dynamics, new)
                name = f"a poll that finds {count or 'nothing'} new"
                found.append(await _cost(name, poll_posted_invoices, connector, simulation))
                storage.add(_rows(new, today))
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


def _rows(numbers: Iterable[str], day: date) -> list[str]:
    return [keys.document_row(DocumentKey(COMPANY, day, number, number)) for number in numbers]


class _Answer:
    """An answer as the HTTP library would give it."""

    status, reason = 200, "OK"

    def __init__(self, body: bytes, following: str) -> None:
        where = {"x-ms-continuation-NextPartitionKey": "p", "x-ms-continuation-NextRowKey": following}
        self.headers = CIMultiDict({"content-type": "application/json", **(where if following else {})})
        self._body = body

    async def read(self) -> bytes:
        return self._body

    def close(self) -> None:
        """Nothing is open."""


class LongDay(AioHttpTransport):  # type: ignore[misc]
    """Table Storage that has more documents of ``day`` where a poll reads the keys of the day."""

    def __init__(self, day: date) -> None:
        super().__init__()
        self._asked = f"RowKey ge '{keys.document_rows_from(day)}'"
        self._pages: list[bytes] = []
        self._rows: list[str] = []

    def add(self, rows: Iterable[str]) -> None:
        """More documents that the ledger knows; the first time all that it has."""
        self._rows = sorted([*self._rows, *rows])
        etag = "W/\"datetime'2026-12-01T00%3A00%3A00.0000000Z'\""
        entities = [{"odata.etag": etag, "RowKey": row} for row in self._rows]
        pages = [entities[start : start + _PAGE] for start in range(0, len(entities), _PAGE)]
        self._pages = [json.dumps({"value": page}).encode() for page in pages]

    async def send(self, request: Any, **options: Any) -> Any:
        query = parse_qs(urlsplit(request.url).query)
        is_of_day = query.get("$select") == ["RowKey"] and self._asked in query.get("$filter", [""])[0]
        if not (self._pages and request.method == "GET" and is_of_day):
            return await super().send(request, **options)
        number = int(query.get("NextRowKey", ["0"])[0])
        answer = _Answer(self._pages[number], str(number + 1) if number + 1 < len(self._pages) else "")
        response = RestAioHttpTransportResponse(
            request=request, internal_response=answer, block_size=4096, decompress=False
        )
        await response.read()
        return response


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

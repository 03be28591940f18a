"""A running stage, and what can be measured on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from local.bench import ceiling, sequential
from local.bench.documents import COMPANY, SETTINGS, open_company, order, post
from local.bench.process import cpu_seconds, peak_megabytes
from local.bench.results import CpuRatio
from local.bootstrap import ROOT
from local.simulation import CLIENT, CLIENT_SECRET, CONNECTION, TAXJAR_TOKEN, TENANT, Simulation
from local.simulators.dynamics.events import posted_event
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import PostedInvoice
from local.simulators.dynamics.values import render
from local.simulators.faults import Call, Fault
from local.stage import Host, TableCalls, running_host, running_storage_and_simulation

_NEVER = "0 0 0 1 1 *"
_PATIENCE = 1200
_SCRIPTED = 40
"""Documents that the sequential script reports: it takes as long for each."""
_TRANSACTIONS = "*/transactions/*"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One run of the pipeline. Calls and CPU seconds are those of the run, not per document."""

    documents: int
    seconds: float
    """From the first order in TaxJar to the last: how soon the first one comes is a delay, not a rate."""
    taxjar: int
    odata: int
    tables: int
    host_cpu: float
    simulators_cpu: float
    peak: float

    @property
    def rate(self) -> float:
        return (self.documents - 1) / self.seconds


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run of the pipeline, and how many documents per second the script and the bare calls come to beside it."""

    run: Pipeline
    script: float
    ceiling: float
    bare_cpu: float
    """Seconds of CPU that one bare call took."""

    @property
    def cpu(self) -> CpuRatio:
        return CpuRatio(1000 * self.run.host_cpu / self.run.documents, 1000 * self.bare_cpu)


class Bench:
    """A running stage, and the measurements that it can take."""

    def __init__(self, host: Host, simulation: Simulation, tables: TableCalls, desk: Posting) -> None:
        self._host = host
        self._simulation = simulation
        self._tables = tables
        self._desk = desk
        self._posted = 0
        self.posted: list[PostedInvoice] = []
        """The documents of the last run of the pipeline."""

    def post(self, count: int) -> list[PostedInvoice]:
        """New documents in F&O, of which the connector knows nothing yet."""
        self._posted += 1
        return post(self._desk, count, datetime.now(UTC).date(), series=f"B{self._posted}")

    def taxjar_latency(self, milliseconds: int) -> None:
        """Every call to a transaction takes so much longer."""
        self._simulation.taxjar.faults.clear()
        if milliseconds:
            self._simulation.taxjar.faults.add(Fault(path=_TRANSACTIONS, delay=milliseconds / 1000))

    def pipeline(self, documents: int) -> Pipeline:
        """Poll once, until the last order is in TaxJar."""
        self.posted = self.post(documents)
        pid, dynamics = self._host.process.pid, self._simulation.dynamics
        before = (len(self._orders()), len(dynamics.calls), self._tables.count, cpu_seconds(pid), time.process_time())
        self._host.run("poll_posted_invoices")
        _wait_for(lambda: len(self._orders()) - before[0] >= documents)
        time.sleep(1)  # the settlements of the last orders
        orders = self._orders()[before[0] :]
        return Pipeline(
            documents,
            (orders[-1].time - orders[0].time).total_seconds(),
            taxjar=len(orders),
            odata=len(dynamics.calls) - before[1],
            tables=self._tables.count - before[2],
            host_cpu=cpu_seconds(pid) - before[3],
            simulators_cpu=time.process_time() - before[4],
            peak=peak_megabytes(pid),
        )

    def delays(self, documents: int) -> list[float]:
        """Seconds from the business event of a single document until its order is in TaxJar."""
        found = []
        for number in range(documents):
            before = len(self._orders())
            [posted] = self.post(1)
            event = posted_event(posted, number + 1, datetime.now(UTC))
            started = time.monotonic()
            self._host.deliver(f"/api/business-events/{CONNECTION}", render(event))
            _wait_for(lambda before=before: len(self._orders()) > before)  # type: ignore[misc]
            found.append(time.monotonic() - started)
        return found

    def first(self, documents: int) -> float:
        """Seconds from the start of a poll that finds ``documents`` new ones until the first is in TaxJar."""
        self.post(documents)
        before, started = len(self._orders()), time.monotonic()
        self._host.run("poll_posted_invoices")
        _wait_for(lambda: len(self._orders()) > before)
        return time.monotonic() - started

    def sequential(self, posted: list[PostedInvoice], prefix: str) -> float:
        """Documents per second of the sequential script."""
        urls = self._simulation.urls
        arguments = [urls["Dynamics 365 F&O"], self._token(), urls["TaxJar"], TAXJAR_TOKEN, COMPANY, prefix]
        [seconds] = _measured(sequential.__name__, [*arguments, *(document.number for document in posted)])
        return len(posted) / seconds

    def ceiling(self, posted: list[PostedInvoice], prefix: str) -> tuple[float, float]:
        """Documents per second of the bare calls, and the seconds of CPU that each took."""
        lines = "\n".join(json.dumps(order(document, prefix)) for document in posted)
        seconds, cpu = _measured(ceiling.__name__, [self._simulation.urls["TaxJar"], TAXJAR_TOKEN], lines)
        return len(posted) / seconds, cpu / len(posted)

    def _orders(self) -> list[Call]:
        """The calls that created an order, in order of arrival."""
        return [call for call in self._simulation.taxjar.calls if call.method == "POST" and call.status == 201]

    def _token(self) -> str:
        answer = httpx.post(
            f"{self._simulation.urls['Entra ID']}/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT,
                "client_secret": CLIENT_SECRET,
                "scope": f"{self._simulation.urls['Dynamics 365 F&O']}/.default",
            },
            verify=self._simulation.tls_trust(),
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@contextmanager
def running_bench() -> Iterator[Bench]:
    """A stage of its own: a table that has grown slows the storage emulator down."""
    with running_storage_and_simulation() as (azurite, tables, simulation):
        desk = open_company(simulation.dynamics)
        environment = {
            **simulation.environment({COMPANY: {"report_from": "2026-01-01", **SETTINGS}}),
            "AzureWebJobsStorage": azurite.connection_string,
            "CONNECTIONS__MAIN__TAXJAR__MAX_CALLS_PER_MINUTE": "1000000",
            **{f"{name}_SCHEDULE": _NEVER for name in ("POLL", "SWEEP", "CUSTOMER", "NEXUS", "RECONCILE")},
        }
        with running_host(environment) as host:
            bench = Bench(host, simulation, tables, desk)
            bench.pipeline(20)  # tokens, reference data, connections
            yield bench


def compare(bench: Bench, documents: int, latency: int) -> Comparison:
    """One run of the pipeline, of the bare calls and of the script, at one latency."""
    bench.taxjar_latency(latency)
    run = bench.pipeline(documents)
    ceiling, bare_cpu = bench.ceiling(bench.posted, "CEILING")
    return Comparison(run, bench.sequential(bench.posted[:_SCRIPTED], "SCRIPT"), ceiling, bare_cpu)


def _measured(module: str, arguments: list[str], text: str = "") -> list[float]:
    """The figures that a script of its own process prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    return [float(figure) for figure in done.stdout.split()]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all documents reached TaxJar within {_PATIENCE} s")
        time.sleep(0.02)

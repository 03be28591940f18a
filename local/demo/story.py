"""The demo, from an empty machine to a checked table."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from subprocess import DEVNULL

from local.demo import adventureworks, retailer
from local.demo.adventureworks import post_adventureworks
from local.demo.exemptions import show_exemptions
from local.demo.expectations import Expectation
from local.demo.month_close import close_month
from local.demo.retailer import post_retailer
from local.demo.showcase import show_transactions
from local.demo.tables import print_differences, print_not_reported, print_totals
from local.demo.today import TIME_ZONE
from local.demo.today import today as of_today
from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.stage import Host, TableCalls, running_host, running_storage_and_simulation

_PATIENCE = 300
"""Seconds until the demo gives up on documents that do not settle."""
_UNSETTLED = ("seen", "reporting", "retrying")


def main(arguments: list[str]) -> int:
    """Run the demo. Returns 0 when everything is as it has to be, else 1."""
    del arguments
    with running_demo() as demo:
        return tell(demo)


def tell(demo: Demo) -> int:
    """The whole story, checked. Returns 0 when everything is as it has to be, else 1."""
    code = _run(demo.host, demo.simulation, demo.table_calls, demo.expectations)
    account = demo.simulation.taxjar.account(TAXJAR_ACCOUNT)
    return 1 if close_month(demo.host, demo.restarted, demo.expectations, account) else code


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's world, with its documents posted and nothing read yet."""

    host: Host
    simulation: Simulation
    table_calls: TableCalls
    expectations: list[Expectation]
    storage: str
    output: int | None
    """Where the hosts print; ``None`` is where this process prints."""

    @contextmanager
    def restarted(self, **settings: object) -> Iterator[Host]:
        """Another host in place of the first, with other settings of the retailer."""
        self.host.stop()
        companies = company_settings()
        companies[retailer.COMPANY] |= settings
        environment = _environment(self.simulation, companies, self.storage)
        with running_host(environment, output=self.output) as host:
            yield host


@contextmanager
def running_demo(
    *, port: int = 0, output: int | None = DEVNULL, people: Sequence[Mapping[str, object]] = ()
) -> Iterator[Demo]:
    """Start everything and post the documents; ``port`` and ``output`` are the host's, ``people`` can sign in there."""
    today = of_today()
    say("Starting Azurite and the simulated Entra ID, Dynamics 365 F&O and TaxJar.")
    with running_storage_and_simulation() as (azurite, table_calls, simulation):
        say("Posting invoices and credit notes in F&O: AdventureWorks (awlt) and a retailer's month (usrt).")
        expectations = post_adventureworks(simulation.dynamics, today) + post_retailer(simulation.dynamics, today)
        say(f"Posted {len(expectations)} documents. Starting the Functions host.")
        storage = azurite.connection_string
        environment = _environment(simulation, company_settings(), storage) | {"LOCAL_PEOPLE": json.dumps(people)}
        with running_host(environment, port=port, output=output) as host:
            yield Demo(host, simulation, table_calls, expectations, storage, output)


def _environment(simulation: Simulation, companies: dict[str, dict[str, object]], storage: str) -> dict[str, str]:
    # Nothing is posted while the demo runs: what does not add up will not change by waiting.
    return simulation.environment(companies, {"half_posted_minutes": 0}) | {"AzureWebJobsStorage": storage}


def company_settings() -> dict[str, dict[str, object]]:
    """The settings of the demo's companies; their today is the day by which the demo posts, at any hour."""
    start = (of_today() - timedelta(days=40)).isoformat()
    shared = {"report_from": start, "time_zone": TIME_ZONE}
    return {
        adventureworks.COMPANY: shared | adventureworks.SETTINGS,
        retailer.COMPANY: shared | retailer.SETTINGS,
    }


def say(text: str) -> None:
    """One line of progress, at once."""
    print(text, flush=True)


def _run(host: Host, simulation: Simulation, table_calls: TableCalls, expectations: list[Expectation]) -> int:
    say("Sweeping the last 45 days, once.\n")
    tables_before, started = table_calls.count, time.monotonic()
    host.run("sweep_posted_invoices")
    watched = wait_until_settled(host, len(expectations))
    seconds = time.monotonic() - started
    # What watching cost is not the connector's.
    tables = table_calls.count - tables_before - watched
    records = [record for company in company_settings() for record in _documents(host, company)]
    account = simulation.taxjar.account(TAXJAR_ACCOUNT)
    print_not_reported(records)
    wrong = print_differences(expectations, records, account)
    wrong += show_transactions(account)
    wrong += print_totals(expectations, simulation, account)
    taxjar, odata = _taxjar_calls(simulation), len(simulation.dynamics.calls)

    say("\nPolling and sweeping again.")
    host.run("poll_posted_invoices")
    host.run("sweep_posted_invoices")
    _wait_for_odata(simulation, odata + 2)
    wait_until_settled(host, len(expectations))
    again = _taxjar_calls(simulation) - taxjar
    say(f"TaxJar calls for what is settled: {again}.")
    wrong += show_exemptions(host, account)
    count, reported = len(expectations), len(account.transactions)
    say(
        f"\n{count} documents settled in {seconds:.1f} s, {reported} of them reported. Calls per document:"
        f" TaxJar {taxjar / reported:.2f} (per reported one), OData {odata / count:.2f}, tables {tables / count:.2f}."
    )
    failed = bool(wrong or again)
    say("Something differs; see above." if failed else "Everything in F&O is accounted for, to the cent.")
    return 1 if failed else 0


def wait_until_settled(host: Host, expected: int) -> int:
    """Wait until the ledger has ``expected`` documents and none is in flight; return the table calls this made."""
    deadline, calls = time.monotonic() + _PATIENCE, 0
    while True:
        documents = 0
        in_flight = 0
        for company in company_settings():
            listed = _documents(host, company)
            calls += 1 + len(listed) // 100
            documents += len(listed)
            in_flight += sum(document["state"] in _UNSETTLED for document in listed)
        _progress(documents - in_flight, expected)
        if documents >= expected and not in_flight:
            print()
            return calls
        if time.monotonic() > deadline:
            print()
            raise TimeoutError(f"{expected - documents + in_flight} documents did not settle within {_PATIENCE} s")
        time.sleep(1)


def _progress(settled: int, expected: int) -> None:
    done = 40 * min(settled, expected) // expected
    end = "\r" if sys.stdout.isatty() else "\n"
    print(f"  [{'#' * done}{'.' * (40 - done)}] {settled} of {expected} settled", end=end, flush=True)


def _documents(host: Host, company: str) -> list[dict[str, str]]:
    path: str | None = f"/api/documents/{CONNECTION}/{company}"
    found = []
    while path:
        page = host.get(path)
        found += [{**document, "company": company} for document in page["documents"]]
        path = page["next"]
    return found


def _taxjar_calls(simulation: Simulation) -> int:
    return sum("/transactions/" in call.path for call in simulation.taxjar.calls)


def _wait_for_odata(simulation: Simulation, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while len(simulation.dynamics.calls) < count and time.monotonic() < deadline:
        time.sleep(0.2)

"""One installation as its operator has it: host processes, storage, and the remote sides, in real time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from azure.data.tables import TableClient

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import RETAIL_SETTINGS, open_retail_company
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice
from local.simulators.faults import Call
from local.stage import Host, running_host, running_storage_and_simulation

COMPANY = "usrt"
LEDGER = "ledger"
UNSETTLED = {"seen", "reporting", "retrying"}

_POLL_EVERY = 3
"""Seconds."""


def wait_until(condition: Callable[[], object], *, within: float = 120) -> None:
    """Wait for a condition; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {within} s"
        time.sleep(0.1)


_BY_HAND = {f"{timer}_SCHEDULE": "0 0 0 1 1 *" for timer in ("POLL", "SWEEP", "CUSTOMER", "NEXUS", "RECONCILE", "SEAL")}
"""Timers run when a test asks for it, not when the clock happens to strike."""


@dataclass
class Installation:
    """Storage and remote sides that outlive the hosts."""

    storage: str
    simulation: Simulation
    posting: Posting
    log: IO[bytes]
    posted: list[PostedInvoice] = field(default_factory=list)

    @property
    def today(self) -> date:
        return datetime.now(UTC).date()

    @property
    def transactions(self) -> Any:
        """What the TaxJar account holds, by provider and id."""
        return self.simulation.taxjar.account(TAXJAR_ACCOUNT).transactions

    def post(self, count: int) -> None:
        """Post ordinary invoices over the last five days."""
        for number in range(len(self.posted), len(self.posted) + count):
            lines = [LineSpec(quantity=1 + number % 3, price=Decimal("19.99")), LineSpec("P-2000", price=60)]
            on = self.today - timedelta(days=number % 5)
            spec = InvoiceSpec(f"INV-{number:04}", on, lines, [ChargeSpec("FREIGHT", 5)], tax_rate=Decimal("0.0825"))
            self.posted.append(self.posting.invoice(spec))

    def environment(self, **settings: str) -> dict[str, str]:
        """What a host process is started with."""
        company = {"report_from": (self.today - timedelta(days=40)).isoformat(), **RETAIL_SETTINGS}
        remote = self.simulation.environment({COMPANY: company})
        return {"AzureWebJobsStorage": self.storage, **remote, **_BY_HAND, **settings}

    @contextmanager
    def host(self, *, module: str = "local", **settings: str) -> Iterator[Host]:
        """A host of this installation; ``module`` is run in place of ``local``."""
        with running_host(self.environment(**settings), output=self.log, module=module) as host:
            yield host

    def printed(self) -> str:
        """All that the hosts have printed."""
        return Path(self.log.name).read_text(encoding="utf-8")

    def documents(self, host: Host) -> list[dict[str, Any]]:
        """Every document that the host lists."""
        path: str | None = f"/api/documents/{CONNECTION}/{COMPANY}"
        found: list[dict[str, Any]] = []
        while path:
            page = host.get(path)
            found += page["documents"]
            path = page["next"]
        return found

    def document(self, host: Host, transaction_id: str) -> dict[str, Any]:
        """One document in full."""
        found: dict[str, Any] = host.get(f"/api/documents/{CONNECTION}/{COMPANY}/{transaction_id}")
        return found

    def settle(self, host: Host, *, documents: int, polling: bool = False, within: float = 120) -> list[dict[str, Any]]:
        """Wait until the ledger has ``documents`` and none is in flight, ``polling`` every few seconds."""
        found: list[dict[str, Any]] = []
        next_poll = time.monotonic()

        def settled() -> bool:
            nonlocal next_poll
            if polling and time.monotonic() >= next_poll:
                host.run("poll_posted_invoices")
                next_poll = time.monotonic() + _POLL_EVERY
            found[:] = self.documents(host)
            return len(found) == documents and not any(document["state"] in UNSETTLED for document in found)

        wait_until(settled, within=within)
        return found

    def taxjar_calls(self, method: str) -> list[Call]:
        """Calls to TaxJar's transactions."""
        calls = list(self.simulation.taxjar.calls)
        return [call for call in calls if call.method == method and "/transactions/" in call.path]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the ledger table as they are stored."""
        with TableClient.from_connection_string(self.storage, LEDGER) as table:
            return [dict(row) for row in table.query_entities(query)]


@contextmanager
def running_installation() -> Iterator[Installation]:
    """A new installation, empty but for the retailer's master data."""
    with (
        running_storage_and_simulation() as (azurite, _, simulation),
        tempfile.NamedTemporaryFile(suffix=".log") as log,
    ):
        posting = open_retail_company(simulation.dynamics, COMPANY)
        yield Installation(azurite.connection_string, simulation, posting, log)

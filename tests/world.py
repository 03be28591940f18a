"""A whole connector against the simulators and a real Azurite, in one process, on a clock that tests move."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import AddressSpec
from local.simulators.dynamics.values import render
from shared.backfill_messages import parse_backfill_message
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.documents import DocumentKey
from shared.flows.backfill.steps import report_backfill
from shared.flows.finding import poll
from shared.flows.finding.receive import receive_business_event
from shared.flows.reporting.message import report_documents
from shared.ledger.audit import Actor
from shared.ledger.records import DocumentRecord
from shared.queues import NumberToFind, encode, messages, number_messages, parse_message
from shared.settings import CompanySettings, load_settings
from shared.web import Answer
from tests.in_process import InProcess

COMPANY = "usmf"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = NOW.date()
DALLAS = AddressSpec("2200 Irving Blvd", "Dallas", "TX", "75207")


@dataclass
class Clock:
    """The time, moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class QueueInMemory:
    """A queue whose delays follow the test's clock; Azurite's follow real time."""

    clock: Clock
    waiting: list[tuple[datetime, int, bytes]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        visible = self.clock() + max(delay, timedelta(0))
        for message in messages(connection, documents, due=visible):
            await self.send(message, delay=delay)

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        visible = self.clock() + max(delay, timedelta(0))
        heapq.heappush(self.waiting, (visible, next(self._order), encode(message).encode()))

    async def put_numbers(
        self, connection: str, company: str, numbers: Sequence[NumberToFind], *, delay: timedelta = timedelta(0)
    ) -> None:
        visible = self.clock() + max(delay, timedelta(0))
        for message in number_messages(connection, company, numbers, due=visible):
            heapq.heappush(self.waiting, (visible, next(self._order), encode(message).encode()))

    async def oldest_due(self) -> datetime | None:
        visible = [due for due, _, _ in self.waiting if due <= self.clock()]
        return min(visible, default=None)

    async def length(self) -> int:
        return len(self.waiting)

    def take(self) -> bytes | None:
        """The next message that is visible now."""
        if self.waiting and self.waiting[0][0] <= self.clock():
            return heapq.heappop(self.waiting)[2]
        return None


@dataclass
class World:
    """What a test works with."""

    simulation: Simulation
    connector: Connector
    queue: QueueInMemory
    clock: Clock
    posting: Posting
    company: str = COMPANY

    @property
    def history(self) -> Any:
        """The backfill queue."""
        return self.connector.backfill_queue

    @property
    def taxjar(self) -> Any:
        """The simulated TaxJar account: orders, refunds, customers."""
        return self.simulation.taxjar.account(TAXJAR_ACCOUNT)

    def change_settings(self, **settings: object) -> None:
        """Go on with other settings of the company, as after a restart of the app."""
        connection = self.connector.connection(CONNECTION)
        company = connection.company(self.company)
        values = company.settings.model_dump() | settings
        changed = replace(company, settings=CompanySettings.model_validate(values))
        connection = replace(connection, companies={**connection.companies, self.company: changed})
        self.connector = replace(self.connector, connections={**self.connector.connections, CONNECTION: connection})

    async def poll(self) -> None:
        await poll.poll_posted_invoices(self.connector, by="test")

    async def sweep(self) -> None:
        await poll.sweep_posted_invoices(self.connector, by="test")

    async def deliver(self, *events: Mapping[str, object], connection: str = CONNECTION) -> Answer:
        """One request of F&O to ``receive_business_event``: one event, or several in an array."""
        body = render(events[0] if len(events) == 1 else list(events)).encode()
        return await receive_business_event(self.connector, connection, body)

    async def work(self) -> int:
        """Work on every message that is visible now, those of today first; return how many there were."""
        done = 0
        while await self.work_on_one():
            done += 1
        return done

    async def work_on_one(self) -> bool:
        """Work on one message that is visible now, if there is one."""
        if body := self.queue.take():
            actor = Actor(function="report_documents", by="queue")
            await report_documents(self.connector, parse_message(body), actor, queue=self.queue)
        elif body := self.history.take():
            actor = Actor(function="report_backfill", by="queue")
            await report_backfill(self.connector, parse_backfill_message(body), actor, queue=self.history)
        return body is not None

    async def settle(self, *, within: timedelta = timedelta(days=8)) -> None:
        """Work until both queues are empty, moving the clock to each delayed message."""
        deadline = self.clock() + within
        await self.work()
        while (waiting := self.queue.waiting + self.history.waiting) and (soonest := min(waiting)[0]) <= deadline:
            self.clock.now = max(self.clock.now, soonest)
            await self.work()

    async def run(self) -> None:
        """Poll once and settle everything."""
        await self.poll()
        await self.settle()

    async def records(self) -> list[DocumentRecord]:
        """Everything in the ledger."""
        return [record async for record in self.connector.ledger.listing(CONNECTION, self.company)]

    async def record(self, number: str) -> DocumentRecord:
        """The one document with this number."""
        [found] = [record for record in await self.records() if record.key.number == number]
        full = await self.connector.ledger.get(CONNECTION, found.key)
        assert full is not None
        return full

    async def audit(self, number: str) -> list[dict[str, Any]]:
        """The document's audit entries; the chain must be intact."""
        entries, intact = await self.connector.ledger.audit(await self.record(number))
        assert intact
        return entries

    def calls(self, method: str | None = None) -> int:
        """Calls that reached TaxJar's transactions."""
        return sum(
            1
            for call in self.simulation.taxjar.calls
            if "/transactions/" in call.path and method in (None, call.method)
        )


def furnished(posting: Posting) -> Posting:
    """Enough master data for ordinary documents."""
    posting.legal_entity("Contoso Retail", DALLAS)
    posting.country("USA", "US")
    posting.site("S1", DALLAS)
    posting.warehouse("W-DAL", DALLAS)
    posting.customer("C-1000", "Barton Tools")
    posting.charge_code("FREIGHT", "Outbound freight", is_shipping=True)
    posting.charge_code("HANDLING", "Handling", is_shipping=False)
    return posting


@asynccontextmanager
async def running_world(
    azurite: str,
    certificates: Certificates,
    *,
    settings: Mapping[str, object] | None = None,
    dynamics: Mapping[str, object] | None = None,
    furnish: Callable[[Posting], Posting] = furnished,
    clock: Clock | None = None,
    **transports: Any,
) -> AsyncIterator[World]:
    """A world with one connection and the company ``usmf``, on a storage partition of its own.

    ``settings`` are the company's, ``dynamics`` those of the connection to F&O; ``furnish`` sets up master data;
    ``transports`` go to :func:`build_connector`; unless ``remote_transport`` is one of them, no socket lies between the
    connector and the simulated F&O and TaxJar.
    """
    clock = clock or Clock()
    with Simulation(certificates, clock=clock) as simulation:
        company = {"report_from": date(2026, 1, 1).isoformat(), **(settings or {})}
        connection: dict[str, Any] = simulation.settings({COMPANY: company}, dynamics)
        # A limit of calls per minute would wait in real time for a clock that stands still.
        connection["taxjar"]["max_calls_per_minute"] = 10_000_000
        connections = {CONNECTION: connection}
        async with connected(azurite, simulation, clock, connections, **transports) as world:
            world.posting = furnish(world.posting)
            yield world


@asynccontextmanager
async def connected(
    azurite: str,
    simulation: Simulation,
    clock: Clock,
    connections: Mapping[str, object],
    *,
    table: str = "",
    queue: QueueInMemory | None = None,
    history: QueueInMemory | None = None,
    **transports: Any,
) -> AsyncIterator[World]:
    """A connector on ``simulation``; with ``table`` and queues of another it is a second instance of that."""
    loaded = load_settings(azurewebjobsstorage=azurite, connections=connections)
    table = table or f"ledger{uuid4().hex}"
    transports.setdefault("remote_transport", InProcess(simulation))
    connector = await build_connector(loaded, clock=clock, random=Random(11), table=table, **transports)
    queue, history = queue or QueueInMemory(clock), history or QueueInMemory(clock)
    connector = replace(connector, documents_queue=queue, backfill_queue=history)
    try:
        yield World(simulation, connector, queue, clock, simulation.posting(COMPANY))
    finally:
        await connector.aclose()

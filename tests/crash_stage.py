"""What outlives a process, for tests in which the process dies at a given step and another one goes on."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.flows.finding import poll
from shared.flows.reporting.message import report_documents
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.queues import parse_message
from shared.settings import load_settings
from tests.in_process import InProcess
from tests.mortal import Life, MortalHttp, MortalQueue, MortalStorage, end_of_life
from tests.world import COMPANY, Clock, QueueInMemory

ACTOR = Actor(function="report_documents", by="queue")
TELLS_OF_THE_RUN = {
    *("seen_at", "updated_at", "since", "lease_until", "enqueued_until"),
    *("attempts", "message", "audit_head", "etag"),
}
"""Fields of a record that tell when and in how many attempts it came about, not what was reported."""


@dataclass
class Stage:
    """What outlives a process: the remote sides, the storage, the queue and the time."""

    simulation: Simulation
    azurite: str
    clock: Clock
    queue: QueueInMemory
    table: str

    async def live(self, life: Life) -> bool:
        """One process: it polls and works off the queue, twice; whether it died of that."""
        in_hand: list[bytes] = []
        built: list[Connector] = []
        died = await end_of_life(self._work(life, in_hand, built))
        for connector in built:
            await connector.aclose()
        for body in in_hand:  # a message that nobody deleted shows up again
            again = self.clock() + timedelta(seconds=30)
            heapq.heappush(self.queue.waiting, (again, -len(life.steps), body))
        return died

    async def _work(self, life: Life, in_hand: list[bytes], built: list[Connector]) -> None:
        connector = await self.connector(life)
        built.append(connector)
        await poll.poll_posted_invoices(connector, by="test")
        await self._work_off(life, in_hand, connector)
        self.clock.advance(minutes=5)
        await poll.poll_posted_invoices(connector, by="test")
        await self._work_off(life, in_hand, connector)

    async def _work_off(self, life: Life, in_hand: list[bytes], connector: Connector) -> None:
        while self.queue.waiting:
            self.clock.now = max(self.clock.now, self.queue.waiting[0][0])
            body = self.queue.take()
            assert body is not None
            in_hand.append(body)
            await report_documents(connector, parse_message(body), ACTOR, queue=connector.documents_queue)
            await life.call("delete message", _nothing)
            in_hand.clear()

    async def connector(self, life: Life) -> Connector:
        company = {"report_from": date(2026, 1, 1).isoformat(), "product_tax_codes": {"items": {"P-1000": "20010"}}}
        connector = await build_connector(
            load_settings(
                azurewebjobsstorage=self.azurite,
                connections={CONNECTION: self.simulation.settings({COMPANY: company})},
            ),
            clock=self.clock,
            random=Random(3),
            table=self.table,
            remote_transport=MortalHttp(life, InProcess(self.simulation)),
            storage_transport=lambda: MortalStorage(life),
        )
        queue = MortalQueue(life, self.queue)
        return replace(connector, documents_queue=queue, backfill_queue=queue)

    async def end_state(self) -> dict[str, Any]:
        """What TaxJar, the ledger and the audit hold."""
        connector = await self.connector(Life())
        ledger, records = connector.ledger, []
        async for row in ledger.listing(CONNECTION, COMPANY):
            record = await ledger.get(CONNECTION, row.key)
            assert record is not None
            entries, intact = await ledger.audit(record)
            fields = {name: value for name, value in asdict(record).items() if name not in TELLS_OF_THE_RUN}
            if record.state is State.REPORTED:  # of the others a crash leaves it open whether TaxJar was called
                fields["outcome_unknown"] = record.attempts.outcome_unknown
            decisions = [(entry["decision"], entry.get("reason")) for entry in entries]
            records.append((fields, decisions, intact))
        keys = [row["RowKey"] async for row in ledger._table.list_entities(select=["RowKey"])]
        await connector.aclose()
        calls = self.simulation.taxjar.calls
        return {
            "taxjar": dict(self.simulation.taxjar.account(TAXJAR_ACCOUNT).transactions),
            "effects": Counter(
                (call.method, call.path) for call in calls if call.status == 201 or call.method == "PUT"
            ),
            "records": records,
            "rows": sorted(_without_hash(key) for key in keys),
        }


def _without_hash(key: str) -> str:
    """A row key without what tells of the run: the hash of an entry, and when it was written."""
    kind, _, rest = key.partition("|")
    if kind == "audit":
        return f"audit|{rest.rpartition('|')[0]}"
    return kind if kind in ("journal", "activity") else key


async def _nothing() -> None:
    return None


def fresh_stages(simulation: Simulation, azurite: str) -> Callable[[], Stage]:
    """Makes a stage with a fresh storage and an empty TaxJar account for each run."""

    def fresh() -> Stage:
        simulation.taxjar.account(TAXJAR_ACCOUNT).transactions.clear()
        simulation.taxjar.calls.clear()
        clock = Clock()
        return Stage(simulation, azurite, clock, QueueInMemory(clock), f"ledger{uuid4().hex}")

    return fresh

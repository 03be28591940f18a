"""Traces and metrics as an exporter would get them (OpenTelemetry's SDK with readers in memory)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue.aio import QueueServiceClient
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.faults import Fault
from shared.documents import DocumentKey
from shared.flows.customers.sync import sync_exempt_customers
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.operations.bury import bury_poisoned
from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.ledger.audit import Actor
from shared.queues import StorageDocumentQueue, parse_message
from tests.world import COMPANY, NOW, TODAY, Clock, World

# What a real connection logs or shows to telemetry is looked at as well.
pytestmark = pytest.mark.sockets

IN_THE_WRONG_STATE = AddressSpec("1 Main St", "Austin", "NY", "78704")


@dataclass
class Telemetry:
    """What was recorded since the test began."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def points(self) -> dict[str, list[Any]]:
        """Data points by metric; reading them starts anew."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[Any]] = {}
        for resource in data.resource_metrics if data else []:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found.setdefault(metric.name, []).extend(metric.data.data_points)
        return found


@pytest.fixture(scope="session")
def sdk() -> Telemetry:
    """The SDK, which a process can be given once only."""
    exporter, tracing = InMemorySpanExporter(), TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracing)
    since_last: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    reader = InMemoryMetricReader(preferred_temporality=since_last)
    metrics.set_meter_provider(MeterProvider([reader]))
    return Telemetry(exporter, reader)


@pytest.fixture
def telemetry(sdk: Telemetry) -> Telemetry:
    """The SDK, empty."""
    sdk.exporter.clear()
    sdk.points()
    return sdk


def invoice(number: str = "INV-1", **changes: Any) -> InvoiceSpec:
    return replace(InvoiceSpec(number, TODAY, tax_rate=Decimal("0.0825")), **changes)


async def test_one_trace_leads_from_the_poll_to_the_call_to_taxjar(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice())
    await world.run()
    spans = {span.name: span for span in telemetry.spans()}
    [sent] = [span for span in telemetry.spans() if span.name == "taxjar POST order"]
    assert sent.context.trace_id == spans["poll_posted_invoices"].context.trace_id
    parent, poll = spans["report_documents"].parent, spans["poll_posted_invoices"].context
    assert parent is not None
    assert poll is not None
    assert parent.span_id == poll.span_id


async def test_a_retry_stays_in_the_trace_of_its_poll(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice())
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/transactions/*", status=503, times=1))
    await world.run()
    sent = [span for span in telemetry.spans() if span.name.startswith("taxjar") and "/" not in span.name]
    assert len(sent) >= 2
    assert len({span.context.trace_id for span in sent}) == 1


async def test_documents_are_counted_by_state_and_reason(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2", ship_to=IN_THE_WRONG_STATE))
    await world.run()
    counts = {
        (point.attributes["state"], point.attributes["reason"]): point.value
        for point in telemetry.points()["connector.documents"]
    }
    assert counts == {("reported", ""): 1, ("held", "zip_state_mismatch"): 1}


async def test_calls_are_counted_by_side_and_status(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice())
    await world.run()
    points = telemetry.points()["connector.calls"]
    by_side = {side: sum(p.value for p in points if p.attributes["side"] == side) for side in ("dynamics", "taxjar")}
    assert by_side["taxjar"] == len(world.simulation.taxjar.calls)
    assert by_side["dynamics"] == len(world.simulation.dynamics.calls)
    assert {p.attributes["status"] for p in points if p.attributes["side"] == "taxjar"} <= {"200", "201"}


async def test_the_delay_runs_from_the_first_sight_of_a_document_to_its_first_report(
    telemetry: Telemetry, world: World
) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    world.clock.advance(minutes=3)
    await world.settle()
    [delay] = telemetry.points()["connector.documents.delay"]
    assert (delay.count, delay.sum) == (1, 180)


async def test_a_poll_tells_whether_it_was_complete_and_what_is_paused(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice())
    await world.poll()
    points = telemetry.points()
    assert [point.attributes["complete"] for point in points["connector.polls"]] == [True]
    assert {point.value for point in points["connector.paused"]} == {0}
    await world.connector.connections["main"].gate.deny("refused")
    world.clock.advance(seconds=2)
    await world.poll()
    points = telemetry.points()
    assert [point.attributes["complete"] for point in points["connector.polls"]] == [False]
    paused = {point.attributes["side"]: point.value for point in points["connector.paused"]}
    assert paused == {"dynamics": 1, "taxjar": 0}


async def test_every_other_timer_tells_whether_it_came_to_its_end(telemetry: Telemetry, world: World) -> None:
    async def runs() -> set[tuple[str, bool]]:
        await reconcile_nightly(world.connector, by="test")
        await world.work()
        await sync_exempt_customers(world.connector, by="test")
        await pull_nexus_regions(world.connector, by="test")
        points = telemetry.points()["connector.runs"]
        return {(point.attributes["function"], point.attributes["complete"]) for point in points}

    timers = ("reconcile_nightly", "sync_exempt_customers", "pull_nexus_regions")
    assert await runs() == {(timer, True) for timer in timers}
    connection = world.connector.connections["main"]
    await connection.gate.deny("refused")
    await connection.company(COMPANY).account.gate.deny("refused")
    world.clock.advance(seconds=2)
    assert await runs() == {(timer, False) for timer in timers}


async def test_a_poll_measures_for_how_long_messages_have_been_due(telemetry: Telemetry, world: World) -> None:
    key = DocumentKey(COMPANY, TODAY, "INV-1", "V-1")
    await world.queue.put("main", [key], delay=timedelta(minutes=10))
    world.clock.advance(minutes=25)
    await world.poll()
    ages = {point.attributes["queue"]: point.value for point in telemetry.points()["connector.queue.age"]}
    assert ages["posted-documents"] == 15 * 60


async def test_the_sweep_measures_the_oldest_hold(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice(ship_to=IN_THE_WRONG_STATE))
    await world.run()
    world.clock.advance(days=4)
    await world.sweep()
    [age] = telemetry.points()["connector.held.age"]
    assert age.value == timedelta(days=4).total_seconds()


async def test_a_buried_message_is_counted(telemetry: Telemetry, world: World) -> None:
    await bury_poisoned(world.connector, b"no message of ours", "m-1", Actor(function="bury_poisoned", by="queue"))
    [buried] = telemetry.points()["connector.buried"]
    assert buried.value == 1


async def test_telemetry_names_no_document_customer_or_place(telemetry: Telemetry, world: World) -> None:
    world.posting.invoice(invoice("INV-SECRET"))
    world.posting.invoice(invoice("INV-HELD", ship_to=IN_THE_WRONG_STATE))
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/transactions/*", drop=True, times=1))
    await world.run()
    spans = [[span.name, dict(span.attributes or {}), span.status.description] for span in telemetry.spans()]
    events = [event for span in telemetry.spans() for event in span.events]
    attributes = [dict(point.attributes) for points in telemetry.points().values() for point in points]
    written = str([spans, attributes]).casefold()
    assert events == []
    for private in ("inv-", "c-1000", "barton", "dallas", "78704", "75207", "simulated-"):
        assert private not in written


async def test_the_oldest_message_of_a_real_queue_is_found_among_foreign_ones(azurite: str) -> None:
    clock = Clock()
    async with QueueServiceClient.from_connection_string(azurite) as service:
        client = service.get_queue_client(f"age-{uuid4().hex}")
        await client.create_queue()
        queue = StorageDocumentQueue(client, clock=clock)
        assert await queue.oldest_due() is None
        await client.send_message("not ours")
        await queue.put("main", [DocumentKey(COMPANY, TODAY, "INV-2", "V-2")], delay=timedelta(hours=1))
        await queue.put("main", [DocumentKey(COMPANY, TODAY, "INV-1", "V-1")])
        clock.advance(minutes=5)
        await queue.put("main", [DocumentKey(COMPANY, TODAY, "INV-3", "V-3")])
        assert await queue.oldest_due() == NOW


def test_a_message_without_trace_and_time_is_still_understood() -> None:
    plain = {"connection": "main", "company": COMPANY, "keys": [{"number": "I", "date": "2026-11-20", "voucher": "V"}]}
    body = base64.b64encode(json.dumps(plain).encode())
    assert (parse_message(body).due, parse_message(body).trace) == (None, "")

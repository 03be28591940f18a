"""Business events: a trigger that names a document, which the worker finds and reads back (design 4.1)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AioHttpTransport
from pydantic import SecretStr

from local.simulators.certificates import Certificates
from local.simulators.dynamics.events import (
    endpoint_test_event,
    event_grid_envelope,
    event_grid_handshake,
    posted_event,
)
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec, LineSpec, PostedInvoice, Source
from local.simulators.faults import Fault
from shared.connector import NotFound
from shared.flows.operations import bury
from shared.flows.review.decide import DecisionBody, decide_document
from shared.flows.review.documents import Chosen, describe
from shared.ledger.audit import Actor
from shared.ledger.records import DocumentRecord, State
from shared.queues import parse_message
from shared.settings import StorageSettings
from shared.storage import Storage, default_transport, storage_clients
from shared.web import Problem
from tests.world import NOW, TODAY, QueueInMemory, World, running_world

HEADERS = "*/SalesInvoiceHeadersV2"


def invoice(number: str = "INV-1", **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, TODAY, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


def event_of(posted: PostedInvoice, **changes: object) -> dict[str, object]:
    return {**posted_event(posted, 5637611904, NOW), **changes}


def event_ahead_of(spec: InvoiceSpec) -> dict[str, object]:
    """The event of a document that the connector's F&O does not show yet."""
    elsewhere = DynamicsSimulator("", lambda _: None, clock=lambda: NOW, default_company="usmf")
    return event_of(Posting(elsewhere, "usmf").invoice(spec))


async def retry(world: World, transaction_id: str) -> None:
    why = DecisionBody(reason="posted by now", by="accountant")
    await decide_document(world.connector, "main", "usmf", transaction_id, "retry", why, Chosen())


def states(records: list[DocumentRecord]) -> Counter[State]:
    return Counter(record.state for record in records)


async def test_an_event_gets_its_document_reported_without_a_poll(world: World) -> None:
    posted = world.posting.invoice(invoice())
    answer = await world.deliver(event_of(posted))
    assert (answer.status, answer.body) == (202, {"accepted": 1, "ignored": 0})
    assert world.simulation.dynamics.calls == []
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].amount == Decimal("100.00")
    seen, reported = await world.audit("INV-1")
    assert (seen["decision"], seen["function"]) == ("seen", "receive_business_event")
    assert reported["decision"] == "reported"


@pytest.mark.parametrize("as_text", [True, False])
async def test_event_grid_delivers_the_same_event(world: World, as_text: bool) -> None:
    posted = world.posting.invoice(invoice("FTI-1", source=Source.FREE_TEXT))
    await world.deliver(*event_grid_envelope(event_of(posted), data_as_string=as_text))
    await world.settle()
    assert world.taxjar.orders.keys() == {"USMF-FTI-1"}


async def test_the_endpoint_test_and_the_handshake_are_answered_with_200(world: World) -> None:
    assert (await world.deliver(endpoint_test_event())).status == 200
    answer = await world.deliver(*event_grid_handshake("512d38b6", NOW))
    assert (answer.status, answer.body) == (200, {"validationResponse": "512d38b6"})
    assert not world.queue.waiting


async def test_strange_events_and_companies_are_ignored_with_a_log_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    posted = world.posting.invoice(invoice())
    other_company = event_of(posted, LegalEntity="DEMF", BusinessEventLegalEntity="DEMF")
    other_event = event_of(posted, BusinessEventId="VendInvoicePostedBusinessEvent")
    stranger = {"hello": "world"}
    with caplog.at_level(logging.INFO):
        answer = await world.deliver(other_company, other_event, event_of(posted), event_of(posted), stranger)
    assert (answer.status, answer.body) == (202, {"accepted": 1, "ignored": 4})
    assert "demf" in caplog.text
    assert "VendInvoicePostedBusinessEvent" in caplog.text


async def test_what_is_no_event_and_an_unknown_connection_are_refused(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await world.deliver({"hello": "world"})
    assert refused.value.status == 400
    with pytest.raises(NotFound):
        await world.deliver(endpoint_test_event(), connection="nowhere")


@dataclass
class UnreachableQueue(QueueInMemory):
    """A queue that refuses at once, or never answers."""

    silent: bool = False

    async def put_numbers(self, *_: object, **__: object) -> None:
        if self.silent:
            await asyncio.Event().wait()
        raise ServiceRequestError("the connection was refused")


@pytest.mark.parametrize("silent", [True, False])
async def test_while_the_queue_cannot_be_reached_the_event_is_to_be_sent_again(
    world: World, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.flows.finding.receive.PATIENCE", 0.05)
    reachable = world.connector
    posted = world.posting.invoice(invoice())
    world.connector = replace(reachable, documents_queue=UnreachableQueue(world.clock, silent=silent))
    with pytest.raises(Problem) as refused:
        await world.deliver(event_of(posted))
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "30"})
    assert (await world.deliver(endpoint_test_event())).status == 200
    unknown = {**event_of(posted), "BusinessEventLegalEntity": "OTHER", "LegalEntity": "OTHER"}
    assert (await world.deliver(unknown)).body == {"accepted": 0, "ignored": 1}
    world.connector = reachable
    assert (await world.deliver(event_of(posted))).status == 202


async def test_the_endpoint_test_is_answered_before_the_storage_was_ever_reached(world: World) -> None:
    text = "DefaultEndpointsProtocol=http;AccountName=gone;AccountKey=Z29uZQ==;"
    text += "QueueEndpoint=http://127.0.0.1:1/gone;TableEndpoint=http://127.0.0.1:1/gone;"
    tables, queues = storage_clients(StorageSettings(connection_string=SecretStr(text)), default_transport)
    async with tables, queues:
        world.connector = replace(world.connector, storage=Storage(tables, queues, "ledger"))
        assert (await world.deliver(endpoint_test_event())).status == 200


async def test_an_event_for_a_reported_document_costs_no_call_to_taxjar(world: World) -> None:
    posted = world.posting.invoice(invoice())
    await world.run()
    calls = world.calls()
    for _ in range(3):
        await world.deliver(event_of(posted))
    await world.settle()
    assert world.calls() == calls


async def test_an_event_and_a_poll_at_once_report_a_document_once(world: World) -> None:
    posted = world.posting.invoice(invoice())
    await world.deliver(event_of(posted))
    await world.poll()
    await world.deliver(event_of(posted))
    await world.settle()
    assert world.calls() == 1
    assert states(await world.records()) == {State.REPORTED: 1}


async def test_an_event_before_its_document_is_tried_again_until_f_and_o_shows_it(world: World) -> None:
    await world.deliver(event_ahead_of(invoice()))
    await world.settle(within=timedelta(minutes=30))
    assert await world.records() == []
    world.posting.invoice(invoice())
    await world.settle()
    assert states(await world.records()) == {State.REPORTED: 1}
    asked = [call.time for call in world.simulation.dynamics.calls if call.path.endswith("SalesInvoiceHeadersV2")]
    assert len(asked) <= 20


async def test_an_invoice_and_a_credit_note_of_one_number_are_both_reported(world: World) -> None:
    posted = world.posting.invoice(invoice())
    note = world.posting.credit_note(posted, "INV-1", TODAY)
    await world.deliver(event_of(note))
    await world.settle()
    assert (world.taxjar.orders.keys(), world.taxjar.refunds.keys()) == ({"USMF-INV-1"}, {"USMF-INV-1-refund"})


@pytest.mark.parametrize("given", [None, "/Date(1700000000000)/", "/Date(1795046400000)/"])
async def test_the_date_of_an_event_is_a_hint(world: World, given: str | None) -> None:
    posted = world.posting.invoice(invoice())
    await world.deliver(event_of(posted, InvoiceDate=given))
    await world.settle()
    assert states(await world.records()) == {State.REPORTED: 1}


async def test_another_document_of_the_number_does_not_end_the_search(world: World) -> None:
    older = world.posting.invoice(invoice(date=TODAY - timedelta(days=30), voucher="OLD"))
    ahead = invoice(voucher="NEW", lines=[LineSpec().negated()])
    await world.deliver(event_ahead_of(ahead))
    await world.settle(within=timedelta(hours=1))
    world.posting.credit_note(older, "INV-1", TODAY)
    await world.settle()
    assert world.taxjar.refunds.keys() == {"USMF-INV-1-refund"}


async def test_a_document_that_shows_no_more_than_its_key_is_found_by_its_number_and_held(world: World) -> None:
    posted = world.posting.invoice(invoice(values={"SalesInvoiceHeadersV2": {"TotalTaxAmount": None}}))
    await world.deliver(event_of(posted))
    await world.settle(within=timedelta(days=2))
    [record] = await world.records()
    assert (record.state, record.reason, record.placeholder) == (State.HELD, "unreadable_row", False)


async def test_an_event_for_a_document_before_the_start_is_skipped(world: World) -> None:
    posted = world.posting.invoice(invoice(date=datetime(2025, 12, 31, tzinfo=UTC).date()))
    await world.deliver(event_of(posted))
    await world.settle()
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.SKIPPED, "before_start")
    assert world.calls() == 0


async def test_a_number_reused_after_the_start_belongs_to_the_newer_document(world: World) -> None:
    world.posting.invoice(invoice(date=datetime(2025, 6, 1, tzinfo=UTC).date(), voucher="OLD"))
    posted = world.posting.invoice(invoice(voucher="NEW"))
    await world.deliver(event_of(posted, InvoiceDate=None))
    await world.settle(within=timedelta(minutes=5))
    found = {record.key.voucher: record.state for record in await world.records()}
    assert found == {"OLD": State.SKIPPED, "NEW": State.REPORTED}


class TestNotFound:
    async def test_after_a_day_it_is_held(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(hours=23))
        assert await world.records() == []
        await world.settle(within=timedelta(hours=6))
        record = await world.record("INV-1")
        assert (record.state, record.reason) == (State.HELD, "not_found_in_dynamics")
        assert (record.key.date, record.key.voucher, record.filing.owns_id) == (TODAY, "", False)
        assert "posted" in record.message
        assert [entry["decision"] for entry in await world.audit("INV-1")] == ["held"]
        assert not world.queue.waiting
        shown = await describe(world.connector, record)
        assert (shown["amount"], shown["sales_tax"]) == (None, None)

    async def test_a_poll_that_finds_it_later_reports_it_and_settles_the_placeholder(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(days=2))
        world.posting.invoice(invoice())
        await world.run()
        found = {bool(record.key.voucher): (record.state, record.reason) for record in await world.records()}
        assert found == {True: (State.REPORTED, ""), False: (State.SKIPPED, "superseded")}
        assert world.taxjar.orders.keys() == {"USMF-INV-1"}
        polls = len(world.simulation.dynamics.calls)
        await world.run()
        assert len(world.simulation.dynamics.calls) - polls == 1

    async def test_a_document_without_voucher_takes_over_the_placeholder(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(days=2))
        blank = {"SalesInvoiceHeadersV2": {"LedgerVoucher": ""}, "SalesInvoiceV2Lines": {"LedgerVoucher": ""}}
        world.posting.invoice(invoice(values={**blank, "CustInvoiceJourBiEntities": {"LedgerVoucher": ""}}))
        await world.run()
        [record] = await world.records()
        assert (record.state, record.placeholder, record.filing.owns_id) == (State.REPORTED, False, True)
        assert [entry["decision"] for entry in await world.audit("INV-1")][:2] == ["held", "seen"]

    async def test_a_retry_that_finds_it_leaves_nothing_of_the_placeholder(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(days=2))
        blank = {"LedgerVoucher": ""}
        sets = ("SalesInvoiceHeadersV2", "SalesInvoiceV2Lines", "CustInvoiceJourBiEntities")
        nowhere = AddressSpec("1 Main St", "Austin", "NY", "78704")
        world.posting.invoice(invoice(ship_to=nowhere, values=dict.fromkeys(sets, blank)))
        await retry(world, "USMF-INV-1")
        await world.settle()
        held = await world.record("INV-1")
        assert (held.state, held.reason) == (State.HELD, "zip_state_mismatch")
        await world.run()
        assert await world.record("INV-1") == held

    async def test_a_retry_by_a_person_asks_for_the_number_again(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(days=2))
        await retry(world, "USMF-INV-1")
        await world.settle()
        assert (await world.record("INV-1")).reason == "not_found_in_dynamics"
        world.posting.invoice(invoice(date=TODAY - timedelta(days=200)))
        await retry(world, "USMF-INV-1")
        await world.settle()
        assert states(await world.records()) == {State.REPORTED: 1, State.SKIPPED: 1}

    async def test_a_sweep_finds_it_under_another_date(self, world: World) -> None:
        await world.deliver(event_ahead_of(invoice()))
        await world.settle(within=timedelta(days=2))
        world.posting.invoice(invoice(date=TODAY - timedelta(days=20)))
        await world.sweep()
        await world.settle()
        assert states(await world.records()) == {State.REPORTED: 1, State.SKIPPED: 1}

    async def test_a_second_event_of_it_settles_the_placeholder_at_the_next_poll(self, world: World) -> None:
        event = event_ahead_of(invoice())
        await world.deliver(event)
        await world.settle(within=timedelta(days=2))
        world.posting.invoice(invoice())
        await world.deliver(event)
        await world.run()
        assert states(await world.records()) == {State.REPORTED: 1, State.SKIPPED: 1}
        assert world.calls() == 1

    async def test_a_recorded_document_that_vanished_is_held_after_a_day_and_reported_when_it_is_back(
        self, world: World
    ) -> None:
        world.posting.invoice(invoice())
        await world.poll()
        store = world.simulation.dynamics.store
        [header] = store.rows("SalesInvoiceHeadersV2")
        store.remove("SalesInvoiceHeadersV2", header)
        await world.settle(within=timedelta(hours=23))
        assert (await world.record("INV-1")).state is State.RETRYING
        await world.settle(within=timedelta(hours=6))
        record = await world.record("INV-1")
        assert (record.state, record.reason) == (State.HELD, "not_found_in_dynamics")
        store.add("SalesInvoiceHeadersV2", {**header})
        await world.sweep()
        await world.settle()
        assert (await world.record("INV-1")).state is State.REPORTED
        assert await world.audit("INV-1")


async def test_trouble_with_f_and_o_keeps_an_event_however_long_it_lasts(world: World) -> None:
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=500))
    posted = world.posting.invoice(invoice())
    await world.deliver(event_of(posted), event_of(posted, InvoiceId="INV-2"))
    await world.settle(within=timedelta(days=3))
    assert await world.records() == []
    world.simulation.dynamics.faults.clear()
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert (await world.record("INV-2")).reason == "not_found_in_dynamics"


async def test_after_seven_days_of_trouble_an_event_has_failed(world: World) -> None:
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=500))
    await world.deliver(event_of(world.posting.invoice(invoice())))
    await world.settle(within=timedelta(days=8))
    record = await world.record("INV-1")
    assert record.state is State.FAILED
    assert "7 days" in record.message
    world.simulation.dynamics.faults.clear()
    await world.run()
    assert states(await world.records()) == {State.REPORTED: 1, State.SKIPPED: 1}


async def test_the_time_of_a_pause_does_not_count_toward_the_seven_days(world: World) -> None:
    await world.connector.connections["main"].gate.throttle(8 * 86_400)
    await world.deliver(event_of(world.posting.invoice(invoice())))
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=500, times=3))
    await world.settle(within=timedelta(days=9))
    assert states(await world.records()) == {State.REPORTED: 1}


async def test_the_time_of_a_pause_does_not_count_toward_the_day_that_a_document_may_take(world: World) -> None:
    await world.connector.connections["main"].gate.throttle(2 * 86_400)
    await world.deliver(event_ahead_of(invoice()))
    await world.settle(within=timedelta(days=2, minutes=5))
    assert world.simulation.dynamics.calls
    assert await world.records() == []
    world.posting.invoice(invoice())
    await world.settle()
    assert states(await world.records()) == {State.REPORTED: 1}


class RotatingKey(AioHttpTransport):
    """Storage that refuses the app while its key is being rotated, or ``only`` certain requests."""

    def __init__(self, only: str = "") -> None:
        super().__init__()
        self.rotating = False
        self._only = only

    async def send(self, request: Any, **kwargs: Any) -> Any:
        if self.rotating and self._only in request.url:
            request.headers["Authorization"] = "SharedKey devstoreaccount1:b2xk"
        return await super().send(request, **kwargs)


async def test_an_event_outlasts_trouble_with_the_storage(azurite: str, certificates: Certificates) -> None:
    storages: list[RotatingKey] = []

    def storage() -> RotatingKey:
        storages.append(RotatingKey())
        return storages[-1]

    async with running_world(azurite, certificates, storage_transport=storage) as world:
        await world.deliver(event_of(world.posting.invoice(invoice())))
        for each in storages:
            each.rotating = True
        await world.work()
        for each in storages:
            each.rotating = False
        assert await world.records() == []
        await world.settle()
        assert (await world.record("INV-1")).state is State.REPORTED


async def test_an_event_waits_while_f_and_o_is_paused(world: World) -> None:
    posted = world.posting.invoice(invoice())
    await world.connector.connections["main"].gate.throttle(60)
    await world.deliver(event_of(posted))
    await world.settle()
    assert {call.time >= NOW + timedelta(seconds=60) for call in world.simulation.dynamics.calls} == {True}
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_poisoned_event_is_audited_by_its_number(world: World) -> None:
    await world.deliver(event_ahead_of(invoice("INV-77")))
    body = world.queue.take()
    assert body is not None
    await bury.bury_poisoned(world.connector, body, "m-1", Actor(function="bury_poisoned", by="queue"))
    row = await world.connector.subjects.get("main|usmf", "poison", "m-1")
    assert "INV-77" in row["message"]


async def test_a_number_does_not_multiply_while_the_ledger_refuses_writes(
    azurite: str, certificates: Certificates
) -> None:
    storages: list[RotatingKey] = []

    def storage() -> RotatingKey:
        storages.append(RotatingKey(only="$batch"))
        return storages[-1]

    async with running_world(azurite, certificates, storage_transport=storage) as world:
        shown = event_of(world.posting.invoice(invoice("HERE")))
        await world.deliver(shown, event_ahead_of(invoice("GONE")))
        for each in storages:
            each.rotating = True
        for _ in range(4):
            await world.work()
            world.clock.advance(minutes=3)
        numbers = [wanted.number for _, _, body in world.queue.waiting for wanted in parse_message(body).numbers]
        assert Counter(numbers) == {"HERE": 1, "GONE": 1}

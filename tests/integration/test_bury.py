"""Poisoned messages are a defect, not an end: their documents have failed, and the audit says so (design 3.1)."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.documents import DocumentKey
from shared.flows.operations.bury import bury_poisoned
from shared.flows.review.decide import DecisionBody, decide_document
from shared.flows.review.documents import Chosen
from shared.ledger import wide
from shared.ledger.audit import Actor
from shared.ledger.keys import partition
from shared.ledger.records import State
from shared.queues import encode, messages
from tests.world import COMPANY, NOW, TODAY, World

ORDERS = "*/transactions/orders"
ACTOR = Actor(function="bury_poisoned", by="queue")


def body(*keys: DocumentKey) -> bytes:
    [message] = messages("main", keys)
    return encode(message).encode()


async def buried(world: World, connection: str, company: str) -> list[dict[str, Any]]:
    """The audit entries of buried messages in a partition, as texts."""
    table = world.connector.subjects._table
    where = f"PartitionKey eq '{partition(connection, company)}' and RowKey ge 'audit|poison|' and RowKey lt 'audit|q'"
    return [dict(row) async for row in table.query_entities(where)]


async def test_documents_in_flight_have_failed_and_their_audit_says_why(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.poll()
    await bury_poisoned(world.connector, body((await world.record("INV-1")).key), "m-1", ACTOR)
    record = await world.record("INV-1")
    assert record.state is State.FAILED
    assert "retry" in record.message
    last = (await world.audit("INV-1"))[-1]
    assert (last["decision"], last["function"]) == ("failed", "bury_poisoned")


@pytest.mark.parametrize(
    "fault",
    [Fault(path=ORDERS, status=503, retry_after=3600, times=1), Fault(path=ORDERS, status=401, times=1)],
    ids=lambda fault: fault.name,
)
async def test_documents_that_shared_the_message_and_wait_go_on(world: World, fault: Fault) -> None:
    for number in ("INV-1", "INV-2"):
        world.posting.invoice(InvoiceSpec(number, TODAY))
    world.simulation.taxjar.faults.add(fault)
    await world.poll()
    await world.queue.put("main", [(await world.record("INV-1")).key])
    world.queue.waiting.pop(0)
    await world.work()
    world.queue.waiting.clear()
    keys = [(await world.record(number)).key for number in ("INV-1", "INV-2")]
    await bury_poisoned(world.connector, body(*keys), "m-1", ACTOR)
    assert (await world.record("INV-2")).state is State.FAILED
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_document_that_another_worker_has_is_left_to_it(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.poll()
    [claim] = await world.connector.ledger.claim([await world.record("INV-1")])
    world.queue.waiting.clear()
    await bury_poisoned(world.connector, body(claim.key), "m-1", ACTOR)
    assert (await world.record("INV-1")).etag == claim.etag
    assert world.queue.waiting[0][0] > NOW + timedelta(seconds=120)


async def test_a_retry_of_a_claim_that_ended_in_the_poison_queue_asks_taxjar_first(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.poll()
    [claim] = await world.connector.ledger.claim([await world.record("INV-1")])
    world.queue.waiting.clear()
    world.clock.advance(minutes=3)
    await bury_poisoned(world.connector, body(claim.key), "m-1", ACTOR)
    why = DecisionBody(reason="corrected", by="accountant")
    await decide_document(world.connector, "main", COMPANY, "USMF-INV-1", "retry", why, Chosen())
    await world.settle()
    assert [call.method for call in world.simulation.taxjar.calls] == ["GET", "POST"]


async def test_a_document_that_another_worker_settled_is_left_alone(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.run()
    before = await world.record("INV-1")
    await bury_poisoned(world.connector, body(before.key), "m-1", ACTOR)
    assert await world.record("INV-1") == before


async def test_what_has_failed_stays_so_until_a_person_retries_it(world: World) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.poll()
    await bury_poisoned(world.connector, body((await world.record("INV-1")).key), "m-1", ACTOR)
    world.queue.waiting.clear()
    await world.run()
    assert (await world.record("INV-1")).state is State.FAILED
    assert world.calls() == 0


async def test_a_message_that_cannot_be_read_is_audited_as_it_came(world: World) -> None:
    await bury_poisoned(world.connector, b"no base64 at all", "m-1", ACTOR)
    [entry] = await buried(world, "connector", "queues")
    text = wide.unpack("entry", entry)
    assert "no base64 at all" in text
    assert '"decision":"buried"' in text


async def test_a_message_that_is_wrong_at_any_length_is_audited(world: World) -> None:
    await bury_poisoned(world.connector, b64encode(b'{"' + b"x" * 40_000 + b'": 1}'), "m-1", ACTOR)
    [entry] = await buried(world, "connector", "queues")
    assert "x" * 2000 in wide.unpack("entry", entry)


async def test_secrets_in_a_message_do_not_reach_the_audit(world: World) -> None:
    secret = world.connector.connection("main").settings.taxjar.token
    assert secret is not None
    await bury_poisoned(world.connector, f"token={secret.get_secret_value()}".encode(), "m-2", ACTOR)
    [entry] = await buried(world, "connector", "queues")
    assert secret.get_secret_value() not in wide.unpack("entry", entry)


async def test_a_document_that_the_ledger_does_not_know_is_audited(world: World) -> None:
    await bury_poisoned(world.connector, body(DocumentKey(COMPANY, TODAY, "INV-9", "V-9")), "m-1", ACTOR)
    [entry] = await buried(world, "main", COMPANY)
    assert "INV-9" in wide.unpack("entry", entry)
    assert not await world.records()

"""The queue on Azure Storage: messages never expire, and may wait before they show (design 4.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue.aio import QueueClient

from shared.bootstrap import utc_now
from shared.documents import DocumentKey
from shared.queues import NumberToFind, StorageDocumentQueue, parse_message

KEYS = [DocumentKey("usmf", date(2026, 3, 17), f"INV-{number}", "V") for number in range(25)]


@pytest.fixture
async def queue(azurite: str) -> AsyncIterator[QueueClient]:
    """An empty queue of the test's own."""
    async with QueueClient.from_connection_string(azurite, f"queue-{uuid4().hex}") as client:
        await client.create_queue()
        yield client


async def test_what_is_put_arrives_and_never_expires(queue: QueueClient) -> None:
    await StorageDocumentQueue(queue, clock=utc_now).put("main", KEYS)
    received = [message async for message in queue.receive_messages()]
    arrived = [key for message in received for key in parse_message(message.content.encode()).document_keys()]
    assert sorted(arrived) == sorted(KEYS)
    assert {message.expires_on and message.expires_on.year for message in received} == {9999}


async def test_numbers_arrive_and_the_queue_knows_its_length(queue: QueueClient) -> None:
    numbers = [NumberToFind(number=f"INV-{number}", asked_at=datetime.now(UTC)) for number in range(25)]
    documents = StorageDocumentQueue(queue, clock=utc_now)
    await documents.put_numbers("main", "usmf", numbers)
    assert await documents.length() == 2
    received = [message async for message in queue.receive_messages()]
    assert [number for message in received for number in parse_message(message.content.encode()).numbers] == numbers


@pytest.mark.parametrize(
    ("delay", "hidden"),
    [
        (timedelta(minutes=10), timedelta(minutes=10)),
        # Storage refuses a week; what has to wait longer comes back and waits again.
        (timedelta(days=30), timedelta(days=6)),
    ],
)
async def test_a_delayed_message_is_hidden(queue: QueueClient, delay: timedelta, hidden: timedelta) -> None:
    # The service tells a message's time only to who sends it.
    times: list[datetime] = []
    send = queue.send_message

    async def noting(*arguments: Any, **options: Any) -> Any:
        sent = await send(*arguments, **options)
        assert sent.next_visible_on is not None
        times.append(sent.next_visible_on)
        return sent

    queue.send_message = noting  # type: ignore[method-assign]
    await StorageDocumentQueue(queue, clock=utc_now).put("main", KEYS[:1], delay=delay)
    assert not [message async for message in queue.receive_messages()]
    [visible] = times
    assert abs(visible - datetime.now(UTC) - hidden) < timedelta(minutes=1)


async def test_a_delay_that_is_over_is_no_delay(queue: QueueClient) -> None:
    await StorageDocumentQueue(queue, clock=utc_now).put("main", KEYS[:1], delay=timedelta(seconds=-5))
    assert len([message async for message in queue.receive_messages()]) == 1


async def test_nothing_to_put_is_no_message(queue: QueueClient) -> None:
    await StorageDocumentQueue(queue, clock=utc_now).put("main", [])
    assert not [message async for message in queue.receive_messages()]

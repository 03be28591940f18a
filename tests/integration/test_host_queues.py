from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from azure.storage.queue.aio import QueueServiceClient

from local.host import server
from local.host.errors import HostError
from local.host.functions import functions_of
from local.host.host_json import read_host_json
from local.host.keys import Keys
from local.host.server import Host

FUNCTIONS = Path(__file__).parent.parent / "fixtures" / "functions"


class Orders:
    """The orders queue, as its sender sees it."""

    def __init__(self, service: QueueServiceClient, name: str) -> None:
        self.name = name
        self.queue = service.get_queue_client(name)

    async def send(self, *bodies: str) -> None:
        for body in bodies:
            await self.queue.send_message(base64.b64encode(body.encode()).decode())

    async def count(self) -> int:
        """Messages in the queue, hidden ones as well."""
        return (await self.queue.get_queue_properties()).approximate_message_count or 0


@pytest.fixture
async def orders(azurite: str) -> AsyncIterator[Orders]:
    async with QueueServiceClient.from_connection_string(azurite) as service:
        yield Orders(service, f"orders-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def host(azurite: str, orders: Orders, function_app: ModuleType) -> Host:
    environment = {"AzureWebJobsStorage": azurite, "ORDERS_QUEUE": orders.name, "NIGHTLY": "0 0 3 * * *"}
    return Host(functions_of(function_app.app), read_host_json(FUNCTIONS), environment, keys=Keys("k", "k"))


async def next_run(function_app: ModuleType) -> tuple[str, Any]:
    async with asyncio.timeout(20):
        run: tuple[str, Any] = await function_app.runs.get()
        return run


async def test_each_message_is_taken_once_and_removed(orders: Orders, host: Host, function_app: ModuleType) -> None:
    await orders.queue.create_queue()
    await orders.send("first", "second", "third", "fourth", "fifth")
    async with host.triggers():
        runs = [await next_run(function_app) for _ in range(5)]
    assert sorted(runs) == [("order", (body, 1)) for body in ("fifth", "first", "fourth", "second", "third")]
    assert await orders.count() == 0


async def test_a_failed_message_comes_back(orders: Orders, host: Host, function_app: ModuleType) -> None:
    await orders.queue.create_queue()
    await orders.send("fails once")
    async with host.triggers():
        assert await next_run(function_app) == ("order", ("fails once", 1))
        assert await next_run(function_app) == ("order", ("fails once", 2))
    assert await orders.count() == 0


async def test_a_message_that_keeps_failing_moves_to_the_poison_queue(
    orders: Orders, host: Host, function_app: ModuleType
) -> None:
    await orders.queue.create_queue()
    await orders.send("always fails", "healthy")
    async with host.triggers():
        runs = [await next_run(function_app) for _ in range(5)]
    assert [run for run in runs if run[1] != ("healthy", 1)] == [
        ("order", ("always fails", 1)),
        ("order", ("always fails", 2)),
        ("order", ("always fails", 3)),
        ("buried", "always fails"),
    ]
    assert await orders.count() == 0


async def test_a_message_that_cannot_be_decoded_moves_to_the_poison_queue_as_it_is(
    orders: Orders, host: Host, function_app: ModuleType, azurite: str
) -> None:
    await orders.queue.create_queue()
    await orders.queue.send_message("plain text now")
    await orders.send("healthy")
    async with host.triggers():
        assert await next_run(function_app) == ("order", ("healthy", 1))
    async with QueueServiceClient.from_connection_string(azurite) as service:
        poison = service.get_queue_client(f"{orders.name}-poison")
        assert (await poison.get_queue_properties()).approximate_message_count == 1
    assert await orders.count() == 0


async def test_a_queue_that_does_not_exist_yet_is_an_empty_one(
    orders: Orders, host: Host, function_app: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    async with host.triggers():
        await orders.queue.create_queue()
        await orders.send("late")
        assert await next_run(function_app) == ("order", ("late", 1))
    assert caplog.messages == []


async def test_no_more_messages_are_in_work_than_batch_and_threshold_allow(
    orders: Orders, host: Host, function_app: ModuleType
) -> None:
    await orders.queue.create_queue()
    await orders.send(*["gated"] * 6)
    async with host.triggers():
        for _ in range(2):
            await next_run(function_app)
        # Two in work are more than the threshold of one: no further batch, though the queue is asked meanwhile.
        for _ in range(5):
            assert await orders.count() == 6
        assert function_app.runs.empty()
        function_app.gate.set()
        for _ in range(4):
            await next_run(function_app)
    assert await orders.count() == 0


async def test_what_is_in_work_finishes_when_the_host_ends(
    orders: Orders, host: Host, function_app: ModuleType
) -> None:
    await orders.queue.create_queue()
    await orders.send("gated")
    async with host.triggers():
        assert await next_run(function_app) == ("order", ("gated", 1))
        host.stop()
        function_app.gate.set()
    assert await orders.count() == 0


async def test_a_message_in_work_is_hidden_for_ten_minutes_as_in_azure(
    orders: Orders, host: Host, function_app: ModuleType
) -> None:
    await orders.queue.create_queue()
    await orders.send("until when")
    async with host.triggers():
        assert await next_run(function_app) == ("order", ("until when", 1))
        _, until = await next_run(function_app)
    assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)


async def test_what_does_not_finish_before_the_host_ends_can_be_taken_again_at_once(
    orders: Orders, host: Host, function_app: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DRAIN", timedelta(seconds=0.1))
    await orders.queue.create_queue()
    await orders.send("gated")
    async with host.triggers():
        assert await next_run(function_app) == ("order", ("gated", 1))
    again = [message.content async for message in orders.queue.receive_messages()]
    assert len(again) == 1


async def test_a_setting_that_a_trigger_names_must_be_there(azurite: str, function_app: ModuleType) -> None:
    host = Host(
        functions_of(function_app.app),
        read_host_json(FUNCTIONS),
        {"AzureWebJobsStorage": azurite, "ORDERS_QUEUE": "orders"},
        keys=Keys("k", "k"),
    )
    with pytest.raises(HostError, match="NIGHTLY"):
        async with host.triggers():
            pass

"""Queue triggers: fetching, retrying and burying messages as the real host does."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueServiceClient

from local.host.functions import HostedFunction, Invoker
from local.host.host_json import QueueSettings
from local.host.work import Work

POISON = "-poison"
FIRST_PAUSE = timedelta(milliseconds=100)

HIDDEN_WHILE_IN_WORK = timedelta(minutes=10)
"""For how long a message in work stays hidden before it is renewed: those of a killed host come back after that."""

log = logging.getLogger("host")


class QueueListener:
    """Feeds one queue function from its queue until the host stops.

    A message that fails ``maxDequeueCount`` times, or cannot be decoded, moves to ``<queue>-poison``. A poison queue
    has no poison queue of its own: what fails there stays hidden for a while and is tried again.
    """

    def __init__(
        self,
        function: HostedFunction,
        queue_name: str,
        service: QueueServiceClient,
        settings: QueueSettings,
        invoker: Invoker,
        work: Work,
    ) -> None:
        self._function = function
        self._queue = service.get_queue_client(queue_name)
        self._poison = None if queue_name.endswith(POISON) else service.get_queue_client(queue_name + POISON)
        self._settings = settings
        self._invoker = invoker
        self._work = work
        self._reachable = True

    async def listen(self) -> None:
        """Fetches batches while the host runs; waits longer and longer while the queue is empty."""
        in_work: set[asyncio.Task[Any]] = set()
        pause = FIRST_PAUSE
        while not self._work.stopping.is_set():
            if messages := await self._receive():
                pause = FIRST_PAUSE
                for message in messages:
                    task = self._work.spawn(self._handle(message))
                    in_work.add(task)
                    task.add_done_callback(in_work.discard)
                while len(in_work) > self._settings.threshold:
                    await asyncio.wait(in_work, return_when=asyncio.FIRST_COMPLETED)
            else:
                await self._work.pause(pause)
                pause = min(pause * 2, self._settings.max_polling_interval)

    async def _receive(self) -> list[QueueMessage]:
        size = self._settings.batch_size
        pages = self._queue.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=int(HIDDEN_WHILE_IN_WORK.total_seconds())
        ).by_page()
        try:
            async for page in pages:
                return [message async for message in page]
        except ResourceNotFoundError:
            # A queue that nobody has made yet is an empty one.
            pass
        except AzureError as error:
            if self._reachable:
                log.warning("%s cannot be read, trying on: %s", self._queue.queue_name, type(error).__name__)
            self._reachable = False
            return []
        self._reachable = True
        return []

    async def _handle(self, message: QueueMessage) -> None:
        try:
            if self._poison is not None and (message.dequeue_count or 0) > self._settings.max_dequeue_count:
                await self._bury(message)
                return
            try:
                data = self._decode(message.content)
            except ValueError:
                log.error(
                    "message %s on %s is not %s", message.id, self._queue.queue_name, self._settings.message_encoding
                )
                await self._bury(message)
                return
            if await self._succeeds(message, data):
                await self._queue.delete_message(message)
            elif self._poison is not None and (message.dequeue_count or 0) >= self._settings.max_dequeue_count:
                await self._bury(message)
            else:
                await self._release(message)
        except asyncio.CancelledError:
            # The host ends before the function does.
            await asyncio.shield(self._release(message))
            raise
        except AzureError as error:
            # Nothing is lost: the message shows up again by itself.
            log.warning("message %s on %s: %s", message.id, self._queue.queue_name, type(error).__name__)

    async def _succeeds(self, message: QueueMessage, data: Datum) -> bool:
        metadata = trigger_metadata(
            message.id,
            dequeue_count=message.dequeue_count or 0,
            insertion_time=message.inserted_on,
            expiration_time=message.expires_on,
            next_visible_time=message.next_visible_on,
            pop_receipt=message.pop_receipt,
        )
        done = asyncio.Event()
        renewal = asyncio.create_task(self._keep_hidden(message, done))
        try:
            await self._invoker.invoke(self._function, data, metadata)
        except Exception:
            return False
        else:
            return True
        finally:
            # A renewal under way changes the receipt that the next call needs.
            done.set()
            await renewal

    async def _keep_hidden(self, message: QueueMessage, done: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(HIDDEN_WHILE_IN_WORK.total_seconds() / 2):
                    await done.wait()
                return
            except TimeoutError:
                pass
            try:
                hidden = int(HIDDEN_WHILE_IN_WORK.total_seconds())
                renewed = await self._queue.update_message(message, visibility_timeout=hidden)
                message.pop_receipt = renewed.pop_receipt
            except AzureError as error:
                log.warning("message %s could not be kept hidden: %s", message.id, type(error).__name__)

    async def _release(self, message: QueueMessage) -> None:
        """Let it be tried again."""
        wait = int(self._settings.visibility_timeout.total_seconds())
        await self._queue.update_message(message, visibility_timeout=wait)

    async def _bury(self, message: QueueMessage) -> None:
        if self._poison is None:
            return
        log.error("message %s moves to %s", message.id, self._poison.queue_name)
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            await self._poison.create_queue()
            await self._poison.send_message(message.content)
        await self._queue.delete_message(message)

    def _decode(self, content: str) -> Datum:
        if self._settings.message_encoding == "none":
            return Datum(content, "string")
        body = base64.b64decode(content, validate=True)
        try:
            return Datum(body.decode(), "string")
        except UnicodeDecodeError:
            return Datum(body, "bytes")


def trigger_metadata(
    message_id: str,
    *,
    dequeue_count: int,
    insertion_time: datetime | None = None,
    expiration_time: datetime | None = None,
    next_visible_time: datetime | None = None,
    pop_receipt: str | None = None,
) -> Mapping[str, Datum]:
    """What the host tells a queue function about its message, under the names that the SDK's converter reads."""
    texts = {
        "Id": message_id,
        "DequeueCount": str(dequeue_count),
        "InsertionTime": insertion_time and insertion_time.isoformat(),
        "ExpirationTime": expiration_time and expiration_time.isoformat(),
        "NextVisibleTime": next_visible_time and next_visible_time.isoformat(),
        "PopReceipt": pop_receipt,
    }
    return {name: Datum(text, "string") for name, text in texts.items() if text is not None}

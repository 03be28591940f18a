"""Group commit: writes to one partition that come together share an entity-group transaction.

A transaction costs Table Storage, and the SDK that builds and reads it, about as much for one write as for ten. So
while one is under way for a partition, the writes that come meanwhile wait and go together in the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables.aio import TableClient

from shared.ledger.entity_groups import Answers, Encoded, Operation, encode, submit

OPERATIONS_PER_TRANSACTION = 100
"""All that an entity-group transaction holds."""
_BYTES_PER_TRANSACTION = 3_900_000
"""Below the 4 MiB that one may have."""
_PACE = 0.02
"""Seconds that a busy partition waits for more writes to come together; one that is not busy waits for nothing."""


@dataclass(slots=True, eq=False)
class _Write:
    """Operations that take effect together or not at all."""

    encoded: Sequence[Encoded]
    size: int
    done: asyncio.Future[Answers] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit:
    """Writes to one table; a process has one of them, so that all writes to a partition can go together.

    Each write is atomic, and fails or succeeds on its own, whatever goes along with it.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._waiting: dict[str, deque[_Write]] = {}
        """By partition, while a task is sending; what that task has in hand is no longer in here."""
        self._senders: set[asyncio.Task[None]] = set()

    async def commit(self, operations: Sequence[Operation]) -> Answers:
        """Write ``operations`` (of one partition, 100 and 4 MiB at most) in one transaction; return their answers.

        Every operation has to be guarded (a creation, or an update of a known version) or to be the same when done
        twice: after a broken connection it is sent once more. Raises what the failed operation alone would have raised.
        """
        encoded = [encode(operation) for operation in operations]
        write = _Write(encoded, sum(each.size for each in encoded))
        partition = operations[0][1]["PartitionKey"]
        if partition in self._waiting:
            self._waiting[partition].append(write)
        else:
            self._waiting[partition] = deque([write])
            sender = asyncio.create_task(self._send_all(partition))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await write.done

    async def _send_all(self, partition: str) -> None:
        waiting, group = self._waiting[partition], list[_Write]()
        try:
            while group := _next_group(waiting):
                await self._send(group)
                if waiting:
                    await asyncio.sleep(_PACE)
        finally:
            del self._waiting[partition]
            for write in (*group, *waiting):  # only when this task was cancelled: the process is ending
                write.done.cancel()

    async def _send(self, group: Sequence[_Write]) -> None:
        """Send ``group`` together; when one of them does not fit what is stored, each alone."""
        try:
            answers = iter(await self._submit([each for write in group for each in write.encoded]))
        except BaseException as error:
            if len(group) > 1 and _is_about_one_write(error):
                for write in group:
                    await self._send([write])
                return
            for write in group:
                if not write.done.done():
                    write.done.set_exception(_plain(error))
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            for write in group:
                own = [next(answers) for _ in write.encoded]
                if not write.done.done():
                    write.done.set_result(own)

    async def _submit(self, encoded: Sequence[Encoded]) -> Answers:
        try:
            return await submit(self._table, encoded)
        except (ServiceRequestError, ServiceResponseError):
            # Often only a kept connection that the service had closed.
            return await submit(self._table, encoded)


def _next_group(waiting: deque[_Write]) -> list[_Write]:
    """Take the oldest writes that fit in one transaction; those whose caller has gone are dropped unsent."""
    group: list[_Write] = []
    count = size = 0
    while waiting and (
        not group
        or (
            count + len(waiting[0].encoded) <= OPERATIONS_PER_TRANSACTION
            and size + waiting[0].size <= _BYTES_PER_TRANSACTION
        )
    ):
        write = waiting.popleft()
        if not write.done.done():
            group.append(write)
            count += len(write.encoded)
            size += write.size
    return group


def _is_about_one_write(error: BaseException) -> bool:
    """Whether one write is the cause, by a conflict or as nothing that can be stored, and not the service."""
    if isinstance(error, HttpResponseError):
        return error.status_code in (400, 404, 409, 412, 413)
    return isinstance(error, Exception) and not isinstance(error, AzureError)


def _plain(error: BaseException) -> BaseException:
    """A failed transaction as the exception that the failed operation alone would have raised."""
    if not isinstance(error, HttpResponseError):
        return error
    by_status = {404: ResourceNotFoundError, 409: ResourceExistsError, 412: ResourceModifiedError}
    kind = by_status.get(error.status_code or 0)
    return kind(message=error.message, response=error.response) if kind else error

"""Records of the ledger, however many, as batches of keys that fit a queue message."""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.documents import DocumentKey
from shared.ledger.records import DocumentRecord
from shared.queues import KEYS_PER_MESSAGE


async def batches(records: AsyncIterator[DocumentRecord]) -> AsyncIterator[list[DocumentKey]]:
    """The keys of ``records``, up to one message's worth at a time."""
    keys: list[DocumentKey] = []
    async for record in records:
        keys.append(record.key)
        if len(keys) == KEYS_PER_MESSAGE:
            yield keys
            keys = []
    if keys:
        yield keys

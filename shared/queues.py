"""Messages on the Azure Storage queues: keys of documents, never documents (design 2 and 4.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import islice
from math import ceil
from typing import Protocol, Self, TypeVar

from azure.storage.queue.aio import QueueClient
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from shared import telemetry
from shared.documents import DocumentKey

DOCUMENTS_QUEUE = "posted-documents"
BACKFILL_QUEUE = "posted-documents-backfill"
POISON_SUFFIX = "-poison"

KEYS_PER_MESSAGE = 20
_NEVER_EXPIRES = -1
_LONGEST_DELAY = timedelta(days=6)
"""Storage queues hide a message for seven days at most."""


_Message = TypeVar("_Message")


class MalformedMessage(Exception):
    """A queue message that is not ours; it ends in the poison queue and is buried there with an audit entry."""


class MessageKey(BaseModel):
    """A document key inside a message, without the company that all keys of a message share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = Field(min_length=1)
    date: date
    voucher: str


class NumberToFind(BaseModel):
    """A document of which only the number is known, as a business event names it: F&O has to be asked for its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = Field(min_length=1)
    dated: date | None = None
    """The invoice date as the event has it: a hint."""
    asked_at: AwareDatetime
    """When it was first asked for."""
    paused: timedelta = timedelta(0)
    """How long it waited since for its whole connection."""

    def tried_for(self, now: datetime) -> timedelta:
        """For how long it has been asked for; the time of pauses does not count."""
        return now - self.asked_at - self.paused

    def after_a_pause(self, delay: timedelta) -> NumberToFind:
        """The same, put back for ``delay`` because of a pause."""
        return self.model_copy(update={"paused": self.paused + delay})


class DocumentsMessage(BaseModel):
    """Up to 20 documents of one company to report: by key, or by number where the key is still to be found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str = Field(min_length=1)
    company: str = Field(min_length=1)
    keys: tuple[MessageKey, ...] = ()
    numbers: tuple[NumberToFind, ...] = ()
    due: AwareDatetime | None = None
    """When the message was to become visible: the queue itself only tells when it was put there."""
    trace: str = Field(default="", max_length=64)
    """The W3C ``traceparent`` of what put it there."""

    @model_validator(mode="after")
    def _names_documents(self) -> Self:
        if not 1 <= len(self.keys) + len(self.numbers) <= KEYS_PER_MESSAGE:
            raise ValueError(f"a message names 1 to {KEYS_PER_MESSAGE} documents")
        return self

    def document_keys(self) -> list[DocumentKey]:
        """The full keys, each once, in order."""
        found = (DocumentKey(self.company, key.date, key.number, key.voucher) for key in self.keys)
        return list(dict.fromkeys(found))


def messages(
    connection: str, documents: Sequence[DocumentKey], *, due: datetime | None = None
) -> Iterator[DocumentsMessage]:
    """``documents`` in messages of one company and at most 20 keys each, as part of the current trace."""
    trace = telemetry.trace_parent()
    for company in dict.fromkeys(key.company for key in documents):
        rest = iter([key for key in documents if key.company == company])
        while batch := tuple(islice(rest, KEYS_PER_MESSAGE)):
            keys = tuple(MessageKey(number=key.number, date=key.date, voucher=key.voucher) for key in batch)
            yield DocumentsMessage(connection=connection, company=company, keys=keys, due=due, trace=trace)


def encode(message: BaseModel) -> str:
    """The message as it lies on the queue: JSON in base64."""
    return base64.b64encode(message.model_dump_json(exclude_defaults=True).encode()).decode()


def number_messages(
    connection: str, company: str, numbers: Sequence[NumberToFind], *, due: datetime | None = None
) -> Iterator[DocumentsMessage]:
    """``numbers`` of one company in messages of at most 20, as part of the current trace."""
    trace = telemetry.trace_parent()
    for start in range(0, len(numbers), KEYS_PER_MESSAGE):
        batch = tuple(numbers[start : start + KEYS_PER_MESSAGE])
        yield DocumentsMessage(connection=connection, company=company, numbers=batch, due=due, trace=trace)


def parse_message(body: bytes) -> DocumentsMessage:
    """The message that :func:`encode` made. Raises :class:`MalformedMessage`.

    The host hands bodies over as they are (``messageEncoding`` ``none``): one that is not base64 would otherwise go
    where no function can read it, and could not be buried.
    """
    return decode(body, _DOCUMENTS, what="names no documents")


def decode(body: bytes, kind: TypeAdapter[_Message], *, what: str) -> _Message:
    """A message of ``kind``. Raises :class:`MalformedMessage`; ``what`` says what such a message then lacks."""
    try:
        return kind.validate_json(base64.b64decode(body, validate=True))
    except binascii.Error:
        raise MalformedMessage("the queue message is not base64") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'body'}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise MalformedMessage(f"the queue message {what} ({problems})") from None


_DOCUMENTS = TypeAdapter(DocumentsMessage)


class DocumentQueue(Protocol):
    """Where keys of documents are put to be reported."""

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue ``documents``, visible after ``delay``."""

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue one message, visible after ``delay``."""

    async def put_numbers(
        self, connection: str, company: str, numbers: Sequence[NumberToFind], *, delay: timedelta = timedelta(0)
    ) -> None:
        """Enqueue documents of one company whose keys are to be found, visible after ``delay``."""

    async def oldest_due(self) -> datetime | None:
        """Since when the first message in the queue has been waiting to be worked on; ``None`` when none is."""

    async def length(self) -> int:
        """About how many messages there are, visible or not."""


class StorageDocumentQueue:
    """A :class:`DocumentQueue` on Azure Storage; messages never expire."""

    def __init__(self, client: QueueClient, *, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock

    async def put(self, connection: str, documents: Sequence[DocumentKey], *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue ``documents``, visible after ``delay`` (at most six days, then they come back and wait again)."""
        hidden = _hidden_seconds(delay)
        for message in messages(connection, documents, due=self._due(hidden)):
            await self._send(message, hidden)

    async def send(self, message: BaseModel, *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue one message, visible after ``delay``."""
        await self._send(message, _hidden_seconds(delay))

    async def put_numbers(
        self, connection: str, company: str, numbers: Sequence[NumberToFind], *, delay: timedelta = timedelta(0)
    ) -> None:
        """Enqueue documents of one company whose keys are to be found, visible after ``delay``."""
        hidden = _hidden_seconds(delay)
        for message in number_messages(connection, company, numbers, due=self._due(hidden)):
            await self._send(message, hidden)

    async def oldest_due(self) -> datetime | None:
        """Since when the first message in the queue has been waiting to be worked on; ``None`` when none is.

        Looks at the first 32 visible messages, all that one call shows; what is not ours is passed over.
        """
        waiting: list[datetime] = []
        for message in await self._client.peek_messages(max_messages=32):
            with suppress(MalformedMessage):
                if due := parse_message(str(message.content).encode()).due:
                    waiting.append(due)
        return min(waiting, default=None)

    async def length(self) -> int:
        """About how many messages there are, visible or not."""
        return (await self._client.get_queue_properties()).approximate_message_count or 0

    def _due(self, hidden: int) -> datetime:
        return self._clock() + timedelta(seconds=hidden)

    async def _send(self, message: BaseModel, hidden: int) -> None:
        await self._client.send_message(encode(message), visibility_timeout=hidden, time_to_live=_NEVER_EXPIRES)


def _hidden_seconds(delay: timedelta) -> int:
    return ceil(min(max(delay, timedelta(0)), _LONGEST_DELAY).total_seconds())

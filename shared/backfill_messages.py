"""What lies on the backfill queue besides documents to report: the next steps of jobs, and documents to try out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from shared.documents import DocumentKey
from shared.queues import KEYS_PER_MESSAGE, DocumentsMessage, MessageKey, decode

DAYS_OF_A_STEP = 7


class JobMessage(BaseModel):
    """A message about one job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str = Field(min_length=1)
    attempts: int = Field(default=0, ge=0)
    """How often it was put back because a remote side was in trouble."""
    trying_since: AwareDatetime | None = None

    @property
    def name(self) -> str:
        """Which job it is about, for logs."""
        raise NotImplementedError


class _BackfillMessage(JobMessage):
    backfill: str = Field(min_length=1)
    """The job."""

    @property
    def name(self) -> str:
        """Which backfill it is about, for logs."""
        return f"backfill {self.backfill}"


class ReconciliationStep(JobMessage):
    """Compare the days from ``day`` on, as far as one step goes; past the last day, put right what is to be."""

    reconciliation: str = Field(min_length=1)
    """The job."""
    day: date

    @property
    def name(self) -> str:
        """Which reconciliation it is about, for logs."""
        return f"reconciliation {self.reconciliation}"


class NightEnd(BaseModel):
    """Tell people how everything stands once the reconciliations of the night are done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    night: AwareDatetime
    """When it began."""


class BackfillStep(_BackfillMessage):
    """List ``days`` days from ``day`` on, and then go on; past the last day, wait until all has settled."""

    day: date
    days: int = Field(default=DAYS_OF_A_STEP, ge=1)


class DryRunMessage(_BackfillMessage):
    """Up to 20 documents of one company to map, of which nothing is sent."""

    company: str = Field(min_length=1)
    keys: tuple[MessageKey, ...] = Field(min_length=1, max_length=KEYS_PER_MESSAGE)

    def document_keys(self) -> list[DocumentKey]:
        """The full keys."""
        return [DocumentKey(self.company, key.date, key.number, key.voucher) for key in self.keys]


BackfillMessage = DocumentsMessage | BackfillStep | DryRunMessage | ReconciliationStep | NightEnd
_ANY: TypeAdapter[BackfillMessage] = TypeAdapter(BackfillMessage)


def parse_backfill_message(body: bytes) -> BackfillMessage:
    """A message of the backfill queue. Raises :class:`~shared.queues.MalformedMessage`."""
    return decode(body, _ANY, what="is none of the connector's")


def dry_run_messages(
    connection: str, backfill: str, company: str, documents: Sequence[DocumentKey]
) -> Iterator[DryRunMessage]:
    """``documents`` of ``company`` in messages of at most 20."""
    rest = iter(documents)
    while batch := tuple(islice(rest, KEYS_PER_MESSAGE)):
        keys = tuple(MessageKey(number=key.number, date=key.date, voucher=key.voucher) for key in batch)
        yield DryRunMessage(connection=connection, backfill=backfill, company=company, keys=keys)

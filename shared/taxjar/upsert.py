"""A transaction reaches TaxJar: POST or PUT, with one switch between them at most.

TaxJar has no idempotency key. Its guards are the unique id (a second POST is refused with 422, never merged) and the
404 of a PUT to an unknown id. Switching more than once would chase a record that lies under another kind or provider
for ever, so the second contradiction is a :class:`Rejected` for a person. All other errors pass through unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.taxjar.answers import Answer, Json
from shared.taxjar.client import TaxJarClient
from shared.taxjar.compare import Differences, differences
from shared.taxjar.errors import AlreadyExists, NotFound, Rejected
from shared.taxjar.wire import to_wire
from shared.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Created:
    """TaxJar did not know the transaction and now does."""

    answer: Answer
    calls: int


@dataclass(frozen=True, slots=True)
class Updated:
    """TaxJar's record was replaced by ours."""

    answer: Answer
    calls: int


@dataclass(frozen=True, slots=True)
class Found:
    """TaxJar already holds a transaction of this kind and id, left as it is. The caller decides what follows."""

    answer: Answer
    stored: Json
    differences: Differences
    calls: int

    @property
    def same(self) -> bool:
        """Nothing to send: the stored transaction can be adopted as reported."""
        return not self.differences


async def create(client: TaxJarClient, transaction: Transaction) -> Created | Found | Updated:
    """POST what TaxJar should not know yet; if it does, tell what it holds and change nothing.

    ``Updated`` is the rare case of an id that is taken and yet cannot be read: one PUT, then :class:`Rejected`.
    """
    try:
        return Created(await client.create(transaction), calls=1)
    except AlreadyExists as refusal:
        taken = refusal
    if found := await find(client, transaction):
        return Found(found.answer, found.stored, found.differences, calls=2)
    try:
        return Updated(await client.update(transaction), calls=3)
    except NotFound as missing:
        raise _contradiction(transaction, taken, missing) from None


async def update(client: TaxJarClient, transaction: Transaction) -> Updated | Created:
    """PUT what TaxJar is known to hold; if it is gone, POST it once."""
    try:
        return Updated(await client.update(transaction), calls=1)
    except NotFound as gone:
        missing = gone
    try:
        return Created(await client.create(transaction), calls=2)
    except AlreadyExists as taken:
        raise _contradiction(transaction, taken, missing) from None


async def find(client: TaxJarClient, transaction: Transaction) -> Found | None:
    """What TaxJar holds under the transaction's kind and id: the first question after an unknown outcome."""
    try:
        answer = await client.get(transaction.kind, transaction.transaction_id)
    except NotFound:
        return None
    stored: Json = answer.body[transaction.kind.value]
    return Found(answer, stored, differences(to_wire(transaction), stored), calls=1)


def _contradiction(transaction: Transaction, taken: AlreadyExists, missing: NotFound) -> Rejected:
    return Rejected(
        taken.status,
        f"{taken.detail} (yet there is no {transaction.kind.value} {transaction.transaction_id}: {missing.detail})",
    )

"""A transaction reaches TaxJar: POST or PUT, with one switch between them at most.

TaxJar has no idempotency key. Its guards are the unique id (a second POST is refused with 422, never merged) and the
404 of a PUT to an unknown id. Switching more than once would chase a record that lies under another kind or provider
for ever, so the second contradiction is a :class:`Rejected` for a person. All other errors pass through unchanged.

A 2xx alone proves nothing: what TaxJar says it stored is compared with what was sent (design 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.taxjar.answers import Answer, Json, account_of
from shared.taxjar.client import TaxJarClient
from shared.taxjar.compare import Differences, differences
from shared.taxjar.errors import AlreadyExists, NotFound, Rejected
from shared.taxjar.wire import to_wire
from shared.transactions import Transaction


@dataclass(frozen=True, slots=True)
class _Result:
    """What TaxJar holds now under the transaction's kind and id."""

    answer: Answer
    stored: Json
    """The order or refund as TaxJar returned it."""
    differences: Differences
    """Between what was sent, or would be, and ``stored``."""

    @property
    def same(self) -> bool:
        """Whether TaxJar holds what was sent, or would be."""
        return not self.differences

    @property
    def account(self) -> str:
        """The account that holds it, see :func:`~shared.taxjar.answers.account_of`."""
        return account_of(self.answer)


@dataclass(frozen=True, slots=True)
class Created(_Result):
    """TaxJar did not know the transaction and now does. Not ``same``: it did not store what was sent."""


@dataclass(frozen=True, slots=True)
class Updated(_Result):
    """TaxJar's record was replaced by ours. Not ``same``: something of what was sent did not stick."""


@dataclass(frozen=True, slots=True)
class Found(_Result):
    """TaxJar already holds a transaction of this kind and id, left as it is. The caller decides what follows."""


async def create(client: TaxJarClient, transaction: Transaction) -> Created | Found | Updated:
    """POST what TaxJar should not know yet; if it does, tell what it holds and change nothing.

    ``Updated`` is the rare case of an id that is taken and yet cannot be read: one PUT, then :class:`Rejected`.
    """
    try:
        return await _post(client, transaction)
    except AlreadyExists as refusal:
        taken = refusal
    if found := await find(client, transaction):
        return found
    try:
        return await _put(client, transaction)
    except NotFound as missing:
        raise _contradiction(transaction, taken, missing) from None


async def update(client: TaxJarClient, transaction: Transaction) -> Updated | Created:
    """PUT what TaxJar is known to hold; if it is gone, POST it once."""
    try:
        return await _put(client, transaction)
    except NotFound as gone:
        missing = gone
    try:
        return await _post(client, transaction)
    except AlreadyExists as taken:
        raise _contradiction(transaction, taken, missing) from None


async def find(client: TaxJarClient, transaction: Transaction) -> Found | None:
    """What TaxJar holds under the transaction's kind and id: the first question after an unknown outcome."""
    try:
        answer = await client.get(transaction.kind, transaction.transaction_id)
    except NotFound:
        return None
    stored: Json = answer.body[transaction.kind.value]
    return Found(answer, stored, differences(to_wire(transaction), stored))


async def _post(client: TaxJarClient, transaction: Transaction) -> Created:
    answer = await client.create(transaction)
    stored: Json = answer.body[transaction.kind.value]
    return Created(answer, stored, differences(answer.sent, stored))


async def _put(client: TaxJarClient, transaction: Transaction) -> Updated:
    answer = await client.update(transaction)
    stored: Json = answer.body[transaction.kind.value]
    return Updated(answer, stored, differences(answer.sent, stored))


def _contradiction(transaction: Transaction, taken: AlreadyExists, missing: NotFound) -> Rejected:
    return Rejected(
        taken.status,
        f"{taken.detail} (yet there is no {transaction.kind.value} {transaction.transaction_id}: {missing.detail})",
    )

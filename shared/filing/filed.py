"""What the ledger knows to be filed: each transaction of a document as it was sent to TaxJar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.documents import ZERO
from shared.taxjar.wire import from_wire, payload_hash
from shared.transactions import Kind, Transaction

Json = dict[str, Any]


class Role(StrEnum):
    """What a filed transaction is to its document."""

    CURRENT = "current"
    """It says what the document, or a part of it, is."""
    REVERSED = "reversed"
    """A reversal has taken it back; TaxJar holds both."""
    REVERSAL = "reversal"
    DELETED = "deleted"
    """Somebody deleted it in TaxJar, and a person accepted that: TaxJar does not hold it."""


class FiledTransaction(BaseModel):
    """A transaction that was sent to TaxJar."""

    model_config = ConfigDict(frozen=True)

    transaction_id: str
    kind: Kind
    payload: Json
    """As sent; where TaxJar stored something else, as TaxJar stored it."""
    role: Role = Role.CURRENT
    part: str = ""
    """The id under which this part of the document was filed first: it stays through corrections."""
    number: int = 0
    """The correction that it belongs to; 0 for what was filed first."""
    line_keys: tuple[str, ...] = ()
    """The lines and charges of the document that are in it."""
    lots: tuple[str, ...] = ()
    """Their lots: a later return finds its part by them."""
    tax_from_exempt_customer: Decimal = ZERO
    approved: bool = False
    """A person approved it: it keeps its id and the day of approval."""
    late: bool = False
    """Its filing period had closed before it was sent."""

    @property
    def transaction(self) -> Transaction:
        """The payload as a transaction."""
        return from_wire(self.kind, self.payload)

    @property
    def hash(self) -> str:
        """Of what the payload says."""
        return payload_hash(self.payload)

    @property
    def to_state(self) -> str:
        """The state in which it is filed."""
        return str(self.payload.get("to_state") or "")

    @property
    def date(self) -> date:
        """The day that decides its filing period."""
        return date.fromisoformat(str(self.payload["transaction_date"])[:10].replace("/", "-"))

    @property
    def sums(self) -> Sums:
        """Its money, negative on refunds."""
        sign = -1 if self.kind is Kind.REFUND else 1
        return Sums(*(sign * abs(Decimal(str(self.payload.get(name) or 0))) for name in Sums._fields))


class Sums(NamedTuple):
    """Money of transactions in US dollars."""

    amount: Decimal = ZERO
    """Without sales tax, with shipping."""
    sales_tax: Decimal = ZERO
    shipping: Decimal = ZERO


def sums_of(filed: Iterable[FiledTransaction]) -> Sums:
    """The money of ``filed``, added up."""
    parts = [each.sums for each in filed]
    return Sums(*(sum(column, ZERO) for column in zip(*parts, strict=True))) if parts else Sums()


def current_of(filed: Iterable[FiledTransaction]) -> tuple[FiledTransaction, ...]:
    """Those that say what the document is."""
    return tuple(each for each in filed if each.role is Role.CURRENT)


def held_in_taxjar(filed: Iterable[FiledTransaction]) -> tuple[FiledTransaction, ...]:
    """Those that TaxJar is to hold, reversed ones and their reversals among them."""
    return tuple(each for each in filed if each.role is not Role.DELETED)


def replaced(filed: Iterable[FiledTransaction], changed: FiledTransaction) -> tuple[FiledTransaction, ...]:
    """``filed`` with ``changed`` in the place of the one with its id, else behind the others."""
    known = list(filed)
    for position, each in enumerate(known):
        if each.transaction_id == changed.transaction_id and each.kind is changed.kind:
            known[position] = changed
            return tuple(known)
    return (*known, changed)


def as_payload(stored: Mapping[str, Any]) -> Json:
    """What TaxJar returned of a transaction, without what is not part of a payload."""
    return {name: value for name, value in stored.items() if name != "user_id" and value is not None}

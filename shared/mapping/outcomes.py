"""What mapping a document comes to: mapped, skipped or held, always with what the audit should know."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from shared.documents import ZERO
from shared.mapping.reasons import HoldReason, SkipReason
from shared.transactions import ExemptionType, Kind, Place, Transaction


class Hold(NamedTuple):
    """One thing that keeps a document from being sent."""

    reason: HoldReason
    sentence: str
    """What is wrong with which values and what to do, for a clerk."""
    states: tuple[str, ...] = ()
    """The US states that an address in question names."""


class LeftOutReason(StrEnum):
    """Why a part of a document is in no transaction (design 4.3, 4.4)."""

    NOT_US = "not_us"
    """It went abroad, with its share of document charges and reductions."""
    PAYMENT = "payment"
    """A charge of ``PAYMENT_CHARGE_CODES``."""
    FEE = "fee"
    """A charge of ``FEE_CHARGE_CODES``."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the document that is in no transaction, in dollars."""

    reason: LeftOutReason
    amount: Decimal
    """Net of tax, with F&O's sign; two decimals."""
    sales_tax: Decimal
    sentence: str
    """For a clerk."""


@dataclass(frozen=True, slots=True)
class MappedTransaction:
    """One of a document's transactions, and which parts of the document are in it."""

    transaction: Transaction
    """As it is sent; ``exemption_type`` is always set."""
    line_keys: tuple[str, ...]
    """Keys of the lines and charges that are in it alone: the line's sequence number, ``charge-0``, ``end-discount``.

    The same for good, so that a part keeps its id when the document is mapped again.
    """
    lots: tuple[str, ...] = ()
    """The lots (``InventTransId``) of its lines: a later return finds its original by them."""
    tax_from_exempt_customer: Decimal = ZERO
    """Tax of the transaction that was collected although the customer is exempt there, signed like it."""


@dataclass(frozen=True, slots=True)
class OriginalTransaction:
    """One order of a sale: what a refund of its lines needs to know."""

    transaction_id: str
    ship_to: Place
    ship_from: Place | None
    exemption_type: ExemptionType | None
    lots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeptTransaction:
    """A transaction of the document that the ledger knows: its part keeps the id."""

    transaction_id: str
    kind: Kind
    line_keys: frozenset[str]
    """Empty where the ledger does not tell; the transaction is then the first part of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of a document whatever becomes of it. Amounts are US dollars as TaxJar signs them."""

    transaction_id: str
    """The id of the first transaction, orders first; for skipped and held documents the one it would have."""
    kind: Kind
    """That transaction's kind."""
    amount: Decimal
    """Net of tax, with shipping, over all transactions; two decimals.

    Of skipped and held documents: their net, less what is left out as far as that is known.
    """
    sales_tax: Decimal
    to_states: tuple[str, ...]
    """The US states of the destinations that are known, in the order of the lines, each once.

    Of held documents also those that an address in question names.
    """
    notes: tuple[str, ...]
    """The choices that were made for the document, in sentences for the audit."""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped(Outcome):
    """The document can be reported as ``transactions``: at least one, orders first."""

    transactions: tuple[MappedTransaction, ...]
    tax_codes: dict[str, str]
    """Line key → product tax code as sent, ``""`` where none was; give it back as ``kept_tax_codes`` next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Outcome):
    """The document is out of scope."""

    reason: SkipReason
    message: str
    """One sentence for a clerk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Outcome):
    """The document waits for a person."""

    reasons: tuple[HoldReason, ...]
    """Every hold that was found, in the order of the rules; never empty."""
    message: str
    """The sentences of all holds."""
    went: tuple[OriginalTransaction, ...] = ()
    """Where its orders would go, for its refunds, where no address is among the holds; the exemption is not given."""

    @property
    def reason(self) -> HoldReason:
        """The first hold in the order of the rules."""
        return self.reasons[0]

"""What mapping a document comes to: mapped, skipped or held, always with what the audit should know."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from shared.mapping.reasons import HoldReason, SkipReason
from shared.transactions import Kind, Place, Transaction


class NoteCode(StrEnum):
    """What a note is about."""

    SHIP_TO_SOURCE = "ship_to_source"
    SHIP_FROM_SOURCE = "ship_from_source"
    ADDRESSES_DISAGREE = "addresses_disagree"
    STATE_DERIVED = "state_derived"
    CHARGES_UNCLASSIFIED = "charges_unclassified"
    RESIDUAL_SPREAD = "residual_spread"
    NEGATIVES_SPREAD = "negatives_spread"
    TAX_EXCESS = "tax_excess"
    TAX_FROM_EXEMPT_CUSTOMER = "tax_from_exempt_customer"
    ORIGINAL_INVOICE = "original_invoice"
    SEVERAL_ORIGINALS = "several_originals"
    SENT_UNLINKED = "sent_unlinked"
    READ_FROM_DYNAMICS = "read_from_dynamics"


@dataclass(frozen=True, slots=True)
class Note:
    """A choice that was made for the document, in a sentence for the audit."""

    code: NoteCode
    sentence: str


class Hold(NamedTuple):
    """One thing that keeps a document from being sent."""

    reason: HoldReason
    sentence: str
    """What is wrong with which values and what to do, for a clerk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of a document whatever becomes of it. Amounts are US dollars as TaxJar signs them."""

    transaction_id: str
    """The id in TaxJar, for skipped and held documents too."""
    kind: Kind
    amount: Decimal
    """Net of tax, with shipping; two decimals, negative on refunds."""
    sales_tax: Decimal
    ship_to: Place | None
    """``None`` when no complete address is known."""
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped(Outcome):
    """The document can be reported as ``transaction``."""

    transaction: Transaction
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

    @property
    def reason(self) -> HoldReason:
        """The first hold in the order of the rules."""
        return self.reasons[0]

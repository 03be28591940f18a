"""The steps of a plan and its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.filing.filed import FiledTransaction, Json
from shared.filing.proposals import Proposal


@dataclass(frozen=True, slots=True)
class Ask:
    """Read what TaxJar holds under these ids, then plan again with the answers."""

    transactions: tuple[FiledTransaction, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Create:
    """POST what TaxJar does not hold."""

    transaction: FiledTransaction
    reason: str
    reverses: FiledTransaction | None = None
    """What the transaction takes back, as it is filed."""


@dataclass(frozen=True, slots=True)
class Update:
    """PUT what TaxJar holds and may be changed."""

    transaction: FiledTransaction
    before: Json
    """What TaxJar holds now, as far as is known."""
    reason: str


Step = Ask | Create | Update


class Ending(StrEnum):
    """What the document is when the steps are done."""

    REPORT = "report"
    SKIP = "skip"
    HOLD = "hold"
    KEEP = "keep"
    """It stays reported, and what was filed stays as it is."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a plan."""

    ending: Ending
    reason: str = ""
    """The code of a skip or hold."""
    message: str = ""
    """A sentence for a clerk."""
    proposal: Proposal | None = None
    """What a person is asked to approve or dismiss."""

"""A filed transaction would now be different: nothing is sent, a person gets a complete proposal (design 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from itertools import count
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.flows.reporting.dismissals import content_of
from shared.flows.work.run import Run
from shared.ledger.documents import DocumentLedger
from shared.ledger.records import DocumentRecord, State
from shared.mapping import HoldReason, Mapped, Skipped, correction_ids, reversal_of
from shared.money import plain
from shared.taxjar.compare import differences
from shared.taxjar.wire import to_wire
from shared.transactions import Kind, Transaction

Json = dict[str, Any]

_MONEY = ("amount", "shipping", "sales_tax")
_SHOWN_CHANGES = 12
"""How many changed fields the message names; the proposal has them all."""


class Step(StrEnum):
    """How far a correction has come."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REVERSED = "reversed"
    """The reversal is in TaxJar, the replacement is not known to be."""


class Part(StrEnum):
    """The two transactions of a correction, in the order in which they are sent."""

    REVERSAL = "reversal"
    REPLACEMENT = "replacement"


class Proposal(BaseModel):
    """A correction, complete: what it would change and exactly what would be sent."""

    model_config = ConfigDict(frozen=True)

    number: int
    """From 1, for each document."""
    step: Step = Step.PROPOSED
    difference: dict[str, dict[str, str | None]]
    """Field → ``filed`` and ``new``, in TaxJar's field names."""
    filed: Json
    """What TaxJar holds."""
    kinds: dict[Part, Kind]
    ids: dict[Part, str]
    payloads: dict[Part, Json]
    """Without a replacement where the document is no longer to be reported at all."""
    content: str
    """Names what would be filed instead; a dismissal is remembered by it."""
    fingerprint: str
    tax_codes: dict[str, str] | None = None
    skip: tuple[str, str] | None = None
    """Reason and message of a document that ends as skipped once it is reversed."""

    def numbered(self, base_id: str, number: int, on: date) -> Proposal:
        """The same correction with the ids of ``number``, both transactions dated ``on``."""
        ids = correction_ids(base_id, number)
        names = {part: getattr(ids, part.value) for part in self.payloads}
        dated = {
            part: {**payload, "transaction_id": names[part], "transaction_date": on.isoformat()}
            for part, payload in self.payloads.items()
        }
        return self.model_copy(update={"number": number, "ids": names, "payloads": dated})

    def stored(self) -> Json:
        """As the ledger keeps it."""
        return self.model_dump(mode="json", exclude_none=True)

    def shown(self) -> Json:
        """As answers show it."""
        return self.model_dump(
            mode="json", include={"number", "step", "kinds", "ids", "difference", "filed", "payloads"}
        )


def proposal_of(record: DocumentRecord) -> Proposal | None:
    """The correction that waits for a decision on the document, or is under way."""
    return Proposal.model_validate(record.proposal) if record.proposal else None


def correction_under_way(record: DocumentRecord) -> Proposal | None:
    """The approved correction of the document that has not come to its end."""
    proposal = proposal_of(record)
    return proposal if proposal and proposal.step is not Step.PROPOSED else None


async def free_number(ledger: DocumentLedger, record: DocumentRecord) -> tuple[int, list[str]]:
    """The next correction whose ids no other document owns, and which of them this one does not own yet."""
    for number in count(record.corrections + 1):
        ids = correction_ids(record.transaction_id, number)
        names = [ids.reversal, ids.replacement]
        owners = [await ledger.owner_of(record.connection, record.key.company, name) for name in names]
        if all(owner is None or owner.key == record.key for owner in owners):
            return number, [name for name, owner in zip(names, owners, strict=True) if owner is None]
    raise AssertionError("unreachable")


async def propose(
    run: Run,
    claim: DocumentRecord,
    outcome: Mapped | Skipped,
    *,
    filed: Transaction,
    new: Transaction | None,
    because: str,
    fingerprint: str,
) -> DocumentRecord:
    """Hold the document with a proposal. ``new`` is what would be filed in place of ``filed``; ``None`` for nothing."""
    number, _ = await free_number(run.connector.ledger, claim)
    today = run.connector.clock().date()
    reversal = reversal_of(filed, filed.transaction_id, today)
    parts = {Part.REVERSAL: reversal} | ({Part.REPLACEMENT: new} if new else {})
    difference = _difference(filed, new)
    proposal = Proposal(
        number=number,
        difference=difference,
        filed=to_wire(filed),
        kinds={part: transaction.kind for part, transaction in parts.items()},
        ids={},
        payloads={part: to_wire(transaction) for part, transaction in parts.items()},
        content=content_of(to_wire(new) if new else None, outcome if isinstance(outcome, Skipped) else None),
        fingerprint=fingerprint,
        tax_codes=outcome.tax_codes if isinstance(outcome, Mapped) else None,
        skip=(outcome.reason, outcome.message) if isinstance(outcome, Skipped) else None,
    ).numbered(claim.transaction_id, number, today)
    changes = {} if claim.payload else {"kind": filed.kind, "amount": filed.amount, "sales_tax": filed.sales_tax}
    return await run.settle(
        claim,
        State.HELD,
        {
            "request": {"proposal": proposal.shown()},
            "before": to_wire(filed),
            "notes": [note.sentence for note in outcome.notes],
        },
        reason=HoldReason.FILED_TRANSACTION_CHANGED,
        message=f"{because} {_words(difference, filed, new)} {_choice(proposal)}",
        proposal=proposal.stored(),
        outcome_unknown=False,
        **changes,
    )


async def keep_as_filed(run: Run, claim: DocumentRecord, fingerprint: str) -> DocumentRecord:
    """Settle a document whose change a person has dismissed before."""
    message = "What was filed is kept: this change was dismissed before."
    return await run.settle(
        claim, State.REPORTED, message=message, fingerprint=fingerprint, proposal=None, outcome_unknown=False
    )


def _difference(filed: Transaction, new: Transaction | None) -> dict[str, dict[str, str | None]]:
    if new is None:
        return {name: {"filed": plain(getattr(filed, name)), "new": None} for name in _MONEY}
    found: dict[str, dict[str, str | None]] = {}
    if new.kind is not filed.kind:
        # Compared by magnitude, an order and the refund of the same value would be equal.
        found["kind"] = {"filed": filed.kind.value, "new": new.kind.value}
        found |= {
            name: {"filed": plain(getattr(filed, name)), "new": plain(getattr(new, name))}
            for name in _MONEY
            if getattr(filed, name) != getattr(new, name)
        }
    for field, (ours, theirs) in differences(to_wire(new), to_wire(filed)).items():
        if field != "transaction_id":  # what is sent has an id of its own
            found.setdefault(field, {"filed": theirs, "new": ours})
    return found


def _words(difference: Mapping[str, Mapping[str, str | None]], filed: Transaction, new: Transaction | None) -> str:
    if new is None:
        return (
            f"TaxJar holds {filed.kind} {filed.transaction_id} over {plain(filed.amount)}, and the connector deletes"
            " nothing there."
        )
    named = [
        f"{field} {change['filed'] or 'none'} → {change['new'] or 'none'}"
        for field, change in list(difference.items())[:_SHOWN_CHANGES]
    ]
    more = len(difference) - len(named)
    changes = "; ".join(named) + (f"; and {more} more" if more else "")
    net, tax = plain(new.amount - filed.amount), plain(new.sales_tax - filed.sales_tax)
    return f"It would now be sent differently: {changes}. In all amount {net}, sales tax {tax}."


def _choice(proposal: Proposal) -> str:
    pair = " and ".join(f"{proposal.kinds[part]} {proposal.ids[part]}" for part in proposal.ids)
    return f"Approve to send {pair}, or dismiss to keep what was filed."

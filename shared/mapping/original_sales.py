"""The sales that refunds take back: where each went and from where, as reported or as F&O shows it (design 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.documents import OriginalInvoice, PostedDocument
from shared.mapping.outcomes import Held, Hold, LeftOutReason, Mapped, OriginalTransaction, Skipped
from shared.mapping.reasons import HoldReason, SkipReason
from shared.transactions import Kind

__all__ = ["OriginalKey", "OriginalSale", "OriginalTransaction", "original_sale_of", "originals_of"]

OriginalKey = tuple[str, date | None]
"""Number and date of an original invoice; the date is ``None`` where only the number was given."""

_ADDRESS = {HoldReason.ADDRESS_INCOMPLETE, HoldReason.ZIP_STATE_MISMATCH}


@dataclass(frozen=True, slots=True)
class OriginalSale:
    """The original of a refund: as reported, from the ledger, else as F&O shows it, by the same rules."""

    transactions: tuple[OriginalTransaction, ...] = ()
    abroad: bool = False
    """All of it went abroad."""
    partly_abroad: bool = False
    """Some of it went abroad; its lots, where lines have any, are ``abroad_lots``."""
    abroad_lots: frozenset[str] = frozenset()
    hold: Hold | None = None
    """The sale is held for its address: its refund is held for the same reason."""


def originals_of(document: PostedDocument) -> tuple[OriginalInvoice, ...]:
    """Every distinct original (by number and date) that the document or one of its lines names."""
    found: dict[OriginalKey, OriginalInvoice] = {}
    for original in (*document.originals, *(original for line in document.lines for original in line.originals)):
        found.setdefault((original.number, original.date), original)
    return tuple(found.values())


def original_sale_of(outcome: Mapped | Skipped | Held, document: PostedDocument) -> OriginalSale:
    """The sale that ``document``, an invoice mapped to ``outcome``, is for its refunds.

    An invoice before ``REPORT_FROM`` is ``Skipped`` by :func:`map_document`; :func:`sale_as_shown` looks behind that.
    """
    if isinstance(outcome, Skipped):
        return OriginalSale(abroad=outcome.reason is SkipReason.NOT_US)
    if isinstance(outcome, Held):
        hold = Hold(outcome.reason, outcome.message) if outcome.reason in _ADDRESS else None
        return OriginalSale(outcome.went, hold=hold)
    orders = [mapped for mapped in outcome.transactions if mapped.transaction.kind is Kind.ORDER]
    sent = {lot for mapped in outcome.transactions for lot in mapped.lots}
    abroad = any(left.reason is LeftOutReason.NOT_US for left in outcome.left_out)
    return OriginalSale(
        tuple(
            OriginalTransaction(
                mapped.transaction.transaction_id,
                mapped.transaction.ship_to,
                mapped.transaction.ship_from,
                mapped.transaction.exemption_type,
                frozenset(mapped.lots),
            )
            for mapped in orders
        ),
        partly_abroad=abroad,
        abroad_lots=frozenset(
            line.lot for line in document.lines if abroad and line.lot and line.amount > 0 and line.lot not in sent
        ),
    )

"""The document's taxes in whole cents: those of lines and charges as posted, or it is held (design 4.4, 4.11)."""

from __future__ import annotations

from shared.documents import ZERO, PostedDocument
from shared.mapping.cents import from_cents, round_to_total, to_cents
from shared.mapping.items import Items
from shared.mapping.outcomes import Hold
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import Totals
from shared.transactions import Kind

_SAID_ALREADY = {HoldReason.MIXED_SIGNS, HoldReason.TAXES_DO_NOT_ADD_UP}


class TaxesDoNotAddUp(ValueError):
    """Lines and charges do not carry the document's tax. The message gives the figures."""


def settle_taxes(items: Items, document: PostedDocument) -> tuple[str, ...] | Hold:
    """Give each item its ``tax_cents``, so that all of them make the document's tax; the notes on what was adjusted."""
    if any(hold.reason in _SAID_ALREADY for hold in items.holds):
        # A line's tax of the wrong sign makes the sum wrong as well.
        return ()
    try:
        return _settle(items, Totals.of(document.total_amount, document.total_tax).tax)
    except TaxesDoNotAddUp as error:
        return Hold(
            HoldReason.TAXES_DO_NOT_ADD_UP,
            f"The taxes do not add up: {error}. Check the posted sales tax of {document.key.number} in F&O, then retry"
            " the document.",
        )


def _settle(items: Items, tax: int) -> tuple[str, ...]:
    for item in items.unsent:
        item.tax_cents = to_cents(item.tax)
    for kind in Kind:
        group = [item for item in items.sent if item.kind is kind]
        taxes = [max(item.tax, ZERO) for item in group]
        for item, cents in zip(group, round_to_total(taxes, to_cents(sum(taxes, ZERO))), strict=True):
            item.tax_cents = cents
    off = tax - sum(item.sign * item.tax_cents for item in (*items.sent, *items.unsent))
    if not off:
        return ()
    if abs(off) > max(len(items.sent), 1):
        carried = {
            name: from_cents(sum(item.sign * item.tax_cents for item in group))
            for name, group in (("lines", items.lines), ("charges", [*items.charges, *items.unsent]))
        }
        raise TaxesDoNotAddUp(
            f"the lines carry {carried['lines']} and charges and reductions {carried['charges']}, but the document has"
            f" {from_cents(tax)} of tax, {from_cents(off)} off"
        )
    _adjust(items, off)
    return (f"The document's tax differs from that of its lines and charges by {from_cents(off)}, which was adjusted.",)


def _adjust(items: Items, off: int) -> None:
    """Put a difference of some cents on what carries tax already: shipping first, then the largest line taxes."""
    taxed = [item for item in items.shipping if item.tax_cents > 0]
    taxed += sorted((item for item in items.sent if item.tax_cents > 0), key=lambda item: -item.tax_cents)
    # Posted taxes below half a cent were rounded to nothing.
    taxed = taxed or sorted((item for item in items.sent if item.tax > 0), key=lambda item: -item.tax)
    for item in taxed:
        change = max(item.sign * off, -item.tax_cents)
        item.tax_cents += change
        off -= item.sign * change
        if not off:
            return
    raise TaxesDoNotAddUp(f"{from_cents(off)} of tax is on no line and no charge")

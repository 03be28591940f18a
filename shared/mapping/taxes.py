"""Line taxes in whole cents, never more in sum than the document's tax (design 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.documents import ZERO
from shared.mapping.cents import apportion, from_cents, round_to_total, to_cents
from shared.mapping.lines import OrderParts
from shared.mapping.outcomes import Note, NoteCode


@dataclass(frozen=True, slots=True)
class LineTaxes:
    """The taxes of the lines that are sent, in their order, in cents; none is negative."""

    cents: tuple[int, ...]
    notes: tuple[Note, ...]


class TaxesDoNotAddUp(ValueError):
    """The lines carry more tax than the document. The message gives the figures."""


def settle_taxes(tax: int, parts: OrderParts) -> LineTaxes:
    """Tax each line of an order whose tax is ``tax`` cents (≥ 0); what the lines leave of it is tax on shipping.

    Negative lines, and negative shipping, take their tax off the lines they are spread over. An excess over the
    document's tax of up to one cent per line is taken off the largest line taxes; more raises :class:`TaxesDoNotAddUp`.
    """
    sent = parts.sent
    posted = [max(line.tax, ZERO) for line in sent]
    spread = sum((line.tax for line in parts.negative), parts.shipping_tax if parts.shipping < 0 else ZERO)
    spread += sum((min(line.tax, ZERO) for line in sent), ZERO)
    total = to_cents(sum(posted, ZERO))
    taxes = round_to_total(posted, total)
    taxes = _spread(max(to_cents(sum(posted, ZERO) + spread), 0) - total, taxes, [to_cents(line.net) for line in sent])
    excess = sum(taxes) - tax
    if excess <= 0:
        return LineTaxes(tuple(taxes), ())
    if excess > len(sent):
        raise TaxesDoNotAddUp(
            f"the lines carry {from_cents(sum(taxes))} of tax, {from_cents(excess)} more than the document has"
        )
    left = excess
    for i in sorted(range(len(taxes)), key=lambda i: -taxes[i]):
        taken = min(left, taxes[i])
        taxes[i] -= taken
        left -= taken
    sentence = (
        f"The line taxes exceed the document's by {from_cents(excess)}, which was taken off the largest line tax."
    )
    return LineTaxes(tuple(taxes), (Note(NoteCode.TAX_EXCESS, sentence),))


def _spread(change: int, taxes: list[int], values: list[int]) -> list[int]:
    sign = -1 if change < 0 else 1
    caps = taxes if change < 0 else [change] * len(taxes)
    return [tax + sign * share for tax, share in zip(taxes, apportion(abs(change), values, caps), strict=True)]

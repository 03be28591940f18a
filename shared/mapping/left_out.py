"""What of a document is in no transaction, in dollars (design 4.3, 4.4, 4.11)."""

from __future__ import annotations

from collections.abc import Iterable

from shared.documents import ZERO
from shared.mapping.cents import from_cents, to_cents
from shared.mapping.items import Items
from shared.mapping.outcomes import LeftOut, LeftOutReason
from shared.mapping.parts import Part
from shared.mapping.signs import sign_of

_WHAT = {LeftOutReason.PAYMENT: "a payment, no part of the sale", LeftOutReason.FEE: "a fee, no part of the sale"}


def left_out_payments(items: Items) -> tuple[LeftOut, ...]:
    """The charges that are payments and fees, by reason."""
    found = []
    for reason, what in _WHAT.items():
        payments = [payment for payment in items.payments if payment.reason is reason]
        if payments:
            amount = from_cents(sum(to_cents(payment.net) for payment in payments))
            tax = from_cents(to_cents(sum((payment.tax for payment in payments), ZERO)))
            codes = ", ".join(dict.fromkeys(payment.code for payment in payments))
            found.append(LeftOut(reason, amount, tax, f"{codes} of {amount} is left out: it is {what}."))
    return tuple(found)


def left_out_abroad(parts: Iterable[Part]) -> tuple[LeftOut, ...]:
    """What went abroad, with its share of document charges and reductions."""
    abroad = [part for part in parts if part.placement.is_abroad and not part.is_empty]
    if not abroad:
        return ()
    amount = from_cents(sum(sign_of(part.kind) * (part.value + part.shipping) for part in abroad))
    tax = from_cents(sum(sign_of(part.kind) * part.tax for part in abroad))
    countries = sorted({part.placement.place.country for part in abroad if part.placement.place})
    shown = f" to {', '.join(countries)}" if countries else ""
    sentence = f"{amount} and tax of {tax} are left out: they went abroad{shown}."
    return (LeftOut(LeftOutReason.NOT_US, amount, tax, sentence),)

"""A posted document as a TaxJar order or refund: the rules of design 4.3 to 4.5 put together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.documents import DocumentType, PostedDocument
from shared.mapping.addresses import find_route
from shared.mapping.amounts import Amounts, AmountsDoNotAddUp, settle_amounts
from shared.mapping.cents import from_cents
from shared.mapping.exemptions import exemption_of_document
from shared.mapping.ids import customer_id, transaction_id
from shared.mapping.lines import OrderParts, split_into_parts
from shared.mapping.originals import Link, link_to_original
from shared.mapping.outcomes import Held, Hold, Mapped, Note, NoteCode, Skipped
from shared.mapping.reasons import HoldReason
from shared.mapping.scope import why_skipped
from shared.mapping.signs import Totals, as_order
from shared.mapping.tax_codes import choose_tax_codes, unknown_tax_codes
from shared.mapping.taxes import LineTaxes, TaxesDoNotAddUp, settle_taxes
from shared.mapping.text import description, plain_text
from shared.settings import CompanySettings
from shared.transactions import Kind, LineItem, Transaction

_RETRY = "then retry the document."


def map_document(
    document: PostedDocument,
    company: CompanySettings,
    *,
    tax_categories: Collection[str] | None,
    owns_id: bool = True,
    owner: str = "",
    kept_tax_codes: Mapping[str, str] | None = None,
) -> Mapped | Skipped | Held:
    """What becomes of ``document``: a transaction, or the reason why there is none.

    ``tax_categories`` are the product tax codes TaxJar knows; ``None`` only where :func:`needs_tax_categories` says no.
    ``owns_id`` is false when another document, which ``owner`` describes, has the id already. ``kept_tax_codes`` are
    the :attr:`Mapped.tax_codes` of the last time, which win over the settings.
    """
    totals = Totals.of(document.total_amount, document.total_tax)
    route = find_route(document, company)
    read = [Note(NoteCode.READ_FROM_DYNAMICS, sentence) for sentence in document.notes]
    facts: dict[str, Any] = {
        "transaction_id": transaction_id(totals.kind, document.key.company, document.key.number),
        "kind": totals.kind,
        "amount": from_cents(totals.net),
        "sales_tax": from_cents(totals.tax),
        "ship_to": route.ship_to,
    }
    skipped = why_skipped(document, totals, route.ship_to, company)
    if skipped:
        reason, message = skipped
        return Skipped(**facts, notes=(*read, *route.notes), reason=reason, message=message)

    order = as_order(document)
    parts = split_into_parts(order, company)
    settled = _settle(order, totals, parts)
    codes = choose_tax_codes(parts.sent, company, kept_tax_codes)
    unknown = unknown_tax_codes(parts.sent, codes, tax_categories, kept_tax_codes)
    exemption, exemption_notes = exemption_of_document(document, totals, route.ship_to, company)
    link = link_to_original(document, company) if totals.kind is Kind.REFUND else Link("")
    notes = (*read, *route.notes, *parts.notes, *settled.notes, *exemption_notes, *link.notes)

    holds = [*_id_holds(facts["transaction_id"], owns_id, owner), *route.holds, *settled.holds]
    if unknown:
        holds.append(Hold(HoldReason.UNKNOWN_PRODUCT_TAX_CODE, _unknown_codes(unknown)))
    if link.problem:
        holds.append(Hold(HoldReason.CREDIT_NOTE_UNLINKED, link.problem))
    if holds or not (settled.amounts and settled.taxes and route.ship_to):
        reasons = tuple(dict.fromkeys(hold.reason for hold in holds))
        return Held(**facts, notes=notes, reasons=reasons, message=" ".join(hold.sentence for hold in holds))

    sign = -1 if totals.kind is Kind.REFUND else 1
    transaction = Transaction(
        kind=totals.kind,
        transaction_id=facts["transaction_id"],
        transaction_date=document.key.date,
        amount=facts["amount"],
        shipping=from_cents(sign * settled.amounts.shipping),
        sales_tax=facts["sales_tax"],
        customer_id=customer_id(document.key.company, _customer_account(document)),
        ship_to=route.ship_to,
        ship_from=route.ship_from,
        line_items=tuple(_line_items(parts, settled.amounts, settled.taxes, codes, sign)),
        exemption_type=exemption,
        transaction_reference_id=link.reference_id,
    )
    return Mapped(**facts, notes=notes, transaction=transaction, tax_codes=codes)


def _customer_account(document: PostedDocument) -> str:
    """As the customer table spells it, since TaxJar minds the case and F&O does not."""
    account = document.order_account or document.invoice_account
    customer = document.customer
    return customer.account if customer and customer.account.casefold() == account.casefold() else account


@dataclass(frozen=True, slots=True)
class _Settled:
    """Amounts and taxes, each unless it is among the holds."""

    amounts: Amounts | None
    taxes: LineTaxes | None
    holds: tuple[Hold, ...]

    @property
    def notes(self) -> tuple[Note, ...]:
        return (*(self.amounts.notes if self.amounts else ()), *(self.taxes.notes if self.taxes else ()))


def _settle(order: PostedDocument, totals: Totals, parts: OrderParts) -> _Settled:
    amounts: Amounts | None = None
    taxes: LineTaxes | None = None
    holds: list[Hold] = []
    number = order.key.number
    if totals.is_mixed:
        sentence = f"The net amount {from_cents(totals.net)} and the tax {from_cents(totals.tax)} have opposite signs."
        holds.append(Hold(HoldReason.MIXED_SIGNS, f"{sentence} Correct the posting of {number} in F&O, {_RETRY}"))
    if not order.lines and order.type is not DocumentType.FREE_TEXT:
        sentence = f"F&O shows no lines for {number}. Check that the connector's user may read them, {_RETRY}"
        return _Settled(None, None, (*holds, Hold(HoldReason.LINES_MISSING, sentence)))
    try:
        amounts = settle_amounts(abs(totals.net), parts, order.end_discount)
    except AmountsDoNotAddUp as error:
        sentence = (
            f"The amounts do not add up: {error}. Check lines, charges and discounts of {number} in F&O, {_RETRY}"
        )
        holds.append(Hold(HoldReason.AMOUNTS_DO_NOT_ADD_UP, sentence))
    try:
        # Against a tax of the other sign every line tax would be too much: mixed signs say it already.
        taxes = None if totals.is_mixed else settle_taxes(abs(totals.tax), parts)
    except TaxesDoNotAddUp as error:
        sentence = f"The taxes do not add up: {error}. Check the posted sales tax of {number} in F&O, {_RETRY}"
        holds.append(Hold(HoldReason.TAXES_DO_NOT_ADD_UP, sentence))
    return _Settled(amounts, taxes, tuple(holds))


def _line_items(
    parts: OrderParts, amounts: Amounts, taxes: LineTaxes, codes: Mapping[str, str], sign: int
) -> Iterator[LineItem]:
    for line, price, tax in zip(parts.sent, amounts.prices, taxes.cents, strict=True):
        yield LineItem(
            quantity=price.quantity,
            unit_price=from_cents(sign * price.unit_price),
            discount=from_cents(price.discount),
            sales_tax=from_cents(sign * tax),
            product_identifier=plain_text(line.product),
            description=description(line.description),
            product_tax_code=codes[line.key],
        )


def _id_holds(id_in_taxjar: str, owns_id: bool, owner: str) -> Iterator[Hold]:
    if not owns_id:
        other = f"another document with the same number, {owner}" if owner else "another document with the same number"
        yield Hold(
            HoldReason.ID_COLLISION,
            f"Id {id_in_taxjar} belongs to {other}. Enter this document in TaxJar by hand, or cancel it and post it"
            " under a number of its own.",
        )


def _unknown_codes(unknown: Sequence[str]) -> str:
    return f"TaxJar has no product tax code {', '.join(unknown)}. Correct PRODUCT_TAX_CODES in the settings, {_RETRY}"

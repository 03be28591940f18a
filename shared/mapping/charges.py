"""Charges: shipping, lines like others, reductions, and what is not part of a sale (design 4.4, 4.11)."""

from __future__ import annotations

from decimal import Decimal

from shared.documents import ZERO, Charge, PostedDocument
from shared.mapping.directions import sign_holds
from shared.mapping.items import Item, Items, Payment, Role, group_of, net_amount
from shared.mapping.outcomes import Hold, LeftOutReason
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import sign_of
from shared.settings import CompanySettings
from shared.transactions import Kind


def add_charges(items: Items, document: PostedDocument, company: CompanySettings) -> None:
    """Sort the document's charges into ``items``, each in its direction."""
    if not document.charges and document.total_charges:
        _add_total(items, document)
        return
    by_sequence = {item.line.sequence: item for item in items.lines if item.line}
    for position, charge in enumerate(sorted(document.charges or (), key=_content)):
        shown = f"Charge {charge.code or '(blank)'} of {charge.amount}"
        if reason := _no_part_of_the_sale(charge, company):
            items.payments.append(Payment(reason, charge.code, net_amount(charge, document), charge.tax))
            if charge.tax:
                sentence = (
                    f"{shown} is a {reason} by the settings, but carries tax of {charge.tax}. Correct the charge in F&O"
                    " or the settings, then retry the document."
                )
                items.holds.append(Hold(HoldReason.TAXES_DO_NOT_ADD_UP, sentence))
            continue
        is_shipping = _is_shipping(charge, company)
        if is_shipping is None:
            items.notes.append(f"{shown} cannot be classified: it counts as shipping.")
        of_line = None if charge.line is None else by_sequence.get(charge.line)
        item = _item(position, charge, of_line, items, document, is_shipping=is_shipping is not False)
        items.holds += sign_holds(item, shown, document)
        match item.role:
            case Role.SHIPPING:
                items.shipping.append(item)
            case Role.CHARGE:
                items.charges.append(item)
            case _:
                items.reductions.append(item)


def _item(
    position: int, charge: Charge, of_line: Item | None, items: Items, document: PostedDocument, *, is_shipping: bool
) -> Item:
    net = net_amount(charge, document)
    kind = of_line.kind if of_line else _direction(net or charge.tax, items)
    sign = sign_of(kind)
    role = Role.SHIPPING if is_shipping else Role.CHARGE
    if role is Role.CHARGE and sign * net < 0:
        role, sign = Role.REDUCTION, -sign
    line = of_line.line if of_line else None
    return Item(
        key=f"charge-{position}",
        role=role,
        kind=kind,
        net=sign * net,
        tax=sign * charge.tax,
        product=charge.code,
        description=charge.text or charge.code,
        group=group_of(line, document),
        tax_item_group=charge.tax_item_group,
        line=line,
    )


def _direction(signed: Decimal, items: Items) -> Kind:
    """That of the document; of both, the one of the charge's sign."""
    if len(items.directions) == 1:
        return items.directions[0]
    return Kind.REFUND if signed < ZERO else Kind.ORDER


def _content(charge: Charge) -> tuple[object, ...]:
    """An order that does not depend on how F&O answers."""
    line = -1 if charge.line is None else charge.line
    return line, charge.code.casefold(), charge.text, charge.amount, charge.tax, charge.tax_item_group


def _no_part_of_the_sale(charge: Charge, company: CompanySettings) -> LeftOutReason | None:
    code = charge.code.strip().casefold()
    if code in company.payment_charge_codes:
        return LeftOutReason.PAYMENT
    return LeftOutReason.FEE if code in company.fee_charge_codes else None


def _is_shipping(charge: Charge, company: CompanySettings) -> bool | None:
    if company.shipping_charge_codes is not None:
        return charge.code.strip().casefold() in company.shipping_charge_codes
    return charge.is_shipping


def _add_total(items: Items, document: PostedDocument) -> None:
    """Charges of which only the total is known: shipping where F&O never shows charges, else something is missing."""
    total = document.total_charges
    if document.charges is not None:
        sentence = (
            f"F&O shows no charge rows for {document.key.number}, though its charges are {total}. Check the document's"
            " charges in F&O, then retry the document."
        )
        items.holds.append(Hold(HoldReason.SOURCE_INCOMPLETE, sentence))
        return
    rest = document.total_tax - sum((line.tax for line in document.lines), ZERO)
    tax = rest if document.lines and rest * total > 0 else ZERO
    kind = _direction(total, items)
    sign = sign_of(kind)
    items.notes.append(f"The charge rows cannot be read: all charges, {total}, are shipping.")
    items.shipping.append(
        Item(
            key="charges",
            role=Role.SHIPPING,
            kind=kind,
            net=sign * (total - tax if document.prices_include_tax else total),
            tax=sign * tax,
            product="",
            description="Charges",
            group=group_of(None, document),
        )
    )

"""Which posted lines went out, which came back, and which lower the others (design 4.3, 4.11)."""

from __future__ import annotations

from decimal import Decimal

from shared.documents import ZERO, DocumentType, Line, PostedDocument
from shared.mapping.items import ONE, Item, Items, Role, group_of, is_empty, lines_in_order, net_amount
from shared.mapping.outcomes import Hold
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import Totals, opposite, sign_of
from shared.settings import CompanySettings
from shared.transactions import Kind


def split_lines(document: PostedDocument, company: CompanySettings) -> Items:
    """The document's lines with their directions; charges are not among them yet."""
    items = Items()
    posted = [line for line in lines_in_order(document) if not is_empty(line)]
    discounts = [line for line in posted if _is_discount(line, company)]
    ordinary = [_ordinary(line, document) for line in posted if not _is_discount(line, company)]
    items.directions = _directions(ordinary, document)
    found = [*ordinary, *(_discount_item(line, document, items.directions) for line in discounts)]
    for item in sorted(found, key=lambda item: item.line.sequence if item.line else 0):
        (items.reductions if item.role is Role.REDUCTION else items.lines).append(item)
        items.holds += sign_holds(item, f"Line {item.key} ({item.product or item.description})", document)
    sequences = [line.sequence for line in posted]
    if len(set(sequences)) < len(sequences):
        sentence = f"F&O shows a line of {document.key.number} twice. Retry the document."
        items.holds.append(Hold(HoldReason.UNREADABLE_ROW, sentence))
    return items


def lines_missing(document: PostedDocument) -> Hold | None:
    """The hold of a document without lines; a free text invoice may be without, it becomes one line."""
    if document.lines or document.type is DocumentType.FREE_TEXT:
        return None
    return Hold(
        HoldReason.LINES_MISSING,
        f"F&O shows no lines for {document.key.number}. Check that the connector's user may read them, then retry the"
        " document.",
    )


def whole_document(document: PostedDocument, items: Items, totals: Totals) -> Item:
    """A free text invoice whose lines F&O does not expose: one line with all that is no charge."""
    kind = totals.kind
    sign = sign_of(kind)
    charges = [*items.charges, *items.shipping]
    signed = [(sign_of(item.kind), item) for item in charges] + [
        (-sign_of(item.kind), item) for item in items.reductions
    ]
    net = document.total_amount - document.total_tax - document.round_off
    net -= sum((s * item.net for s, item in signed), ZERO) + sum((payment.net for payment in items.payments), ZERO)
    tax = document.total_tax - sum((s * item.tax for s, item in signed), ZERO)
    return Item(
        key="document",
        role=Role.LINE,
        kind=kind,
        net=sign * net + document.end_discount,
        tax=sign * tax,
        product="",
        description=f"Free text invoice {document.key.number}",
        group=group_of(None, document),
    )


def sign_holds(item: Item, name: str, document: PostedDocument) -> list[Hold]:
    """The holds of a line or charge whose tax is against its amount, or against its direction where it has none."""
    shown = f"{name} has an amount of {abs(item.net):.2f} and a tax of {abs(item.tax):.2f}"
    put_right = f"Correct the posting of {document.key.number} in F&O, then retry the document."
    if item.net * item.tax < 0:
        return [Hold(HoldReason.MIXED_SIGNS, f"{shown} of opposite signs. {put_right}")]
    if not item.net and item.tax < 0:
        return [Hold(HoldReason.TAXES_DO_NOT_ADD_UP, f"{shown} against the direction of its quantity. {put_right}")]
    return []


def _is_discount(line: Line, company: CompanySettings) -> bool:
    return line.product.strip().casefold() in company.discount_items


def _direction(line: Line) -> Kind:
    against = line.quantity or line.amount or line.tax
    return Kind.REFUND if against < 0 else Kind.ORDER


def _directions(ordinary: list[Item], document: PostedDocument) -> tuple[Kind, ...]:
    lines = [item for item in ordinary if item.role is Role.LINE]
    kinds = {item.kind for item in lines if item.has_value}
    kinds = kinds or {Totals.of(document.total_amount, document.total_tax).kind}
    return tuple(kind for kind in Kind if kind in kinds)


def _ordinary(line: Line, document: PostedDocument) -> Item:
    kind = _direction(line)
    sign = sign_of(kind)
    value = sign * net_amount(line, document)
    if value < 0:
        return _item(line, document, Role.REDUCTION, kind, -value, -sign * line.tax)
    return _item(line, document, Role.LINE, kind, value, sign * line.tax)


def _discount_item(line: Line, document: PostedDocument, directions: tuple[Kind, ...]) -> Item:
    """A line of ``DISCOUNT_ITEMS``, by its amount: it lowers what went out or what came back, or adds to it."""
    net = net_amount(line, document)
    signed = net or line.tax
    adds = Kind.REFUND if signed < 0 else Kind.ORDER
    lowers = opposite(adds)
    if not signed:
        return _item(line, document, Role.LINE, directions[0], ZERO, ZERO)
    # Where goods went out and came back, a discount is one of the sale, unless it takes back one of an earlier sale.
    takes_back = lowers is Kind.REFUND and adds in directions and not line.originals
    if lowers in directions and not takes_back:
        sign = -sign_of(lowers)
        return _item(line, document, Role.REDUCTION, lowers, sign * net, sign * line.tax)
    sign = sign_of(adds)
    return _item(line, document, Role.LINE, adds, sign * net, sign * line.tax)


def _item(line: Line, document: PostedDocument, role: Role, kind: Kind, net: Decimal, tax: Decimal) -> Item:
    # A price with tax says nothing about the unit price without it: only the extended price is known.
    extended = document.prices_include_tax
    return Item(
        key=str(line.sequence),
        role=role,
        kind=kind,
        net=net,
        tax=tax,
        product=line.product,
        description=line.description,
        group=group_of(line, document),
        quantity=ONE if extended else sign_of(kind) * line.quantity,
        discount=ZERO if extended else line.discount,
        tax_item_group=line.tax_item_group,
        category=line.category,
        line=line,
    )

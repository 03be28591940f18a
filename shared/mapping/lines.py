"""Invoice lines and charges as lines of an order, before any rounding (design 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.documents import ZERO, Charge, DocumentType, Line, PostedDocument
from shared.mapping.outcomes import Note, NoteCode
from shared.settings import CompanySettings

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of the order: net of tax and of its own discount, exact as posted; negative when it lowers the order."""

    key: str
    """Names the line within its document for good: the line's sequence number, or ``charge-`` and its position."""
    product: str
    description: str
    quantity: Decimal
    net: Decimal
    discount: Decimal
    tax: Decimal
    tax_item_group: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class OrderParts:
    """What a document with the signs of an order consists of; ``lines`` and ``shipping`` are net of tax."""

    lines: tuple[OrderLine, ...]
    shipping: Decimal
    """Shipping charges of both signs, netted."""
    shipping_tax: Decimal
    notes: tuple[Note, ...]

    @property
    def sent(self) -> list[OrderLine]:
        """The lines that TaxJar is told of."""
        return [line for line in self.lines if line.net >= 0]

    @property
    def negative(self) -> list[OrderLine]:
        """The lines that lower the order: TaxJar would read them as positive, so they are spread over the others."""
        return [line for line in self.lines if line.net < 0]


def net_amount(posted: Line | Charge, document: PostedDocument) -> Decimal:
    """The amount without tax, also where the document's prices include it."""
    return posted.amount - posted.tax if document.prices_include_tax else posted.amount


def is_empty(line: Line) -> bool:
    """Whether the line has neither quantity nor amount: it is dropped."""
    return not (line.quantity or line.amount)


def split_into_parts(document: PostedDocument, company: CompanySettings) -> OrderParts:
    """Take ``document``, which has the signs of an order, apart into lines and shipping."""
    lines = [_order_line(line, document) for line in document.lines if not is_empty(line)]
    if not document.charges and document.total_charges:
        shipping_tax = _tax_of_unread_charges(document)
        shipping = document.total_charges - (shipping_tax if document.prices_include_tax else ZERO)
        why = "The charge rows cannot be read" if document.charges is None else "F&O shows no charge rows"
        notes = [_unclassified(f"{why}: all charges, {document.total_charges}, are shipping.")]
    else:
        notes = []
        shipping = shipping_tax = ZERO
        for position, charge in enumerate(document.charges or ()):
            is_shipping = _is_shipping(charge, company)
            if is_shipping is None:
                sentence = (
                    f"Charge {charge.code or '(blank)'} of {charge.amount} cannot be classified: it counts as shipping."
                )
                notes.append(_unclassified(sentence))
            if is_shipping is False:
                lines.append(_charge_line(position, charge, document))
            else:
                shipping += net_amount(charge, document)
                shipping_tax += charge.tax
    if not document.lines and document.type is DocumentType.FREE_TEXT:
        lines.insert(0, _whole_document(document, lines, shipping, shipping_tax))
    return OrderParts(tuple(lines), shipping, shipping_tax, tuple(notes))


def _order_line(line: Line, document: PostedDocument) -> OrderLine:
    # A price with tax says nothing about the unit price without it: only the extended price is known.
    extended = document.prices_include_tax
    return OrderLine(
        key=str(line.sequence),
        product=line.product,
        description=line.description,
        quantity=ONE if extended else line.quantity,
        net=net_amount(line, document),
        discount=ZERO if extended else line.discount,
        tax=line.tax,
        tax_item_group=line.tax_item_group,
        category=line.category,
    )


def _charge_line(position: int, charge: Charge, document: PostedDocument) -> OrderLine:
    return OrderLine(
        key=f"charge-{position}",
        product=charge.code,
        description=charge.text or charge.code,
        quantity=ONE,
        net=net_amount(charge, document),
        discount=ZERO,
        tax=charge.tax,
        tax_item_group=charge.tax_item_group,
    )


def _whole_document(
    document: PostedDocument, charges: list[OrderLine], shipping: Decimal, shipping_tax: Decimal
) -> OrderLine:
    """A free text invoice whose lines F&O does not expose: one line with all that is no charge."""
    net = document.total_amount - document.total_tax - shipping - sum((charge.net for charge in charges), ZERO)
    return OrderLine(
        key="document",
        product="",
        description=f"Free text invoice {document.key.number}",
        quantity=ONE,
        net=net + document.end_discount,
        discount=ZERO,
        tax=document.total_tax - shipping_tax - sum((charge.tax for charge in charges), ZERO),
    )


def _is_shipping(charge: Charge, company: CompanySettings) -> bool | None:
    if company.shipping_charge_codes is not None:
        return charge.code.strip().casefold() in company.shipping_charge_codes
    return charge.is_shipping


def _tax_of_unread_charges(document: PostedDocument) -> Decimal:
    """What the lines leave of the document's tax, unless there are no lines or it has the wrong sign."""
    rest = document.total_tax - sum((line.tax for line in document.lines), ZERO)
    return rest if document.lines and rest * document.total_charges > 0 else ZERO


def _unclassified(sentence: str) -> Note:
    return Note(NoteCode.CHARGES_UNCLASSIFIED, sentence)

"""Parts as TaxJar's orders and refunds: signed, priced, with codes and addresses (design 4.3, 4.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from shared.documents import ZERO, PostedDocument
from shared.mapping.cents import from_cents, is_whole_cents, to_cents
from shared.mapping.ids import customer_id
from shared.mapping.items import Role
from shared.mapping.outcomes import MappedTransaction
from shared.mapping.parts import TAXABLE, Part, Share
from shared.mapping.signs import sign_of
from shared.mapping.text import description, plain_text
from shared.mapping.treatments import customer_exemption_in
from shared.settings import CompanySettings
from shared.transactions import Kind, LineItem, Place, Transaction


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Orders first, by their first lines; parts of charges and leftovers alone come last."""
    return sorted(parts, key=lambda part: (part.kind is Kind.REFUND, not lines_of(part)))


def line_keys(parts: Sequence[Part]) -> list[tuple[str, ...]]:
    """Of each part the keys of what is in it alone; where all of it is shared with others, of that."""
    every = ([*(share.item.key for share in part.shares), *part.shipping_keys] for part in parts)
    keys = [list(dict.fromkeys(of_part)) for of_part in every]
    count = Counter(key for of_part in keys for key in of_part)
    return [tuple(key for key in of_part if count[key] == 1) or tuple(of_part) for of_part in keys]


def build(
    part: Part,
    transaction_id: str,
    reference: str,
    ship_from: Place | None,
    codes: Mapping[str, str],
    document: PostedDocument,
) -> Transaction:
    """``part`` as it is sent."""
    sign = sign_of(part.kind)
    place = part.placement.place
    if place is None:
        raise ValueError("what went abroad is not sent")
    return Transaction(
        kind=part.kind,
        transaction_id=transaction_id,
        transaction_date=document.key.date,
        amount=from_cents(sign * (part.value + part.shipping)),
        shipping=from_cents(sign * part.shipping),
        sales_tax=from_cents(sign * part.tax),
        customer_id=customer_id(document.key.company, _customer_account(document)),
        ship_to=place,
        ship_from=ship_from,
        line_items=tuple(_line_items(part, codes, sign)),
        exemption_type=part.exemption,
        transaction_reference_id=reference,
    )


def with_lines(
    transaction: Transaction,
    part: Part,
    keys: tuple[str, ...],
    document: PostedDocument,
    company: CompanySettings,
) -> MappedTransaction:
    """``transaction`` with what the ledger keeps of it."""
    lots = (share.item.line.lot for share in lines_of(part) if share.item.line and share.item.line.lot)
    exempt = part.exemption is TAXABLE and customer_exemption_in(part.placement.state, document, company)
    collected = transaction.sales_tax if exempt else ZERO
    return MappedTransaction(transaction, keys, tuple(dict.fromkeys(lots)), collected)


def lines_of(part: Part) -> list[Share]:
    """Its posted lines, without charges and leftovers."""
    return [share for share in part.shares if share.item.role is Role.LINE and not share.is_leftover]


def _line_items(part: Part, codes: Mapping[str, str], sign: int) -> Iterator[LineItem]:
    for share in part.shares:
        quantity, unit_price, discount = _price(share)
        yield LineItem(
            quantity=quantity,
            unit_price=from_cents(sign * unit_price),
            discount=from_cents(discount),
            sales_tax=from_cents(sign * share.tax),
            product_identifier=plain_text(share.item.product),
            description=description(share.item.description),
            product_tax_code=codes[share.item.key],
        )


def _price(share: Share) -> tuple[int, int, int]:
    """Quantity, unit price and discount in cents: as posted where that is exact, else one at the extended price."""
    item = share.item
    as_posted = item.role is Role.LINE and not share.is_leftover and item.net.scaleb(2) == share.net
    whole = item.quantity > 0 and item.quantity == item.quantity.to_integral_value()
    if as_posted and whole and item.discount >= 0 and is_whole_cents(item.discount):
        unit_price, fraction = divmod(to_cents(item.net + item.discount), int(item.quantity))
        if not fraction:
            return int(item.quantity), unit_price, to_cents(item.discount) + share.lowered
    return 1, share.net, share.lowered


def _customer_account(document: PostedDocument) -> str:
    """As the customer table spells it, since TaxJar distinguishes upper and lower case and F&O does not."""
    account = document.order_account or document.invoice_account
    customer = document.customer
    return customer.account if customer and customer.account.casefold() == account.casefold() else account

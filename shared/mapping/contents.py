"""A document taken apart into lines, charges, reductions and payments (design 4.3, 4.4)."""

from __future__ import annotations

from shared.documents import ZERO, PostedDocument
from shared.mapping.charges import add_charges
from shared.mapping.directions import lines_missing, split_lines, whole_document
from shared.mapping.items import ONE, Items, Role
from shared.mapping.signs import Totals, opposite
from shared.settings import CompanySettings


def split_document(document: PostedDocument, company: CompanySettings) -> Items:
    """All that ``document`` consists of, with what is wrong with it among the holds."""
    items = split_lines(document, company)
    add_charges(items, document, company)
    if hold := lines_missing(document):
        items.holds.append(hold)
    elif not document.lines:
        totals = Totals.of(document.total_amount, document.total_tax)
        items.lines.append(whole_document(document, items, totals))
    _turn_reductions_of_nothing(items)
    return items


def _turn_reductions_of_nothing(items: Items) -> None:
    """A reduction of a direction in which nothing moved is a line of the other one, such as a plain credit."""
    valued = {item.kind for item in items.sent if item.has_value}
    for item in [item for item in items.reductions if item.kind not in valued]:
        items.reductions.remove(item)
        item.kind = opposite(item.kind)
        item.quantity, item.discount = ONE, ZERO
        if item.key.startswith("charge-"):
            item.role, item.line = Role.CHARGE, None
            items.charges.append(item)
        else:
            item.role = Role.LINE
            items.lines.append(item)
    items.lines.sort(key=lambda item: item.line.sequence if item.line else 0)

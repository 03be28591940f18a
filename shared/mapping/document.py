"""A posted document as TaxJar's transactions: the rules of design 4.3 to 4.5 and 4.11 put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from shared.documents import PostedDocument
from shared.mapping.amounts import Amounts, settle_amounts
from shared.mapping.cents import from_cents
from shared.mapping.contents import split_document
from shared.mapping.items import Items
from shared.mapping.left_out import left_out_abroad, left_out_payments
from shared.mapping.original_sales import OriginalKey, OriginalSale
from shared.mapping.outcomes import Held, Hold, KeptTransaction, Mapped, Skipped
from shared.mapping.part_ids import PartIds
from shared.mapping.parts import Parts
from shared.mapping.placing import Placements, place_items
from shared.mapping.reasons import HoldReason, SkipReason
from shared.mapping.reductions import apply_reductions
from shared.mapping.scope import Skip, out_of_scope
from shared.mapping.sending import Sending
from shared.mapping.shipping import net_shipping
from shared.mapping.spreading import spread_charges, spread_rounding
from shared.mapping.tax_codes import TaxCodes
from shared.mapping.taxes import settle_taxes
from shared.mapping.unsent import Unsent
from shared.settings import CompanySettings

_INCOMPLETE = {HoldReason.LINES_MISSING, HoldReason.SOURCE_INCOMPLETE}
_NONE: Mapping[OriginalKey, OriginalSale] = MappingProxyType({})


def map_document(
    document: PostedDocument,
    company: CompanySettings,
    *,
    tax_categories: Collection[str] | None,
    originals: Mapping[OriginalKey, OriginalSale] = _NONE,
    kept_transactions: Sequence[KeptTransaction] = (),
    kept_tax_codes: Mapping[str, str] | None = None,
    number_taken: bool = False,
) -> Mapped | Skipped | Held:
    """What becomes of ``document``: its transactions, or the reason why there are none.

    ``tax_categories`` are the product tax codes TaxJar knows; ``None`` only where :func:`needs_tax_categories` says no.
    ``originals`` are the sales behind :func:`originals_of`; one that is absent is not in F&O. ``kept_transactions`` and
    ``kept_tax_codes`` are those of the last time: parts keep their ids, lines their codes. ``number_taken`` says that
    another document has one of the ids, so that new ones get a suffix.
    """
    ids = PartIds(document.key, kept_transactions, number_taken)
    codes = TaxCodes(company, tax_categories, kept_tax_codes)
    items = split_document(document, company)
    amounts, taxes = settle_amounts(items, document), settle_taxes(items, document)
    placements = place_items(items, document, company, originals)
    unsent = Unsent(document, company, items, placements, ids, (*document.notes, *items.notes, *placements.notes))

    match out_of_scope(document, items, placements, company):
        case Skip(reason, sentence):
            return unsent.skipped(reason, sentence)
        case Hold() as tax_on_skipped:
            return unsent.held([tax_on_skipped])

    holds = [*placements.holds, *items.holds, *codes.holds(placements.in_us(items.sent))]
    if isinstance(amounts, Hold) or isinstance(taxes, Hold) or holds:
        return unsent.held([*holds, *_sums_that_fail(holds, amounts, taxes)])

    parts, notes, holds = _part(items, amounts, placements, document, company)
    sending = Sending(parts.all, document, company, ids)
    sent = [share.item for part in sending.parts for share in part.shares]
    holds += [*sending.holds, *codes.holds(sent)]
    if holds:
        return unsent.held(holds)
    if not sending.parts:
        return unsent.skipped(SkipReason.ZERO_VALUE, "All that is left of the document comes to zero.")
    transactions = sending.transactions(codes.of(sent))
    first = transactions[0].transaction
    left_out = (*left_out_payments(items), *left_out_abroad(parts.all))
    return Mapped(
        transaction_id=first.transaction_id,
        kind=first.kind,
        amount=sum((mapped.transaction.amount for mapped in transactions), from_cents(0)),
        sales_tax=sum((mapped.transaction.sales_tax for mapped in transactions), from_cents(0)),
        to_states=tuple(dict.fromkeys(mapped.transaction.ship_to.state for mapped in transactions)),
        notes=tuple(
            dict.fromkeys([*unsent.notes, *taxes, *notes, *sending.notes, *(left.sentence for left in left_out)])
        ),
        left_out=left_out,
        transactions=transactions,
        tax_codes=codes.of(sent),
    )


def _sums_that_fail(holds: Sequence[Hold], *sums: object) -> list[Hold]:
    """The holds of amounts and taxes, unless something is missing from them."""
    if any(hold.reason in _INCOMPLETE for hold in holds):
        return []
    return [problem for problem in sums if isinstance(problem, Hold)]


def _part(
    items: Items, amounts: Amounts, placements: Placements, document: PostedDocument, company: CompanySettings
) -> tuple[Parts, list[str], list[Hold]]:
    """The parts with all that the document has; every cent of it is in one of them."""
    net_shipping(items)
    parts = Parts.of(items, placements, document, company)
    notes, holds = apply_reductions(parts, items, amounts.end_discount, document)
    spread_charges(parts, items)
    rounding = spread_rounding(parts, amounts.rounding)
    if isinstance(rounding, Hold):
        holds.append(rounding)
    elif rounding:
        notes.append(rounding)
    return parts, [*amounts.notes, *notes, *parts.warnings], holds

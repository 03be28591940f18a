"""Which documents are none of TaxJar's business; tax collected in the US is never swallowed (design 4.5, 4.11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.documents import DocumentType, PostedDocument
from shared.mapping.items import Items
from shared.mapping.outcomes import Hold
from shared.mapping.placing import Placements
from shared.mapping.reasons import HoldReason, SkipReason
from shared.mapping.signs import Totals
from shared.settings import CompanySettings

USD = "USD"


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that puts a document out of scope."""

    reason: SkipReason
    sentence: str


def out_of_scope(
    document: PostedDocument, items: Items, placements: Placements, company: CompanySettings
) -> Skip | Hold | None:
    """The first rule that skips ``document``, or the hold where that would swallow tax; ``None`` in scope."""
    if early := _before_start(document, company):
        return early
    for skip in _kinds(document, company):
        return _tax_on_skipped(skip, document, items, placements) or skip
    if _is_zero(document, items):
        return Skip(SkipReason.ZERO_VALUE, "Neither the document nor any line, charge or discount has a value.")
    if abroad := _all_abroad(items, placements):
        return abroad
    if document.currency.strip().upper() != USD:
        shown = document.currency.strip() or "blank"
        skip = Skip(SkipReason.NOT_USD, f"The currency is {shown}; only sales in {USD} are reported.")
        return _tax_on_skipped(skip, document, items, placements) or skip
    return None


def _before_start(document: PostedDocument, company: CompanySettings) -> Skip | None:
    key = document.key
    if key.date >= company.report_from:
        return None
    return Skip(
        SkipReason.BEFORE_START,
        f"Dated {key.date}; {key.company.upper()} is reported from {company.report_from} on (REPORT_FROM).",
    )


def _kinds(document: PostedDocument, company: CompanySettings) -> Iterator[Skip]:
    if document.type is DocumentType.INTEREST_NOTE:
        yield Skip(SkipReason.INTEREST_NOTE, "An interest note is not a sale.")
    if document.is_prepayment:
        yield Skip(SkipReason.PREPAYMENT, "A prepayment invoice is not a sale yet; the final invoice is reported.")
    if document.is_proforma:
        yield Skip(SkipReason.PROFORMA, "A pro forma invoice is not a sale.")
    if document.is_intercompany:
        yield Skip(SkipReason.INTERCOMPANY, "Sales between companies of the group are not reported.")
    if document.type is DocumentType.PROJECT and not company.project_invoices:
        sentence = "Project invoices are not reported unless PROJECT_INVOICES is switched on."
        yield Skip(SkipReason.PROJECT_INVOICE, sentence)


def _is_zero(document: PostedDocument, items: Items) -> bool:
    if not Totals.of(document.total_amount, document.total_tax).is_zero or document.end_discount:
        return False
    return not any(item.has_value for item in (*items.sent, *items.unsent)) and not any(
        payment.net for payment in items.payments
    )


def _all_abroad(items: Items, placements: Placements) -> Skip | None:
    """Nothing is left of a document whose lines, those of a value if there are any, all went abroad."""
    lines = [item for item in items.lines if item.has_value] or items.lines
    placed = [placements.by_key.get(item.key) for item in [*lines, *placements.anchors.values()]]
    if not placed or any(placement is None or not placement.is_abroad for placement in placed):
        return None
    countries = {placement.place.country for placement in placed if placement and placement.place}
    shown = f"country {', '.join(sorted(countries))}" if countries else "another country"
    return Skip(SkipReason.NOT_US, f"Shipped to {shown}; only sales to the US are reported.")


def _tax_on_skipped(skip: Skip, document: PostedDocument, items: Items, placements: Placements) -> Hold | None:
    """The hold of a document that ``skip`` would leave out although tax was collected on what went to the US."""
    abroad = {key for key, placement in placements.by_key.items() if placement.is_abroad}
    lines = [item for item in items.lines if item.key not in abroad]
    others = placements.in_us([*items.charges, *items.unsent])
    placed = [*items.lines, *placements.anchors.values()]
    if placed and all(item.key in abroad for item in placed):
        return None
    tax_abroad = sum(item.sign * item.tax for item in items.lines if item.key in abroad)
    if not any(item.tax for item in (*lines, *others)) and document.total_tax == tax_abroad:
        return None
    states = f" to {', '.join(placements.to_states)}" if placements.to_states else ""
    return Hold(
        HoldReason.TAX_ON_SKIPPED,
        f"The rule {skip.reason} would leave {document.key.number} out ({skip.sentence.rstrip('.')}), but it carries"
        f" tax of {document.total_tax:.2f}{states}. Correct the posting in F&O and retry it, or report its tax in"
        " TaxJar by hand and settle it as handled outside.",
    )

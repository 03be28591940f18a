"""Which documents are none of TaxJar's business (design 4.5)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.documents import DocumentType, PostedDocument
from shared.mapping.countries import US
from shared.mapping.reasons import SkipReason
from shared.mapping.signs import Totals
from shared.settings import CompanySettings
from shared.transactions import Place

USD = "USD"


def why_skipped(
    document: PostedDocument, totals: Totals, ship_to: Place | None, company: CompanySettings
) -> tuple[SkipReason, str] | None:
    """The first rule that puts ``document`` out of scope, with a sentence for a clerk; ``None`` when it is in scope."""
    return next(_rules(document, totals, ship_to, company), None)


def _rules(
    document: PostedDocument, totals: Totals, ship_to: Place | None, company: CompanySettings
) -> Iterator[tuple[SkipReason, str]]:
    key = document.key
    if key.date < company.report_from:
        yield (
            SkipReason.BEFORE_START,
            f"Dated {key.date}; {key.company.upper()} is reported from {company.report_from} on (REPORT_FROM).",
        )
    if document.type is DocumentType.INTEREST_NOTE:
        yield SkipReason.INTEREST_NOTE, "An interest note is no sale."
    if document.is_prepayment:
        yield SkipReason.PREPAYMENT, "A prepayment invoice is no sale yet; the final invoice is reported."
    if document.is_proforma:
        yield SkipReason.PROFORMA, "A pro forma invoice is no sale."
    if document.is_intercompany:
        yield SkipReason.INTERCOMPANY, "Sales between companies of the group are not reported."
    if document.type is DocumentType.PROJECT and not company.project_invoices:
        yield SkipReason.PROJECT_INVOICE, "Project invoices are not reported unless PROJECT_INVOICES is switched on."
    if totals.is_zero:
        yield SkipReason.ZERO_VALUE, "Neither the net amount nor the tax has a value."
    if ship_to and ship_to.country != US:
        yield SkipReason.NOT_US, f"Shipped to country {ship_to.country}; only sales to the US are reported."
    if document.currency.strip().upper() != USD:
        shown = document.currency.strip() or "blank"
        yield SkipReason.NOT_USD, f"The currency is {shown}; only sales in {USD} are reported."

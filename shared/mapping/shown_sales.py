"""A sale that the ledger does not know, as F&O shows it, for its refunds (design 4.3)."""

from __future__ import annotations

from datetime import date

from shared.documents import PostedDocument
from shared.mapping.document import map_document
from shared.mapping.original_sales import OriginalSale, original_sale_of
from shared.settings import CompanySettings, ProductTaxCodes


def sale_as_shown(document: PostedDocument, company: CompanySettings) -> OriginalSale:
    """The sale that ``document``, an invoice that was never reported, is for its refunds.

    By the same rules, but for those that do not bear on where it went: ``REPORT_FROM`` and product tax codes.
    """
    settings = company.model_copy(update={"report_from": date.min, "product_tax_codes": ProductTaxCodes()})
    return original_sale_of(map_document(document, settings, tax_categories=None), document)

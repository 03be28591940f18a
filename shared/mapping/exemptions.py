"""Exemptions of customers and of single transactions, from F&O's sales tax groups (design 4.5)."""

from __future__ import annotations

from shared.documents import Customer, PostedDocument
from shared.mapping.outcomes import Note, NoteCode
from shared.mapping.signs import Totals
from shared.settings import CompanySettings
from shared.transactions import ExemptionType


def exemption_of_group(tax_group: str, company: CompanySettings) -> ExemptionType | None:
    """The exemption a sales tax group stands for, if any."""
    value = company.exempt_tax_groups.get(tax_group.strip().casefold())
    return ExemptionType(value) if value else None


def exemption_of(customer: Customer, company: CompanySettings) -> ExemptionType | None:
    """The exemption ``customer`` has in TaxJar; ``None`` when it is taxable."""
    return exemption_of_group(customer.tax_group, company)


def exemption_of_document(
    document: PostedDocument, totals: Totals, company: CompanySettings
) -> tuple[ExemptionType | None, tuple[Note, ...]]:
    """The exemption to state on the transaction itself.

    Untaxed by an exempt group of the document's own: that exemption, whoever the customer is. Tax collected from an
    exempt customer: ``non_exempt``, because collected tax must be remitted. Otherwise the customer's record decides.
    """
    if not totals.tax:
        return exemption_of_group(document.tax_group, company), ()
    customer = document.customer
    if not customer or not exemption_of(customer, company):
        return None, ()
    sentence = (
        f"Warning: tax of {abs(document.total_tax):.2f} was collected from exempt customer {customer.account} (tax"
        f" group {customer.tax_group}). It is reported as taxable, because collected tax must be remitted."
    )
    return ExemptionType.NON_EXEMPT, (Note(NoteCode.TAX_FROM_EXEMPT_CUSTOMER, sentence),)

"""The exemption to state on each transaction: untaxed lines may be exempt, taxed ones never are (design 4.3, 4.5)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.documents import PostedDocument
from shared.mapping.exemptions import exempt_states, exemption_of, exemption_of_group
from shared.settings import CompanySettings
from shared.transactions import ExemptionType


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """The sales tax group of a line, or of its document where the line has none."""

    name: str
    taxes_nothing: bool | None
    """Whether F&O has no code in it, or only exempt ones; ``None`` when that cannot be read."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What an untaxed line is to the state it went to."""

    exemption_type: ExemptionType
    warning: str = ""
    """A sentence for an operator when the settings leave the exemption's kind open."""


def untaxed_treatment(group: TaxGroup, document: PostedDocument, state: str, company: CompanySettings) -> Treatment:
    """The exemption of an untaxed line that went to the US state ``state``.

    Asked in this order: the line's group in ``EXEMPT_TAX_GROUPS``, the customer, ``MARKETPLACE``; each only where it
    holds in ``state``. Groups in which F&O taxes nothing come last: a marketplace's sales are posted in such.
    """
    mapped = exemption_of_group(group.name, company)
    if mapped and _group_holds_in(state, group, document, company):
        return Treatment(mapped)
    exempt = customer_exemption_in(state, document, company)
    if exempt and not exempt.warning:
        return exempt
    if is_marketplace(document, company):
        return Treatment(ExemptionType.MARKETPLACE)
    if exempt:
        return exempt
    if group.taxes_nothing and not mapped and _group_holds_in(state, group, document, company):
        warning = (
            f"Warning: sales tax group {group.name} has no code in F&O that is not exempt, but EXEMPT_TAX_GROUPS does"
            " not name it; what is sold in it is exempt as 'other'. Add the group to the setting."
        )
        return Treatment(ExemptionType.OTHER, warning)
    return Treatment(ExemptionType.NON_EXEMPT)


def customer_exemption_in(state: str, document: PostedDocument, company: CompanySettings) -> Treatment | None:
    """The ordering customer's exemption where it holds in ``state``; ``None`` where the customer is taxable."""
    customer = document.customer
    exemption = exemption_of(customer, company) if customer else None
    if customer is None or exemption is None:
        return None
    states = exempt_states(customer, company)
    if states is None or (states and state not in states):
        return None
    return Treatment(exemption.type, exemption.warning)


def is_marketplace(document: PostedDocument, company: CompanySettings) -> bool:
    """Whether a marketplace facilitator remits the document's tax."""
    listed, customer = company.marketplace, document.customer
    account = document.order_account or (customer.account if customer else "") or document.invoice_account
    return (
        document.sales_origin.strip().casefold() in listed.sales_origins
        or account.strip().casefold() in listed.customers
        or (customer is not None and customer.customer_group.strip().casefold() in listed.customer_groups)
    )


def _group_holds_in(state: str, group: TaxGroup, document: PostedDocument, company: CompanySettings) -> bool:
    """Whether an exemption of the group holds in ``state``: the customer's own regions win where it is its group."""
    name, customer = group.name.strip().casefold(), document.customer
    if customer and customer.tax_group.strip().casefold() == name:
        states = exempt_states(customer, company)
        return states is not None and (not states or state in states)
    regions = company.exempt_regions.get(name)
    # An empty list is an exemption that holds everywhere, as for customers.
    return not regions or state in regions

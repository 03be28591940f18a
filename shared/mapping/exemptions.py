"""Exemptions of customers: who is exempt, and in which states (design 4.5).

F&O has no exempt flag. These rules are asked in this order, and the first that holds decides:

1. ``tax_group``: the customer's sales tax group is in the setting ``EXEMPT_TAX_GROUPS``;
2. ``customer_group``: its customer group is in the setting ``EXEMPT_CUSTOMER_GROUPS``;
3. ``federal``: its Federal indicator is ``Federal``, so it is ``government``;
4. ``exempt_in_dynamics``: F&O taxes nothing in the customer's sales tax group, which is not in the setting: ``other``,
   with a warning that names the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.documents import Customer
from shared.mapping.countries import US
from shared.mapping.places import usable_parts
from shared.settings import CompanySettings
from shared.transactions import ExemptionType

_FEDERAL = "federal"


class ExemptionRule(StrEnum):
    """Which rule made a customer exempt."""

    TAX_GROUP = "tax_group"
    CUSTOMER_GROUP = "customer_group"
    FEDERAL = "federal"
    EXEMPT_IN_DYNAMICS = "exempt_in_dynamics"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A customer's exemption and where it comes from."""

    type: ExemptionType
    rule: ExemptionRule
    source: str
    """What in F&O makes the customer exempt: ``tax group EXEMPT``."""
    warning: str = ""
    """A sentence for an operator when the settings leave the exemption's kind open."""


def exemption_of_group(tax_group: str, company: CompanySettings) -> ExemptionType | None:
    """The exemption that the settings give a sales tax group, if any."""
    value = company.exempt_tax_groups.get(tax_group.strip().casefold())
    return ExemptionType(value) if value else None


def exemption_of(customer: Customer, company: CompanySettings) -> Exemption | None:
    """The exemption ``customer`` has in TaxJar; ``None`` when it is taxable."""
    source = f"tax group {customer.tax_group}"
    if mapped := exemption_of_group(customer.tax_group, company):
        return Exemption(mapped, ExemptionRule.TAX_GROUP, source)
    if value := company.exempt_customer_groups.get(customer.customer_group.strip().casefold()):
        return Exemption(
            ExemptionType(value), ExemptionRule.CUSTOMER_GROUP, f"customer group {customer.customer_group}"
        )
    if customer.federal_indicator.casefold() == _FEDERAL:
        return Exemption(ExemptionType.GOVERNMENT, ExemptionRule.FEDERAL, "Federal indicator Federal")
    if customer.tax_group_exempt:
        warning = (
            f"Warning: sales tax group {customer.tax_group} has no code in F&O that is not exempt, but"
            " EXEMPT_TAX_GROUPS does not name it; its customers are exempt as 'other'. Add the group to the setting."
        )
        return Exemption(ExemptionType.OTHER, ExemptionRule.EXEMPT_IN_DYNAMICS, source, warning)
    return None


def exempt_states(customer: Customer, company: CompanySettings) -> tuple[str, ...] | None:
    """The US states in which an exemption of ``customer`` holds; an empty tuple means everywhere.

    Those of the customer's own entry in ``EXEMPT_REGIONS``, else of its tax group's, else of its customer group's.
    Without an entry everywhere; with ``EXEMPT_REGIONS_FROM_ADDRESSES`` in the states of its delivery addresses, else of
    its delivery or primary address. ``None`` where these name none: that must not widen the exemption to everywhere.
    """
    states = _entry(customer, company)
    if states is not None:
        return tuple(sorted(set(states)))
    return _states_of_addresses(customer, company) if company.exempt_regions_from_addresses else ()


def needs_delivery_addresses(customer: Customer, company: CompanySettings) -> bool:
    """Whether the states of ``customer``'s exemption follow from its delivery addresses."""
    exempt = company.exempt_regions_from_addresses and exemption_of(customer, company)
    return bool(exempt) and _entry(customer, company) is None


def _entry(customer: Customer, company: CompanySettings) -> tuple[str, ...] | None:
    names = (customer.account, customer.tax_group, customer.customer_group)
    entries = (company.exempt_regions.get(name.strip().casefold()) for name in names)
    return next((states for states in entries if states is not None), None)


def _states_of_addresses(customer: Customer, company: CompanySettings) -> tuple[str, ...] | None:
    if customer.delivery_addresses is None:
        return None
    for addresses in (customer.delivery_addresses, (customer.delivery_address,), (customer.primary_address,)):
        places = [usable_parts(address, company) for address in addresses if address]
        if states := {place.state for place in places if place.country == US} - {""}:
            return tuple(sorted(states))
    return None

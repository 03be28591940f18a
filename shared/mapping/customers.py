"""F&O's customers as TaxJar's: name, exemption, regions and address, cleaned (design 4.3 and 4.5)."""

from __future__ import annotations

from shared.documents import Customer
from shared.mapping.exemptions import exempt_states
from shared.mapping.ids import customer_id
from shared.mapping.places import clean_place, usable_parts
from shared.mapping.text import one_line
from shared.settings import CompanySettings
from shared.transactions import ExemptionType, Place, TaxJarCustomer


def map_customer(
    company_id: str, customer: Customer, company: CompanySettings, exemption: ExemptionType
) -> TaxJarCustomer | None:
    """``customer`` as TaxJar is told: with ``exemption``, or ``non_exempt`` when an exemption has ended.

    ``None`` when it is not known in which states the exemption holds: TaxJar cannot be told of it yet.
    """
    states = () if exemption is ExemptionType.NON_EXEMPT else exempt_states(customer, company)
    if states is None:
        return None
    return TaxJarCustomer(
        customer_id=customer_id(company_id, customer.account),
        name=one_line(customer.name) or one_line(customer.account),
        exemption_type=exemption,
        exempt_states=states,
        place=_place(customer, company),
        account=customer.account,
    )


def _place(customer: Customer, company: CompanySettings) -> Place:
    """The first complete one of primary, delivery and invoice address, else what the first of them has."""
    addresses = [customer.primary_address, customer.delivery_address, customer.invoice_address]
    given = [address for address in addresses if address]
    complete = (clean_place(address, company) for address in given)
    return next(filter(None, complete), None) or (usable_parts(given[0], company) if given else Place(""))

"""A small US retailer in F&O: the company that the named cases and the demo post into."""

from __future__ import annotations

from typing import Any

from local.simulators.dynamics.events import FREE_TEXT_INVOICE_POSTED, SALES_INVOICE_POSTED
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AUSTIN, AddressSpec

ORIGINAL_INVOICE_FIELD = "OriginalInvoiceNumber"
"""The custom header field in which clerks note what a credit note corrects."""

MARKETPLACE = "AMZ"
"""The sales origin of orders that came by a marketplace."""

RETAIL_SETTINGS: dict[str, Any] = {
    "exempt_tax_groups": {"EXEMPT": "government", "RESALE": "wholesale"},
    "exempt_customer_groups": {"CHARITY": "other"},
    "exempt_regions": {"RESALE": ["TX", "NM"]},
    "exempt_regions_from_addresses": True,
    "pickup_delivery_modes": ["Pickup"],
    "original_invoice_field": ORIGINAL_INVOICE_FIELD,
    "unlinked_credit_notes": "hold",
    "project_invoices": False,
    "marketplace": {"sales_origins": [MARKETPLACE]},
    "product_tax_codes": {"items": {"P-SHIRT": "20010", "P-LOST": "99999"}, "categories": {"Groceries": "40030"}},
}
"""The connector's settings for this company (all but ``report_from``) under which the expected outcomes hold."""

DALLAS_WAREHOUSE = AddressSpec("2200 Irving Blvd", "Dallas", "TX", "75207")
RENO_SITE = AddressSpec("1455 Deming Way", "Sparks", "NV", "89434")
SAN_FRANCISCO = AddressSpec("1 Market St", "San Francisco", "CA", "94105")
PORTLAND = AddressSpec("900 SW 5th Ave", "Portland", "OR", "97204")
DALLAS = AddressSpec("1500 Marilla St", "Dallas", "TX", "75201")
COUNTRIES = {"USA": "US", "CAN": "CA", "GBR": "GB", "MEX": "MX", "DEU": "DE"}


def open_retail_company(simulator: DynamicsSimulator, company: str = "usrt") -> Posting:
    """Set up the master data of the retailer, and give its posting."""
    posting = Posting(simulator, company)
    if ORIGINAL_INVOICE_FIELD not in simulator.store.entity("SalesInvoiceHeadersV2").fields:
        simulator.extend("SalesInvoiceHeadersV2", ORIGINAL_INVOICE_FIELD)
    if not simulator.rows("AddressCountryRegions"):
        for country, iso in COUNTRIES.items():
            posting.country(country, iso)
        for event_id in (SALES_INVOICE_POSTED, FREE_TEXT_INVOICE_POSTED):
            simulator.add("BusinessEventsCatalogs", {"BusinessEventId": event_id, "Name": event_id})
    posting.legal_entity("Lone Star Outfitters", DALLAS_WAREHOUSE)
    posting.site("S1", DALLAS_WAREHOUSE)
    posting.site("S2", RENO_SITE)
    posting.warehouse("W-DAL", DALLAS_WAREHOUSE, site="S1")
    posting.warehouse("W-RNO", site="S2")
    posting.warehouse("W-ODD", AddressSpec("12 Dock Rd", "Reno", "NV", "10001"), site="S1")
    posting.charge_code("FREIGHT", "Outbound freight", is_shipping=True)
    posting.charge_code("EXPRESS", "Express surcharge", is_shipping=True)
    posting.charge_code("HANDLING", "Handling", is_shipping=False)
    posting.delivery_mode("Ground", "Parcel, ground")
    posting.delivery_mode("Pickup", "Customer pick-up")
    posting.product("P-1000", "Torque driver, 20 Nm")
    posting.product("P-2000", "Bit set")
    posting.product("P-SHIRT", "Work shirt", tax_item_group="CLOTHING", category="Clothing")
    posting.product("P-TEA", "Green tea, 250 g", tax_item_group="FOOD", category="Groceries")
    posting.product("P-LOST", "Discontinued mower")
    posting.customer("C-1000", "Barton Tools Inc.", AUSTIN, delivery=DALLAS, invoice=AUSTIN)
    posting.customer("C-1001", "Bay Homes LLC", SAN_FRANCISCO, tax_group="CA-SFO")
    posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT", group="GOV")
    posting.customer("C-2001", "Prairie Resellers", AUSTIN, tax_group="RESALE", group="TRADE")
    posting.customer("C-2002", "Weather Service, Austin", AUSTIN, federal_indicator="Federal")
    posting.customer("C-2003", "Open Pantry", AUSTIN, delivery=DALLAS, group="CHARITY")
    posting.customer_address("C-2003", PORTLAND)
    posting.customer("C-3000", "Walk-in customer")
    return posting

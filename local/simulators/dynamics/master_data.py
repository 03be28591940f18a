"""Master data of a company in the terms of its clerks: customers, warehouses, products, charge codes and the like."""

from __future__ import annotations

from datetime import datetime

from local.simulators.dynamics.journal_rows import ISO_CODES
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec
from local.simulators.dynamics.values import BLANK_MOMENT, END_OF_TIME, Row


class MasterData:
    """The master data of one company of a simulated environment."""

    def __init__(self, simulator: DynamicsSimulator, company: str) -> None:
        self.simulator = simulator
        self.company = company.lower()
        self._address_ids: dict[AddressSpec, int] = {}
        self._dimension_ids: dict[str, str] = {}
        self._bill_to: dict[str, AddressSpec] = {}
        self._product_names: dict[str, str] = {}
        self._site_of: dict[str, str] = {}
        self._stock_addresses: dict[str, AddressSpec] = {}
        """Of warehouses (``W:`` and the id), sites (``S:``) and the legal entity (``""``)."""

    def legal_entity(self, name: str, address: AddressSpec) -> Row:
        """The company itself; its address is the last resort for ship-from."""
        self._stock_addresses[""] = address
        self.simulator.add("Companies", {"DataArea": self.company.upper(), "Name": name})
        return self.simulator.add(
            "LegalEntities",
            {
                "LegalEntityId": self.company.upper(),
                "Name": name,
                "AddressStreet": address.street,
                "AddressCity": address.city,
                "AddressState": address.state,
                "AddressZipCode": address.zip,
                "AddressCountryRegionId": address.country,
                "AddressCountryRegionISOCode": ISO_CODES.get(address.country, ""),
            },
        )

    def site(self, site: str, address: AddressSpec | None = None) -> Row:
        """An operational site."""
        if address is not None:
            self._stock_addresses[f"S:{site}"] = address
        return self.simulator.add(
            "OperationalSitesV2",
            {"dataAreaId": self.company, "SiteId": site, "SiteName": site, **_primary(address)},
        )

    def warehouse(self, warehouse: str, address: AddressSpec | None = None, *, site: str = "S1") -> Row:
        """A warehouse; without an address of its own, its site's counts."""
        self._site_of[warehouse] = site
        if address is not None:
            self._stock_addresses[f"W:{warehouse}"] = address
        return self.simulator.add(
            "Warehouses",
            {
                "dataAreaId": self.company,
                "WarehouseId": warehouse,
                "WarehouseName": warehouse,
                "OperationalSiteId": site,
                **_primary(address),
            },
        )

    def receiving_address(self, warehouse: str) -> AddressSpec | None:
        """Where returned goods arrive: the warehouse's address, else its site's, else the company's."""
        places = (f"W:{warehouse}", f"S:{self._site_of.get(warehouse, '')}", "")
        return next((self._stock_addresses[place] for place in places if place in self._stock_addresses), None)

    def customer(
        self,
        account: str,
        name: str,
        address: AddressSpec | None = None,
        *,
        delivery: AddressSpec | None = None,
        invoice: AddressSpec | None = None,
        tax_group: str = "TX-AUS",
        group: str = "RETAIL",
        federal_indicator: str = "None",
        tax_exempt_number: str = "",
    ) -> Row:
        """A customer with its primary, delivery and invoice address. The tax group may make it exempt."""
        bill_to = invoice or address
        if bill_to is not None:
            self._bill_to[account] = bill_to
        if delivery is not None:
            self.customer_address(account, delivery)
        return self.simulator.add(
            "CustomersV3",
            {
                "dataAreaId": self.company,
                "CustomerAccount": account,
                "PartyType": "Organization",
                "OrganizationName": name,
                "NameAlias": name[:20],
                "CustomerGroupId": group,
                "SalesTaxGroup": tax_group,
                "FederalIndicator": federal_indicator,
                "TaxExemptNumber": tax_exempt_number,
                **_customer_address("Address", address),
                **_customer_address("DeliveryAddress", delivery),
                **_customer_address("InvoiceAddress", invoice),
            },
        )

    def customer_address(
        self,
        account: str,
        address: AddressSpec,
        *,
        delivery: bool = True,
        effective: datetime = BLANK_MOMENT,
        expiration: datetime = END_OF_TIME,
    ) -> Row:
        """One of a customer's postal addresses; ``delivery`` says that goods are delivered there."""
        return self.simulator.add(
            "CustomerPostalAddresses",
            {
                "dataAreaId": self.company,
                "CustomerAccountNumber": account,
                "CustomerLegalEntityId": self.company,
                "AddressLocationId": f"{self.simulator.store.new_rec_id() % 10**9:09d}",
                "Effective": effective,
                "Expiration": expiration,
                "IsPostalAddress": True,
                "IsRoleDelivery": delivery,
                "IsRoleBusiness": not delivery,
                "AddressStreetNumber": address.street_number,
                "BuildingCompliment": address.building,
                **_customer_address("Address", address),
            },
        )

    def tax_group(self, group: str, *codes: str, exempt: bool = False) -> None:
        """A sales tax group with its sales tax codes; ``exempt`` says that none of them is charged."""
        self.simulator.add("TaxGroups", {"dataAreaId": self.company, "TaxGroupCode": group, "Description": group})
        for code in codes:
            self.simulator.add(
                "TaxGroupDatas",
                {
                    "dataAreaId": self.company,
                    "TaxGroupId": group,
                    "TaxCodeId": code,
                    "ExemptTax": exempt,
                    "TaxExemptCodeId": "EXEMPT" if exempt else "",
                },
            )

    def product(self, item: str, name: str, *, tax_item_group: str = "FULL", category: str = "") -> Row:
        """A released product; ``category`` also assigns it in the sales hierarchy."""
        self._product_names[item] = name
        assignment = {
            "ProductNumber": item,
            "ProductCategoryName": category,
            "ProductCategoryHierarchyName": "Sales categories",
        }
        if category and not any(self.simulator.store.matching("ProductCategoryAssignments", assignment)):
            self.simulator.add("ProductCategoryAssignments", assignment)
        return self.simulator.add(
            "ReleasedProductsV2",
            {
                "dataAreaId": self.company,
                "ItemNumber": item,
                "ProductNumber": item,
                "SearchName": name[:20],
                "SalesSalesTaxItemGroupCode": tax_item_group,
            },
        )

    def charge_code(self, code: str, text: str, *, is_shipping: bool) -> Row:
        """A charge code of accounts receivable."""
        return self.simulator.add(
            "MarkupTableBiEntities",
            {
                "dataAreaId": self.company,
                "ModuleType": "Cust",
                "MarkupCode": code,
                "Txt": text,
                "IsShipping": is_shipping,
                "TaxItemGroup": "SHIP",
            },
        )

    def delivery_mode(self, code: str, description: str) -> Row:
        """A mode of delivery."""
        return self.simulator.add(
            "DeliveryModesV2", {"dataAreaId": self.company, "ModeCode": code, "ModeDescription": description}
        )

    def country(self, country: str, iso: str) -> Row:
        """A country, known to all companies."""
        return self.simulator.add("AddressCountryRegions", {"CountryRegion": country, "ISOcode": iso})

    def address_id(self, address: AddressSpec | None, created_at: datetime) -> int:
        """Record id of a postal address, which is made when it is used first; 0 for none."""
        if address is None:
            return 0
        if address not in self._address_ids:
            key = self.simulator.store.new_rec_id()
            self.simulator.add(
                "LogisticsPostalAddressBiEntities",
                {
                    "Location": self.simulator.store.new_rec_id(),
                    "ValidFrom": created_at,
                    "ValidTo": END_OF_TIME,
                    "SourceKey": key,
                    "Street": address.street,
                    "StreetNumber": address.street_number,
                    "BuildingCompliment": address.building,
                    "City": address.city,
                    "State": address.state,
                    "ZipCode": address.zip,
                    "CountryRegionId": address.country,
                },
            )
            self._address_ids[address] = key
        return self._address_ids[address]

    def dimension_id(self, warehouse: str) -> str:
        """The inventory dimension id of a warehouse."""
        if not warehouse:
            return ""
        if warehouse not in self._dimension_ids:
            number = f"DIM-{self.simulator.store.new_rec_id() % 10**9:09d}"
            self.simulator.add(
                "InventDimBiEntities",
                {"dataAreaId": self.company, "inventDimId": number, "InventLocationId": warehouse},
            )
            self._dimension_ids[warehouse] = number
        return self._dimension_ids[warehouse]


def _primary(address: AddressSpec | None) -> dict[str, object]:
    if address is None:
        return {}
    return {
        "IsPrimaryAddressAssigned": True,
        "PrimaryAddressStreet": address.street,
        "PrimaryAddressStreetNumber": address.street_number,
        "PrimaryAddressCity": address.city,
        "PrimaryAddressStateId": address.state,
        "PrimaryAddressZipCode": address.zip,
        "PrimaryAddressCountryRegionId": address.country,
    }


def _customer_address(prefix: str, address: AddressSpec | None) -> dict[str, object]:
    if address is None:
        return {}
    return {
        f"{prefix}Street": address.street,
        f"{prefix}City": address.city,
        f"{prefix}State": address.state,
        f"{prefix}ZipCode": address.zip,
        f"{prefix}CountryRegionId": address.country,
        f"{prefix}CountryRegionISOCode": ISO_CODES.get(address.country, ""),
    }

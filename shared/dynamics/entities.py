"""The F&O entity sets that are read, each with the fields that are asked for, under their standard names.

Two sets carry the documents and must be there: headers and lines. All the others refine them; where one of those
cannot be read, the documents are still reported, with what the standard sets know.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """A public entity set and the fields that are selected from it."""

    name: str
    fields: tuple[str, ...]
    has_company: bool = True
    """Whether its rows belong to a company (``dataAreaId``)."""


HEADER_KEY = ("dataAreaId", "InvoiceDate", "InvoiceNumber", "LedgerVoucher")
_ADDRESS = ("Street", "StreetNumber", "City", "ZipCode", "CountryRegionId")


def _prefixed(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in (*_ADDRESS, *names))


LISTED_HEADERS = Entity("SalesInvoiceHeadersV2", (*HEADER_KEY, "TotalInvoiceAmount", "TotalTaxAmount"))
HEADERS = Entity(
    "SalesInvoiceHeadersV2",
    (
        *LISTED_HEADERS.fields,
        "InvoiceCustomerAccountNumber",
        "SalesOrderNumber",
        "CurrencyCode",
        "TotalChargeAmount",
        "TotalDiscountCustomerGroupCode",
        "DeliveryModeCode",
    ),
)
LINES = Entity(
    "SalesInvoiceV2Lines",
    (
        *HEADER_KEY,
        "LineCreationSequenceNumber",
        "ProductNumber",
        "ProductName",
        "ProductDescription",
        "InvoicedQuantity",
        "LineAmount",
        "LineTotalDiscountAmount",
        "LineTotalTaxAmount",
        "InventorySiteId",
        "InventoryWarehouseId",
        "SalesProductCategoryName",
    ),
)
JOURNALS = Entity(
    "CustInvoiceJourBiEntities",
    (
        "dataAreaId",
        "SourceKey",
        "InvoiceId",
        "InvoiceDate",
        "LedgerVoucher",
        "OrderAccount",
        "SalesId",
        "SalesType",
        "RefNum",
        "EndDisc",
        "InclTax",
        "TaxGroup",
        "DlvMode",
        "DeliveryPostalAddress",
        "inventLocationId",
        "Prepayment",
        "Proforma",
        "InterCompanyPosted",
    ),
)
JOURNAL_LINES = Entity(
    "CustInvoiceTransBiEntities",
    (
        "dataAreaId",
        "InvoiceId",
        "InvoiceDate",
        "LineCreationSequenceNumber",
        "ParentRecId",
        "ItemId",
        "Name",
        "Qty",
        "LineAmount",
        "SumLineDisc",
        "TaxAmount",
        "LineAmountTax",
        "TaxItemGroup",
        "InventTransId",
        "InventDimId",
        "SalesId",
        "DeliveryPostalAddress",
    ),
)
CHARGES = Entity(
    "MarkupTransBiEntities",
    (
        "dataAreaId",
        "TransRecId",
        "LineNum",
        "Voucher",
        "TransDate",
        "MarkupCode",
        "Txt",
        "CalculatedAmount",
        "Posted",
        "TaxAmount",
        "TaxItemGroup",
        "IsDeleted",
    ),
)
CHARGE_CODES = Entity("MarkupTableBiEntities", ("dataAreaId", "ModuleType", "MarkupCode", "IsShipping"))
POSTAL_ADDRESSES = Entity(
    "LogisticsPostalAddressBiEntities",
    ("SourceKey", *_ADDRESS, "State", "BuildingCompliment"),
    has_company=False,
)
ORDERS = Entity(
    "SalesOrderHeadersV3",
    (
        "dataAreaId",
        "SalesOrderNumber",
        "OrderingCustomerAccountNumber",
        "SalesTaxGroupCode",
        "ArePricesIncludingSalesTax",
        "DeliveryBuildingCompliment",
        *_prefixed("DeliveryAddress", "StateId", "CountryRegionISOCode"),
    ),
)
ORDER_LINES = Entity(
    "SalesOrderLines",
    (
        "dataAreaId",
        "InventoryLotId",
        "SalesOrderNumber",
        "ItemNumber",
        "SalesTaxItemGroupCode",
        "DeliveryBuildingCompliment",
        *_prefixed("DeliveryAddress", "StateId", "CountryRegionISOCode"),
    ),
)
RETURN_LINES = Entity("SalesLineBiEntities", ("dataAreaId", "SalesId", "InventTransId", "InventTransIdReturn"))
CREDIT_REFERENCES = Entity(
    "DocumentCustVendCreditInvoicingJours", ("dataAreaId", "InvoiceRecId", "CorrectedInvoiceRecId")
)
CORRECTED_INVOICE = "CustInvoiceJourCorrection"
"""Navigation from a credit reference to the invoice it corrects."""
FREE_TEXT_HEADERS = Entity(
    "FreeTextInvoiceHeaders",
    (
        "dataAreaId",
        "InvoiceIdentifier",
        "FreeTextNumber",
        "InvoiceDate",
        "CustomerAccount",
        "InvoiceAccount",
        "IsPosted",
        "InclTax",
        "SalesTaxGroupId",
        "SalesTaxItemGroupId",
    ),
)
FREE_TEXT_LINES = Entity(
    "FreeTextInvoiceLines",
    (
        "dataAreaId",
        "ParentRecId",
        "LineNumber",
        "InvoiceText",
        "Description",
        "Quantity",
        "TransactionCurrencyAmount",
        "SalesTaxAmount",
        "SalesTaxItemGroupId",
    ),
)
CUSTOMERS = Entity(
    "CustomersV3",
    (
        "dataAreaId",
        "CustomerAccount",
        "OrganizationName",
        "NameAlias",
        "PersonFirstName",
        "PersonLastName",
        "SalesTaxGroup",
        "CustomerGroupId",
        "FederalIndicator",
        *_prefixed("Address", "State", "CountryRegionISOCode", "BuildingComplement"),
        *_prefixed("DeliveryAddress", "State", "CountryRegionISOCode", "BuildingComplement"),
        *_prefixed("InvoiceAddress", "State", "CountryRegionISOCode", "BuildingComplement"),
    ),
)
CUSTOMER_ADDRESSES = Entity(
    "CustomerPostalAddresses",
    (
        "dataAreaId",
        "CustomerAccountNumber",
        "IsRoleDelivery",
        "Effective",
        "Expiration",
        "AddressState",
        "AddressZipCode",
        "AddressCountryRegionId",
        "AddressCountryRegionISOCode",
    ),
)
TAX_GROUPS = Entity("TaxGroups", ("dataAreaId", "TaxGroupCode"))
TAX_GROUP_CODES = Entity("TaxGroupDatas", ("dataAreaId", "TaxGroupId", "TaxCodeId", "ExemptTax"))
WAREHOUSES = Entity(
    "Warehouses",
    (
        "dataAreaId",
        "WarehouseId",
        "OperationalSiteId",
        "IsPrimaryAddressAssigned",
        *_prefixed("PrimaryAddress", "StateId", "BuildingCompliment"),
    ),
)
SITES = Entity(
    "OperationalSitesV2",
    (
        "dataAreaId",
        "SiteId",
        "IsPrimaryAddressAssigned",
        *_prefixed("PrimaryAddress", "StateId", "BuildingCompliment"),
    ),
)
LEGAL_ENTITIES = Entity(
    "LegalEntities",
    (
        "LegalEntityId",
        "AddressStreet",
        "AddressCity",
        "AddressState",
        "AddressZipCode",
        "AddressCountryRegionId",
        "AddressCountryRegionISOCode",
    ),
    has_company=False,
)
COUNTRIES = Entity("AddressCountryRegions", ("CountryRegion", "ISOcode"), has_company=False)
PRODUCTS = Entity("ReleasedProductsV2", ("dataAreaId", "ItemNumber", "SalesSalesTaxItemGroupCode"))
STOCK_DIMENSIONS = Entity("InventDimBiEntities", ("dataAreaId", "inventDimId", "InventSiteId", "InventLocationId"))

"""The F&O entity sets that are read, each with the fields that are asked for, under their standard names.

Headers, lines and customers must be there. All the others refine documents: one that was never readable is done
without, one that ever was is required from then on (design 4.1).
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
    key: tuple[str, ...] = ()
    """The fields that tell each row from all others, in the order in which rows are read."""
    spare: tuple[str, ...] = ()
    """Fields of the standard set that another one which takes its place need not have, unless settings name them."""


HEADER_KEY = ("dataAreaId", "InvoiceDate", "InvoiceNumber", "LedgerVoucher")
_ADDRESS = ("Street", "StreetNumber", "City", "ZipCode", "CountryRegionId")


def _prefixed(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in (*_ADDRESS, *names))


LISTED_HEADERS = Entity("SalesInvoiceHeadersV2", (*HEADER_KEY, "TotalInvoiceAmount", "TotalTaxAmount"), key=HEADER_KEY)
CANDIDATES = Entity(
    "SalesInvoiceHeadersV2",
    (*LISTED_HEADERS.fields, "InvoiceCustomerAccountNumber", "SalesOrderNumber"),
    key=HEADER_KEY,
)
"""Headers as they are looked through for the invoice that a document corrects."""
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
    key=HEADER_KEY,
    spare=("SalesOrderOriginCode", *_prefixed("InvoiceAddress", "State", "CountryRegionISOCode")),
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
    key=(*HEADER_KEY, "LineCreationSequenceNumber"),
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
        "InterCompanyCompanyId",
    ),
    key=("dataAreaId", "SourceKey"),
    spare=("InvoicePostalAddress", "InvoiceRoundOff", "SalesOriginId"),
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
    # The published key lacks the voucher: two documents of one number and date differ by their parent.
    key=("dataAreaId", "InvoiceDate", "InvoiceId", "ParentRecId", "LineCreationSequenceNumber"),
    spare=("SourceKey", "TaxGroup", "MCRDlvMode"),
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
    key=("dataAreaId", "TransRecId", "TransTableId", "LineNum"),
    spare=("TransTableId", "ModuleCategory"),
)
CHARGE_CODES = Entity(
    "MarkupTableBiEntities",
    ("dataAreaId", "ModuleType", "MarkupCode", "IsShipping"),
    key=("dataAreaId", "ModuleType", "MarkupCode"),
)
POSTAL_ADDRESSES = Entity(
    "LogisticsPostalAddressBiEntities",
    ("SourceKey", *_ADDRESS, "State", "BuildingCompliment"),
    has_company=False,
    key=("Location", "ValidFrom"),
    spare=("Location", "ValidFrom"),
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
    key=("dataAreaId", "SalesOrderNumber"),
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
    key=("dataAreaId", "InventoryLotId"),
    spare=("SalesTaxGroupCode", "DeliveryModeCode"),
)
RETURN_LINES = Entity(
    "SalesLineBiEntities",
    ("dataAreaId", "SalesId", "InventTransId", "InventTransIdReturn"),
    key=("dataAreaId", "SalesId", "LineCreationSequenceNumber"),
    spare=("LineCreationSequenceNumber",),
)
CREDIT_REFERENCES = Entity(
    "DocumentCustVendCreditInvoicingJours",
    ("dataAreaId", "InvoiceRecId", "CorrectedInvoiceRecId"),
    key=("dataAreaId", "InvoiceTableId", "InvoiceRecId"),
    spare=("InvoiceTableId",),
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
    key=("dataAreaId", "InvoiceIdentifier"),
    spare=("CorrectedInvoiceId",),
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
    key=("dataAreaId", "ParentRecId", "LineNumber"),
    spare=("SalesTaxGroupId",),
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
    key=("dataAreaId", "CustomerAccount"),
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
    key=("dataAreaId", "CustomerAccountNumber", "CustomerLegalEntityId", "AddressLocationId", "Effective"),
    spare=("CustomerLegalEntityId", "AddressLocationId"),
)
TAX_GROUPS = Entity("TaxGroups", ("dataAreaId", "TaxGroupCode"), key=("dataAreaId", "TaxGroupCode"))
TAX_GROUP_CODES = Entity(
    "TaxGroupDatas",
    ("dataAreaId", "TaxGroupId", "TaxCodeId", "ExemptTax"),
    key=("dataAreaId", "TaxGroupId", "TaxCodeId"),
)
WAREHOUSES = Entity(
    "Warehouses",
    (
        "dataAreaId",
        "WarehouseId",
        "OperationalSiteId",
        "IsPrimaryAddressAssigned",
        *_prefixed("PrimaryAddress", "StateId", "BuildingCompliment"),
    ),
    key=("dataAreaId", "WarehouseId"),
)
SITES = Entity(
    "OperationalSitesV2",
    (
        "dataAreaId",
        "SiteId",
        "IsPrimaryAddressAssigned",
        *_prefixed("PrimaryAddress", "StateId", "BuildingCompliment"),
    ),
    key=("dataAreaId", "SiteId"),
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
    key=("LegalEntityId",),
)
COUNTRIES = Entity("AddressCountryRegions", ("CountryRegion", "ISOcode"), has_company=False, key=("CountryRegion",))
PRODUCTS = Entity(
    "ReleasedProductsV2",
    ("dataAreaId", "ItemNumber", "SalesSalesTaxItemGroupCode"),
    key=("dataAreaId", "ItemNumber"),
)
STOCK_DIMENSIONS = Entity(
    "InventDimBiEntities",
    ("dataAreaId", "inventDimId", "InventSiteId", "InventLocationId"),
    key=("dataAreaId", "inventDimId"),
)

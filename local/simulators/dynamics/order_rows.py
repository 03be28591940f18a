"""The rows of the sales order behind a document, as it is today, and of a return order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from local.simulators.dynamics.journal_rows import ISO_CODES, Fields
from local.simulators.dynamics.line_rows import tax_group_of
from local.simulators.dynamics.specs import AddressSpec, PostedInvoice, PostedLine


def order_header_rows(
    invoice: PostedInvoice, address: AddressSpec | None, address_id: int
) -> Iterator[tuple[str, Fields]]:
    """Order headers as (set name, fields)."""
    spec = invoice.spec
    header = {
        "dataAreaId": invoice.company,
        "SalesOrderNumber": invoice.order,
        "OrderingCustomerAccountNumber": spec.customer,
        "InvoiceCustomerAccountNumber": invoice.invoice_account,
        "CurrencyCode": spec.currency,
        "SalesTaxGroupCode": spec.tax_group,
        "ArePricesIncludingSalesTax": spec.prices_include_tax,
        "DeliveryModeCode": spec.delivery_mode,
        "DefaultShippingWarehouseId": spec.warehouse,
        "SalesOrderOriginCode": spec.sales_origin,
        "SalesOrderStatus": "Invoiced",
        **_delivery(address),
    }
    yield "SalesOrderHeadersV2", header
    yield "SalesOrderHeadersV3", header
    yield (
        "SalesTableBiEntities",
        {
            "dataAreaId": invoice.company,
            "SalesId": invoice.order,
            "DeliveryPostalAddress": address_id,
            "InclTax": spec.prices_include_tax,
            "TaxGroup": spec.tax_group,
            "ReturnItemNum": spec.return_number,
        },
    )
    if spec.return_number:
        yield (
            "ReturnOrderHeadersV2",
            {
                "dataAreaId": invoice.company,
                "ReturnOrderNumber": invoice.order,
                "RMANumber": spec.return_number,
                "CustomerAccountNumber": spec.customer,
                "InvoiceCustomerAccountNumber": invoice.invoice_account,
                "CurrencyCode": spec.currency,
                "ReturnStatus": "Closed",
                "ReturnOrderStatus": "Invoiced",
            },
        )


def order_line_rows(
    invoice: PostedInvoice,
    line: PostedLine,
    sequence: int,
    address: AddressSpec | None,
    address_id: Callable[[AddressSpec | None], int],
) -> Iterator[tuple[str, Fields]]:
    """One order line as (set name, fields); ``sequence`` counts within the order."""
    spec = line.spec
    yield (
        "SalesOrderLines",
        {
            "dataAreaId": invoice.company,
            "InventoryLotId": line.lot,
            "SalesOrderNumber": invoice.order,
            "LineNumber": sequence,
            "LineCreationSequenceNumber": sequence,
            "ItemNumber": spec.product,
            "LineDescription": line.name,
            "OrderedSalesQuantity": spec.quantity,
            "SalesPrice": spec.price,
            "SalesPriceQuantity": spec.price_unit,
            "LineAmount": line.amount,
            "DeliveryModeCode": spec.delivery_mode or invoice.spec.delivery_mode,
            "SalesTaxGroupCode": tax_group_of(invoice, line),
            "SalesTaxItemGroupCode": spec.tax_item_group,
            "ShippingWarehouseId": line.warehouse,
            **_delivery(address),
        },
    )
    yield (
        "SalesLineBiEntities",
        {
            "dataAreaId": invoice.company,
            "SalesId": invoice.order,
            "LineCreationSequenceNumber": sequence,
            "LineNum": sequence,
            "InventTransId": line.lot,
            "InventTransIdReturn": spec.returned_lot,
            "ItemId": spec.product,
            "SalesQty": spec.quantity,
            "SalesPrice": spec.price,
            "PriceUnit": spec.price_unit,
            "LineAmount": line.amount,
            "DlvMode": spec.delivery_mode or invoice.spec.delivery_mode,
            "TaxGroup": tax_group_of(invoice, line),
            "TaxItemGroup": spec.tax_item_group,
            "DeliveryPostalAddress": address_id(address),
        },
    )
    if invoice.spec.return_number:
        yield (
            "ReturnOrderLinesV2",
            {
                "dataAreaId": invoice.company,
                "ReturnOrderNumber": invoice.order,
                "ReturnInventoryLotId": line.lot,
                "ReturningInventoryLotId": spec.returned_lot,
                "RMANumber": invoice.spec.return_number,
                "LineCreationSequenceNumber": sequence,
                "ItemNumber": spec.product,
                "ReturnSalesQuantity": spec.quantity,
                "SalesPrice": spec.price,
                "LineAmount": line.amount,
                "ReturnStatus": "Invoiced",
                "ReturnWarehouseId": line.warehouse,
            },
        )


def _delivery(address: AddressSpec | None) -> dict[str, object]:
    if address is None:
        return {}
    return {
        "DeliveryAddressStreet": address.street,
        "DeliveryAddressStreetNumber": address.street_number,
        "DeliveryBuildingCompliment": address.building,
        "DeliveryAddressCity": address.city,
        "DeliveryAddressStateId": address.state,
        "DeliveryAddressZipCode": address.zip,
        "DeliveryAddressCountryRegionId": address.country,
        "DeliveryAddressCountryRegionISOCode": ISO_CODES.get(address.country, ""),
    }

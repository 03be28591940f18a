"""The rows of a posted document's lines, charges and taxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from local.simulators.dynamics.journal_rows import INVOICE_JOURNAL_TABLE, Fields
from local.simulators.dynamics.specs import AddressSpec, PostedCharge, PostedInvoice, PostedLine, Source

INVOICE_LINE_TABLE = 10445
MARKUP_TABLE = 11240
"""Table ids of invoice lines and charges; they differ between environments."""


def line_rows(
    invoice: PostedInvoice, address_id: Callable[[AddressSpec | None], int], dimension_id: Callable[[str], str]
) -> Iterator[tuple[str, Fields]]:
    """Line rows as (set name, fields)."""
    for line in invoice.lines:
        if invoice.spec.has_table_lines:
            ids = {
                "DeliveryPostalAddress": address_id(line.ship_to),
                "InventDimId": dimension_id(line.warehouse),
            }
            yield "CustInvoiceTransBiEntities", _table_line(invoice, line) | ids
        if invoice.spec.has_standard_lines:
            standard = _standard_line(invoice, line, dimension_id(line.warehouse))
            yield "SalesInvoiceV2Lines", standard
            yield "SalesInvoiceV3Lines", standard
    if invoice.spec.source is Source.FREE_TEXT and invoice.spec.has_worksheet:
        yield from _worksheet(invoice)


def _standard_line(invoice: PostedInvoice, line: PostedLine, dimension: str) -> dict[str, object]:
    charges = [charge.amount for charge in invoice.charges if _belongs_to(charge, line, invoice)]
    return {
        "dataAreaId": invoice.company,
        "InvoiceNumber": invoice.number,
        "LineCreationSequenceNumber": line.sequence,
        "InvoiceDate": invoice.date,
        "LedgerVoucher": invoice.voucher,
        "ProductNumber": _item(invoice, line),
        "ProductName": line.name,
        "ProductDescription": line.name,
        "InvoicedQuantity": line.spec.quantity,
        "SalesPrice": line.spec.price,
        "SalesUnitSymbol": "ea",
        "LineAmount": line.amount,
        "LineTotalDiscountAmount": line.spec.discount,
        "LineTotalChargeAmount": sum(charges, Decimal(0)),
        "LineTotalTaxAmount": line.tax,
        "CurrencyCode": invoice.spec.currency,
        "InventorySiteId": "",
        "InventoryWarehouseId": line.warehouse,
        "ConfirmedShippingDate": invoice.date,
        "SalesProductCategoryName": line.spec.category,
        "SalesProductCategoryHierarchyName": "Sales categories" if line.spec.category else "",
        "DimensionNumber": dimension,
    }


def _table_line(invoice: PostedInvoice, line: PostedLine) -> dict[str, object]:
    return {
        "dataAreaId": invoice.company,
        "InvoiceId": invoice.number,
        "InvoiceDate": invoice.date,
        "LineCreationSequenceNumber": line.sequence,
        "ParentRecId": invoice.rec_id,
        "SourceKey": line.rec_id,
        "LineNum": line.position,
        "ItemId": _item(invoice, line),
        "Name": line.name,
        "Qty": line.spec.quantity,
        "SalesPrice": line.spec.price,
        "PriceUnit": line.spec.price_unit,
        "SalesUnit": "ea",
        "LineAmount": line.amount,
        "LineAmountTax": line.tax if invoice.spec.prices_include_tax else 0,
        "SumLineDisc": line.spec.discount,
        "TaxAmount": line.tax,
        "TaxGroup": tax_group_of(invoice, line),
        "TaxItemGroup": line.spec.tax_item_group,
        "InventTransId": line.lot,
        "SalesId": invoice.order,
        "OrigSalesId": invoice.order,
        "CurrencyCode": invoice.spec.currency,
        "CreatedOn": invoice.created_at,
        "SysModifiedDateTime": invoice.created_at,
    }


def _worksheet(invoice: PostedInvoice) -> Iterator[tuple[str, Fields]]:
    """The worksheet behind a free text invoice. Its lines have no item number."""
    yield (
        "FreeTextInvoiceHeaders",
        {
            "dataAreaId": invoice.company,
            "InvoiceIdentifier": invoice.rec_id,
            "FreeTextNumber": invoice.number,
            "IsPosted": True,
            "CustomerAccount": invoice.spec.customer,
            "InvoiceAccount": invoice.invoice_account,
            "InvoiceDate": invoice.date,
            "CurrencyCode": invoice.spec.currency,
            "InclTax": invoice.spec.prices_include_tax,
            "SalesTaxGroupId": invoice.spec.tax_group,
            "CorrectedInvoiceId": invoice.spec.corrected_invoice,
            "IsCorrection": bool(invoice.spec.corrected_invoice),
        },
    )
    for line in invoice.lines:
        yield (
            "FreeTextInvoiceLines",
            {
                "dataAreaId": invoice.company,
                "LineNumber": line.position,
                "ParentRecId": invoice.rec_id,
                "InvoiceText": line.name,
                "Description": line.name,
                "Quantity": line.spec.quantity,
                "UnitPrice": line.spec.price,
                "TransactionCurrencyAmount": line.amount,
                "SalesTaxAmount": line.tax,
                "CurrencyCode": invoice.spec.currency,
                "SalesTaxGroupId": tax_group_of(invoice, line),
                "SalesTaxItemGroupId": line.spec.tax_item_group,
            },
        )


def charge_row(invoice: PostedInvoice, charge: PostedCharge, position: int, source_key: int) -> Fields:
    """A row of the charge table for one charge of the document."""
    line = None if charge.spec.line is None else invoice.lines[charge.spec.line]
    return {
        "dataAreaId": invoice.company,
        "TransRecId": invoice.rec_id if line is None else line.rec_id,
        "TransTableId": INVOICE_JOURNAL_TABLE if line is None else INVOICE_LINE_TABLE,
        "LineNum": position,
        "SourceKey": source_key,
        "Voucher": invoice.voucher,
        "MarkupCode": charge.spec.code,
        "Txt": charge.spec.text or charge.spec.code.title(),
        "ModuleType": "Cust",
        "ModuleCategory": "Heading" if line is None else "Line",
        "MarkupCategory": "Fixed",
        "Value": charge.amount,
        "CalculatedAmount": charge.amount,
        "Posted": charge.amount,
        "TaxAmount": charge.tax,
        "TaxGroup": invoice.spec.tax_group,
        "TaxItemGroup": charge.spec.tax_item_group,
        "TransDate": invoice.date,
        "CurrencyCode": invoice.spec.currency,
    }


def tax_row(invoice: PostedInvoice, base: Decimal, tax: Decimal, origin: Fields) -> Fields:
    """A row of posted tax. F&O keeps tax on sales as a credit, hence with the sign turned."""
    is_exempt = not tax and bool(invoice.spec.exempt_code)
    net = base - tax if invoice.spec.prices_include_tax else base
    return {
        "dataAreaId": invoice.company,
        "Voucher": invoice.voucher,
        "TransDate": invoice.date,
        "InvoiceId": invoice.number,
        "TaxCode": f"{invoice.spec.tax_group}-1"[:10],
        "TaxGroup": invoice.spec.tax_group,
        "TaxValue": invoice.spec.tax_rate * 100,
        "SourceBaseAmountCur": -net,
        "SourceTaxAmountCur": -tax,
        "TaxBaseAmountCur": -net,
        "TaxAmountCur": -tax,
        "TaxBaseAmount": -net,
        "TaxAmount": -tax,
        "ExemptTax": is_exempt,
        "ExemptCode": invoice.spec.exempt_code if is_exempt else "",
        "TaxDirection": "TaxExemptSales" if is_exempt else "OutgoingTax",
        "TaxOrigin": "Tax",
        "Source": "FreeTxtInvoice" if invoice.spec.source is Source.FREE_TEXT else "SalesInvoice",
        "SourceCurrencyCode": invoice.spec.currency,
        "CurrencyCode": "USD",
        **origin,
    }


def tax_group_of(invoice: PostedInvoice, line: PostedLine) -> str:
    """The line's own sales tax group, else the document's."""
    return invoice.spec.tax_group if line.spec.tax_group is None else line.spec.tax_group


def _belongs_to(charge: PostedCharge, line: PostedLine, invoice: PostedInvoice) -> bool:
    return charge.spec.line is not None and invoice.lines[charge.spec.line] is line


def _item(invoice: PostedInvoice, line: PostedLine) -> str:
    """The item number; lines of free text invoices have none."""
    return "" if invoice.spec.source is Source.FREE_TEXT else line.spec.product

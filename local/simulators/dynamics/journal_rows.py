"""The rows of a posted document's header, one per entity that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from local.simulators.dynamics.specs import ZERO, AddressSpec, PostedInvoice, Source

Fields: TypeAlias = Mapping[str, object]

INVOICE_JOURNAL_TABLE = 10441
"""Table id of the customer invoice journal; differs between environments."""
ISO_CODES = {"USA": "US", "CAN": "CA", "GBR": "GB", "MEX": "MX", "DEU": "DE"}
PAYMENT_DAYS = 30
AFFILIATE = "USSI"
"""The legal entity that buys, where none is named."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Record ids of the addresses on a document's header; 0 for none."""

    delivery: int
    invoice: int
    invoice_spec: AddressSpec


def header_rows(invoice: PostedInvoice, addresses: Addresses) -> Iterator[tuple[str, Fields]]:
    """Header rows as (set name, fields)."""
    yield "CustInvoiceJourBiEntities", _journal(invoice, addresses)
    yield "BusinessDocumentSalesInvoiceBases", _business_document(invoice)
    shared = _standard(invoice, addresses.invoice_spec)
    end_discount = invoice.spec.end_discount
    discounts = {
        "TotalDiscountAmount": invoice.total_line_discount + end_discount,
        "TotalDiscountCustomerGroupCode": end_discount,
    }
    header_tax = sum((charge.tax for charge in invoice.charges if charge.spec.line is None), ZERO)
    # The header that polls list comes last, so that whoever sees it finds the rest.
    yield (
        "SalesInvoiceHeadersV4",
        shared
        | {
            "EndDiscount": end_discount,
            "TotalLineDiscount": invoice.total_line_discount,
            "InvoiceHeaderTaxAmount": header_tax,
        },
    )
    yield "SalesInvoiceJournalHeaders", shared | discounts
    yield "SalesInvoiceHeadersV2", shared | discounts | {"InvoiceHeaderTaxAmount": header_tax}


def _standard(invoice: PostedInvoice, bill_to: AddressSpec) -> dict[str, object]:
    return {
        "dataAreaId": invoice.company,
        "InvoiceNumber": invoice.number,
        "InvoiceDate": invoice.date,
        "LedgerVoucher": invoice.voucher,
        "InvoiceCustomerAccountNumber": invoice.invoice_account,
        "SalesOrderNumber": invoice.order,
        "CurrencyCode": invoice.spec.currency,
        "TotalInvoiceAmount": invoice.total_amount,
        "TotalTaxAmount": invoice.total_tax,
        "TotalChargeAmount": invoice.total_charges,
        "InvoiceAddressStreet": bill_to.street,
        "InvoiceAddressStreetNumber": bill_to.street_number,
        "InvoiceAddressCity": bill_to.city,
        "InvoiceAddressState": bill_to.state,
        "InvoiceAddressZipCode": bill_to.zip,
        "InvoiceAddressCountryRegionId": bill_to.country,
        "InvoiceAddressCountryRegionISOCode": ISO_CODES.get(bill_to.country, ""),
        "SalesOrderOriginCode": invoice.spec.sales_origin,
        "PaymentTermsName": f"Net{PAYMENT_DAYS}",
        "DeliveryModeCode": invoice.spec.delivery_mode,
    }


def _journal(invoice: PostedInvoice, addresses: Addresses) -> dict[str, object]:
    spec = invoice.spec
    included = sum((line.tax for line in invoice.lines), ZERO) if spec.prices_include_tax else ZERO
    return {
        "dataAreaId": invoice.company,
        "SourceKey": invoice.rec_id,
        "InvoiceId": invoice.number,
        "InvoiceDate": invoice.date,
        "LedgerVoucher": invoice.voucher,
        "OrderAccount": spec.customer,
        "InvoiceAccount": invoice.invoice_account,
        "SalesId": invoice.order,
        "SalesType": _sales_type(invoice),
        "RefNum": spec.source.value,
        "InvoiceAmount": invoice.total_amount,
        "SalesBalance": sum((line.amount for line in invoice.lines), ZERO) - included,
        "SumTax": invoice.total_tax,
        "SumMarkup": invoice.total_charges,
        "SumLineDisc": invoice.total_line_discount,
        "EndDisc": spec.end_discount,
        "InvoiceRoundOff": spec.round_off,
        "CurrencyCode": spec.currency,
        "ExchRate": 100,
        "InclTax": spec.prices_include_tax,
        "TaxGroup": spec.tax_group,
        "DeliveryPostalAddress": addresses.delivery,
        "InvoicePostalAddress": addresses.invoice,
        "inventLocationId": spec.warehouse,
        "DlvMode": spec.delivery_mode,
        "ReturnItemNum": spec.return_number,
        "ReturnStatus": "Closed" if spec.return_number else "None",
        "Prepayment": spec.is_prepayment,
        "Proforma": spec.is_proforma,
        "InterCompanyPosted": (spec.is_intercompany if spec.intercompany_posted is None else spec.intercompany_posted),
        "InterCompanyCompanyId": _buying_company(invoice),
        "SalesOriginId": spec.sales_origin,
        "DueDate": due_date(invoice),
        "DocumentDate": invoice.date,
        "CreatedOn": invoice.created_at,
        "SysModifiedDateTime": invoice.created_at,
    }


def _buying_company(invoice: PostedInvoice) -> str:
    if invoice.spec.intercompany_company is not None:
        return invoice.spec.intercompany_company.upper()
    return AFFILIATE if invoice.spec.is_intercompany else ""


def _sales_type(invoice: PostedInvoice) -> str:
    if invoice.spec.source is not Source.SALES_ORDER:
        return "Journal"
    if invoice.spec.is_prepayment:
        return "Prepayment"
    return "ReturnItem" if invoice.spec.return_number else "Sales"


def due_date(invoice: PostedInvoice) -> date:
    """When the document is due; a credit note at once."""
    return invoice.date + timedelta(days=PAYMENT_DAYS if invoice.total_amount > 0 else 0)


def _business_document(invoice: PostedInvoice) -> dict[str, object]:
    spec = invoice.spec
    return {
        "dataAreaId": invoice.company,
        "InvoiceId": invoice.number,
        "InvoiceDate": invoice.date,
        "CustInvoiceJourRecId": invoice.rec_id,
        "CustInvoiceJourTableId": INVOICE_JOURNAL_TABLE,
        "DataArea": invoice.company.upper(),
        "LedgerVoucher": invoice.voucher,
        "SalesId": invoice.order,
        "CustomerOrderAccountNum": spec.customer,
        "CustomerAccountNum": invoice.invoice_account,
        "InvoiceAmount": invoice.total_amount,
        "SumTax": invoice.total_tax,
        "SumLineDiscount": invoice.total_line_discount,
        "EndDisc": spec.end_discount,
        "CurrencyCode": spec.currency,
        "InclTax": spec.prices_include_tax,
        "Prepayment": spec.is_prepayment,
        "InvoiceDateTime": invoice.created_at,
        "DueDate": due_date(invoice),
    }

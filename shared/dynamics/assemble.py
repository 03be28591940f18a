"""From rows to a posted document. Pure: everything needed has been read before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.documents import Customer, PostedDocument
from shared.dynamics.addresses import HEADER_INVOICE, INVOICED, ORDER
from shared.dynamics.customers import read_customer
from shared.dynamics.entities import CUSTOMERS, JOURNALS
from shared.dynamics.lines import LineReader, read_charges
from shared.dynamics.needs import asked_sets
from shared.dynamics.originals import Originals
from shared.dynamics.posted import PostedRows
from shared.dynamics.reference_data import ReferenceData
from shared.dynamics.related import RelatedRows
from shared.dynamics.rows import Row, amount, record_id, required_amount, text, yes


def assemble(
    document: PostedRows,
    related: RelatedRows,
    originals: Originals,
    reference: ReferenceData,
    unreadable: Mapping[str, str],
) -> PostedDocument:
    """The posted document behind ``document``'s rows.

    ``unreadable`` maps the sets that cannot be read to the reason; what they would have said is noted. Raises
    :class:`UnreadableRow` for a row that makes no sense.
    """
    header, journal = document.header, document.journal or {}
    order, free_text = related.order_of(document) or {}, related.free_text_of(document) or {}
    account = related.customer_account(document)
    countries = reference.countries
    customer = related.customers.get(account.casefold())
    invoiced = related.addresses.get(record_id(journal, "DeliveryPostalAddress"))
    billed = related.addresses.get(document.invoice_address)
    tax_group = text(journal, "TaxGroup") or text(order, "SalesTaxGroupCode") or text(free_text, "SalesTaxGroupId")
    return PostedDocument(
        key=document.key,
        type=document.type,
        currency=text(header, "CurrencyCode"),
        total_amount=required_amount(header, "TotalInvoiceAmount"),
        total_tax=required_amount(header, "TotalTaxAmount"),
        lines=LineReader(document, related, reference, originals.of_lines.get(document.key, {})).read(),
        charges=read_charges(document, reference),
        total_charges=amount(header, "TotalChargeAmount"),
        end_discount=abs(amount(journal, "EndDisc") if journal else amount(header, "TotalDiscountCustomerGroupCode")),
        prices_include_tax=_prices_include_tax(document.journal, order, free_text),
        is_prepayment=yes(journal, "Prepayment") or text(journal, "SalesType") == "Prepayment",
        is_proforma=yes(journal, "Proforma"),
        is_intercompany=bool(text(journal, "InterCompanyCompanyId")),
        invoice_account=text(header, "InvoiceCustomerAccountNumber"),
        order_account=related.ordering_account(document),
        customer=_customer(customer, related, reference) if customer else None,
        tax_group=tax_group,
        tax_group_exempt=reference.is_exempt(tax_group),
        sales_origin=text(journal, "SalesOriginId") or text(header, "SalesOrderOriginCode"),
        round_off=amount(journal, "InvoiceRoundOff"),
        delivery_mode=text(header, "DeliveryModeCode") or text(journal, "DlvMode"),
        sales_order=text(header, "SalesOrderNumber") or text(journal, "SalesId"),
        delivery_address=INVOICED.read(invoiced, countries),
        order_address=ORDER.read(related.order_of(document), countries),
        invoice_address=INVOICED.read(billed, countries) or HEADER_INVOICE.read(header, countries),
        legal_entity_address=reference.legal_entity_address,
        own_addresses=reference.own_addresses,
        originals=originals.of_documents.get(document.key, ()),
        notes=_notes(document, related, reference, unreadable),
    )


def _customer(row: Row, related: RelatedRows, reference: ReferenceData) -> Customer:
    customer = read_customer(row, reference.countries, reference.untaxed_groups)
    known = related.delivery_addresses
    return replace(customer, delivery_addresses=None if known is None else known.get(customer.account.casefold(), ()))


def _prices_include_tax(journal: Row | None, order: Row, free_text: Row) -> bool:
    if journal is not None:
        return yes(journal, "InclTax")
    return yes(order, "ArePricesIncludingSalesTax") or yes(free_text, "InclTax")


def _notes(
    document: PostedRows, related: RelatedRows, reference: ReferenceData, unreadable: Mapping[str, str]
) -> tuple[str, ...]:
    asked = (entity for entity in asked_sets(document, related) if entity.name in unreadable)
    notes = [f"Read without {entity.name}: {unreadable[entity.name]}" for entity in asked]
    if document.journal is None and JOURNALS.name not in unreadable:
        notes.append(f"{JOURNALS.name} has no row for this document: its fields are taken from order and customer.")
    if (account := related.customer_account(document)) and account.casefold() not in related.customers:
        notes.append(f"{CUSTOMERS.name} shows no customer {account}: whether it is exempt is not known.")
    if reference.shipping_codes is not None:
        codes = {text(row, "MarkupCode") for row in document.charges or ()} - {""}
        notes += [
            f"Charge code {code} is not in F&O's charge table, so it is not known as shipping."
            for code in sorted(codes)
            if code.casefold() not in reference.shipping_codes
        ]
    return tuple(notes)

"""The rows of a project invoice in the sets of the project module."""

from __future__ import annotations

from collections.abc import Iterator

from local.simulators.dynamics.journal_rows import Fields
from local.simulators.dynamics.line_rows import tax_group_of
from local.simulators.dynamics.specs import PostedInvoice, PostedLine, ProjectSet

PROJECT_JOURNAL_TABLE = 10532
"""Table id of the project invoice journal; differs between environments."""


def project_rows(invoice: PostedInvoice) -> Iterator[tuple[str, Fields]]:
    """Header and lines as (set name, fields); the header comes last, so that whoever lists it finds the rest."""
    for line in invoice.lines:
        yield project_set_of(line), _line(invoice, line)
    yield "DocumentProjectInvoiceBases", project_header(invoice)


def project_set_of(line: PostedLine) -> ProjectSet:
    """The entity set in which a line of a project invoice is found."""
    if line.spec.project_set is not None:
        return line.spec.project_set
    return ProjectSet.ITEM if line.spec.product else ProjectSet.FEE


def project_header(invoice: PostedInvoice) -> Fields:
    """The row of the project invoice journal. It knows neither tax nor address."""
    return {
        "dataAreaId": invoice.company,
        "ProjInvoiceId": invoice.number,
        "InvoiceDate": invoice.date,
        "NumberSequenceGroupId": "",
        "InvoiceAccount": invoice.invoice_account,
        "OrderAccount": invoice.spec.customer,
        "LedgerVoucher": invoice.voucher,
        "ProjInvoiceJourRecId": invoice.rec_id,
        "ProjInvoiceJourTableId": PROJECT_JOURNAL_TABLE,
        "InvoiceAmount": invoice.total_amount,
        "SumLineDisc": invoice.total_line_discount,
        "Prepayment": invoice.spec.is_prepayment,
        "CurrencyId": invoice.spec.currency,
        "DataArea": invoice.company.upper(),
        "ProjInvoiceType": "Invoice",
    }


def _line(invoice: PostedInvoice, line: PostedLine) -> Fields:
    row: dict[str, object] = {
        "dataAreaId": invoice.company,
        "TransId": line.lot,
        "ProjInvoiceId": invoice.number,
        "InvoiceDate": invoice.date,
        "LedgerVoucher": invoice.voucher,
        "TransDate": invoice.date,
        "DataArea": invoice.company.upper(),
        "Txt": line.name,
        "Qty": line.spec.quantity,
        "SalesPrice": line.spec.price,
        "LineAmount": line.amount,
        "TaxAmount": line.tax,
        "TaxGroupId": tax_group_of(invoice, line),
    }
    if project_set_of(line) is ProjectSet.ITEM:
        row["ItemId"] = line.spec.product
    return row

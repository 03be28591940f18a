"""The entity sets of project invoices, which are posted to a journal of their own (``PROJECT_INVOICES``)."""

from __future__ import annotations

from shared.dynamics.entities import Entity

PROJECT_HEADERS = Entity(
    "DocumentProjectInvoiceBases",
    (
        "dataAreaId",
        "InvoiceDate",
        "ProjInvoiceId",
        "NumberSequenceGroupId",
        "LedgerVoucher",
        "ProjInvoiceJourRecId",
        "InvoiceAccount",
        "OrderAccount",
        "InvoiceAmount",
        "CurrencyId",
        "Prepayment",
    ),
    key=("dataAreaId", "InvoiceDate", "ProjInvoiceId", "NumberSequenceGroupId"),
)
_LINE = (
    "dataAreaId",
    "TransId",
    "ProjInvoiceId",
    "InvoiceDate",
    "LedgerVoucher",
    "Txt",
    "Qty",
    "LineAmount",
    "TaxAmount",
    "TaxGroupId",
)
_LINE_KEY = ("dataAreaId", "TransId")
PROJECT_ITEM_LINES = Entity("DocumentProjInvoiceItemLines", (*_LINE, "ItemId"), key=_LINE_KEY)
PROJECT_HOUR_LINES = Entity("DocumentProjInvoiceEmplLines", _LINE, key=_LINE_KEY)
PROJECT_EXPENSE_LINES = Entity("DocumentProjInvoiceCostLines", _LINE, key=_LINE_KEY)
PROJECT_FEE_LINES = Entity("DocumentProjInvoiceRevenueLines", _LINE, key=_LINE_KEY)
PROJECT_ON_ACCOUNT_LINES = Entity("DocumentProjInvoiceOnAccLines", _LINE, key=_LINE_KEY)
PROJECT_LINES = (
    PROJECT_ITEM_LINES,
    PROJECT_HOUR_LINES,
    PROJECT_EXPENSE_LINES,
    PROJECT_FEE_LINES,
    PROJECT_ON_ACCOUNT_LINES,
)
PROJECT_SETS = (PROJECT_HEADERS, *PROJECT_LINES)

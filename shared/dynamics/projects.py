"""Project invoices: posted to a journal of their own, read from the sets of the project module (``PROJECT_INVOICES``).

Their rows are given the names of the customer journal's, so that they become documents like any other. The header knows
no tax; the lines do. Neither knows an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from shared.documents import ZERO, DocumentKey
from shared.dynamics.entities import Entity
from shared.dynamics.errors import UnreadableRow
from shared.dynamics.posted import PostedRows, key_of_row
from shared.dynamics.project_entities import PROJECT_HEADERS, PROJECT_LINES
from shared.dynamics.reading import BatchReads
from shared.dynamics.rows import Row, amount, required_amount, text
from shared.dynamics.sources import ProblemKind, ReadProblem


def read_project_key(row: Row) -> DocumentKey:
    """The key of a project invoice. Raises :class:`UnreadableRow` when number or date is missing or no text."""
    return key_of_row(row, "ProjInvoiceId")


async def read_projects(
    reads: BatchReads, company: str, keys: Sequence[DocumentKey]
) -> dict[DocumentKey, PostedRows | ReadProblem]:
    """The project invoices among ``keys``, from their own sets: six calls, one where there is none."""
    headers = await reads.needed_rows(PROJECT_HEADERS, "ProjInvoiceId", {key.number for key in keys}, company=company)
    numbers = {text(row, "ProjInvoiceId") for row in headers}
    if not numbers:
        return {}
    lines = await asyncio.gather(
        *(reads.needed_rows(entity, "ProjInvoiceId", numbers, company=company) for entity in PROJECT_LINES)
    )
    found: dict[DocumentKey, PostedRows | ReadProblem] = {}
    for key in keys:
        try:
            header = next((row for row in headers if row.get("ProjInvoiceId") == key.number and _is_of(row, key)), None)
            if header is not None:
                own = [_own(entity, rows, key) for entity, rows in zip(PROJECT_LINES, lines, strict=True)]
                found[key] = _document(key, header, [row for rows in own for row in rows])
        except UnreadableRow as unreadable:
            found[key] = ReadProblem(ProblemKind.UNREADABLE_ROW, f"{key}: {unreadable}", (PROJECT_HEADERS.name,))
    return found


def merged(
    posted: Mapping[DocumentKey, PostedRows | ReadProblem], projects: Mapping[DocumentKey, PostedRows | ReadProblem]
) -> dict[DocumentKey, PostedRows | ReadProblem]:
    """All documents; one that both journals show with the same total is taken from the customer journal.

    That one knows more: addresses, charges, the tax of the document. Where the totals differ, only a part of the
    project invoice was posted there.
    """
    found = dict(posted)
    for key, project in projects.items():
        other = posted.get(key)
        if (
            isinstance(other, PostedRows)
            and isinstance(project, PostedRows)
            and amount(other.header, "TotalInvoiceAmount") == amount(project.header, "TotalInvoiceAmount")
        ):
            continue
        found[key] = project
    return found


def _is_of(row: Row, key: DocumentKey) -> bool:
    return read_project_key(row) == key


def _own(entity: Entity, rows: Iterable[Row], key: DocumentKey) -> list[Row]:
    own = [row for row in rows if row.get("ProjInvoiceId") == key.number and _is_of(row, key)]
    return sorted(own, key=lambda row: text(row, "TransId"))


def _document(key: DocumentKey, header: Row, lines: Collection[Row]) -> PostedRows:
    tax = sum((amount(row, "TaxAmount") for row in lines), ZERO)
    return PostedRows(
        key=key,
        header={
            "InvoiceNumber": key.number,
            "TotalInvoiceAmount": required_amount(header, "InvoiceAmount"),
            "TotalTaxAmount": tax,
            "InvoiceCustomerAccountNumber": text(header, "InvoiceAccount"),
            "CurrencyCode": text(header, "CurrencyId"),
        },
        lines=[],
        journal={
            "SourceKey": header.get("ProjInvoiceJourRecId"),
            "InvoiceId": key.number,
            "RefNum": "Project",
            "OrderAccount": text(header, "OrderAccount"),
            "Prepayment": header.get("Prepayment"),
        },
        journal_lines={number: _line(number, row, key) for number, row in enumerate(lines, start=1)},
        charges=[],
        is_project=True,
    )


def _line(number: int, row: Row, key: DocumentKey) -> Mapping[str, str | int | Decimal]:
    """The line under the names of the customer journal. Its number is its place: posted lines do not change."""
    return {
        "InvoiceId": key.number,
        "LineCreationSequenceNumber": number,
        "ItemId": text(row, "ItemId"),
        "Name": text(row, "Txt"),
        "Qty": amount(row, "Qty"),
        "LineAmount": required_amount(row, "LineAmount"),
        "TaxAmount": amount(row, "TaxAmount"),
        "TaxGroup": text(row, "TaxGroupId"),
    }

"""The order a refund corrects (design 4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.documents import OriginalRoute, PostedDocument
from shared.mapping.ids import order_id
from shared.mapping.outcomes import Note, NoteCode
from shared.settings import CompanySettings

_ROUTES = {
    OriginalRoute.CREDIT_INVOICING: "by its credit invoicing reference",
    OriginalRoute.RETURNED_LOT: "by the returned lot",
    OriginalRoute.HEADER_FIELD: "by the header's field for the original invoice",
    OriginalRoute.CORRECTED_INVOICE: "as the free text invoice that it corrects",
}


@dataclass(frozen=True, slots=True)
class Link:
    """The id of the corrected order; empty when there is none and the credit note must wait (see ``problem``)."""

    reference_id: str
    notes: tuple[Note, ...] = ()
    problem: str = ""


def link_to_original(document: PostedDocument, company: CompanySettings) -> Link:
    """Link a credit note to the oldest of its original invoices, or do what the company wants without one."""
    company_id, number = document.key.company, document.key.number
    if document.originals:
        originals = sorted(document.originals, key=lambda found: (found.date or date.max, found.number))
        oldest = originals[0]
        notes = [
            Note(NoteCode.ORIGINAL_INVOICE, f"The original invoice is {oldest.number}, found {_ROUTES[oldest.route]}.")
        ]
        if len(originals) > 1:
            every = ", ".join(found.number for found in originals)
            sentence = f"The credit note corrects {len(originals)} invoices, {every}; it is linked to the oldest."
            notes.append(Note(NoteCode.SEVERAL_ORIGINALS, sentence))
        return Link(order_id(company_id, oldest.number), tuple(notes))
    if company.unlinked_credit_notes == "send":
        reference = order_id(company_id, number)
        sentence = f"No original invoice was found; the refund refers to {reference}, its own number."
        return Link(reference, (Note(NoteCode.SENT_UNLINKED, sentence),))
    return Link(
        "",
        problem=f"The original invoice of credit note {number} was not found. Give its number in F&O (credit"
        " invoicing), or set UNLINKED_CREDIT_NOTES to send, then retry the document.",
    )

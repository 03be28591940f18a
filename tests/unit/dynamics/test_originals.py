"""The original invoice of a credit note."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from shared.documents import DocumentKey, OriginalInvoice, OriginalRoute, PostedDocument

KEY = DocumentKey("ctus", date(2026, 3, 17), "INV-1", "V-1")
REFERENCES, RETURNS = "DocumentCustVendCreditInvoicingJours", "SalesLineBiEntities"
BY_REFERENCE = OriginalInvoice("INV-0", date(2026, 1, 5), OriginalRoute.CREDIT_INVOICING)


@pytest.fixture
def credit_note(order_invoice: Any) -> Any:
    """INV-1 as a credit note, with a reference, a returned lot and a custom field that all lead elsewhere."""
    order_invoice.sets["SalesInvoiceHeadersV2"][0] |= {
        "TotalInvoiceAmount": -137.26,
        "TotalTaxAmount": -10.46,
        "MyOriginal": " INV-FIELD ",
    }
    original = {"InvoiceId": "INV-0", "InvoiceDate": "2026-01-05T12:00:00Z"}
    order_invoice.sets[REFERENCES] = [
        {
            "dataAreaId": "ctus",
            "InvoiceRecId": 5637000001,
            "CorrectedInvoiceRecId": 5636000000,
            "CustInvoiceJourCorrection": original,
        }
    ]
    order_invoice.sets[RETURNS] = [
        {"dataAreaId": "ctus", "SalesId": "so-1", "InventTransId": "LOT-SAW", "InventTransIdReturn": "LOT-SOLD"},
        {"dataAreaId": "ctus", "SalesId": "SO-1", "InventTransId": "LOT-ELSE", "InventTransIdReturn": "LOT-NOT-MINE"},
    ]
    line = order_invoice.sets["CustInvoiceTransBiEntities"][0]
    order_invoice.sets["CustInvoiceTransBiEntities"] += [
        {**line, "InvoiceId": number, "InvoiceDate": day, "InventTransId": lot, "ParentRecId": 9}
        for number, day, lot in (
            ("INV-LOT-2", "2026-02-02T12:00:00Z", "LOT-SOLD"),
            ("INV-LOT-1", "2026-02-01T12:00:00Z", "LOT-SOLD"),
            ("INV-LOT-1", "2026-02-01T12:00:00Z", "LOT-SOLD"),
            ("INV-NO", "2026-02-01T12:00:00Z", "LOT-NOT-MINE"),
        )
    ]
    return order_invoice


async def read(environment: Any, **company: Any) -> PostedDocument:
    return (await environment.reader(**company).read_documents("ctus", [KEY]))[KEY]


async def test_the_credit_invoicing_reference_comes_first(credit_note: Any) -> None:
    document = await read(credit_note, original_invoice_field="MyOriginal")
    assert document.originals == (BY_REFERENCE,)
    assert [original.route for line in document.lines for original in line.originals] == [
        OriginalRoute.RETURNED_LOT,
        OriginalRoute.RETURNED_LOT,
    ]


async def test_an_original_keeps_the_spaces_of_its_number_like_its_own_key(credit_note: Any) -> None:
    credit_note.sets[REFERENCES][0]["CustInvoiceJourCorrection"]["InvoiceId"] = " INV-0 "
    (original,) = (await read(credit_note)).originals
    assert original.number == " INV-0 "


async def test_an_original_without_a_number_is_none(credit_note: Any) -> None:
    credit_note.sets[REFERENCES][0]["CustInvoiceJourCorrection"]["InvoiceId"] = " "
    credit_note.sets[REFERENCES][0]["CorrectedInvoiceRecId"] = 0
    credit_note.sets[RETURNS] = []
    assert (await read(credit_note)).originals == ()


async def test_an_invoice_costs_no_search_for_originals(order_invoice: Any) -> None:
    assert (await read(order_invoice)).originals == ()
    assert order_invoice.asked(REFERENCES) == order_invoice.asked(RETURNS) == []


async def test_a_zero_net_credit_is_told_by_its_tax(credit_note: Any) -> None:
    credit_note.sets["SalesInvoiceHeadersV2"][0] |= {"TotalInvoiceAmount": -5, "TotalTaxAmount": -5}
    assert (await read(credit_note)).originals == (BY_REFERENCE,)


async def test_a_positive_net_is_no_credit_note_whatever_the_total(credit_note: Any) -> None:
    credit_note.sets["SalesInvoiceHeadersV2"][0] |= {"TotalInvoiceAmount": -1, "TotalTaxAmount": -5}
    assert (await read(credit_note)).originals == ()


async def test_an_empty_expansion_is_resolved_by_record_id(credit_note: Any) -> None:
    credit_note.sets[REFERENCES][0]["CustInvoiceJourCorrection"] = None
    journal = credit_note.sets["CustInvoiceJourBiEntities"]
    original = {"SourceKey": 5636000000, "InvoiceId": "INV-0", "InvoiceDate": "2026-01-05T12:00:00Z"}
    journal.append({**journal[0], **original, "LedgerVoucher": "V-0"})
    assert (await read(credit_note)).originals == (replace(BY_REFERENCE, voucher="V-0"),)


async def test_a_refused_expansion_is_resolved_by_record_id(credit_note: Any, as_page: Any) -> None:
    rows = [{**credit_note.sets[REFERENCES][0], "CustInvoiceJourCorrection": None}]
    credit_note.sets[REFERENCES] = lambda request: (
        httpx.Response(400) if "$expand" in request.url.params else as_page(rows)
    )
    journal = credit_note.sets["CustInvoiceJourBiEntities"]
    original = {"SourceKey": 5636000000, "InvoiceId": "INV-0", "InvoiceDate": "2026-01-05T12:00:00Z"}
    journal.append({**journal[0], **original, "LedgerVoucher": "V-0"})
    document = await read(credit_note)
    assert document.originals == (replace(BY_REFERENCE, voucher="V-0"),)
    assert document.notes == ()


async def test_a_reference_of_another_document_is_not_taken(credit_note: Any) -> None:
    credit_note.sets[REFERENCES][0]["InvoiceRecId"] = 1
    assert {original.route for original in (await read(credit_note)).originals} == {OriginalRoute.RETURNED_LOT}


@pytest.mark.parametrize("answer", [[], httpx.Response(404), httpx.Response(400)])
async def test_returned_lots_come_second_and_may_lead_to_several(credit_note: Any, answer: Any) -> None:
    credit_note.sets[REFERENCES] = answer
    document = await read(credit_note, original_invoice_field="MyOriginal")
    assert {(original.number, original.date) for original in document.originals} == {
        ("INV-LOT-1", date(2026, 2, 1)),
        ("INV-LOT-2", date(2026, 2, 2)),
    }
    assert len(document.originals) == 2
    assert {original.route for original in document.originals} == {OriginalRoute.RETURNED_LOT}


async def test_the_custom_field_comes_last_and_has_no_date(credit_note: Any) -> None:
    credit_note.sets[REFERENCES] = credit_note.sets[RETURNS] = []
    document = await read(credit_note, original_invoice_field="MyOriginal")
    assert document.originals == (OriginalInvoice("INV-FIELD", None, OriginalRoute.HEADER_FIELD),)
    assert ",MyOriginal&" in credit_note.asked("SalesInvoiceHeadersV2")[0]


async def test_a_credit_note_without_any_link_has_no_originals(credit_note: Any) -> None:
    credit_note.sets[REFERENCES] = credit_note.sets[RETURNS] = []
    assert (await read(credit_note)).originals == ()


async def test_unreadable_links_are_noted_on_credit_notes_alone(credit_note: Any) -> None:
    credit_note.sets[REFERENCES] = credit_note.sets[RETURNS] = httpx.Response(403)
    header = credit_note.sets["SalesInvoiceHeadersV2"][0]
    credit_note.sets["SalesInvoiceHeadersV2"].append({**header, "LedgerVoucher": "V-2", "TotalInvoiceAmount": 100})
    journal = credit_note.sets["CustInvoiceJourBiEntities"]
    journal.append({**journal[0], "LedgerVoucher": "V-2", "SourceKey": 2})
    charges = credit_note.sets["MarkupTransBiEntities"]
    charges.append({**charges[0], "Voucher": "V-2"})
    invoice = DocumentKey("ctus", KEY.date, "INV-1", "V-2")
    found = await credit_note.reader().read_documents("ctus", [KEY, invoice])
    assert any(RETURNS in note for note in found[KEY].notes)
    assert not any(RETURNS in note for note in found[invoice].notes)

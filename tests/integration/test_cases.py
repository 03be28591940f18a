"""Every awkward document of the simulator's named cases, all posted into one company and reported in one run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from local.simulators.dynamics.cases import CASES, ids_of
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import RETAIL_SETTINGS, open_retail_company
from local.simulators.dynamics.specs import PostedInvoice
from shared.ledger.records import DocumentRecord, State
from shared.mapping import customer_id, order_id
from tests.conftest import CERTIFICATES
from tests.world import COMPANY, TODAY, running_world


@dataclass(frozen=True)
class Outcomes:
    """What was posted, and what became of it."""

    posted: dict[str, PostedInvoice]
    """By case."""
    records: dict[str, DocumentRecord]
    """By voucher."""
    notes: dict[str, str]
    """What the audit notes about a document, by voucher."""
    transactions: dict[str, Any]
    """Orders and refunds in TaxJar, by id."""
    headers: int
    """Documents that F&O holds."""


@pytest.fixture(scope="module")
def outcomes(azurite: str) -> Outcomes:
    return asyncio.run(_report_all(azurite))


async def _report_all(azurite: str) -> Outcomes:
    def retail(posting: Posting) -> Posting:
        return open_retail_company(posting.simulator, posting.company)

    async with running_world(azurite, CERTIFICATES, settings=RETAIL_SETTINGS, furnish=retail) as world:
        posted = {name: case.post(world.posting, TODAY) for name, case in CASES.items()}
        await world.sweep()
        await world.settle()
        records = {record.key.voucher: record for record in await world.records()}
        notes = {}
        for voucher, record in records.items():
            entries, intact = await world.connector.ledger.audit(record)
            assert intact
            notes[voucher] = "\n".join(note for entry in entries for note in entry.get("notes", []))
        headers = len(world.simulation.dynamics.rows("SalesInvoiceHeadersV2"))
        return Outcomes(posted, records, notes, {**world.taxjar.orders, **world.taxjar.refunds}, headers)


def test_every_document_has_exactly_one_record_and_is_settled(outcomes: Outcomes) -> None:
    assert len(outcomes.records) == outcomes.headers
    assert {record.state for record in outcomes.records.values()} == {State.REPORTED, State.SKIPPED, State.HELD}


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_to_what_it_should(outcomes: Outcomes, name: str) -> None:
    expected, posted = CASES[name].expected, outcomes.posted[name]
    record = outcomes.records[posted.voucher]
    assert (record.state, record.reason) == (expected.state, expected.reason), record.message
    assert bool(record.message) or expected.state == "reported"
    if expected.state != "reported":
        assert not (record.filing.owns_id and record.filing.transaction_id in outcomes.transactions)
        return
    ids = ids_of(record.filing.transaction_id, expected)
    assert record.filing.count == len(ids)
    found = [outcomes.transactions[each] for each in ids]
    assert sum(one.amount for one in found) == _cents(posted.total_amount - posted.total_tax)
    assert sum(one.sales_tax for one in found) == _cents(posted.total_tax)
    for transaction, one in zip(found, expected.transactions, strict=True):
        sign = 1 if one.kind == "order" else -1
        assert transaction.kind == one.kind
        assert one.amount in (None, sign * transaction.amount)
        assert one.sales_tax in (None, sign * transaction.sales_tax)
        assert transaction.shipping == sign * one.shipping
        assert transaction.to_state == one.ship_to_state
        assert transaction.from_state == one.ship_from_state
        assert transaction.exemption_type == (one.exemption_type or "non_exempt")
        assert transaction.transaction_date.date() == posted.date
        assert transaction.customer_id == customer_id(COMPANY, posted.spec.customer)
        reference = order_id(COMPANY, one.original) if one.original else ids[0] if one.kind == "refund" else None
        assert transaction.transaction_reference_id == reference


def test_no_transaction_is_in_taxjar_that_no_document_filed(outcomes: Outcomes) -> None:
    filed = sum(record.filing.count for record in outcomes.records.values() if record.state is State.REPORTED)
    assert filed == len(outcomes.transactions)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_ship_tos", "becomes 2 transactions: USMF-INV-200001, USMF-INV-200001-part-2"),
        ("two_ship_tos_and_a_header", "the line's delivery address on the invoice: Portland"),
        ("address_on_the_order_only", "the order line's delivery address"),
        ("address_of_the_customer_only", "the customer's delivery address"),
        ("unusable_zip_on_the_invoice", "the customer's delivery address is in the same state and is used instead"),
        ("two_warehouses", "the address of the site of W-RNO, the one with the most value of 2 warehouses"),
        ("missing_state", "TX follows from ZIP code"),
        ("round_off", "rounded by 0.01 (InvoiceRoundOff)"),
        ("number_used_twice", "a suffix of date and voucher"),
        ("negative_line", "refers to the document's own order"),
        ("tax_from_an_exempt_customer", "collected from exempt customer C-2000"),
        ("return_from_two_invoices", "INV-400007B"),
    ],
)
def test_a_choice_that_was_made_is_audited(outcomes: Outcomes, name: str, words: str) -> None:
    assert words in outcomes.notes[outcomes.posted[name].voucher]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)

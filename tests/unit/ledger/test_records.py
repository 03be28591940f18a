"""Records of documents as table entities, of this version and of version 1."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.filing import FiledTransaction, Pair, Proposal, ProposalStep, Role
from shared.ledger.record_rows import SUMMARY, from_entity, to_entity
from shared.ledger.records import IN_FLIGHT, Attempts, Decisions, DocumentRecord, Filing, State
from shared.transactions import Kind

NOW = datetime(2026, 3, 17, 12, tzinfo=UTC)
FIXTURE = Path(__file__).parents[2] / "fixtures" / "rows_of_version_1.json"
VERSION_1: dict[str, list[dict[str, Any]]] = json.loads(FIXTURE.read_text(encoding="utf-8"))
RECORD = DocumentRecord(
    connection="main",
    key=DocumentKey("usmf", date(2026, 3, 17), "INV-1", "ARI-1"),
    state=State.SEEN,
    filing=Filing(kind=Kind.ORDER, transaction_id="USMF-INV-1"),
    seen_at=NOW,
    updated_at=NOW,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
words = st.text("0123456789abcdefXYZ|_.-", min_size=1, max_size=8)
several = st.lists(words, max_size=3).map(tuple)
money = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)
instants = st.datetimes(timezones=st.just(UTC))
codes = st.dictionaries(texts, texts, max_size=3)
transactions = st.builds(
    FiledTransaction,
    transaction_id=words,
    kind=st.sampled_from(Kind),
    payload=st.fixed_dictionaries(
        {"transaction_date": st.dates().map(str), "to_state": texts, "amount": money.map(str)}
    ),
    role=st.sampled_from(Role),
    part=words,
    number=st.integers(0, 9),
    line_keys=several,
    lots=st.lists(texts, max_size=2).map(tuple),
    tax_from_exempt_customer=money,
    approved=st.booleans(),
    late=st.booleans(),
)
maybe = st.none() | transactions
proposals = st.builds(
    Proposal,
    step=st.sampled_from(ProposalStep),
    pairs=st.lists(
        st.builds(
            Pair,
            part=words,
            filed=maybe,
            lost=maybe,
            reversal=maybe,
            replacement=maybe,
            difference=st.dictionaries(
                words, st.fixed_dictionaries({"filed": st.none() | texts, "new": st.none() | texts})
            ),
        ),
        max_size=2,
    ).map(tuple),
    content=words,
    fingerprint=words,
    tax_codes=st.none() | codes,
    skip=st.none() | st.tuples(texts, texts),
)
records = st.builds(
    DocumentRecord,
    connection=texts,
    key=st.builds(DocumentKey, texts, st.dates(), texts, texts),
    state=st.sampled_from(State),
    filing=st.builds(
        Filing,
        kind=st.sampled_from(Kind),
        transaction_id=words,
        owns_id=st.booleans(),
        number_taken=st.booleans(),
        reserved=several,
        transactions=st.lists(transactions, max_size=3).map(tuple),
        count=st.integers(0, 30),
        amount=st.none() | money,
        sales_tax=st.none() | money,
        shipping=st.none() | money,
        to_states=several,
        late=st.booleans(),
        fingerprint=texts,
        tax_codes=st.none() | codes,
        left_out=st.lists(codes, max_size=2).map(tuple),
        account=texts,
        customer=texts,
        handled_outside=several,
    ),
    attempts=st.builds(
        Attempts,
        count=st.integers(0, 1000),
        first_at=st.none() | instants,
        next_at=st.none() | instants,
        paused_at=st.none() | instants,
        outcome_unknown=st.booleans(),
        alone=st.booleans(),
        refused=texts,
    ),
    decisions=st.builds(
        Decisions,
        remap=st.booleans(),
        forced=texts,
        proposal=st.none() | proposals,
        dismissed=several,
        assignee=texts,
        retried_by=texts,
    ),
    seen_at=instants,
    updated_at=instants,
    since=st.none() | instants,
    total_amount=money,
    total_tax=money,
    reason=texts,
    message=texts,
    placeholder=st.booleans(),
    lease_until=st.none() | instants,
    enqueued_until=st.none() | instants,
    indexed=st.booleans(),
    audit_count=st.integers(0, 1000),
    audit_head=texts,
    chain_broken=st.booleans(),
)


@given(records)
def test_a_record_comes_back_as_it_was_stored(record: DocumentRecord) -> None:
    assert from_entity(to_entity(record, {})) == record


@given(records)
def test_a_record_is_stored_in_types_that_table_storage_has(record: DocumentRecord) -> None:
    assert all(type(value) in (str, bool, int) for value in to_entity(record, {}).values())


@given(records)
def test_a_summary_is_the_record_without_its_long_texts(record: DocumentRecord) -> None:
    stored = to_entity(record, {})
    summary = {name: value for name, value in stored.items() if name in SUMMARY}
    filing = replace(record.filing, transactions=(), tax_codes=None, left_out=(), reserved=())
    short = replace(record, filing=filing, decisions=replace(record.decisions, proposal=None))
    assert from_entity(summary) == short
    left_out = {name.rstrip("_0123456789") for name in stored.keys() - set(SUMMARY)}
    assert left_out <= {"filed", "tax_codes", "proposal", "left_out", "reserved"}


@pytest.mark.parametrize("state", State)
def test_only_what_is_in_flight_can_be_due(state: State) -> None:
    assert replace(RECORD, state=state).is_due(NOW) == (state in IN_FLIGHT)


def test_a_claimed_document_is_due_when_its_lease_has_run_out() -> None:
    claim = replace(RECORD, state=State.REPORTING, lease_until=NOW)
    assert not claim.is_due(NOW - timedelta(seconds=1))
    assert claim.is_due(NOW)


def test_a_waiting_document_is_due_at_its_next_attempt() -> None:
    waiting = replace(RECORD, state=State.RETRYING, attempts=Attempts(next_at=NOW))
    assert not waiting.is_due(NOW - timedelta(seconds=1))
    assert waiting.is_due(NOW)


def test_money_is_stored_exactly() -> None:
    filing = replace(RECORD.filing, amount=Decimal("0.10"), sales_tax=Decimal("-1E+3"))
    stored = to_entity(replace(RECORD, filing=filing), {})
    assert (stored["amount"], stored["sales_tax"]) == ("0.10", "-1E+3")


def version_1(name: str) -> DocumentRecord:
    """The record of the row that version 1 wrote for this case."""
    [row] = [row for row in VERSION_1[name] if row["RowKey"].startswith("doc|")]
    return from_entity(row)


@pytest.mark.parametrize("name", VERSION_1)
def test_a_row_of_version_1_says_the_same_when_it_is_written_by_this_version(name: str) -> None:
    record = version_1(name)
    assert from_entity(to_entity(record, {})) == record
    assert record.row in {row["RowKey"] for row in VERSION_1[name]}


@pytest.mark.parametrize("name", VERSION_1)
def test_a_summary_of_a_row_of_version_1_counts_its_transactions(name: str) -> None:
    [row] = [row for row in VERSION_1[name] if row["RowKey"].startswith("doc|")]
    summary = from_entity({key: value for key, value in row.items() if key in SUMMARY})
    whole = version_1(name)
    assert summary.filing.count == whole.filing.count == len(whole.filing.current)
    assert (summary.state, summary.filing.to_states) == (whole.state, whole.filing.to_states)


@pytest.mark.parametrize(("name", "state"), [("seen", State.SEEN), ("skipped", State.SKIPPED), ("held", State.HELD)])
def test_version_1_filed_nothing_of_what_was_not_reported(name: str, state: State) -> None:
    record = version_1(name)
    assert (record.state, record.filing.transactions, record.filing.was_sent) == (state, (), False)
    assert bool(record.reason) == (state is not State.SEEN)
    assert record.filing.owns_id is (name != "skipped")


def test_what_version_1_reported_is_one_transaction() -> None:
    record = version_1("reported")
    [filed] = record.filing.transactions
    assert (filed.transaction_id, filed.part, filed.number, filed.role) == ("USMF-INV-1", "USMF-INV-1", 0, Role.CURRENT)
    assert filed.line_keys == ("1", "charge-1")
    assert (filed.sums.amount, filed.sums.sales_tax) == (record.filing.amount, record.filing.sales_tax)
    assert (record.filing.to_states, record.filing.tax_codes) == (("TX",), {"1": "", "charge-1": ""})
    assert (record.attempts.count, record.attempts.first_at is not None) == (1, True)


def test_a_refund_of_version_1_keeps_its_kind_and_its_original() -> None:
    [filed] = version_1("refund").filing.transactions
    assert (filed.kind, filed.transaction_id) == (Kind.REFUND, "USMF-CRN-1-refund")
    assert filed.transaction.transaction_reference_id == "USMF-INV-1"
    assert filed.sums.amount < 0


def test_a_correction_of_version_1_is_the_part_under_its_new_id() -> None:
    record = version_1("corrected")
    [filed] = record.filing.transactions
    assert (record.filing.transaction_id, filed.part) == ("USMF-INV-1", "USMF-INV-1")
    assert (filed.transaction_id, filed.number, filed.date) == ("USMF-INV-1-1", 1, date(2026, 11, 20))


def test_a_proposal_of_version_1_can_be_approved() -> None:
    record = version_1("proposed")
    proposal = record.decisions.proposal
    assert proposal is not None
    assert (record.state, record.correction) == (State.HELD, None)
    [pair] = proposal.pairs
    assert pair.filed is not None
    assert (pair.filed.transaction_id, pair.filed.hash) == ("USMF-INV-1", record.filing.transactions[0].hash)
    approved = proposal.approved((1,), date(2026, 11, 30))
    assert [(one.kind, one.transaction_id, one.role) for one in approved.sent] == [
        (Kind.REFUND, "USMF-INV-1-reversal-1", Role.REVERSAL),
        (Kind.ORDER, "USMF-INV-1-1", Role.CURRENT),
    ]
    assert {one.date for one in approved.sent} == {date(2026, 11, 30)}


@pytest.mark.parametrize("step", ["approved", "reversed"])
def test_an_approved_correction_of_version_1_is_still_under_way(step: str) -> None:
    [row] = [row for row in VERSION_1["proposed"] if row["RowKey"].startswith("doc|")]
    stored = json.loads(row["proposal"]) | {"step": step}
    record = from_entity(row | {"proposal": json.dumps(stored), "state": "retrying"})
    assert record.correction is not None
    assert [each.transaction_id for each in record.correction.sent] == ["USMF-INV-1-reversal-1", "USMF-INV-1-1"]


def test_what_a_person_dismissed_in_version_1_is_remembered() -> None:
    record = version_1("dismissed")
    proposal = version_1("proposed").decisions.proposal
    assert proposal is not None
    assert record.state is State.REPORTED
    assert proposal.content in record.decisions.dismissed
    [replacement] = [pair.replacement for pair in proposal.pairs]
    assert replacement is not None

"""Records of documents as table entities."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.ledger.records import IN_FLIGHT, SUMMARY, DocumentRecord, State, from_entity, to_entity
from shared.transactions import Kind

NOW = datetime(2026, 3, 17, 12, tzinfo=UTC)
RECORD = DocumentRecord(
    connection="main",
    key=DocumentKey("usmf", date(2026, 3, 17), "INV-1", "ARI-1"),
    state=State.SEEN,
    kind=Kind.ORDER,
    transaction_id="USMF-INV-1",
    owns_id=True,
    seen_at=NOW,
    updated_at=NOW,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
money = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)
instants = st.datetimes(timezones=st.just(UTC))
contents = st.dictionaries(texts, texts | st.booleans() | st.none() | st.lists(texts, max_size=3), max_size=4)
records = st.builds(
    DocumentRecord,
    connection=texts,
    key=st.builds(DocumentKey, texts, st.dates(), texts, texts),
    state=st.sampled_from(State),
    kind=st.sampled_from(Kind),
    transaction_id=texts,
    owns_id=st.booleans(),
    seen_at=instants,
    updated_at=instants,
    total_amount=money,
    total_tax=money,
    amount=st.none() | money,
    sales_tax=st.none() | money,
    shipping=st.none() | money,
    to_state=texts,
    reason=texts,
    message=texts,
    late=st.booleans(),
    attempts=st.integers(0, 1000),
    first_attempt_at=st.none() | instants,
    next_attempt_at=st.none() | instants,
    lease_until=st.none() | instants,
    paused_at=st.none() | instants,
    outcome_unknown=st.booleans(),
    fingerprint=texts,
    payload_hash=texts,
    payload=st.none() | contents,
    tax_codes=st.none() | st.dictionaries(texts, texts, max_size=3),
    proposal=st.none() | contents,
    dismissed=st.lists(st.text("0123456789abcdef|_.-", min_size=1), max_size=3).map(tuple),
    audit_count=st.integers(0, 1000),
    audit_head=texts,
)


@given(records)
def test_a_record_comes_back_as_it_was_stored(record: DocumentRecord) -> None:
    assert from_entity(to_entity(record)) == record


@given(records)
def test_a_record_is_stored_in_types_that_table_storage_has(record: DocumentRecord) -> None:
    assert all(type(value) in (str, bool, int) for value in to_entity(record).values())


@given(records)
def test_a_summary_is_the_record_without_its_long_texts(record: DocumentRecord) -> None:
    summary = {name: value for name, value in to_entity(record).items() if name in SUMMARY}
    short = replace(record, payload=None, tax_codes=None, proposal=None)
    assert from_entity(summary) == short
    left_out = {field.name for field in fields(record)} - set(SUMMARY) - {"key", "etag"}
    assert left_out == {"payload", "tax_codes", "proposal"}


@pytest.mark.parametrize("state", State)
def test_only_what_is_in_flight_can_be_due(state: State) -> None:
    assert replace(RECORD, state=state).is_due(NOW) == (state in IN_FLIGHT)


def test_a_claimed_document_is_due_when_its_lease_has_run_out() -> None:
    claim = replace(RECORD, state=State.REPORTING, lease_until=NOW)
    assert not claim.is_due(NOW - timedelta(seconds=1))
    assert claim.is_due(NOW)


def test_a_waiting_document_is_due_at_its_next_attempt() -> None:
    waiting = replace(RECORD, state=State.RETRYING, next_attempt_at=NOW)
    assert not waiting.is_due(NOW - timedelta(seconds=1))
    assert waiting.is_due(NOW)


def test_money_is_stored_exactly() -> None:
    stored = to_entity(replace(RECORD, amount=Decimal("0.10"), sales_tax=Decimal("-1E+3")))
    assert (stored["amount"], stored["sales_tax"]) == ("0.10", "-1E+3")
